"""Cases in which one page, one instant or one leftover could speak for more than it knows."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from partner_monitor.store import runs
from partner_monitor.store.engine import StoreError, open_engine, writing
from tests.crawling import ROOT, crawl, rows, scrapy, scrapy_environment, violations
from tests.replica import Fault, Replica, World
from tests.truth import expected_partners, stored_partners

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def ledger(store: str) -> tuple[str, str]:
    run = rows(store, "SELECT state, reason FROM crawl_runs ORDER BY id DESC LIMIT 1")[0]
    return run.state, run.reason


# --- what one page must not say ------------------------------------------------------------------


def test_a_countrys_own_page_whose_menu_lists_one_country_says_nothing_of_the_others(
    store: str,
) -> None:
    world = World.generate(3, partners=100, countries=6)
    country = world.listed()[0].country_id
    with Replica(world) as site:
        assert crawl(site.url, store, NOON, mode="all").state == "published"
        before = rows(store, "SELECT id, listed_count FROM countries ORDER BY id")
        with site.lock:  # the directory of one country only: its menu adds up all the same
            for partner in world.listed():
                if partner.country_id != country:
                    world.depart(partner.id)
        for day in range(1, 10):
            now = NOON + day * DAY
            alone = crawl(site.url, store, now, mode="specific_c", country=str(country))
            assert alone.state == "published", alone.errors
            assert ledger(store)[1] == "all read, all counts met"
    unseen = "missing_since IS NOT NULL OR delisted_at IS NOT NULL"
    assert rows(store, f"SELECT id FROM partners WHERE {unseen}") == []
    assert rows(store, "SELECT id, listed_count FROM countries ORDER BY id") == before


def test_pages_whose_pager_is_not_recognised_are_refused_though_their_cards_are_read(
    store: str,
) -> None:
    world = World.generate(3, partners=200, countries=6)
    with Replica(world) as site:
        assert crawl(site.url, store, NOON, mode="all").state == "published"
        before = rows(store, "SELECT * FROM partners ORDER BY id")
        site.faults.append(Fault("drift", match="/partners", drift="pager"))
        assert crawl(site.url, store, NOON + DAY, mode="all").state == "failed"
    state, reason = ledger(store)
    assert state == "failed"
    assert reason.startswith("no listing page could be read: ")
    assert "no pager, though the list declares 200 partners" in reason
    assert rows(store, "SELECT * FROM partners ORDER BY id") == before


# --- equal instants, equal names, equal moments --------------------------------------------------


def test_a_partner_may_be_relisted_at_the_instant_it_was_delisted(database_url: str) -> None:
    world = World.generate(3, partners=60, countries=4)
    partner = world.listed()[30]
    settings = {"PARTNER_DELIST_AFTER_DAYS": "0"}
    with Replica(world) as site:
        crawl(site.url, database_url, NOON, settings, mode="all")
        with site.lock:
            world.depart(partner.id)
        crawl(site.url, database_url, NOON + DAY, settings, mode="all")
        with site.lock:
            world.come_back(partner.id)
        country = str(partner.country_id)
        for now in (NOON + DAY, NOON + 2 * DAY):
            back = crawl(site.url, database_url, now, settings, mode="specific_c", country=country)
            assert back.state == "published", back.errors
    query = "SELECT change_type FROM status_history WHERE partner_id = :id ORDER BY id"
    told = [row.change_type for row in rows(database_url, query, id=partner.id)]
    assert told == ["initial", "delisted", "relisted"]
    assert stored_partners(database_url) == expected_partners(world)
    assert violations(database_url) == []


@pytest.mark.parametrize(
    "name", ["partner_monitor_resolved", "partner_monitor_leaving", "partner_monitor_looked"]
)
def test_a_users_own_table_of_a_scratch_tables_name_survives(database_url: str, name: str) -> None:
    world = World.generate(3, partners=20, countries=3)
    engine = open_engine(database_url)
    with writing(engine) as connection:
        connection.execute(text(f"CREATE TABLE {name} (ticket INTEGER)"))
        connection.execute(text(f"INSERT INTO {name} VALUES (1)"))
    engine.dispose()
    with Replica(world) as site:
        for spider in ("partners", "recheck"):
            crawled = crawl(site.url, database_url, NOON, spider=spider)
            assert crawled.state == "published", crawled.errors
    assert [tuple(row) for row in rows(database_url, f"SELECT * FROM {name}")] == [(1,)]
    assert stored_partners(database_url) == expected_partners(world)


def test_a_discard_never_overwrites_a_publish(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.generate(1, partners=60, countries=5)
    look = runs.get

    def look_before_a_publish(engine: Any, run_id: int) -> Any:
        seen = look(engine, run_id)
        published = scrapy("publish", str(run_id), PARTNER_DATABASE_URL=store)
        assert published.returncode == 0, published.stderr
        return seen

    with Replica(world) as site:
        crawl(site.url, store, NOON, mode="all")
        with site.lock:
            for partner in world.listed()[:30]:
                world.set_references(partner.id, partner.references + 1)
        assert crawl(site.url, store, NOON + DAY, mode="all").state == "quarantined"
    engine = open_engine(store)
    monkeypatch.setattr(runs, "get", look_before_a_publish)
    with pytest.raises(StoreError, match="only a quarantined run can be discarded"):
        runs.discard(engine, 2, NOON + DAY)
    engine.dispose()
    states = [row.state for row in rows(store, "SELECT state FROM crawl_runs ORDER BY id")]
    assert states == ["published", "published"]
    assert stored_partners(store) == expected_partners(world)
    assert violations(store) == []


# --- knowing when to stop ------------------------------------------------------------------------


@pytest.mark.parametrize(("at_once", "bound"), [(1, 30), (8, 120)])
def test_a_site_that_turns_hollow_is_given_up_within_a_bound(
    store: str, at_once: int, bound: int
) -> None:
    settings = {"CONCURRENT_REQUESTS": at_once, "CONCURRENT_REQUESTS_PER_DOMAIN": at_once}
    with Replica(World.generate(1, partners=1000, countries=5)) as site:
        site.faults.append(Fault("hollow", match="/partners", after=3))
        hollow = crawl(site.url, store, NOON, settings, mode="all")
        # Each of the fifty pages tried as often as a page may be would be some 300 requests.
        assert len(site.log) <= bound
    assert hollow.state == "quarantined"
    assert "refusals in a row, the last: hollow" in ledger(store)[1]
    assert rows(store, "SELECT * FROM partners") == []


def test_after_giving_up_nothing_more_is_sent(store: str) -> None:
    sent_until: list[int] = []

    class Notice(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("giving up: "):
                sent_until.append(len(site.log))

    # One request at a time: whatever else was asked for waits in the downloader for its turn.
    settings = {"CONCURRENT_REQUESTS_PER_DOMAIN": 1, "DOWNLOAD_DELAY": 0.01}
    notice = Notice()
    logging.getLogger("partner_monitor.middlewares").addHandler(notice)
    try:
        with Replica(World.generate(1, partners=600, countries=5)) as site:
            site.faults.append(Fault("503", match="/partners", after=3))
            crawl(site.url, store, NOON, settings, mode="all")
            assert sent_until == [len(site.log)]
    finally:
        logging.getLogger("partner_monitor.middlewares").removeHandler(notice)


# --- what is left behind -------------------------------------------------------------------------


def test_a_continued_run_does_not_ask_the_foreign_host_that_a_page_led_to(store: str) -> None:
    world = World.generate(1, partners=60, countries=5)
    asked_again, go_on = threading.Event(), threading.Event()

    def on_request(_: int, path: str) -> None:
        if path.startswith("/partners") and site.faults[0].struck:
            asked_again.set()
            go_on.wait(60)

    with Replica(world) as site:
        site.faults.append(Fault("redirect_host", match="/partners"))
        site.on_request = on_request
        process = subprocess.Popen(
            [sys.executable, "-m", "scrapy", "crawl", "partners", "-s", "DOWNLOAD_DELAY=0"],
            cwd=ROOT,
            env=scrapy_environment(PARTNER_SITE_URL=site.url, PARTNER_DATABASE_URL=store),
            stderr=subprocess.DEVNULL,
        )
        assert asked_again.wait(60)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        site.on_request = None
        go_on.set()
        staged = rows(store, "SELECT url, outcome FROM staged_pages")
        assert [tuple(page) for page in staged] == [
            ("http://other.invalid/partners", "redirected to another host")
        ]
        site.faults.clear()
        continued = crawl(site.url, store, mode="all")
    assert continued.state == "published", continued.errors
    assert ledger(store) == ("published", "all read, all counts met")
    assert rows(store, "SELECT COUNT(*) AS n FROM crawl_runs")[0].n == 1
    assert stored_partners(store) == expected_partners(world)


@pytest.mark.parametrize(
    ("left", "arguments"),
    [
        ({"PARTNER_COUNTRY": "BE"}, ("crawl", "partners", "-a", "mode=first")),
        ({"PARTNER_FETCH_MODE": "nonsense"}, ("crawl", "partners", "-a", "mode=first")),
        (
            {"PARTNER_FETCH_MODE": "specific", "PARTNER_FETCH_PAGE": "0"},
            ("crawl", "partners", "-a", "page=2"),
        ),
        ({"PARTNER_FETCH_MODE": "specific_c"}, ("crawl", "recheck")),
    ],
)
def test_settings_of_another_mode_left_in_the_environment_break_no_command(
    store: str, left: dict[str, str], arguments: tuple[str, ...]
) -> None:
    with Replica(World.generate(1, partners=40, countries=3)) as site:
        done = scrapy(
            *arguments,
            "-s",
            "DOWNLOAD_DELAY=0",
            PARTNER_SITE_URL=site.url,
            PARTNER_DATABASE_URL=store,
            **left,
        )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert ledger(store)[0] == "published"
