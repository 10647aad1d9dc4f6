"""Each row of the audit's table, brought about by the site and told in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.crawling import crawl, rows
from tests.replica import Fault, Replica, World
from tests.truth import expected_partners, stored_events, stored_partners

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def ledger(store: str) -> tuple[str, str]:
    run = rows(store, "SELECT state, reason FROM crawl_runs ORDER BY id DESC LIMIT 1")[0]
    return run.state, run.reason


def everything(store: str) -> list[object]:
    """All that a publish could have changed."""
    return [
        rows(store, f"SELECT * FROM {table}")
        for table in ("partners", "partner_versions", "status_history", "reference_history")
    ]


def test_no_page_read_fails_and_says_why(store: str) -> None:
    with Replica(World.generate(1, partners=60, countries=5)) as site:
        site.faults.append(Fault("403", match="/partners"))
        assert crawl(site.url, store, NOON, mode="all").state == "failed"
        assert len(site.log) < 30
    state, reason = ledger(store)
    assert state == "failed"
    assert reason.startswith("no listing page could be read: ")
    assert "403" in reason or "refus" in reason
    assert everything(store) == [[], [], [], []]


@pytest.mark.parametrize(
    ("drift", "field"),
    [
        ("badge", "status"),
        ("stat_ref", "references_count"),
        ("sizes", "largest_project_size"),
        ("experts", "certified_experts"),
    ],
)
def test_a_field_of_every_card_unread_is_quarantined_on_a_first_run_too(
    store: str, drift: str, field: str
) -> None:
    with Replica(World.generate(1, partners=60, countries=5)) as site:
        site.faults.append(Fault("drift", match="/partners", drift=drift))
        assert crawl(site.url, store, NOON, mode="all").state == "quarantined"
    state, reason = ledger(store)
    assert state == "quarantined"
    assert f"{field} was read on 0 of 60 cards (0%, floor 98%)" in reason
    assert everything(store) == [[], [], [], []]


def test_an_optional_field_that_falls_against_its_baseline_is_quarantined(store: str) -> None:
    with Replica(World.generate(1, partners=120, countries=5)) as site:
        assert crawl(site.url, store, NOON, mode="all").state == "published"
        before = everything(store)
        site.faults.append(Fault("drift", match="/partners", drift="retention"))
        assert crawl(site.url, store, NOON + DAY, mode="all").state == "quarantined"
    state, reason = ledger(store)
    assert state == "quarantined"
    assert "retention_rate fell from" in reason
    assert reason.endswith("to 0%")
    assert everything(store) == before


def test_more_than_a_fifth_of_the_pages_lost_is_quarantined(store: str) -> None:
    with Replica(World.generate(1, partners=200, countries=5)) as site:
        site.faults.append(Fault("500", match=r"/page/(4|7|9)\?"))
        assert crawl(site.url, store, NOON, mode="all").state == "quarantined"
    state, reason = ledger(store)
    assert state == "quarantined"
    assert reason.startswith("3 of ")
    assert "server error, HTTP 500 (page 4 of all countries and 2 more)" in reason
    assert everything(store) == [[], [], [], []]


def test_too_many_known_partners_changed_waits_for_a_second_run_that_sees_the_same(
    store: str,
) -> None:
    world = World.generate(1, partners=60, countries=5)
    with Replica(world) as site:
        assert crawl(site.url, store, NOON, mode="all").state == "published"
        before = everything(store)
        with site.lock:
            for partner in world.listed()[:21]:
                world.set_references(partner.id, partner.references + 1)
        assert crawl(site.url, store, NOON + DAY, mode="all").state == "quarantined"
        assert "21 of 60 known partners changed (limit 20)" in ledger(store)[1]
        assert "references_count 21" in ledger(store)[1]
        assert everything(store) == before

        too_soon = crawl(site.url, store, NOON + DAY + HOUR / 2, mode="all")
        assert too_soon.state == "quarantined"
        assert everything(store) == before

        assert crawl(site.url, store, NOON + DAY + HOUR * 1.2, mode="all").state == "published"
        assert stored_partners(store) == expected_partners(world)
        assert len(stored_events(store, after_run=1)) == 21
    states = rows(store, "SELECT id, state FROM crawl_runs ORDER BY id")
    assert [run.state for run in states] == ["published", "discarded", "discarded", "published"]


def test_a_second_run_that_sees_something_else_confirms_nothing(store: str) -> None:
    world = World.generate(1, partners=60, countries=5)
    with Replica(world) as site:
        assert crawl(site.url, store, NOON, mode="all").state == "published"
        for hours in (24, 26):
            with site.lock:
                for partner in world.listed()[:21]:
                    world.set_references(partner.id, partner.references + 1)
            state = crawl(site.url, store, NOON + hours * HOUR, mode="all").state
            assert state == "quarantined"


def test_arrivals_and_the_first_whole_read_of_a_country_are_no_mass_change(store: str) -> None:
    world = World.generate(1, partners=60, countries=5)
    with Replica(world) as site:
        assert crawl(site.url, store, NOON, mode="first").state == "published"
        with site.lock:
            for partner in world.listed():
                world.set_references(partner.id, partner.references + 1)
        assert crawl(site.url, store, NOON + DAY, mode="all").state == "published"
        with site.lock:
            for _ in range(40):
                world.arrive()
        assert crawl(site.url, store, NOON + 2 * DAY, mode="all").state == "published"
    assert stored_partners(store) == expected_partners(world)


def test_a_page_lost_publishes_presence_but_no_absence_from_its_countries(store: str) -> None:
    world = World.generate(1, partners=300, countries=40)
    with Replica(world) as site:
        assert crawl(site.url, store, NOON, mode="all").state == "published"
        leaver, other = (partner.id for partner in world.listed()[210:212])
        with site.lock:
            world.depart(leaver)
            world.set_references(other, 400)
        country = world.departed[leaver].country_id
        # The page is lost, and so are the own lists that reconciling would read instead.
        site.faults.append(Fault("500", match=r"(/page/9\?|/country/)"))
        assert crawl(site.url, store, NOON + DAY, mode="all").state == "published"
        reason = ledger(store)[1]
        assert "pages lost" in reason
        assert "not whole" in reason
        site.faults.clear()
    flagged = rows(
        store, "SELECT id, reprocess_reason FROM countries WHERE to_reprocess ORDER BY id"
    )
    assert flagged
    assert {row.reprocess_reason for row in flagged} <= {"page_failed", "count_mismatch"}
    missing = rows(store, "SELECT id, country_id FROM partners WHERE missing_since IS NOT NULL")
    assert {row.id for row in missing} <= {leaver}
    assert not {row.country_id for row in missing} & {row.id for row in flagged}
    assert country in world.countries
    stored = rows(store, "SELECT references_count FROM partners WHERE id = :id", id=other)
    assert stored[0].references_count == 400


def test_lost_pages_are_asked_for_once_more_before_the_run_closes(store: str) -> None:
    world = World.generate(1, partners=120, countries=8)
    with Replica(world) as site:
        site.faults.append(Fault("502", match=r"/page/3\?", times=8))
        assert crawl(site.url, store, NOON, mode="all").state == "published"
    assert ledger(store) == ("published", "all read, all counts met")
    assert stored_partners(store) == expected_partners(world)


def test_all_read_and_all_counts_met_draws_absence(store: str) -> None:
    world = World.generate(1, partners=120, countries=8)
    with Replica(world) as site:
        crawl(site.url, store, NOON, mode="all")
        leaver = world.listed()[50].id
        with site.lock:
            world.depart(leaver)
        crawl(site.url, store, NOON + DAY, mode="all")
    assert ledger(store) == ("published", "all read, all counts met")
    missing = rows(store, "SELECT id FROM partners WHERE missing_since IS NOT NULL")
    assert [row.id for row in missing] == [leaver]


def test_a_quarantined_run_is_released_or_dropped_by_hand(store: str) -> None:
    from tests.crawling import scrapy

    world = World.generate(1, partners=60, countries=5)
    with Replica(world) as site:
        crawl(site.url, store, NOON, mode="all")
        for _ in range(2):
            with site.lock:
                for partner in world.listed()[:30]:
                    world.set_references(partner.id, partner.references + 1)
            assert crawl(site.url, store, NOON + DAY, mode="all").state == "quarantined"
    dropped = scrapy("discard", "2", PARTNER_DATABASE_URL=store)
    assert (dropped.returncode, dropped.stdout) == (0, "run 2 discarded\n"), dropped.stderr
    refused = scrapy("publish", "2", PARTNER_DATABASE_URL=store)
    assert refused.returncode == 2
    assert refused.stderr == "run 2 is discarded: only a quarantined run can be published\n"
    released = scrapy("publish", "3", PARTNER_DATABASE_URL=store)
    assert released.returncode == 0, released.stderr
    assert stored_partners(store) == expected_partners(world)
    before = everything(store)
    assert scrapy("publish", "3", PARTNER_DATABASE_URL=store).returncode == 0
    assert everything(store) == before
    assert scrapy("publish", "99", PARTNER_DATABASE_URL=store).returncode == 2
