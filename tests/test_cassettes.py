"""Recorded pages, replayed into the spider: what it makes of real HTTP is the site's truth.

``scripts/record --replica`` makes the cassettes anew; one of a live site is read where it is there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from scrapy import Request
from scrapy.http import HtmlResponse, Response
from scrapy.spidermiddlewares.httperror import HttpError
from scrapy.utils.project import get_project_settings
from twisted.python.failure import Failure

from partner_monitor.directory.listing import NotAListing, read_listing
from partner_monitor.items import (
    CountryItem,
    FailedPageItem,
    ListingPageItem,
    Outcome,
    PageKey,
    PartnerItem,
)
from spiders.partners import PartnersSpider
from tests import recording
from tests.recording import CASSETTES, NO_COUNTRY, NO_PARTNERS, REPLICA
from tests.truth import card

WORLD = recording.replica_world()
LISTED = WORLD.listed()
NAMES = ("first_page", "second_page", "country_page", "fallback_page", "not_found")
ELSEWHERE: list[Any] = sorted(folder for folder in CASSETTES.iterdir() if folder.is_dir())
NOTHING = pytest.param(
    None, marks=pytest.mark.skip(reason="no live site is recorded here: ./scripts/record does it")
)


def recorded(folder: Path, name: str) -> tuple[str, HtmlResponse]:
    """The address asked for, and the response to it, by way of requests as it was recorded."""
    cassette = json.loads((folder / f"{name}.json").read_text())
    asked: str = cassette["http_interactions"][0]["request"]["uri"]
    client = recording.session()
    with recording.cassette(client, name, folder, "none"):
        answer: requests.Response = client.get(asked)
    response = HtmlResponse(
        answer.url,
        status=answer.status_code,
        headers={"Content-Type": answer.headers["Content-Type"]},
        body=answer.content,
        request=Request(asked),
    )
    return asked, response


class Reader(PartnersSpider):
    """The spider without an engine around it: nothing is asked for, so nothing has to wait."""

    def served(self, response: Response) -> None:
        """Nobody waits for it."""


def spider() -> PartnersSpider:
    spider = Reader(mode="first")
    spider.settings = get_project_settings()
    spider.settings.set("PARTNER_SITE_URL", REPLICA, "cmdline")
    return spider


def read(name: str, page: int = 1, country_id: int | None = None) -> list[Any]:
    """The items that the spider's callback makes of a recorded page."""
    _, response = recorded(CASSETTES, name)
    return list(spider().parse(response, PageKey(country_id=country_id, page=page)))


def cards(items: list[Any]) -> dict[int, tuple[Any, ...]]:
    """The partners of a page, as ``tests.truth.card`` has them."""
    return {
        item.id: (
            item.name,
            item.profile_url.removeprefix(REPLICA),
            *(
                getattr(item, name)
                for name in (
                    *("status", "country_id", "address", "references_count", "retention_rate"),
                    *("largest_project_size", "average_project_size", "certified_experts"),
                )
            ),
        )
        for item in items
        if isinstance(item, PartnerItem)
    }


def end(items: list[Any]) -> ListingPageItem:
    """The end of the page, which comes once and last."""
    assert [type(item) for item in items].count(ListingPageItem) == 1
    assert isinstance(items[-1], ListingPageItem)
    return items[-1]


@pytest.mark.parametrize(("name", "page"), [("first_page", 1), ("second_page", 2)])
def test_a_recorded_page_of_the_directory_gives_its_partners_in_every_field(
    name: str, page: int
) -> None:
    items = read(name, page)
    shown = LISTED[(page - 1) * 20 : page * 20]
    assert cards(items) == {partner.id: card(WORLD, partner) for partner in shown}
    assert all(item.unread == () for item in items if isinstance(item, PartnerItem))
    last = end(items)
    assert (last.cards, last.last_page, last.has_next) == (20, 4, True)
    assert (last.declared_count, last.menu_total) == (70, 70)


def test_a_recorded_menu_gives_every_country_with_what_it_declares() -> None:
    last = end(read("second_page", 2))
    declared = {country.id: country.listed_count for country in last.menu}
    homes = [partner.country_id for partner in LISTED]
    assert declared == {home: homes.count(home) for home in homes}
    for country in last.menu:
        assert isinstance(country, CountryItem)
        known = WORLD.countries[country.id]
        assert (country.name, country.slug) == (known.name, known.slug)
        assert country.iso_code is not None


def test_a_recorded_country_page_gives_the_partners_of_the_country() -> None:
    asked, response = recorded(CASSETTES, "country_page")
    country = read_listing(response.body, response.url).country_id
    assert country is not None
    assert asked.endswith(f"-{country}")
    items = read("country_page", country_id=country)
    shown = [partner for partner in LISTED if partner.country_id == country]
    assert cards(items) == {partner.id: card(WORLD, partner) for partner in shown}
    last = end(items)
    assert (last.cards, last.declared_count, last.has_next) == (len(shown), len(shown), False)


def test_a_recorded_fallback_is_a_country_without_partners_and_not_all_of_them() -> None:
    items = read("fallback_page", country_id=NO_PARTNERS[1])
    assert cards(items) == {}
    last = end(items)
    assert (last.cards, last.declared_count, last.last_page) == (0, 0, 1)
    assert len(last.menu) == 8


def test_a_recorded_404_is_a_page_not_found_and_no_listing() -> None:
    asked, response = recorded(CASSETTES, "not_found")
    assert (response.status, asked.rpartition("-")[2]) == (404, str(NO_COUNTRY[1]))
    failure: Any = Failure(HttpError(response, "Ignoring"))  # type: ignore[no-untyped-call]
    key = PageKey(country_id=NO_COUNTRY[1], page=1)
    failure.request = Request(asked, cb_kwargs={"key": key})
    items = list(spider().failed(failure))
    assert [type(item) for item in items] == [FailedPageItem]
    assert (items[0].outcome, items[0].url) == (Outcome.NOT_FOUND, asked)
    with pytest.raises(NotAListing):
        read_listing(response.body, response.url)


@pytest.mark.parametrize("name", NAMES)
def test_a_cassette_is_small_and_tells_nothing_of_the_machine(name: str) -> None:
    file = CASSETTES / f"{name}.json"
    assert file.stat().st_size < 200_000
    for interaction in json.loads(file.read_text())["http_interactions"]:
        assert interaction["request"]["uri"].startswith(f"{REPLICA}/partners")
        assert interaction["request"]["headers"].keys() == {
            *("User-Agent", "Accept", "Accept-Encoding", "Accept-Language", "Connection")
        }


@pytest.mark.parametrize(
    "folder", ELSEWHERE or [NOTHING], ids=lambda folder: folder and folder.name
)
def test_a_recording_of_another_site_is_read_whole(folder: Path) -> None:
    _, first = recorded(folder, "first_page")
    _, second = recorded(folder, "second_page")
    pages = [read_listing(response.body, response.url) for response in (first, second)]
    for number, page in enumerate(pages, start=1):
        assert page.pager.current == number
        assert page.cards
        assert not page.rejected
        assert all(not card.unread for card in page.cards)
    assert not {card.id for card in pages[0].cards} & {card.id for card in pages[1].cards}
    asked, response = recorded(folder, "country_page")
    assert read_listing(response.body, response.url).country_id == int(asked.rpartition("-")[2])
