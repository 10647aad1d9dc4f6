"""Five weeks of the real list of partners in Viet Nam, replayed with their own times."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.crawling import ROOT, crawl, rows, scrapy
from tests.replica import Country, Partner, Replica, World
from tests.truth import STEPS

DATA = ROOT.parent / "shared" / "data" / "vietnam_2026.json"
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the recorded data is not beside the repository"
)


def snapshots() -> list[tuple[datetime, dict[int, Any]]]:
    data = json.loads(DATA.read_text(encoding="utf-8"))
    return [
        (
            datetime.fromisoformat(one["time"]),
            {partner["id"]: partner for partner in one["partners"]},
        )
        for one in data["snapshots"]
        if one["all_pages"]
    ]


def replay(site: Replica, database_url: str, delist_after_days: int, mode: str) -> None:
    world = site.world
    for now, partners in snapshots():
        with site.lock:
            world.partners.clear()
            for partner in partners.values():
                world.put(
                    Partner(
                        id=partner["id"],
                        name=partner["name"],
                        slug=partner["path"].removeprefix("/partners/").rpartition("-")[0],
                        grade=partner["grade"].lower(),
                        country_id=232,
                    )
                )
        settings = {"PARTNER_DELIST_AFTER_DAYS": str(delist_after_days)}
        arguments = {"mode": mode} | ({"country": "VN"} if mode == "specific_c" else {})
        crawled = crawl(site.url, database_url, now, settings, **arguments)
        assert crawled.state == "published", (now, crawled.errors)


def told(database_url: str) -> list[tuple[str, int, str]]:
    found = rows(
        database_url,
        "SELECT change_type, partner_id, changed_at FROM status_history "
        "WHERE change_type <> 'initial' ORDER BY changed_at, partner_id",
    )
    return [(row.change_type, row.partner_id, str(row.changed_at)[:10]) for row in found]


def happened(delist_after_days: int) -> list[tuple[str, int, str]]:
    """The same from the recorded lists alone, partner by partner, as rule 6 says."""
    events = []
    taken = snapshots()
    everyone = {id_ for _, partners in taken for id_ in partners}
    for id_ in everyone:
        gone_since: datetime | None = None
        looks, delisted, grade = 0, False, None
        for now, partners in taken:
            if id_ not in partners:
                if grade is None or delisted:
                    continue
                gone_since, looks = gone_since or now, looks + 1
                if (now - gone_since).total_seconds() >= 86400 * delist_after_days and (
                    looks >= 2 or not delist_after_days
                ):
                    events.append(("delisted", id_, f"{now:%Y-%m-%d}"))
                    delisted = True
                continue
            new = partners[id_]["grade"].lower()
            if delisted:
                events.append(("relisted", id_, f"{now:%Y-%m-%d}"))
            elif grade is not None and new != grade:
                kind = "promoted" if STEPS[new] > STEPS[grade] else "demoted"
                events.append((kind, id_, f"{now:%Y-%m-%d}"))
            gone_since, looks, delisted, grade = None, 0, False, new
    return sorted(events, key=lambda event: (event[2], event[1]))


@pytest.mark.parametrize("mode", ["all", "specific_c"])
@pytest.mark.parametrize("delist_after_days", [0, 7])
def test_the_recorded_lists_give_their_departures_and_returns_and_nothing_else(
    database_url: str, delist_after_days: int, mode: str
) -> None:
    with Replica(World(countries=[Country(232, "viet-nam", "Viet Nam")])) as site:
        replay(site, database_url, delist_after_days, mode)
    events = told(database_url)
    assert events == happened(delist_after_days)
    kinds = [kind for kind, *_ in events]
    if delist_after_days == 0:
        assert (kinds.count("delisted"), kinds.count("relisted")) == (6, 4)
    check = scrapy("db", "check", PARTNER_DATABASE_URL=database_url)
    assert (check.returncode, check.stdout) == (0, "the history is consistent\n"), check.stderr


def test_the_recorded_lists_are_what_the_replay_is_about() -> None:
    taken = snapshots()
    departures = sum(len(a.keys() - b.keys()) for (_, a), (_, b) in pairwise(taken))
    assert (len(taken), departures) == (10, 6)
