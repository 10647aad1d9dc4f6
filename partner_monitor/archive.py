"""Pages kept as they came: written during a crawl, read again by ``scrapy reparse`` alone."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Self

from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import HtmlResponse
from scrapy.utils.gz import gunzip

from partner_monitor.config import from_settings
from partner_monitor.directory.listing import NotAListing
from partner_monitor.directory.profile import NotAProfile
from partner_monitor.history.cleaning import clean
from partner_monitor.items import (
    FailedPageItem,
    FailedProfileItem,
    Outcome,
    PartnerItem,
    ProfileItem,
)
from partner_monitor.reading import ListRead, read_list, read_partner
from partner_monitor.store import kept, publish, runs, staging
from partner_monitor.store.engine import StoreError, StoreGone, reading, writing
from partner_monitor.store.menu import stored_menu

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from sqlalchemy import Connection, Engine

    from partner_monitor.config import Config
    from partner_monitor.extensions import RunLedger

Reading = ListRead | FailedPageItem | ProfileItem | FailedProfileItem

MAX_BODY = 64 * 1024 * 1024
"""Bytes of an unpacked page; more is a bomb, which its crawl refused as well."""


class KeepPagesMiddleware:
    """Keeps every answer that a run asked for, as it came over the line."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._config = from_settings(crawler.settings, {"mode": "all"})
        if not self._config.keep_pages:
            raise NotConfigured("PARTNER_KEEP_PAGES_DAYS is 0")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_response(self, request: Request, response: Response) -> Response:
        from partner_monitor.extensions import RunLedger

        ledger: RunLedger | None = self._crawler.get_extension(RunLedger)
        key, partner_id = (request.cb_kwargs.get(name) for name in ("key", "partner_id"))
        if ledger is None or ledger.run is None or response.status != 200:
            return response
        if key is None and partner_id is None:  # robots.txt
            return response
        encoding = (response.headers.get("Content-Encoding") or b"").strip().lower()
        if encoding not in (b"", b"gzip"):  # not what we asked for
            return response
        page = kept.KeptPage(
            key=key,
            partner_id=partner_id,
            url=response.url,
            fetched_at=self._config.clock(),
            content_type=(response.headers.get("Content-Type") or b"").decode("latin-1"),
            body=response.body if encoding else gzip.compress(response.body, 1),
        )
        try:
            await ledger.write(kept.keep, page)
        except StoreGone as error:  # told once, with the run
            raise IgnoreRequest(str(error)) from None
        return response


def reparse(
    engine: Engine, run_id: int, config: Config, progress: Callable[[int, int], None]
) -> publish.Published:
    """Read the kept pages of a run anew, without a request, and publish them by the rules.

    What it staged before is replaced; the run is audited as if it had ended now. A published run
    stays published. Raises StoreError where that cannot be, and leaves all as it was.
    ``progress`` is told the pages read so far and their number.
    """
    run = runs.get(engine, run_id)
    if run.state in runs.UNFINISHED:
        raise StoreError(f"run {run_id} is {run.state}: the same command as before continues it")
    country_ids = {country.name: country.id for country in stored_menu(engine)}
    readings: list[Reading] = []
    with reading(engine) as connection:
        total = kept.count(connection, run_id)
        for page in kept.pages(connection, run_id):
            readings.append(_read(page, country_ids))
            progress(len(readings), total)
    with writing(engine) as connection:
        runs.reopen(connection, run)
        kept.forget_readings(connection, run_id)
        for one in readings:
            _stage(connection, run_id, one)
        result = publish.conclude_anew(connection, run, config)
        if run.state == runs.State.PUBLISHED and result.state is not runs.State.PUBLISHED:
            raise StoreError(
                f"run {run_id} stays published as it was; read anew it would be {result.state}: "
                f"{result.reason}"
            )
    return result


def _read(page: kept.KeptPage, country_ids: dict[str, int]) -> Reading:
    try:
        response = HtmlResponse(
            page.url,
            headers={"Content-Type": page.content_type},
            body=gunzip(page.body, max_size=MAX_BODY),
        )
        if page.key is not None:
            return read_list(response, page.key, page.fetched_at)
        assert page.partner_id is not None
        return read_partner(response, page.partner_id, country_ids, page.fetched_at)
    except (NotAListing, NotAProfile) as refusal:
        return _failed(page, refusal.outcome, refusal.detail)
    except ValueError as error:  # gunzip's, of a bomb
        return _failed(page, Outcome.TOO_LARGE, str(error))
    except (OSError, EOFError) as error:  # gunzip's, of what is no gzip or not all of it
        return _failed(page, Outcome.CUT_SHORT, str(error))


def _failed(page: kept.KeptPage, outcome: Outcome, detail: str) -> Reading:
    if page.key is None:
        assert page.partner_id is not None
        return FailedProfileItem(
            partner_id=page.partner_id,
            url=page.url,
            fetched_at=page.fetched_at,
            outcome=outcome,
            detail=detail[:500],
        )
    return FailedPageItem(
        list_country_id=page.key.country_id,
        page=page.key.page,
        url=page.url,
        fetched_at=page.fetched_at,
        outcome=outcome,
        detail=detail[:500],
    )


def _stage(connection: Connection, run_id: int, one: Reading) -> None:
    if isinstance(one, ListRead):
        cards = [clean(card) for card in one.cards]
        staging.stage_page(
            connection,
            run_id,
            asdict(one.end),
            [asdict(card) for card in cards if isinstance(card, PartnerItem)],
            [asdict(card) for card in cards if not isinstance(card, PartnerItem)],
            one.end.menu,
            one.end.menu_total,
        )
    elif isinstance(one, FailedPageItem):
        staging.stage_failure(connection, run_id, asdict(one))
    elif isinstance(one, ProfileItem):
        staging.stage_profile(connection, run_id, asdict(clean(one)))
    else:
        staging.stage_profile_failure(connection, run_id, asdict(one))
