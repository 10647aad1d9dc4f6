"""Reading lists: what the spiders that read listing pages have in common.

They follow what the site says (its pager, its declared counts), and ask for every page of a list at
once as soon as their number is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from twisted.python.failure import Failure

from partner_monitor.config import Config
from partner_monitor.directory.countries import iso_code
from partner_monitor.directory.listing import NotAListing, read_listing
from partner_monitor.directory.page import ListingPage, Menu
from partner_monitor.directory.urls import country_url, page_url
from partner_monitor.extensions import RunLedger
from partner_monitor.items import (
    CountryItem,
    FailedPageItem,
    ListingPageItem,
    Outcome,
    PageKey,
    PartnerItem,
    RejectedItem,
)
from partner_monitor.middlewares import PoliteRetryMiddleware, outcome_of
from partner_monitor.store.engine import StoreError
from partner_monitor.store.reconcile import Gaps
from partner_monitor.store.runs import RunKey
from partner_monitor.store.staging import StagedPage


class ListingSpider(Spider):
    """Reads the pages of lists."""

    def __init__(self, **arguments: str) -> None:
        super().__init__()
        self.arguments = arguments
        self.first_urls: dict[int | None, str] = {}
        self._asked: set[PageKey] = set()
        self._page_links: dict[int | None, str] = {}
        self._menu: tuple[Menu, list[CountryItem]] | None = None
        self._countries_told = False

    @property
    def follows(self) -> bool:
        """Whether a list is read to its end."""
        return True

    @property
    def ledger(self) -> RunLedger:
        ledger = self.crawler.get_extension(RunLedger)
        assert ledger is not None
        return ledger

    @property
    def config(self) -> Config:
        return self.ledger.config

    @property
    def polite(self) -> PoliteRetryMiddleware:
        polite = self.crawler.get_downloader_middleware(PoliteRetryMiddleware)
        assert polite is not None
        return polite

    def refuse(self, why: str) -> NoReturn:
        """Close at once, with one line that says why."""
        self.logger.error("nothing done: %s", why)
        raise CloseSpider("refused")

    def begin(self, key: RunKey) -> list[StagedPage]:
        """Begin or continue the run; returns the listing pages it has asked for already."""
        try:
            staged = self.ledger.begin(key, new_run=self.arguments.get("new_run", "0") == "1")
        except StoreError as error:
            self.refuse(str(error))
        for page in staged:
            if page.page_link:
                self._page_links[page.key.country_id] = page.page_link
            if page.outcome is Outcome.READ:
                self._asked.add(page.key)
                if page.key.page == 1:
                    self.first_urls[page.key.country_id] = page.url
        return staged

    def left_of(self, staged: Iterable[StagedPage]) -> set[PageKey]:
        """The pages that the staged ones promise."""
        return {
            PageKey(country_id=page.key.country_id, page=number)
            for page in staged
            if page.outcome is Outcome.READ
            for number in range(
                1, page.last_page + (page.has_next and page.key.page == page.last_page) + 1
            )
        }

    def parse(self, response: Response, key: PageKey) -> Iterator[Any]:
        assert response.request is not None
        try:
            page = read_listing(response.body, response.url, encoding_of(response))
            empty = self._check(page, key)
        except NotAListing as refusal:
            if refusal.outcome is Outcome.BEYOND_LAST:
                yield self._failed(key, response.url, refusal.outcome, refusal.detail)
            elif again := self.polite.again(response.request, str(refusal)):
                yield again
            else:
                yield self._failed(key, response.url, refusal.outcome, refusal.detail)
            return
        self.polite.served(response.request)
        if page.pager.page_link:
            self._page_links[key.country_id] = page.pager.page_link
        menu = self._menu_items(page.menu)
        if not self._countries_told:
            self._countries_told = True
            yield from menu
        if not empty:
            yield from self._cards(page, key, response.url)
        yield ListingPageItem(
            list_country_id=key.country_id,
            page=key.page,
            url=response.url,
            fetched_at=self.config.clock(),
            layout=page.layout,
            cards=0 if empty else len(page.cards) + len(page.rejected),
            declared_count=0 if empty else page.declared_count,
            last_page=1 if empty else max(page.pager.last, key.page),
            has_next=not empty and page.pager.has_next,
            page_link=page.pager.page_link,
            menu=menu,
            menu_total=page.menu.total,
        )
        if self.follows and not empty:
            yield from self.ask(
                PageKey(country_id=key.country_id, page=number) for number in _promised(page, key)
            )

    def failed(self, failure: Failure) -> Iterator[FailedPageItem]:
        outcome, detail = outcome_of(failure)
        if outcome is Outcome.ERROR:
            self.logger.error("reading failed", exc_info=failure.value)
        request = failure.request  # type: ignore[attr-defined]
        yield self._failed(request.cb_kwargs["key"], request.url, outcome, detail)

    def requests_for_gaps(self, gaps: Gaps) -> list[Request]:
        """Requests for lost pages, and for the own lists of countries that do not add up."""
        for country_id, slug in gaps.countries:
            self.first_urls[country_id] = country_url(self.config.site, slug, country_id)
            self._page_links.pop(country_id, None)
            self._asked = {key for key in self._asked if key.country_id != country_id}
        self._asked -= set(gaps.pages)
        own_lists = [PageKey(country_id=country_id, page=1) for country_id, _ in gaps.countries]
        return self.ask([*gaps.pages, *own_lists])

    def ask(self, keys: Iterable[PageKey]) -> list[Request]:
        """Requests for the pages of ``keys`` that were not asked for yet."""
        requests = []
        for key in sorted(keys, key=lambda key: (key.country_id or 0, key.page)):
            if key in self._asked:
                continue
            self._asked.add(key)
            first_url = self.first_urls[key.country_id]
            link = self._page_links.get(key.country_id)
            requests.append(
                Request(
                    page_url(self.config.site, link, first_url, key.page),
                    callback=self.parse,
                    errback=self.failed,
                    cb_kwargs={"key": key},
                    dont_filter=True,  # what was asked for is known here
                )
            )
        return requests

    # --- what came back --------------------------------------------------------------------------

    def _check(self, page: ListingPage, key: PageKey) -> bool:
        """Whether the page says that its country has no partner; raises if it is another page.

        The site answers 200 with all countries for a country without partners, and with its last
        page for one beyond the end.
        """
        if page.country_id != key.country_id:
            listed = {entry.id for entry in page.menu.entries}
            if page.country_id is None and page.menu.adds_up and key.country_id not in listed:
                return True
            served = page.country_name or "all countries"
            raise NotAListing(Outcome.WRONG_COUNTRY, f"{served} was served")
        cards = len(page.cards) + len(page.rejected)
        declared = page.declared_count or 0
        if page.pager.last == 1 and declared >= max(2 * cards, cards + 5):
            raise NotAListing(
                Outcome.UNKNOWN_LAYOUT, f"no pager, though the list declares {declared} partners"
            )
        if page.pager.current != key.page:
            if page.pager.last < key.page:
                raise NotAListing(
                    Outcome.BEYOND_LAST, f"page {key.page} is beyond the last ({page.pager.last})"
                )
            raise NotAListing(Outcome.REPEATED_PAGE, f"page {page.pager.current} was served")
        return False

    def _cards(self, page: ListingPage, key: PageKey, url: str) -> Iterator[Any]:
        for card in page.cards:
            yield PartnerItem(
                id=card.id,
                name=card.name,
                profile_url=card.profile_url,
                slug=card.slug,
                status=card.status,
                country_id=card.country_id,
                address=card.address,
                references_count=card.references_count,
                retention_rate=card.retention_rate,
                largest_project_size=card.largest_project_size,
                average_project_size=card.average_project_size,
                certified_experts=card.certified_experts,
                unread=card.unread,
                layout=page.layout,
                list_country_id=key.country_id,
                page=key.page,
            )
        for rejected in page.rejected:
            yield RejectedItem(
                url=url,
                reason=rejected.reason,
                payload=rejected.payload,
                list_country_id=key.country_id,
                page=key.page,
            )

    def _menu_items(self, menu: Menu) -> list[CountryItem]:
        if self._menu is None or self._menu[0] != menu:
            self._menu = (
                menu,
                [
                    CountryItem(
                        id=entry.id,
                        name=entry.name,
                        slug=entry.slug,
                        iso_code=iso_code(entry.name, entry.slug),
                        listed_count=entry.listed_count,
                    )
                    for entry in menu.entries
                ],
            )
        return self._menu[1]

    def _failed(self, key: PageKey, url: str, outcome: Outcome, detail: str) -> FailedPageItem:
        return FailedPageItem(
            list_country_id=key.country_id,
            page=key.page,
            url=url,
            fetched_at=self.config.clock(),
            outcome=outcome,
            detail=detail[:500],
        )


def _promised(page: ListingPage, key: PageKey) -> range:
    """The page numbers that a page promises: by its pager, and by the length the list declares."""
    last = page.pager.last
    if page.pager.has_next:
        last = max(last, page.pager.current + 1)
        cards = len(page.cards) + len(page.rejected)
        if key.page == 1 and page.declared_count and cards:
            # Odoo 18's pager shows a window of seven: the count tells of the pages behind it.
            last = max(last, -(-page.declared_count // cards))
    return range(1, last + 1)


def encoding_of(response: Response) -> str:
    return getattr(response, "encoding", None) or "utf-8"
