"""Reading lists: what the spiders that read listing pages have in common.

They follow what the site says (its pager, its declared counts), and ask for every page of a list at
once as soon as their number is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NoReturn

from scrapy import Request, Spider
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from twisted.python.failure import Failure

from partner_monitor.config import Config
from partner_monitor.directory.listing import NotAListing
from partner_monitor.directory.profile import NotAProfile
from partner_monitor.directory.urls import country_url, page_url
from partner_monitor.extensions import RunLedger
from partner_monitor.items import FailedPageItem, Outcome, PageKey
from partner_monitor.middlewares import PoliteRetryMiddleware, outcome_of
from partner_monitor.reading import read_list
from partner_monitor.rendering import RenderMiddleware, plain
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
        self._asked_to: dict[int | None, int] = {}  # the last page of those asked for, by list
        self._page_links: dict[int | None, str] = {}
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

    @property
    def renderer(self) -> RenderMiddleware:
        renderer = self.crawler.get_downloader_middleware(RenderMiddleware)
        assert renderer is not None
        return renderer

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
        try:
            read = read_list(response, key, self.config.clock())
        except NotAListing as refusal:
            if again := self.again(response, refusal):
                yield again
            else:
                yield self._failed(key, response.url, refusal.outcome, refusal.detail)
            return
        self.served(response)
        if read.end.page_link:
            self._page_links[key.country_id] = read.end.page_link
        if not self._countries_told:
            self._countries_told = True
            # Copies: the page's own are shared by all pages with the same menu.
            yield from map(replace, read.end.menu)
        yield from read.cards
        yield read.end
        # Nearly every page promises what the first one did.
        if self.follows and len(read.promised) > self._asked_to.get(key.country_id, 0):
            self._asked_to[key.country_id] = len(read.promised)
            yield from self.ask(
                PageKey(country_id=key.country_id, page=number) for number in read.promised
            )

    def again(self, response: Response, refusal: NotAListing | NotAProfile) -> Request | None:
        """The request for a page that was not the one asked for, anew; None when it is enough."""
        if refusal.outcome is Outcome.BEYOND_LAST:
            return None
        if refusal.outcome is Outcome.HOLLOW and (rendered := self.renderer.anew(response)):
            return rendered
        assert response.request is not None
        return self.polite.again(plain(response.request), str(refusal))

    def served(self, response: Response) -> None:
        """The page was read, content and all."""
        assert response.request is not None
        self.polite.served(response.request)
        self.renderer.filled(response.request)

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
            self._asked_to.pop(country_id, None)
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

    def _failed(self, key: PageKey, url: str, outcome: Outcome, detail: str) -> FailedPageItem:
        return FailedPageItem(
            list_country_id=key.country_id,
            page=key.page,
            url=url,
            fetched_at=self.config.clock(),
            outcome=outcome,
            detail=detail[:500],
        )
