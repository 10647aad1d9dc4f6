"""The site changes its pages: what is read all the same is exact, what is not is held back with the
field's name, and neither is an event.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.crawling import crawl, rows
from tests.reliability.stores import events, violations
from tests.replica import Fault, Replica, World
from tests.truth import expected_changes, snapshot, stored_events

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)

TRACKED = """SELECT id, name, status, country_id, references_count, retention_rate,
    largest_project_size, average_project_size, certified_experts FROM partners"""


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def site(store: str) -> Iterator[Replica]:
    """A site that was read yesterday, and has changed since."""
    world = World.generate(9, partners=160, countries=6)
    world.set_references(world.listed()[0].id, 1234)
    world.set_sizes(world.listed()[1].id, 1100, 4500)
    with Replica(world) as replica:
        assert crawl(replica.url, store, NOON, mode="all").state == "published"
        yield replica


def a_day_passes(site: Replica) -> set[tuple[Any, ...]]:
    """A plausible day; returns its events, departures left out."""
    before = snapshot(site.world)
    with site.lock:
        site.world.next_day()
        site.world.set_references(site.world.listed()[0].id, 1240)
        site.world.demote(site.world.listed()[2].id)
        site.world.promote(site.world.listed()[90].id)
        site.world.arrive()
    return expected_changes(before, snapshot(site.world))


@pytest.mark.parametrize(
    "faults",
    [
        [Fault("language", match="^/partners", language="es_ES")],
        [Fault("language", match="^/partners", language="tr_TR")],
        [Fault("reordered")],
        [Fault("thousands")],
        [Fault("thousands", separator=".")],
        [Fault("thousands", separator="\u202f")],
        [Fault("language", match="^/partners", language="es_ES"), Fault("thousands")],
        [Fault("drift", drift="cards"), Fault("drift", drift="heading"), Fault("reordered")],
    ],
    ids=lambda faults: " and ".join(f"{f.kind} {f.separator or f.language}" for f in faults),
)
def test_another_language_order_or_separator_is_read_exactly(
    site: Replica, store: str, faults: list[Fault]
) -> None:
    wanted = a_day_passes(site)
    site.faults += faults
    assert crawl(site.url, store, NOON + DAY, mode="all").state == "published"
    assert all(fault.struck for fault in faults)
    assert stored_events(store, after_run=1) == sorted(wanted, key=str)
    assert {tuple(row) for row in rows(store, TRACKED)} == {
        (
            *(one.id, one.name, one.grade, one.country_id, one.references, one.retention),
            *(one.largest_project_size, one.average_project_size, one.expert_count),
        )
        for one in site.world.listed()
    }
    assert violations(store) == []


@pytest.mark.parametrize(
    ("drift", "named"),
    [
        ("references gone", "references_count was read on 0 of 161 cards (0%, floor 98%)"),
        ("experts gone", "certified_experts was read on 0 of 161 cards (0%, floor 98%)"),
        ("badge gone", "status was read on 0 of 161 cards (0%, floor 98%)"),
        ("name gone", "name was read on 0 of 161 cards (0%, floor 98%)"),
        ("sizes gone", "largest_project_size was read on 0 of 161 cards (0%, floor 98%)"),
        ("address gone", "address fell from 100% of cards to 0%"),
        ("retention gone", "retention_rate fell from 78% of cards to 0%"),
        ("name", "name was read on 0 of 161 cards (0%, floor 98%)"),
        ("retention", "retention_rate fell from 78% of cards to 0%"),
        ("address", "address fell from 100% of cards to 0%"),
    ],
)
def test_a_block_that_is_gone_or_renamed_is_named_and_nothing_is_published(
    site: Replica, store: str, drift: str, named: str
) -> None:
    a_day_passes(site)
    before = rows(store, TRACKED), events(store)
    site.faults.append(Fault("drift", match="/partners", drift=drift))
    assert crawl(site.url, store, NOON + DAY, mode="all").state == "quarantined"
    reason = rows(store, "SELECT reason FROM crawl_runs ORDER BY id DESC LIMIT 1")[0].reason
    assert named in reason
    assert (rows(store, TRACKED), events(store)) == before


@pytest.mark.parametrize("drift", ["retention gone", "address gone"])
def test_a_field_gone_from_one_page_alone_was_not_read_there(
    site: Replica, store: str, drift: str
) -> None:
    query = "SELECT id, retention_rate, address FROM partners ORDER BY id"
    before, told = rows(store, query), events(store)
    site.faults.append(Fault("drift", match=r"/page/3\?", drift=drift))
    assert crawl(site.url, store, NOON + DAY, mode="all").state == "published"
    assert rows(store, query) == before
    assert events(store) == told


def test_a_field_that_a_card_rightly_lacks_is_cleared(site: Replica, store: str) -> None:
    with site.lock:
        partner = next(one for one in site.world.listed() if one.retention is not None)
        site.world.set_retention(partner.id, None)
    assert crawl(site.url, store, NOON + DAY, mode="all").state == "published"
    query = "SELECT retention_rate FROM partners WHERE id = :id"
    assert rows(store, query, id=partner.id)[0].retention_rate is None
