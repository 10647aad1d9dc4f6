"""A list that is re-ordered, shortened and lengthened while it is being read."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.crawling import crawl, rows
from tests.replica import Replica, World
from tests.truth import expected_partners, snapshot, stored_partners

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)
STRICT = {"PARTNER_DELIST_AFTER_DAYS": "0", "PARTNER_AUDIT_CHANGED": "1"}
"""The settings under which one wrong look would be an event at once."""


@pytest.mark.parametrize("seed", range(6))
def test_nothing_false_is_written_while_the_list_moves_under_the_reader(
    tmp_path: Path, seed: int
) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    world = World.generate(seed, partners=160, countries=6)
    chance = random.Random(seed)
    ever = dict(snapshot(world))
    grades = {id_: {partner.grade} for id_, partner in ever.items()}

    def move(_: int, path: str) -> None:
        if not path.startswith("/partners") or chance.random() < 0.4:
            return
        listed = world.listed()
        choice = chance.random()
        if choice < 0.3:
            world.depart(chance.choice(listed).id)
        elif choice < 0.6:
            world.arrive()
        elif choice < 0.8:
            world.set_references(chance.choice(listed).id, chance.randrange(400))
        else:
            world.promote(chance.choice(listed).id)
        for partner in world.listed():
            ever[partner.id] = partner
            grades.setdefault(partner.id, set()).add(partner.grade)

    with Replica(world, gzip=False) as site:
        assert crawl(site.url, store, NOON, STRICT, mode="all").state == "published"
        for day in range(1, 5):
            before = snapshot(world)
            site.on_request = move
            moving = crawl(site.url, store, NOON + day * DAY, STRICT, mode="all")
            site.on_request = None
            assert moving.state == "published", moving.errors
            delisted = {
                row.id
                for row in rows(store, "SELECT id FROM partners WHERE delisted_at IS NOT NULL")
            }
            # Whoever was there before, during and after the reading cannot have left.
            assert not delisted & before.keys() & snapshot(world).keys()
        quiet = crawl(site.url, store, NOON + 6 * DAY, STRICT, mode="all")
        assert quiet.state == "published"
    assert stored_partners(store) == expected_partners(world)
    told = rows(store, "SELECT partner_id, new_status FROM status_history")
    for row in told:
        assert row.new_status is None or row.new_status in grades[row.partner_id]
    # Each departure is told once, and each return: never one without the other.
    for kind in ("delisted", "relisted"):
        counts = rows(
            store,
            "SELECT partner_id, COUNT(*) AS n FROM status_history WHERE change_type = :kind "
            "GROUP BY partner_id",
            kind=kind,
        )
        assert all(row.n == 1 for row in counts)
    relisted = rows(store, "SELECT 1 FROM status_history WHERE change_type = 'relisted'")
    assert relisted == []  # the replica brings nobody back here


def test_doubled_cards_are_counted_and_the_later_reading_wins(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    world = World.generate(2, partners=100, countries=3)
    last_of_page_one = world.listed()[19]
    moved = False

    def move(_: int, path: str) -> None:
        nonlocal moved
        if "/page/" in path and not moved:
            moved = True
            # A newcomer at the top pushes everybody down by one: page 1's last is seen again.
            newcomer = world.arrive()
            world.set_status(newcomer.id, "gold")
            world.set_references(newcomer.id, 399)
            world.set_references(last_of_page_one.id, last_of_page_one.references)

    with Replica(world) as site:
        site.on_request = move
        assert crawl(site.url, store, NOON, mode="all").state == "published"
    run = rows(store, "SELECT * FROM crawl_runs")[0]
    assert run.partners_doubled >= 1
    # The newcomer's country did not add up, so its own list was read: nobody is missing.
    assert stored_partners(store) == expected_partners(world)


def test_a_countrys_list_that_moved_is_read_once_more_from_page_to_page(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    world = World.generate(2, partners=120, countries=2)
    home = next(one.country_id for one in world.listed())
    newcomers: list[int] = []

    def arrive(_: int, path: str) -> None:
        if path.endswith("/page/2") and not newcomers:
            newcomers.append(world.arrive(replace(world.listed()[0], id=77)).id)

    with Replica(world) as site:
        site.on_request = arrive
        crawled = crawl(site.url, store, mode="specific_c", country=str(home))
        asked = Counter(path.rpartition("/page/")[2] for path in site.paths() if "/page/" in path)
    assert crawled.state == "published", crawled.errors
    pages = -(-sum(one.country_id == home for one in world.listed()) // 20)
    assert pages >= 3
    assert asked == {str(page): 2 for page in range(2, pages + 1)}
    stored = {row.id for row in rows(store, "SELECT id FROM partners WHERE delisted_at IS NULL")}
    assert stored == {one.id for one in world.listed() if one.country_id == home}
