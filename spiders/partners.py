"""The main job: reads listing pages, of all countries or of one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import cached_property
from typing import Any

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from partner_monitor.config import Config, from_settings
from partner_monitor.directory.countries import CountryQuery, find_country, parse_country
from partner_monitor.directory.listing import NotAListing
from partner_monitor.directory.urls import country_url, directory_url
from partner_monitor.items import PageKey
from partner_monitor.middlewares import outcome_of
from partner_monitor.reading import listing_of
from partner_monitor.store.evidence import reads_whole
from partner_monitor.store.menu import stored_menu
from partner_monitor.store.runs import RunKey
from spiders.listing import ListingSpider


class PartnersSpider(ListingSpider):
    """``mode=all|first|specific|specific_c``, ``page=N``, ``country=…``, ``new_run=1``."""

    name = "partners"

    @cached_property
    def config(self) -> Config:
        return from_settings(self.settings, self.arguments)

    @property
    def follows(self) -> bool:
        return reads_whole(self.name, self.config.mode)

    async def start(self) -> AsyncIterator[Any]:
        config = self.config
        if config.mode != "specific_c":
            self.first_urls[None] = directory_url(config.site)
            for request in self._begin(None):
                yield request
            return
        menu = stored_menu(self.ledger.engine)
        query = parse_country(config.country, menu)
        country = find_country(query, menu)
        if country is None:
            # Ids are each site's own: a country the store does not know is looked up in the menu.
            yield Request(
                directory_url(config.site),
                self.look_up,
                errback=self.not_looked_up,
                cb_kwargs={"query": query},
                dont_filter=True,
            )
            return
        self.first_urls[country.id] = country_url(config.site, country.slug, country.id)
        for request in self._begin(country.id):
            yield request

    def look_up(self, response: Response, query: CountryQuery) -> Iterator[Request]:
        """Find the country in the menu of one page, before anything is written."""
        config = self.config
        try:
            menu = listing_of(response).menu.entries
        except NotAListing as refusal:
            again = self.again(response, refusal)
            if again is None:
                self.refuse(f"the country menu cannot be read: {refusal}")
            yield again
            return
        self.served(response)
        country = find_country(query, menu)
        if country is None:
            self.refuse(f"country {config.country!r} is not in the menu of {config.site}")
        self.first_urls[country.id] = country_url(config.site, country.slug, country.id)
        yield from self._begin(country.id)

    def not_looked_up(self, failure: Failure) -> None:
        outcome, detail = outcome_of(failure)
        self.logger.error("nothing done: the country menu cannot be read: %s %s", outcome, detail)

    def _begin(self, country_id: int | None) -> list[Request]:
        """Begin or continue the run, and ask for what is not staged yet."""
        config = self.config
        staged = self.begin(
            RunKey(
                spider=self.name,
                mode=config.mode,
                country_id=country_id,
                page=config.page if config.mode == "specific" else None,
                site=config.site,
            )
        )
        wanted = {PageKey(country_id=country_id, page=config.page)}
        return self.ask(wanted | (self.left_of(staged) if self.follows else set()))
