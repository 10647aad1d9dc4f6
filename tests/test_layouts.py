"""The other layouts: stock Odoo 18 and 19, languages, and lists of another page size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.crawling import crawl, rows
from tests.replica import Replica, World
from tests.replica.days import advance
from tests.truth import expected_changes, snapshot, stored_events

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def essence(store: str) -> dict[int, tuple[Any, ...]]:
    query = "SELECT id, name, status, country_id, references_count, retention_rate FROM partners"
    return {row.id: tuple(row)[1:] for row in rows(store, query)}


@pytest.mark.parametrize("layout", ["stock18", "stock19"])
def test_stock_odoo_is_read_whole_and_its_next_day_told(store: str, layout: Any) -> None:
    world = World.generate(4, partners=330, countries=12, countryless=2)
    first = snapshot(world)
    with Replica(world, layout=layout) as site:
        assert crawl(site.url, store, NOON, mode="all").state == "published"
        assert essence(store) == {
            id_: (
                one.name,
                one.grade,
                one.country_id if layout == "stock19" else None,
                one.references,
                None,
            )
            for id_, one in first.items()
        }
        with site.lock:
            advance(world)
        crawled = crawl(site.url, store, NOON + DAY, mode="all")
        assert crawled.state == "published", crawled.errors
    second = snapshot(world)
    assert set(stored_events(store, after_run=1)) == expected_changes(first, second)
    missing = rows(store, "SELECT id FROM partners WHERE missing_since IS NOT NULL")
    assert {row.id for row in missing} == first.keys() - second.keys()
    assert [run.reason for run in rows(store, "SELECT reason FROM crawl_runs")] == [
        "all read, all counts met"
    ] * 2


def test_a_country_of_stock_odoo_18_gives_its_partners_their_country(store: str) -> None:
    world = World.generate(4, partners=330, countries=3)
    spain = next(c for c in world.countries.values() if c.name == "United States")
    with Replica(world, layout="stock18", page_size=10) as site:
        crawled = crawl(site.url, store, NOON, mode="specific_c", country=str(spain.id))
        assert crawled.state == "published", crawled.errors
    expected = {id_ for id_, one in snapshot(world).items() if one.country_id == spain.id}
    assert len(expected) > 80  # more pages than the pager's window of seven shows
    assert essence(store).keys() == expected
    assert {row[2] for row in essence(store).values()} == {spain.id}


@pytest.mark.parametrize("page_size", [7, 40])
def test_the_page_size_is_the_sites_own(store: str, page_size: int) -> None:
    world = World.generate(4, partners=150, countries=9)
    with Replica(world, page_size=page_size) as site:
        assert crawl(site.url, store, NOON, mode="all").state == "published"
    assert essence(store).keys() == snapshot(world).keys()
    run = rows(store, "SELECT * FROM crawl_runs")[0]
    assert run.pages_fetched == -(-150 // page_size)


def test_slugs_rewritten_for_all_are_no_event(store: str) -> None:
    world = World.generate(4, partners=150, countries=9)
    with Replica(world, encode_hrefs=True) as site:
        crawl(site.url, store, NOON, mode="all")
        with site.lock:
            assert world.rewrite_slugs() > 0
        assert crawl(site.url, store, NOON + DAY, mode="all").state == "published"
    assert stored_events(store, after_run=1) == []
    assert len(rows(store, "SELECT 1 FROM partner_versions")) == 150
    urls = {row.id: row.profile_url for row in rows(store, "SELECT id, profile_url FROM partners")}
    assert urls == {id_: site.url + one.path for id_, one in snapshot(world).items()}
