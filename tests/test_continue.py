"""Runs that end before their time, and runs that meet: real processes, killed and interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from tests.crawling import ROOT, rows, scrapy, scrapy_environment
from tests.replica import Replica, World
from tests.truth import expected_partners, stored_partners

ARGUMENTS = ("-s", "DOWNLOAD_DELAY=0", "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=2")


def environment(site: Replica, database_url: str) -> dict[str, str]:
    return scrapy_environment(PARTNER_SITE_URL=site.url, PARTNER_DATABASE_URL=database_url)


def start(site: Replica, database_url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scrapy", "crawl", "partners", *ARGUMENTS],
        cwd=ROOT,
        env=environment(site, database_url),
        stderr=subprocess.PIPE,
        text=True,
    )


def end_after(site: Replica, database_url: str, requests: int, how: signal.Signals) -> int:
    """Crawl, and send the process ``how`` at its ``requests``-th request; returns its status."""
    reached = threading.Event()
    count = 0

    def on_request(_: int, __: str) -> None:
        nonlocal count
        count += 1
        if count == requests:
            reached.set()

    site.on_request = on_request
    process = start(site, database_url)
    assert reached.wait(60)
    process.send_signal(how)
    process.communicate(timeout=60)
    site.on_request = None
    return process.returncode


def again(site: Replica, database_url: str, *more: str) -> subprocess.CompletedProcess[str]:
    del site.log[:]
    return scrapy(
        "crawl",
        "partners",
        *ARGUMENTS,
        *more,
        PARTNER_SITE_URL=site.url,
        PARTNER_DATABASE_URL=database_url,
    )


def staged(database_url: str) -> set[int]:
    query = "SELECT page FROM staged_pages WHERE outcome = 'read'"
    return {row.page for row in rows(database_url, query)}


def fetched(site: Replica) -> set[int]:
    paths = [path for path in site.paths() if path.startswith("/partners")]
    return {int(path.split("/page/")[1].split("?")[0]) if "/page/" in path else 1 for path in paths}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_same_command_continues_a_run_that_ended_before_its_time(
    database_url: str, how: signal.Signals
) -> None:
    world = World.generate(5, partners=240, countries=10)
    with Replica(world, latency=0.02) as site:
        assert end_after(site, database_url, 8, how) != 0
        run = rows(database_url, "SELECT id, state FROM crawl_runs")[0]
        assert run.state == ("running" if how == signal.SIGKILL else "interrupted")
        assert rows(database_url, "SELECT * FROM partners") == []
        before = staged(database_url)
        assert before
        continued = again(site, database_url)
        assert continued.returncode == 0, continued.stderr
        assert f"run {run.id} continues" in continued.stderr
        assert fetched(site) == set(range(1, 13)) - before
    assert stored_partners(database_url) == expected_partners(world)
    runs = rows(database_url, "SELECT state, reason, pages_fetched FROM crawl_runs")
    assert [tuple(run) for run in runs] == [("published", "all read, all counts met", 12)]


def test_a_new_run_is_begun_on_request_or_when_the_old_one_is_too_old(database_url: str) -> None:
    world = World.generate(5, partners=240, countries=10)
    with Replica(world, latency=0.02) as site:
        end_after(site, database_url, 8, signal.SIGKILL)
        fresh = again(site, database_url, "-a", "new_run=1")
        assert fresh.returncode == 0, fresh.stderr
        assert fetched(site) == set(range(1, 13))
        end_after(site, database_url, 8, signal.SIGKILL)
        old = again(site, database_url, "-s", "PARTNER_RUN_MAX_AGE_HOURS=0")
        assert old.returncode == 0, old.stderr
    runs = rows(database_url, "SELECT state, reason FROM crawl_runs ORDER BY id")
    assert [tuple(run) for run in runs] == [
        ("failed", "left behind, a new run was asked for"),
        ("published", "all read, all counts met"),
        ("failed", "left behind, too old to continue"),
        ("published", "all read, all counts met"),
    ]
    assert rows(database_url, "SELECT * FROM staged_cards") == []


def test_of_two_at_once_one_runs_and_the_other_says_so(database_url: str) -> None:
    world = World.generate(5, partners=240, countries=10)
    under_way, go_on = threading.Event(), threading.Event()

    def on_request(count: int, _: str) -> None:
        if count == 4:
            under_way.set()
            go_on.wait(60)

    with Replica(world) as site:
        site.on_request = on_request
        first = start(site, database_url)
        assert under_way.wait(60)
        second = subprocess.run(
            [sys.executable, "-m", "scrapy", "crawl", "partners", *ARGUMENTS],
            cwd=ROOT,
            env=environment(site, database_url),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        go_on.set()
        first.communicate(timeout=60)
    assert second.returncode != 0
    assert "the crawl partners all is already running" in second.stderr.splitlines()[-1]
    assert first.returncode == 0
    assert stored_partners(database_url) == expected_partners(world)
    assert [row.state for row in rows(database_url, "SELECT state FROM crawl_runs")] == [
        "published"
    ]
