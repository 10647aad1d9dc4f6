"""What a crawl costs that does not depend on the machine: requests, and SQL statements."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from sqlalchemy import Engine, event

from tests.crawling import crawl, rows
from tests.publishing import CARDS, card, watching
from tests.replica import Replica, World

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

PAGE_STATEMENTS = 6
"""A page kept and staged: on SQLite, each of the two transactions begins with a statement."""

PUBLISH_STATEMENTS = 100
"""A publish of the whole list, however long it is."""


@contextmanager
def sent() -> Iterator[list[str]]:
    """The statements that go to any database."""
    statements: list[str] = []

    def keep(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(Engine, "before_cursor_execute", keep)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", keep)


def asked(site: Replica) -> Counter[str]:
    """The path of every request since the last time."""
    paths = Counter(unquote(path).partition("?")[0] for path in site.paths())
    del site.log[:]
    return paths


def list_pages(pages: int) -> Counter[str]:
    return Counter(["/partners", *(f"/partners/page/{number}" for number in range(2, pages + 1))])


@pytest.mark.parametrize("changed", [0, 7])
def test_a_steady_day_asks_for_the_lists_and_the_changed_profiles_and_nothing_else(
    database_url: str, changed: int
) -> None:
    world = World.generate(3, partners=240, countries=8)
    robots = Counter(["/robots.txt"])
    with Replica(world) as site:
        crawl(site.url, database_url, NOON, mode="all")
        assert asked(site) == robots + list_pages(12)
        crawl(site.url, database_url, NOON + HOUR, spider="recheck")
        everyone = Counter(one.path for one in world.listed())
        assert asked(site) == robots + everyone
        some = world.listed()[5::30][:changed]
        with site.lock:
            for one in some:
                world.set_references(one.id, one.references + 1)
        crawl(site.url, database_url, NOON + DAY, mode="all")
        assert asked(site) == robots + list_pages(12)
        crawl(site.url, database_url, NOON + DAY + HOUR, spider="recheck")
        assert asked(site) == (robots if changed else Counter()) + Counter(
            world.partners[one.id].path for one in some
        )


def test_every_page_takes_as_many_statements(database_url: str) -> None:
    world = World.generate(3, partners=200, countries=3)
    least, _, most = homes = sorted({one.country_id or 0 for one in world.listed()})
    for one in [one for one in world.listed() if one.country_id == least][:30]:
        world.move_country(one.id, most)
    took: dict[int, int] = {}
    with Replica(world) as site:
        crawl(site.url, database_url, NOON, mode="all")
        for hour, country in enumerate(homes, 1):
            asked(site)
            with sent() as statements:
                now = NOON + hour * HOUR
                crawl(site.url, database_url, now, mode="specific_c", country=str(country))
            took[asked(site).total() - 1] = len(statements)
    pages = sorted(took)
    assert len(pages) == 3
    each = {
        (took[more] - took[less]) / (more - less) for less, more in itertools.combinations(pages, 2)
    }
    assert len(each) == 1
    assert each.pop() <= PAGE_STATEMENTS


def test_a_publish_takes_as_many_statements_however_many_partners_it_has(
    database_url: str,
) -> None:
    took = []
    with watching(database_url) as watch:
        watch.list(NOON, *(card(id_) for id_ in range(1, 401)))
        for day, partners in enumerate((2, CARDS, 20 * CARDS), 1):
            moved = [card(id_, references_count=day) for id_ in range(1, partners + 1)]
            stay = [card(id_) for id_ in range(partners + 1, 401)]
            with sent() as statements:
                watch.list(NOON + day * DAY, *moved, *stay)
            took.append(len(statements))
    assert len(set(took)) == 1
    staging = 400 // CARDS * 3
    assert took[0] - staging <= PUBLISH_STATEMENTS
    history = rows(database_url, "SELECT COUNT(*) AS events FROM reference_history")
    assert history[0].events == 400 + 2 + CARDS + 20 * CARDS
