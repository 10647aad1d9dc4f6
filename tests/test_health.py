"""``scrapy health``, as a monitoring system runs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.crawling import crawl, scrapy
from tests.replica import Replica, World

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Site(NamedTuple):
    url: str
    world: World
    store: str


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    world = World.generate(1, partners=60, countries=4)
    with Replica(world) as replica:
        yield Site(replica.url, world, f"sqlite:///{tmp_path / 'store.db'}")


def ask(store: str, now: datetime, *arguments: str, **settings: Any) -> tuple[int, str]:
    """The exit status, and what is printed."""
    done = scrapy(
        *("health", *arguments),
        PARTNER_DATABASE_URL=store,
        PARTNER_NOW=now.isoformat(),
        **settings,
    )
    return done.returncode, done.stdout + done.stderr


def as_json(store: str, now: datetime) -> dict[str, Any]:
    status, said = ask(store, now, "--json")
    found: dict[str, Any] = json.loads(said)
    assert found["healthy"] is (status == 0)
    return found


def test_a_young_run_is_healthy_and_an_old_one_is_not(site: Site) -> None:
    assert crawl(site.url, site.store, NOON).state == "published"
    assert ask(site.store, NOON + 36 * HOUR) == (
        0,
        "healthy: the last published run (1) began 36 hours ago, nothing waits in quarantine\n",
    )
    assert as_json(site.store, NOON + 5 * HOUR) == {
        "healthy": True,
        "problems": [],
        "last_published": {
            "run": 1,
            "started_at": "2026-03-05T12:00:00+00:00",
            "age_hours": 5,
            "limit_hours": 36,
        },
        "quarantined": [],
    }
    problem = (
        "the last published run (1) began 37 hours ago, more than 36: scrapy runs says what came "
        "of those since"
    )
    assert ask(site.store, NOON + 37 * HOUR) == (1, problem + "\n")
    assert as_json(site.store, NOON + 37 * HOUR)["problems"] == [problem]
    assert ask(site.store, NOON + 37 * HOUR, PARTNER_HEALTH_MAX_AGE_HOURS="48")[0] == 0


def test_a_run_over_less_than_all_countries_makes_no_old_one_young(site: Site) -> None:
    crawl(site.url, site.store, NOON, mode="first")
    assert ask(site.store, NOON + HOUR)[0] == 0  # a store that never had a whole one
    crawl(site.url, site.store, NOON + HOUR)
    crawl(site.url, site.store, NOON + 48 * HOUR, mode="first")
    crawl(site.url, site.store, NOON + 48 * HOUR, spider="recheck")
    assert as_json(site.store, NOON + 49 * HOUR)["last_published"]["run"] == 2
    assert ask(site.store, NOON + 49 * HOUR)[0] == 1


def test_countries_with_runs_of_their_own_are_as_young_as_the_one_not_looked_at_for_longest(
    site: Site,
) -> None:
    crawl(site.url, site.store, NOON)
    homes = sorted({one.country_id for one in site.world.listed() if one.country_id})
    for place, home in enumerate(homes[1:]):
        now = NOON + (48 + place) * HOUR
        crawl(site.url, site.store, now, mode="specific_c", country=str(home))
    assert as_json(site.store, NOON + 52 * HOUR)["last_published"]["run"] == 1
    now = NOON + 51 * HOUR
    crawl(site.url, site.store, now, mode="specific_c", country=str(homes[0]))
    found = as_json(site.store, NOON + 52 * HOUR)
    assert (found["healthy"], found["last_published"]["run"]) == (True, 2)
    assert found["last_published"]["age_hours"] == 4


def test_a_run_that_waits_in_quarantine_is_a_problem(site: Site) -> None:
    crawl(site.url, site.store, NOON)
    for partner in site.world.listed()[:30]:
        site.world.set_references(partner.id, partner.references + 7)
    assert crawl(site.url, site.store, NOON + 24 * HOUR).state == "quarantined"
    waits = "run 2 waits in quarantine: scrapy publish 2 releases it, scrapy discard 2 drops it\n"
    assert ask(site.store, NOON + 25 * HOUR) == (1, waits)
    assert as_json(site.store, NOON + 25 * HOUR)["quarantined"] == [2]
    said = ask(site.store, NOON + 50 * HOUR)[1]
    assert "began 50 hours ago" in said
    assert waits in said
    scrapy("publish", "2", PARTNER_DATABASE_URL=site.store)
    assert ask(site.store, NOON + 50 * HOUR)[0] == 0


def test_a_store_without_a_published_run_is_not_healthy(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    scrapy("db", "upgrade", PARTNER_DATABASE_URL=store)
    status, said = ask(store, NOON)
    assert (status, said.startswith("no run is published yet: ")) == (1, True)
    assert as_json(store, NOON)["last_published"] is None


def test_what_cannot_be_told_has_a_status_of_its_own(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    for arguments in ((), ("--json",)):
        assert ask(store, NOON, *arguments) == (
            2,
            "there is no store yet: scrapy crawl partners fills one\n",
        )
    assert ask(store, NOON, PARTNER_HEALTH_MAX_AGE_HOURS="soon") == (
        2,
        "PARTNER_HEALTH_MAX_AGE_HOURS 'soon' is no number of 0 or more\n",
    )
