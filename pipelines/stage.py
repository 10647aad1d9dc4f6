"""Stage: a page and all its cards go into the store in one transaction, at the page's end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from itemadapter import ItemAdapter
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from partner_monitor.extensions import RunLedger
from partner_monitor.items import Kind, kind_of
from partner_monitor.store import staging
from partner_monitor.store.engine import StoreGone

logger = logging.getLogger(__name__)

PageName = tuple[int | None, int]


@dataclass
class _Page:
    """What has arrived of one page; nothing is kept across pages."""

    cards: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    end: ItemAdapter | None = None


class StagePipeline:
    """Collects a page until its end says that it is all there."""

    def __init__(self, ledger: RunLedger) -> None:
        self._ledger = ledger
        self._pages: dict[PageName, _Page] = {}
        self._menu: Any = None
        self._partners: set[int] = set()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        ledger = crawler.get_extension(RunLedger)
        assert ledger is not None
        return cls(ledger)

    async def process_item(self, item: Any) -> Any:
        adapter = ItemAdapter(item)
        kind = kind_of(adapter)
        if kind is None or kind is Kind.COUNTRY:
            return item
        if kind is Kind.PROFILE:
            await self._write(staging.stage_profile, adapter.asdict())
            return item
        if kind is Kind.FAILED_PROFILE:
            await self._write(staging.stage_profile_failure, adapter)
            raise DropItem(f"not read: {adapter['outcome']}", log_level="DEBUG")
        if kind is Kind.FAILURE:
            await self._write(staging.stage_failure, adapter)
            raise DropItem(f"not read: {adapter['outcome']}", log_level="DEBUG")
        name = (adapter["list_country_id"], adapter["page"])
        page = self._pages.setdefault(name, _Page())
        if kind is Kind.PARTNER:
            page.cards.append(dict(adapter))
        elif kind is Kind.REJECTED:
            page.rejected.append(dict(adapter))
        else:
            page.end = adapter
        if page.end is not None and len(page.cards) + len(page.rejected) >= page.end["cards"]:
            await self._stage(self._pages.pop(name))
        if kind is not Kind.PARTNER:
            raise DropItem("staged", log_level="DEBUG")
        if adapter["id"] in self._partners:  # exports have one item a partner
            raise DropItem("a partner seen before in this run", log_level="DEBUG")
        self._partners.add(adapter["id"])
        return item

    def close_spider(self) -> None:
        for (country, number), page in self._pages.items():
            logger.error(
                "page %d of list %s is not staged: %d of its cards came, and %s",
                number,
                country or "all",
                len(page.cards),
                f"{page.end['cards']} were promised" if page.end else "no end of page",
            )

    async def _stage(self, page: _Page) -> None:
        assert page.end is not None
        # The same menu stands on nearly every page: only a menu that differs is staged again.
        menu = (page.end["menu"], page.end["menu_total"])
        await self._write(
            staging.stage_page,
            page.end,
            page.cards,
            page.rejected,
            [] if menu == self._menu else menu[0],
            menu[1],
        )
        self._menu = menu

    async def _write(self, stage: Callable[..., None], *values: Any) -> None:
        try:
            await self._ledger.write(stage, *values)
        except StoreGone as error:  # told once, with the run
            raise DropItem(f"not staged: {error}", log_level="DEBUG") from None
