"""The second look: profiles and countries' lists that are flagged, the oldest flag first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from scrapy import Request
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure

from partner_monitor.config import recheck
from partner_monitor.directory.profile import NotAProfile
from partner_monitor.directory.urls import country_url
from partner_monitor.extensions import PROFILES_DUE
from partner_monitor.items import FailedProfileItem, Outcome, PageKey
from partner_monitor.middlewares import outcome_of
from partner_monitor.reading import read_partner
from partner_monitor.store.menu import stored_menu
from partner_monitor.store.runs import RunKey
from partner_monitor.store.staging import staged_profile_ids
from partner_monitor.store.worklist import gather
from spiders.listing import ListingSpider


class RecheckSpider(ListingSpider):
    """``what=all|partners|countries``, ``limit=N`` profiles at most, ``new_run=1``."""

    name = "recheck"

    def __init__(self, **arguments: str) -> None:
        super().__init__(**arguments)
        self._countries: dict[str, int] = {}

    async def start(self) -> AsyncIterator[Any]:
        config = self.config
        wanted = recheck(self.settings, self.arguments)
        key = RunKey(
            spider=self.name, mode=wanted.what, country_id=None, page=None, site=config.site
        )
        staged = self.begin(key)
        engine = self.ledger.engine
        assert self.ledger.run is not None
        done = staged_profile_ids(engine, self.ledger.run.id)
        work = gather(engine, wanted, config)
        self._countries = {country.name: country.id for country in stored_menu(engine)}
        self.logger.info(
            "%d profiles and %d countries are flagged and due",
            len(work.profiles),
            len(work.countries),
        )
        self.crawler.stats.set_value(PROFILES_DUE, len(work.profiles))
        for id_, slug in work.countries:
            self.first_urls.setdefault(id_, country_url(config.site, slug, id_))
        lists = {PageKey(country_id=id_, page=1) for id_, _ in work.countries}
        for request in self.ask(lists | self.left_of(staged)):
            yield request
        for id_, url in work.profiles:
            if id_ not in done:
                yield Request(
                    url,
                    callback=self.parse_profile,
                    errback=self.profile_failed,
                    cb_kwargs={"partner_id": id_},
                    dont_filter=True,
                )

    def parse_profile(self, response: Response, partner_id: int) -> Iterator[Any]:
        try:
            profile = read_partner(response, partner_id, self._countries, self.config.clock())
        except NotAProfile as refusal:
            if again := self.again(response, refusal):
                yield again
            else:
                yield self._failed_profile(
                    partner_id, response.url, refusal.outcome, refusal.detail
                )
            return
        self.served(response)
        yield profile

    def profile_failed(self, failure: Failure) -> Iterator[FailedProfileItem]:
        outcome, detail = outcome_of(failure)
        error = failure.value
        if isinstance(error, HttpError) and error.response.status in (404, 410):
            outcome = Outcome.GONE  # a finding, and no error
            self.polite.served(failure.request)  # type: ignore[attr-defined]
        elif outcome is Outcome.ERROR:
            self.logger.error("reading failed", exc_info=error)
        request = failure.request  # type: ignore[attr-defined]
        yield self._failed_profile(request.cb_kwargs["partner_id"], request.url, outcome, detail)

    def _failed_profile(
        self, partner_id: int, url: str, outcome: Outcome, detail: str
    ) -> FailedProfileItem:
        return FailedProfileItem(
            partner_id=partner_id,
            url=url,
            fetched_at=self.config.clock(),
            outcome=outcome,
            detail=detail[:500],
        )
