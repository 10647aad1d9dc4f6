"""The main job over a directory of real size, compared with the directory's own truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.crawling import crawl, rows, scrapy
from tests.replica import Replica, World
from tests.replica.days import advance
from tests.truth import (
    expected_changes,
    expected_partners,
    snapshot,
    stored_events,
    stored_partners,
)

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_whole_directory_and_its_next_days_are_stored_exactly(database_url: str) -> None:
    world = World.generate(7, partners=4000, countries=164)
    first = snapshot(world)
    with Replica(world) as site:
        assert crawl(site.url, database_url, NOON, mode="all").state == "published"
        assert stored_partners(database_url) == expected_partners(world)
        assert set(stored_events(database_url)) == expected_changes({}, first)

        with site.lock:
            advance(world)
        requests = len(site.log)
        assert crawl(site.url, database_url, NOON + DAY, mode="all").state == "published"
        second = snapshot(world)
        assert expected_changes(first, second)
        assert set(stored_events(database_url, after_run=1)) == expected_changes(first, second)
        gone = first.keys() - second.keys()
        assert {
            row.id
            for row in rows(database_url, "SELECT id FROM partners WHERE missing_since IS NOT NULL")
        } == gone
        now = stored_partners(database_url)
        assert {id_: now[id_] for id_ in second} == expected_partners(world)
        # robots.txt, then each page once and nothing else.
        assert len(site.log) - requests == 1 + -(-len(second) // 20)

        before = stored_events(database_url), rows(database_url, "SELECT * FROM partner_versions")
        again = crawl(site.url, database_url, NOON + 2 * DAY, mode="all")
        assert again.state == "published"
        after = stored_events(database_url), rows(database_url, "SELECT * FROM partner_versions")
        assert after == before

    summary = rows(
        database_url,
        """SELECT SUM(gold + silver + ready + other) AS listed, SUM(total) AS total,
            MIN(CASE WHEN complete THEN 1 ELSE 0 END) AS complete
        FROM report_country_summary""",
    )[0]
    assert tuple(summary) == (len(now), len(now), 1)
    check = scrapy("db", "check", PARTNER_DATABASE_URL=database_url)
    assert (check.returncode, check.stdout) == (0, "the history is consistent\n"), check.stderr
