"""The calendar at work, with stand-ins for scrapyds that do their jobs when the test says so.

The jobs are real crawls of the replica, and the store is real.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from partner_monitor.schedule import memory
from partner_monitor.schedule.keeper import REST, SILENCE, Keeper
from partner_monitor.service.scrapyd import Away, Refused, State
from tests.alerts.receiver import Receiver
from tests.crawling import crawl, rows
from tests.replica import Replica, World
from tests.schedule.keeping import keeping
from tests.truth import expected_partners, stored_partners

MORNING = datetime(2026, 3, 5, 5, 30, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)

ONE = """
timezone = "UTC"
grace_hours = 12
hosts = [{ name = "a", url = "http://a" }]
[jobs.partners]
spider = "partners"
at = "05:30"
[jobs.recheck]
spider = "recheck"
after = "partners"
"""
THREE = """
timezone = "UTC"
[[hosts]]
name = "a"
url = "http://a"
[[hosts]]
name = "b"
url = "http://b"
[[hosts]]
name = "c"
url = "http://c"
[jobs.partners]
spider = "partners"
at = "05:30"
"""


@dataclass
class StandIn:
    """A scrapyd without processes: ``work`` does what is in its queue."""

    name: str
    site: str
    store: str
    fault: Exception | None = None
    known: dict[str, State] = field(default_factory=dict)
    given: dict[str, tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=dict)

    def jobs(self) -> dict[str, State]:
        if self.fault is not None:
            raise self.fault
        return dict(self.known)

    def schedule(
        self, spider: str, job: str, fields: dict[str, str], settings: dict[str, str]
    ) -> None:
        self.jobs()
        assert job not in self.known
        self.known[job] = State.PENDING
        self.given[job] = (spider, fields, settings)

    def cancel(self, job: str) -> None:
        self.known.pop(job, None)

    def log_url(self, spider: str, job: str) -> str:
        return f"http://{self.name}/logs/{job}.log"

    def work(self, now: datetime, most: int = 1000) -> None:
        waiting = [job for job, state in self.known.items() if state is State.PENDING]
        for job in waiting[:most]:
            spider, arguments, settings = self.given[job]
            crawl(self.site, self.store, now, settings, spider, **arguments)
            self.known[job] = State.FINISHED

    def lose(self) -> None:
        """Jobs end, and nothing has come of them."""
        self.known = dict.fromkeys(self.known, State.FINISHED)


class Desk:
    """A keeper, its hosts, and the site and the store that it is all about."""

    def __init__(self, site: Replica, store: str, folder: Path) -> None:
        self.site, self.store, self.file = site, store, folder / "calendar.json"
        self.hosts = {name: StandIn(name, site.url, store) for name in "abc"}

    def keeper(self, plan: str, **settings: Any) -> Any:
        return keeping(plan, self.store, self.site.url, self.file, self.hosts.get, **settings)

    def under_way(self) -> list[str]:
        return [one.job for one in memory.load(self.file).rounds]

    def given(self) -> list[str]:
        return [job for host in self.hosts.values() for job in host.given]

    def do_all(self, keeper: Keeper, now: datetime) -> None:
        """Let the hosts that answer work until the calendar has nothing under way."""
        for _ in range(20):
            for host in self.hosts.values():
                if host.fault is None:
                    host.work(now)
            keeper.look(now)
            if not self.under_way():
                return
        raise AssertionError("it never ended")


@pytest.fixture
def world() -> World:
    return World.generate(5, partners=60, countries=5)


@pytest.fixture
def desk(world: World, tmp_path: Path) -> Iterator[Desk]:
    with Replica(world) as site:
        yield Desk(site, f"sqlite:///{tmp_path / 'store.db'}", tmp_path)


def test_a_job_runs_at_its_time_and_another_after_it(desk: Desk, world: World) -> None:
    with desk.keeper(ONE) as keeper:
        keeper.look(MORNING - SECOND)
        assert desk.given() == []
        keeper.look(MORNING)
        keeper.look(MORNING + SECOND)
        assert desk.hosts["a"].given == {
            "partners-20260305T0530-1": ("partners", {"mode": "all"}, {})
        }
        desk.hosts["a"].work(MORNING)
        keeper.look(MORNING + HOUR)
        assert list(desk.hosts["a"].given) == [
            "partners-20260305T0530-1",
            "recheck-20260305T0630-1",
        ]
        desk.do_all(keeper, MORNING + HOUR)
        keeper.look(MORNING + DAY - SECOND)
        assert len(desk.given()) == 2
        keeper.look(MORNING + DAY)
        assert len(desk.given()) == 3
    assert stored_partners(desk.store) == expected_partners(world)
    states = rows(desk.store, "SELECT spider, state FROM crawl_runs ORDER BY id")
    assert [tuple(row) for row in states] == [("partners", "published"), ("recheck", "published")]


def test_a_job_still_under_way_at_its_next_time_is_not_begun_again(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with desk.keeper(ONE) as keeper:
        keeper.look(MORNING - SECOND)
        for day in range(4):
            keeper.look(MORNING + day * DAY)
        assert desk.given() == ["partners-20260305T0530-1"]
    assert "partners: left out at 2026-03-06 05:30, partners of 2026-03-05" in caplog.text


def test_what_was_missed_while_the_calendar_was_off_is_made_up_for_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with desk.keeper(ONE) as keeper:
        keeper.look(MORNING - HOUR)
    with desk.keeper(ONE) as keeper:
        keeper.look(MORNING + 3 * DAY + 12 * HOUR)
        assert desk.given() == ["partners-20260308T0530-1"]
        desk.do_all(keeper, MORNING + 3 * DAY + 12 * HOUR)
    assert "partners: 3 times were missed; the last counts" in caplog.text
    done = len(desk.given())
    with desk.keeper(ONE) as keeper:
        keeper.look(MORNING + 5 * DAY + 13 * HOUR)
        assert len(desk.given()) == done
    assert "partners: 2026-03-10 05:30 was missed by too much" in caplog.text


def test_a_calendar_that_is_started_anew_goes_on_with_what_was_under_way(desk: Desk) -> None:
    with desk.keeper(ONE) as keeper:
        keeper.look(MORNING - SECOND)
        keeper.look(MORNING)
    desk.hosts["a"].work(MORNING)
    with desk.keeper(ONE) as keeper:
        keeper.look(MORNING + HOUR)
        assert desk.given() == ["partners-20260305T0530-1", "recheck-20260305T0630-1"]


def test_a_scrapyd_that_does_not_answer_is_tried_again_and_told_of_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Receiver() as service, desk.keeper(ONE, PARTNER_ALERT_URLS=service.url) as keeper:
        keeper.look(MORNING - SECOND)
        desk.hosts["a"].fault = Away("http://a does not answer: refused")
        for seconds in range(0, 300, 15):
            keeper.look(MORNING + timedelta(seconds=seconds))
        assert [one["title"] for one in service.messages] == [
            "Partner Monitor: host a is of no use"
        ]
        assert service.messages[0]["message"] == "host a: http：//a does not answer: refused"
        assert caplog.text.count("does not answer: refused; trying again") == 1
        desk.hosts["a"].fault = None
        keeper.look(MORNING + HOUR)
        assert desk.given() == ["partners-20260305T0530-1"]
        assert "host a answers again" in caplog.text


def test_a_crawl_that_ends_without_a_verdict_is_tried_again_and_in_the_end_told_of(
    desk: Desk,
) -> None:
    with Receiver() as service, desk.keeper(ONE, PARTNER_ALERT_URLS=service.url) as keeper:
        keeper.look(MORNING - SECOND)
        now = MORNING
        for tries in (1, 2, 3):
            keeper.look(now)
            assert desk.given()[-1] == f"partners-20260305T0530-{tries}"
            desk.hosts["a"].lose()
            keeper.look(now)
            assert len(desk.given()) == tries + (tries == 3)  # not at once; at last the recheck
            now += REST
        assert [one["title"] for one in service.messages] == [
            "Partner Monitor: partners of 2026-03-05 05:30 is not complete"
        ]
        assert "ended 3 times without a verdict" in service.messages[0]["message"]


def test_a_country_that_is_none_is_the_crawls_to_refuse(desk: Desk) -> None:
    nowhere = 'arguments = { mode = "specific_c", country = "Nowhere" }\n[jobs.recheck]'
    with desk.keeper(ONE.replace("[jobs.recheck]", nowhere)) as keeper:
        keeper.look(MORNING - SECOND)
        keeper.look(MORNING)
        keeper.look(MORNING + SECOND)
    assert desk.given() == ["partners-20260305T0530-1"]


@pytest.mark.postgres
def test_countries_are_spread_by_size_and_a_dead_hosts_go_to_the_others(
    world: World, postgres_database_url: str, tmp_path: Path
) -> None:
    with Replica(world) as site:
        desk = Desk(site, postgres_database_url, tmp_path)
        crawl(site.url, desk.store, MORNING - DAY, mode="first")
        with desk.keeper(THREE) as keeper:
            keeper.look(MORNING - SECOND)
            keeper.look(MORNING)
            homes = {one.country_id for one in world.listed() if one.country_id}
            given = {name: list(host.given) for name, host in desk.hosts.items()}
            assert sorted(job.split("-")[2] for job in desk.given()) == sorted(map(str, homes))
            assert all(given.values())
            desk.hosts["c"].work(MORNING, most=1)
            desk.hosts["c"].fault = Away("http://c does not answer: gone")
            keeper.look(MORNING)
            assert len(desk.given()) == len(homes)
            keeper.look(MORNING + SILENCE)
            assert len(desk.given()) == len(homes) + len(given["c"]) - 1
            desk.do_all(keeper, MORNING + HOUR)
            assert stored_partners(desk.store) == expected_partners(world)
            # What it still has in its queue is called back when it comes again.
            desk.hosts["c"].fault = None
            keeper.look(MORNING + 2 * HOUR)
            assert State.PENDING not in desk.hosts["c"].known.values()
            assert State.PENDING not in desk.hosts["a"].known.values()
        found = rows(desk.store, "SELECT country_id, state FROM crawl_runs WHERE mode <> 'first'")
        assert sorted(row.country_id for row in found) == sorted(homes)
        assert {row.state for row in found} == {"published"}


@pytest.mark.postgres
def test_a_store_that_knows_no_country_begins_with_a_run_over_all(
    world: World, postgres_database_url: str, tmp_path: Path
) -> None:
    with Replica(world) as site:
        desk = Desk(site, postgres_database_url, tmp_path)
        with desk.keeper(THREE) as keeper:
            keeper.look(MORNING - SECOND)
            keeper.look(MORNING)
            assert [desk.hosts["a"].given[job][1] for job in desk.given()] == [{"mode": "all"}]
            desk.do_all(keeper, MORNING)
            desk.hosts["b"].fault = Refused("project 'partner_monitor' not found")
            keeper.look(MORNING + DAY)
            assert desk.hosts["b"].given == {}
            assert len(desk.hosts["a"].given) + len(desk.hosts["c"].given) == 1 + 5


def test_one_digest_tells_of_the_day_and_the_runs_tell_of_trouble_only(
    desk: Desk, world: World
) -> None:
    tasks = """
        [jobs.digest]
        task = "digest"
        at = "08:00"
        [jobs.health]
        task = "health"
        at = "09:00"
        """
    with Receiver() as service:
        urls = {"PARTNER_ALERT_URLS": service.url}
        with desk.keeper(ONE + tasks, **urls) as keeper:
            keeper.look(MORNING - SECOND)
            keeper.look(MORNING)
            (_, _, settings) = desk.hosts["a"].given["partners-20260305T0530-1"]
            assert settings == {"PARTNER_ALERTS": "trouble"}
            settings |= urls
            desk.do_all(keeper, MORNING)
            assert service.messages == []
            keeper.look(MORNING + 3 * HOUR)
            (digest,) = service.messages
            assert digest["title"] == "Partner Monitor: 60 new"
            assert "scrapy report --since 2026-03-05T05:29:59Z" in digest["message"]
            keeper.look(MORNING + 5 * HOUR)  # well, and nothing to tell
            keeper.look(MORNING + DAY + 3 * HOUR)  # nothing was published since
            assert len(service.messages) == 1
            keeper.look(MORNING + 3 * DAY + 4 * HOUR)
            assert service.messages[-1]["title"] == "Partner Monitor: not healthy"
            assert "began 76 hours ago" in service.messages[-1]["message"]
