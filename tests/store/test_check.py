"""``scrapy db check`` finds what it says it looks for: each check fails where it has to."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from partner_monitor.store import check
from partner_monitor.store.engine import open_engine, reading
from tests.crawling import crawl
from tests.replica import Replica, World

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)

FOUND = "SELECT MIN(partner_id) FROM status_history WHERE change_type"
PROMOTED, BACK = f"({FOUND} = 'promoted')", f"({FOUND} = 'relisted')"
GONE = "(SELECT MIN(id) FROM partners WHERE delisted_at IS NOT NULL)"
COUNTED = "(SELECT MIN(partner_id) FROM reference_history WHERE old_count IS NOT NULL)"
QUIET = f"""(SELECT MIN(id) FROM partners WHERE delisted_at IS NULL AND id NOT IN
    ({PROMOTED}, {BACK}, {COUNTED}) AND references_count > 0)"""
CUSTOMER = "id = (SELECT MIN(id) FROM partner_customers)"
OLD_VERSION = f"partner_id = {PROMOTED} AND valid_to IS NOT NULL"

PLANTED = {
    "the current row differs from the last version": (
        f"UPDATE partners SET references_count = references_count + 1 WHERE id = {QUIET}",
        f"UPDATE partners SET status = NULL WHERE id = {QUIET}",
        f"UPDATE partners SET country_id = NULL WHERE id = {QUIET}",
        f"UPDATE partner_versions SET name = 'Somebody Else' WHERE partner_id = {QUIET}",
        f"DELETE FROM partner_versions WHERE partner_id = {QUIET}",
    ),
    "the last version is open though the partner is delisted, or closed though it is listed": (
        f"UPDATE partners SET delisted_at = NULL WHERE id = {GONE}",
        f"UPDATE partners SET delisted_at = last_seen_at WHERE id = {GONE}",
        f"UPDATE partners SET delisted_at = last_seen_at WHERE id = {QUIET}",
        f"UPDATE partner_versions SET valid_to = NULL WHERE partner_id = {GONE}",
    ),
    "versions overlap, or end before they begin": (
        f"UPDATE partner_versions SET valid_to = NULL WHERE {OLD_VERSION}",
        f"UPDATE partner_versions SET valid_to = valid_from WHERE {OLD_VERSION}",
        """UPDATE partner_versions SET valid_to = (SELECT MAX(published_at) FROM crawl_runs)
            WHERE """
        + OLD_VERSION,
    ),
    "a change of status between versions has no status row": (
        "DELETE FROM status_history WHERE change_type = 'promoted'",
        f"DELETE FROM status_history WHERE change_type = 'initial' AND partner_id = {QUIET}",
        "UPDATE status_history SET new_status = 'gold' WHERE change_type = 'promoted'",
        "UPDATE status_history SET old_status = 'gold' WHERE change_type = 'promoted'",
    ),
    "a return has no relisted row": (
        "DELETE FROM status_history WHERE change_type = 'relisted'",
        "UPDATE status_history SET change_type = 'changed' WHERE change_type = 'relisted'",
    ),
    "a version that ended with a departure has no delisted row": (
        f"DELETE FROM status_history WHERE change_type = 'delisted' AND partner_id = {GONE}",
        f"DELETE FROM status_history WHERE change_type = 'delisted' AND partner_id = {BACK}",
    ),
    "a status row is no change between versions": (
        f"""INSERT INTO status_history
            (partner_id, old_status, new_status, change_type, changed_at, run_id)
            SELECT {QUIET}, 'ready', 'gold', 'promoted', published_at, id
            FROM crawl_runs WHERE id = 2""",
        "UPDATE status_history SET new_status = 'ready' WHERE change_type = 'delisted'",
        "UPDATE status_history SET old_status = new_status WHERE change_type = 'promoted'",
        "UPDATE status_history SET change_type = 'relisted' WHERE change_type = 'promoted'",
        "UPDATE status_history SET old_status = 'platinum' WHERE change_type = 'relisted'",
    ),
    "a status row calls its change by the wrong name": (
        "UPDATE status_history SET change_type = 'demoted' WHERE change_type = 'promoted'",
        "UPDATE status_history SET change_type = 'changed' WHERE change_type = 'promoted'",
        f"UPDATE status_history SET change_type = 'promoted' WHERE partner_id = {QUIET}",
    ),
    "a change of references between versions has no reference row": (
        "DELETE FROM reference_history WHERE old_count IS NOT NULL",
        f"DELETE FROM reference_history WHERE partner_id = {QUIET}",
        "UPDATE reference_history SET new_count = new_count + 1 WHERE old_count IS NOT NULL",
    ),
    "a reference row is no change between versions": (
        f"""INSERT INTO reference_history
            (partner_id, old_count, new_count, changed_at, run_id)
            SELECT {QUIET}, 1, 2, published_at, id FROM crawl_runs WHERE id = 2""",
        "UPDATE reference_history SET old_count = new_count WHERE old_count IS NOT NULL",
    ),
    "a delisted partner was never missing": (
        f"UPDATE partners SET missing_since = NULL WHERE id = {GONE}",
    ),
    "the stored count of a country (its id) is not its listed partners": (
        f"""UPDATE countries SET partner_count = partner_count + 1
            WHERE id = (SELECT country_id FROM partners WHERE id = {QUIET})""",
    ),
    "a published run's rows are not of its instant": (
        "UPDATE crawl_runs SET state = 'discarded' WHERE id = 2",
        """UPDATE crawl_runs SET published_at = (SELECT MAX(published_at) FROM crawl_runs)
            WHERE id = 1""",
        "UPDATE reference_history SET run_id = 1 WHERE old_count IS NOT NULL",
        f"UPDATE partner_versions SET run_id = 2 WHERE partner_id = {QUIET}",
    ),
    "a customer ended before it was the partner's": (
        f"""UPDATE partner_customers
            SET ended_at = (SELECT published_at FROM crawl_runs WHERE id = 1) WHERE {CUSTOMER}""",
    ),
    "a customer is the partner's twice at a time": (
        f"""INSERT INTO partner_customers (partner_id, customer_id, first_seen_on, first_seen_at,
                baseline, last_seen_at, missing_looks, ended_with_partner, run_id)
            SELECT partner_id, customer_id, first_seen_on,
                (SELECT published_at FROM crawl_runs WHERE id = 1),
                baseline, last_seen_at, missing_looks, ended_with_partner, run_id
            FROM partner_customers WHERE {CUSTOMER}""",
    ),
    "a customer stays with a delisted partner": (
        f"UPDATE partner_customers SET partner_id = {GONE} WHERE {CUSTOMER}",
    ),
    "a customer's move is not noted, or is none": (
        f"""INSERT INTO partner_customers (partner_id, customer_id, first_seen_on, first_seen_at,
                baseline, last_seen_at, ended_at, missing_looks, ended_with_partner, run_id)
            SELECT p.id, c.customer_id, c.first_seen_on, r.published_at,
                p.id = 0, c.last_seen_at, c.last_seen_at, 2, p.id = 0, r.id
            FROM partner_customers c
            JOIN partners p ON p.id IN ({PROMOTED}, {BACK})
            JOIN crawl_runs r ON r.id = 1
            WHERE c.{CUSTOMER}""",
        f"""INSERT INTO customer_moves
            SELECT customer_id, partner_id, {GONE}, first_seen_at, first_seen_at, first_seen_at
            FROM partner_customers WHERE {CUSTOMER}""",
    ),
    "a partner created anew is not noted, or was not": (
        f"""INSERT INTO partner_recreations
            SELECT id, {QUIET}, 2, 2, delisted_at FROM partners WHERE id = {GONE}""",
    ),
}
"""What may be wrong in a store, by the check that has to find it."""


def a_healthy_store(database_url: str) -> None:
    """Three days with arrivals, a promotion, a count, two departures and a return, and the
    profiles read on the last."""
    world = World.generate(1, partners=60, countries=5)
    staying = [partner for partner in world.listed() if partner.grade == "ready"]
    with Replica(world) as site:
        for day in range(3):
            with site.lock:
                if day == 1:
                    world.promote(staying[0].id)
                    world.set_references(staying[1].id, staying[1].references + 1)
                    world.depart(staying[2].id)
                    world.depart(staying[3].id)
                if day == 2:
                    world.come_back(staying[3].id)
            crawled = crawl(
                site.url,
                database_url,
                NOON + day * DAY,
                {"PARTNER_DELIST_AFTER_DAYS": "0"},
                mode="all",
            )
            assert crawled.state == "published"
        later = NOON + 2 * DAY + timedelta(hours=1)
        assert crawl(site.url, database_url, later, spider="recheck").state == "published"


def test_each_inconsistency_is_found_by_its_check(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_healthy_store(database_url)
    engine = open_engine(database_url)

    def found(connection: Connection) -> set[str]:
        with monkeypatch.context() as patch:
            patch.setattr(check, "reading", lambda _: nullcontext(connection))
            return {violation.what for violation in check.violations(engine)}

    missed = []
    with reading(engine) as connection:
        assert found(connection) == set()
        for what, statements in PLANTED.items():
            for statement in statements:
                with connection.begin_nested() as savepoint:
                    assert connection.execute(text(statement)).rowcount, statement
                    if what not in found(connection):
                        missed.append((what, statement))
                    savepoint.rollback()
        assert found(connection) == set()
    engine.dispose()
    assert missed == []


def test_no_check_goes_untested() -> None:
    assert PLANTED.keys() == check.CHECKS.keys()


def test_a_violation_says_what_of_whom_and_when() -> None:
    at = "2026-03-05 12:00:00"
    with_time = check.Violation(what="versions overlap, or end before they begin", id=7, at=at)
    assert str(with_time) == f"versions overlap, or end before they begin: 7 at {at}"
    assert str(check.Violation(what="a count", id=7, at=None)) == "a count: 7"
