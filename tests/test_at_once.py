"""Processes that meet in one store: crawls of different kinds, a reader that never stops, and the
same command given on several machines in the same moment.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from partner_monitor.store.engine import open_engine, reading
from partner_monitor.store.views import VIEWS
from tests.crawling import ROOT, crawl, rows, scrapy_environment
from tests.reliability.stores import violations
from tests.replica import Replica, World
from tests.test_continue import again, environment, fetched, staged
from tests.truth import (
    expected_changes,
    expected_partners,
    snapshot,
    stored_events,
    stored_partners,
)

QUICK = ("-s", "DOWNLOAD_DELAY=0.005")
DAYS = ("2026-03-05T06:00:00Z", "2026-03-06T06:00:00Z")


def crawling(
    site: Replica, store: str, now: str, *arguments: str, **settings: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scrapy", "crawl", *arguments, *QUICK],
        cwd=ROOT,
        env=scrapy_environment(
            PARTNER_SITE_URL=site.url, PARTNER_DATABASE_URL=store, PARTNER_NOW=now, **settings
        ),
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(processes: Sequence[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    """Exit statuses and logs, once all have ended."""
    logs = [process.communicate(timeout=120)[1] for process in processes]
    return [(process.returncode, log) for process, log in zip(processes, logs, strict=True)]


def busy_day(world: World) -> None:
    """Changes at partners of every grade, and customers won."""
    for place, partner in enumerate(world.listed()[::6]):
        if place % 3 == 0:
            world.set_references(partner.id, partner.references + 2)
        elif place % 3 == 1:
            world.demote(partner.id)
        else:
            world.promote(partner.id)
    for partner in world.listed()[:4]:
        world.win_customer(partner.id, counted=False)


def test_a_recheck_during_a_crawl_and_both_are_right(database_url: str) -> None:
    world = World.generate(5, partners=120, countries=6)
    with Replica(world, latency=0.01) as site:
        assert crawl(site.url, database_url, DAYS[0], mode="all").state == "published"
        before = snapshot(world)
        with site.lock:
            busy_day(world)
        # Every profile is flagged as new, so the recheck is still reading when the crawl publishes.
        both = ended(
            [
                crawling(site, database_url, DAYS[1], "recheck"),
                crawling(site, database_url, DAYS[1], "partners"),
            ]
        )
        assert [status for status, _ in both] == [0, 0], both
    assert stored_partners(database_url) == expected_partners(world)
    told = stored_events(database_url, after_run=1)
    assert sorted(told, key=str) == sorted(expected_changes(before, snapshot(world)), key=str)
    held = rows(database_url, "SELECT partner_id, customer_id FROM partner_customers")
    assert {tuple(row) for row in held} == {
        (one.id, customer) for one in world.listed() for customer in one.customers
    }
    states = rows(database_url, "SELECT state FROM crawl_runs")
    assert [row.state for row in states] == ["published"] * 3
    assert violations(database_url) == []
    assert not any("locked" in log for _, log in both)


def test_two_countries_at_once_and_both_are_right(database_url: str) -> None:
    world = World.generate(5, partners=120, countries=3)
    homes = sorted({partner.country_id for partner in world.listed() if partner.country_id})[:2]
    with Replica(world, latency=0.01) as site:
        assert crawl(site.url, database_url, DAYS[0], mode="all").state == "published"
        before = snapshot(world)
        with site.lock:
            busy_day(world)
        both = ended(
            [
                crawling(
                    site, database_url, DAYS[1], "partners",
                    "-a", "mode=specific_c", "-a", f"country={home}",
                    PARTNER_AUDIT_CHANGED="1",
                )
                for home in homes
            ]
        )  # fmt: skip
        assert [status for status, _ in both] == [0, 0], both
    now = snapshot(world)
    wanted = [
        event
        for event in expected_changes(before, now)
        if now[event[1]].country_id in homes  # nobody has asked for the third
    ]
    assert wanted
    assert stored_events(database_url, after_run=1) == sorted(wanted, key=str)
    assert violations(database_url) == []
    assert not any("locked" in log for _, log in both)


@contextmanager
def a_reader(store: str, troubles: list[str], read: list[int]) -> Iterator[None]:
    """Reads every reporting view over and over, each time in one transaction held open."""
    done = threading.Event()
    engine = open_engine(store)

    def keep_reading() -> None:
        try:
            while not done.is_set():
                with reading(engine) as connection:
                    for view in VIEWS:
                        connection.exec_driver_sql(f"SELECT * FROM {view}").all()
                        read.append(1)
                        done.wait(0.01)
        except Exception as error:
            troubles.append(str(error))

    threads = [threading.Thread(target=keep_reading) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
        engine.dispose()


def test_sqlite_is_read_without_end_while_it_is_written(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    world = World.generate(5, partners=160, countries=6)
    troubles: list[str] = []
    read: list[int] = []
    with Replica(world) as site:
        assert crawl(site.url, store, DAYS[0], mode="all").state == "published"
        before = snapshot(world)
        with site.lock:
            busy_day(world)
        with a_reader(store, troubles, read):
            both = ended(
                [
                    crawling(site, store, DAYS[1], "partners"),
                    crawling(site, store, DAYS[1], "recheck"),
                ]
            )
    assert troubles == []
    assert len(read) > len(VIEWS)
    assert [status for status, _ in both] == [0, 0], both
    assert not any("locked" in log for _, log in both)
    assert stored_partners(store) == expected_partners(world)
    assert stored_events(store, after_run=1) == sorted(
        expected_changes(before, snapshot(world)), key=str
    )
    assert violations(store) == []


@pytest.mark.parametrize("first", [True, False], ids=["a first run", "a later run"])
def test_of_several_machines_that_start_the_same_at_once_one_runs(
    database_url: str, first: bool
) -> None:
    world = World.generate(5, partners=100, countries=6)
    under_way, go_on = threading.Event(), threading.Event()

    def hold(_: int, path: str) -> None:
        """Answers nobody's second page until all have begun: one is running for certain."""
        if "/page/2" in path:
            under_way.set()
            go_on.wait(60)

    with Replica(world) as site:
        if not first:
            assert crawl(site.url, database_url, DAYS[0], mode="all").state == "published"
        site.on_request = hold
        processes = [crawling(site, database_url, DAYS[1], "partners") for _ in range(3)]
        assert under_way.wait(60)
        deadline = time.monotonic() + 60
        while sum(one.poll() is None for one in processes) > 1 and time.monotonic() < deadline:
            under_way.clear()
            under_way.wait(0.05)
        go_on.set()
        all_of_them = ended(processes)
    assert sorted(status for status, _ in all_of_them) == [0, 1, 1], all_of_them
    for status, log in all_of_them:
        assert "Traceback" not in log
        if status == 1:
            assert "the crawl partners all is already running" in log.splitlines()[-1]
    runs = rows(database_url, "SELECT state FROM crawl_runs ORDER BY id")
    assert [row.state for row in runs] == ["published"] * (1 if first else 2)
    assert stored_partners(database_url) == expected_partners(world)
    assert violations(database_url) == []


def test_ctrl_c_twice_ends_at_once_and_the_next_command_continues(database_url: str) -> None:
    world = World.generate(5, partners=240, countries=10)
    reached = threading.Event()

    def on_request(count: int, _: str) -> None:
        if count == 8:
            reached.set()

    with Replica(world, latency=0.3) as site:
        site.on_request = on_request
        process = subprocess.Popen(
            [sys.executable, "-m", "scrapy", "crawl", "partners", *QUICK],
            cwd=ROOT,
            env=environment(site, database_url),
            stderr=subprocess.DEVNULL,
        )
        assert reached.wait(60)
        process.send_signal(signal.SIGINT)
        reached.wait(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) != 0
        site.on_request = None
        site.latency = 0
        run = rows(database_url, "SELECT id, state FROM crawl_runs")[0]
        assert run.state in ("running", "interrupted")
        assert rows(database_url, "SELECT * FROM partners") == []
        before = staged(database_url)
        continued = again(site, database_url)
        assert continued.returncode == 0, continued.stderr
        assert f"run {run.id} continues" in continued.stderr
        assert fetched(site) == set(range(1, 13)) - before
    assert stored_partners(database_url) == expected_partners(world)
    assert [row.state for row in rows(database_url, "SELECT state FROM crawl_runs")] == [
        "published"
    ]
