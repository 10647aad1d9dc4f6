"""Absence is not departure: what a partner's leaving and returning writes, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.crawling import crawl, rows
from tests.replica import Replica, World
from tests.truth import stored_events

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def watch(site: Replica, store: str, world: World, plan: dict[int, str], days: int) -> int:
    """Crawl daily; ``plan`` says on which day the one partner leaves or returns."""
    leaver = world.listed()[30].id
    for day in range(days):
        with site.lock:
            if plan.get(day) == "leaves":
                world.depart(leaver)
            elif plan.get(day) == "returns":
                world.come_back(leaver)
        assert crawl(site.url, store, START + day * DAY, mode="all").state == "published"
    return leaver


def history(store: str, partner: int) -> list[tuple[str, str]]:
    found = rows(
        store,
        "SELECT change_type, changed_at FROM status_history WHERE partner_id = :id "
        "ORDER BY changed_at",
        id=partner,
    )
    return [(row.change_type, str(row.changed_at)[:10]) for row in found]


def test_a_partner_gone_for_five_days_leaves_no_trace(database_url: str) -> None:
    world = World.generate(3, partners=60, countries=4)
    with Replica(world) as site:
        leaver = watch(site, database_url, world, {1: "leaves", 6: "returns"}, 8)
    assert history(database_url, leaver) == [("initial", "2026-03-01")]
    versions = rows(database_url, "SELECT id FROM partner_versions WHERE partner_id=:i", i=leaver)
    assert len(versions) == 1
    assert rows(database_url, "SELECT id FROM partners WHERE missing_since IS NOT NULL") == []


def test_a_partner_gone_for_eight_days_is_delisted_once_and_relisted_on_return(
    database_url: str,
) -> None:
    world = World.generate(3, partners=60, countries=4)
    with Replica(world) as site:
        leaver = watch(site, database_url, world, {1: "leaves", 9: "returns"}, 11)
    assert history(database_url, leaver) == [
        ("initial", "2026-03-01"),
        ("delisted", "2026-03-09"),
        ("relisted", "2026-03-10"),
    ]
    assert len(stored_events(database_url, after_run=1)) == 2
    gap = rows(
        database_url,
        "SELECT valid_from, valid_to FROM partner_versions WHERE partner_id=:i ORDER BY id",
        i=leaver,
    )
    assert [(str(row.valid_from)[:10], str(row.valid_to)[:10]) for row in gap] == [
        ("2026-03-01", "2026-03-09"),
        ("2026-03-10", "None"),
    ]


@pytest.mark.parametrize("mode", ["first", "specific"])
def test_a_partner_not_on_the_pages_read_is_not_missing(database_url: str, mode: str) -> None:
    world = World.generate(3, partners=60, countries=4)
    with Replica(world) as site:
        crawl(site.url, database_url, START, mode="all")
        assert crawl(site.url, database_url, START + DAY, mode=mode).state == "published"
    assert rows(database_url, "SELECT id FROM partners WHERE missing_since IS NOT NULL") == []


def test_a_partner_that_moves_country_is_the_same_partner_and_never_gone(
    database_url: str,
) -> None:
    world = World.generate(3, partners=60, countries=4)
    mover = world.listed()[5]
    target = next(c for c in sorted(world.countries) if c != mover.country_id)
    assert mover.country_id is not None
    countries = [mover.country_id, target]
    with Replica(world) as site:
        crawl(site.url, database_url, START, mode="all")
        with site.lock:
            world.move_country(mover.id, target)
        settings = {"PARTNER_DELIST_AFTER_DAYS": "0"}
        for number, country in enumerate(countries):
            now = START + DAY + number * timedelta(hours=1)
            crawled = crawl(
                site.url, database_url, now, settings, mode="specific_c", country=str(country)
            )
            assert crawled.state == "published"
    assert history(database_url, mover.id) == [("initial", "2026-03-01")]
    row = rows(database_url, "SELECT * FROM partners WHERE id = :id", id=mover.id)[0]
    assert (row.country_id, row.missing_since, row.delisted_at) == (target, None, None)
    assert (
        len(rows(database_url, "SELECT 1 FROM partner_versions WHERE partner_id=:i", i=mover.id))
        == 2
    )


def test_a_country_that_lost_its_last_partner_is_read_as_empty(database_url: str) -> None:
    """The site answers with all countries there; the menu that lacks the country says 0."""
    world = World.generate(3, partners=60, countries=8)
    by_country: dict[int, list[int]] = {}
    for partner in world.listed():
        assert partner.country_id is not None
        by_country.setdefault(partner.country_id, []).append(partner.id)
    country, members = min(by_country.items(), key=lambda item: len(item[1]))
    with Replica(world) as site:
        crawl(site.url, database_url, START, mode="all")
        with site.lock:
            for member in members:
                world.depart(member)
        crawled = crawl(
            site.url, database_url, START + DAY, mode="specific_c", country=str(country)
        )
        assert crawled.state == "published", crawled.errors
    missing = rows(database_url, "SELECT id FROM partners WHERE missing_since IS NOT NULL")
    assert {row.id for row in missing} == set(members)
    assert rows(database_url, "SELECT COUNT(*) AS n FROM partners")[0].n == 60
