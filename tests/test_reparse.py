"""Kept pages: read anew by a repaired reader, without a request, and published by the rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partner_monitor import reading
from partner_monitor.directory.listing import read_listing
from partner_monitor.directory.page import ListingPage
from partner_monitor.directory.profile import Profile, read_profile
from tests.crawling import crawl, rows, scrapy
from tests.replica import Fault, Replica, World
from tests.truth import expected_partners, stored_partners

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)

HISTORY = ("status_history", "reference_history", "partner_versions", "partner_customers")


@contextmanager
def broken_reader(*patterns: tuple[bytes, bytes]) -> Iterator[None]:
    """A reader that does not know the site's present markup: it sees another in its place."""

    def blind(read: Callable[..., Any]) -> Callable[..., Any]:
        def reader(body: bytes, base_url: str, encoding: str = "utf-8") -> Any:
            for pattern, replacement in patterns:
                body = re.sub(pattern, replacement, body)
            return read(body, base_url, encoding)

        return reader

    list_reader: Callable[..., ListingPage] = blind(read_listing)
    profile_reader: Callable[..., Profile] = blind(read_profile)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "read_listing", list_reader)
        patch.setattr(reading, "read_profile", profile_reader)
        yield


NO_REFERENCES = (rb"stat_ref", b"stat_other")
NO_PAGE = (rb"(?i)dropdown|list-group", b"other")


def reparse(database_url: str, run_id: int, status: int = 0, now: datetime | None = None) -> str:
    """``scrapy reparse`` with nowhere to send a request to."""
    ended = scrapy(
        "reparse",
        str(run_id),
        PARTNER_DATABASE_URL=database_url,
        PARTNER_SITE_URL="http://127.0.0.1:9",
        PARTNER_NOW=now.isoformat() if now else "",
    )
    assert ended.returncode == status, ended.stdout + ended.stderr
    return (ended.stdout + ended.stderr).strip()


def history(database_url: str) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: [tuple(row) for row in rows(database_url, f"SELECT * FROM {table} ORDER BY id")]
        for table in (*HISTORY, "partners", "countries")
    }


def ledger(database_url: str) -> list[tuple[str, str]]:
    query = "SELECT state, reason FROM crawl_runs ORDER BY id"
    return [(row.state, row.reason) for row in rows(database_url, query)]


def test_a_quarantined_run_is_published_once_the_reader_is_repaired(database_url: str) -> None:
    world = World.generate(1, partners=200, countries=8)
    with Replica(world) as site, broken_reader(NO_REFERENCES):
        assert crawl(site.url, database_url, NOON).state == "quarantined"
    assert rows(database_url, "SELECT id FROM partners") == []
    said = reparse(database_url, 1)
    assert "run 1 published: read anew: all read, all counts met" in said
    assert stored_partners(database_url) == expected_partners(world)
    events = rows(database_url, "SELECT changed_at FROM status_history")
    assert {row.changed_at for row in events} == {
        "2026-03-05 12:00:00.000000" if database_url.startswith("sqlite") else NOON
    }
    assert "consistent" in scrapy("db", "check", PARTNER_DATABASE_URL=database_url).stdout


def test_a_run_that_read_nothing_at_all_can_be_read_anew_as_far_as_it_fetched(
    database_url: str,
) -> None:
    world = World.generate(1, partners=20, countries=4)
    with Replica(world) as site, broken_reader(NO_PAGE):
        assert crawl(site.url, database_url, NOON).state == "failed"
    assert "run 1 published" in reparse(database_url, 1)
    assert stored_partners(database_url) == expected_partners(world)


def test_a_reader_as_broken_as_before_leaves_the_run_in_quarantine(database_url: str) -> None:
    world = World.generate(1, partners=100, countries=5)
    with Replica(world) as site:
        site.faults.append(Fault("drift", drift="stat_ref"))
        assert crawl(site.url, database_url, NOON).state == "quarantined"
    before = ledger(database_url)
    assert "run 1 quarantined: read anew: references_count" in reparse(database_url, 1, status=1)
    assert ledger(database_url) == [(state, f"read anew: {reason}") for state, reason in before]
    assert rows(database_url, "SELECT id FROM partners") == []


def test_a_published_run_read_anew_changes_nothing(database_url: str) -> None:
    world = World.generate(1, partners=120, countries=6)
    with Replica(world) as site:
        for day in range(3):
            crawl(site.url, database_url, NOON + day * DAY)
            crawl(site.url, database_url, NOON + day * DAY, spider="recheck")
            site.advance(world)
    before = history(database_url)
    ledgers = "SELECT * FROM crawl_runs ORDER BY id"
    runs = rows(database_url, ledgers)
    for run in runs:
        assert f"run {run.id} published: read anew" in reparse(
            database_url, run.id, now=NOON + 3 * DAY
        )
    after = history(database_url)
    for table in HISTORY:
        assert after[table] == before[table], table
    assert rows(database_url, ledgers) == runs


def test_an_older_run_read_anew_never_turns_the_clock_back(database_url: str) -> None:
    world = World.generate(1, partners=400, countries=6)
    with Replica(world) as site:
        crawl(site.url, database_url, NOON)
        site.advance(world)
        with broken_reader(NO_REFERENCES):
            assert crawl(site.url, database_url, NOON + DAY).state == "quarantined"
        site.advance(world)
        assert crawl(site.url, database_url, NOON + 2 * DAY).state == "published"
    before = history(database_url)
    said = reparse(database_url, 2)
    assert "run 2 published: read anew: " in said
    assert "newer looks stay" in said
    # Who came on the second day and was gone on the third is all that it can add.
    after = history(database_url)
    known = {row[1] for row in before["partner_versions"]}
    for table in HISTORY:
        assert [row for row in after[table] if row[1] in known] == before[table], table


def test_a_published_run_that_reads_worse_now_stays_as_it_is(database_url: str) -> None:
    from scrapy.utils.project import get_project_settings

    from partner_monitor.archive import reparse as read_anew
    from partner_monitor.config import from_settings
    from partner_monitor.store.engine import StoreError, open_engine

    world = World.generate(1, partners=100, countries=5)
    with Replica(world) as site:
        crawl(site.url, database_url, NOON)
    before = history(database_url), ledger(database_url)
    settings = get_project_settings()
    settings.set("PARTNER_DATABASE_URL", database_url)
    engine = open_engine(database_url)
    try:
        with broken_reader(NO_REFERENCES), pytest.raises(StoreError, match="stays published"):
            read_anew(engine, 1, from_settings(settings), lambda done, total: None)
    finally:
        engine.dispose()
    assert (history(database_url), ledger(database_url)) == before


def test_profiles_are_read_anew_as_well(database_url: str) -> None:
    world = World.generate(3, partners=60, countries=4)
    with Replica(world) as site:
        crawl(site.url, database_url, NOON)
        with broken_reader((rb"partner_name", b"partner_title")):
            assert crawl(site.url, database_url, NOON, spider="recheck").state == "failed"
        assert rows(database_url, "SELECT * FROM partner_customers") == []
    assert "run 2 published: read anew" in reparse(database_url, 2)
    again = database_url.replace("store.db", "again.db")
    if again == database_url:
        return
    with Replica(world) as site:
        crawl(site.url, again, NOON)
        crawl(site.url, again, NOON, spider="recheck")
    query = "SELECT partner_id, customer_id, baseline FROM partner_customers ORDER BY 1, 2"
    assert rows(database_url, query) == rows(again, query)
    assert rows(database_url, query)


def test_pages_are_kept_for_as_long_as_is_asked_for(database_url: str) -> None:
    world = World.generate(1, partners=60, countries=4)
    kept = "SELECT run_id, count(*) AS pages FROM kept_pages GROUP BY run_id ORDER BY run_id"
    with Replica(world) as site:
        for day in (0, 10, 15):
            crawl(site.url, database_url, NOON + day * DAY)
        assert [tuple(row) for row in rows(database_url, kept)] == [(2, 3), (3, 3)]
        crawl(site.url, database_url, NOON + 16 * DAY, {"PARTNER_KEEP_PAGES_DAYS": "0"})
    assert rows(database_url, kept) == []
    said = reparse(database_url, 1, status=2)
    assert said == (
        "no page of run 1 is kept: it read none, or PARTNER_KEEP_PAGES_DAYS have passed"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [([], "name one run"), (["x"], "name one run"), (["7"], "there is no run 7")],
)
def test_what_cannot_be_read_anew_is_one_line(
    database_url: str, arguments: list[str], says: str
) -> None:
    with Replica(World.generate(1, partners=20, countries=2)) as site:
        crawl(site.url, database_url, NOON)
    ended = scrapy("reparse", *arguments, PARTNER_DATABASE_URL=database_url)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert says in ended.stderr


def test_what_came_of_the_pages_is_counted_with_the_run(database_url: str) -> None:
    world = World.generate(1, partners=200, countries=5)
    one_by_one = {"CONCURRENT_REQUESTS": 1, "CONCURRENT_REQUESTS_PER_DOMAIN": 1}
    with Replica(world) as site:
        site.faults.append(Fault("403", match=r"/page/4\?country_all"))
        crawl(site.url, database_url, NOON, one_by_one)
        site.faults[:] = [Fault("hollow", match=r"/partners/[a-z]", times=13)]
        crawl(site.url, database_url, NOON, one_by_one, spider="recheck", limit="10")
    query = "SELECT run_id, kind, outcome, pages FROM run_outcomes ORDER BY 1, 2, 3"
    counted = [tuple(row) for row in rows(database_url, query)]
    assert (1, "listing", "refused", 1) in counted
    assert sum(n for run, kind, what, n in counted if (run, what) == (1, "read")) >= 9
    assert {kind for run, kind, _, _ in counted if run == 2} == {"profile"}
    assert sum(n for run, _, _, n in counted if run == 2) == 10


def test_a_kept_bomb_is_too_large_again_and_stops_nothing(database_url: str) -> None:
    with Replica(World.generate(1, partners=200, countries=5)) as site:
        site.faults.append(Fault("gzip_bomb", match=r"/page/4\?country_all"))
        assert crawl(site.url, database_url, NOON).state == "published"
    before = history(database_url)
    reparse(database_url, 1)
    assert history(database_url) == before
    query = "SELECT pages FROM run_outcomes WHERE outcome = 'too large'"
    assert [row.pages for row in rows(database_url, query)] == [1]
