"""``scrapy db check``: that the history is consistent with itself (rule 12), proved by queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from partner_monitor.history.fields import TRACKED
from partner_monitor.history.ladder import RANK
from partner_monitor.store.engine import reading
from partner_monitor.store.moves import MOVES, RECREATIONS, spelled

_SAME = " AND ".join(f"p.{name} IS NOT DISTINCT FROM v.{name}" for name in TRACKED)
_LAST = """SELECT v.*, ROW_NUMBER() OVER (PARTITION BY partner_id ORDER BY valid_from DESC, id DESC)
        AS newest FROM partner_versions v"""
_STEPS = """SELECT partner_id, valid_from, valid_to, status, references_count,
        LAG(status) OVER w AS old_status, LAG(references_count) OVER w AS old_count,
        LAG(valid_to) OVER w AS gap_from, ROW_NUMBER() OVER w AS n
    FROM partner_versions WINDOW w AS (PARTITION BY partner_id ORDER BY valid_from, id)"""

_MOVES, _RECREATIONS = (query.format(which="1 = 1") for query in (MOVES, RECREATIONS))
_MOVE = "customer_id, from_partner_id, to_partner_id, left_at, appeared_at, noticed_at"
_NOTED = "SELECT * FROM partner_recreations"


def _rank(status: str) -> str:
    words = " ".join(f"WHEN '{word}' THEN {rank}" for word, rank in RANK.items())
    return f"CASE {status} {words} END"


CHECKS = {
    "the current row differs from the last version": f"""
        SELECT p.id AS partner_id, v.valid_from AS at FROM partners p
        LEFT JOIN ({_LAST}) v ON v.partner_id = p.id AND v.newest = 1
        WHERE v.id IS NULL OR NOT ({_SAME})""",
    "the last version is open though the partner is delisted, or closed though it is listed": f"""
        SELECT p.id AS partner_id, v.valid_from AS at FROM partners p
        JOIN ({_LAST}) v ON v.partner_id = p.id AND v.newest = 1
        WHERE (p.delisted_at IS NULL) <> (v.valid_to IS NULL)
            OR p.delisted_at IS DISTINCT FROM v.valid_to""",
    "versions overlap, or end before they begin": f"""
        SELECT partner_id, valid_from AS at FROM ({_STEPS}) s
        WHERE (n > 1 AND (gap_from IS NULL OR gap_from > valid_from))
            OR valid_to <= valid_from""",
    "a change of status between versions has no status row": f"""
        SELECT s.partner_id, s.valid_from AS at FROM ({_STEPS}) s
        LEFT JOIN status_history h ON h.partner_id = s.partner_id AND h.changed_at = s.valid_from
        WHERE s.status IS DISTINCT FROM s.old_status AND (h.id IS NULL
            OR h.new_status IS DISTINCT FROM s.status
            OR h.old_status IS DISTINCT FROM s.old_status)""",
    "a return has no relisted row": f"""
        SELECT s.partner_id, s.valid_from AS at FROM ({_STEPS}) s
        LEFT JOIN status_history h ON h.partner_id = s.partner_id
            AND h.changed_at = s.valid_from AND h.change_type = 'relisted'
        WHERE s.gap_from < s.valid_from AND h.id IS NULL""",
    "a version that ended with a departure has no delisted row": """
        SELECT v.partner_id, v.valid_to AS at FROM partner_versions v
        LEFT JOIN partner_versions n ON n.partner_id = v.partner_id AND n.valid_from = v.valid_to
        LEFT JOIN status_history h ON h.partner_id = v.partner_id
            AND h.changed_at = v.valid_to AND h.change_type = 'delisted'
        WHERE v.valid_to IS NOT NULL AND n.id IS NULL AND h.id IS NULL""",
    "a status row is no change between versions": f"""
        SELECT h.partner_id, h.changed_at AS at FROM status_history h
        LEFT JOIN ({_STEPS}) s ON s.partner_id = h.partner_id AND s.valid_from = h.changed_at
        LEFT JOIN partner_versions e ON e.partner_id = h.partner_id AND e.valid_to = h.changed_at
        WHERE CASE
            WHEN h.change_type = 'delisted' THEN e.id IS NULL OR s.partner_id IS NOT NULL
                OR h.new_status IS NOT NULL OR h.old_status IS DISTINCT FROM e.status
            WHEN h.change_type = 'relisted' THEN s.partner_id IS NULL OR s.n = 1
                OR s.gap_from = s.valid_from OR h.old_status IS DISTINCT FROM s.old_status
                OR h.new_status IS DISTINCT FROM s.status
            ELSE s.partner_id IS NULL OR h.new_status IS NOT DISTINCT FROM h.old_status
                OR h.new_status IS DISTINCT FROM s.status END""",
    "a status row calls its change by the wrong name": f"""
        SELECT partner_id, changed_at AS at FROM (
            SELECT h.*, {_rank("h.new_status")} AS new_rank, {_rank("h.old_status")} AS old_rank
            FROM status_history h WHERE change_type NOT IN ('delisted', 'relisted')) c
        WHERE change_type <> CASE
            WHEN old_status IS NULL THEN 'initial'
            WHEN new_rank IS NULL OR old_rank IS NULL THEN 'changed'
            WHEN new_rank > old_rank THEN 'promoted' ELSE 'demoted' END""",
    "a change of references between versions has no reference row": f"""
        SELECT s.partner_id, s.valid_from AS at FROM ({_STEPS}) s
        LEFT JOIN reference_history h ON h.partner_id = s.partner_id
            AND h.changed_at = s.valid_from
        WHERE s.references_count IS DISTINCT FROM s.old_count AND (h.id IS NULL
            OR h.new_count IS DISTINCT FROM s.references_count
            OR h.old_count IS DISTINCT FROM s.old_count)""",
    "a reference row is no change between versions": f"""
        SELECT h.partner_id, h.changed_at AS at FROM reference_history h
        LEFT JOIN ({_STEPS}) s ON s.partner_id = h.partner_id AND s.valid_from = h.changed_at
        WHERE s.partner_id IS NULL OR h.new_count IS NOT DISTINCT FROM h.old_count
            OR h.new_count IS DISTINCT FROM s.references_count
            OR h.old_count IS DISTINCT FROM s.old_count""",
    "a delisted partner was never missing": """
        SELECT id AS partner_id, delisted_at AS at FROM partners
        WHERE delisted_at IS NOT NULL AND missing_since IS NULL""",
    "the stored count of a country (its id) is not its listed partners": """
        SELECT c.id AS partner_id, NULL AS at FROM countries c
        WHERE c.partner_count <> (SELECT COUNT(*) FROM partners p
            WHERE p.country_id = c.id AND p.delisted_at IS NULL)""",
    "a published run's rows are not of its instant": """
        SELECT h.partner_id, h.changed_at AS at FROM status_history h
        JOIN crawl_runs r ON r.id = h.run_id
        WHERE r.state <> 'published' OR r.published_at <> h.changed_at
        UNION ALL
        SELECT h.partner_id, h.changed_at FROM reference_history h
        JOIN crawl_runs r ON r.id = h.run_id
        WHERE r.state <> 'published' OR r.published_at <> h.changed_at
        UNION ALL
        SELECT v.partner_id, v.valid_from FROM partner_versions v
        JOIN crawl_runs r ON r.id = v.run_id
        WHERE r.state <> 'published' OR r.published_at <> v.valid_from""",
    "a customer ended before it was the partner's": """
        SELECT partner_id, ended_at AS at FROM partner_customers WHERE ended_at < first_seen_at""",
    "a customer is the partner's twice at a time": """
        SELECT partner_id, MAX(first_seen_at) AS at FROM partner_customers
        WHERE ended_at IS NULL
        GROUP BY partner_id, customer_id HAVING COUNT(*) > 1""",
    "a customer stays with a delisted partner": """
        SELECT c.partner_id, c.first_seen_at AS at FROM partner_customers c
        JOIN partners p ON p.id = c.partner_id
        WHERE p.delisted_at IS NOT NULL AND c.ended_at IS NULL""",
    "a customer's move is not noted, or is none": f"""
        SELECT from_partner_id AS partner_id, noticed_at AS at FROM ({_MOVES}
            EXCEPT SELECT {_MOVE} FROM customer_moves) lacking
        UNION ALL SELECT from_partner_id, noticed_at FROM (SELECT {_MOVE} FROM customer_moves
            EXCEPT {_MOVES}) strange""",
    "a partner created anew is not noted, or was not": f"""
        SELECT old_partner_id AS partner_id, noticed_at AS at FROM ({_RECREATIONS}
            EXCEPT {_NOTED}) lacking
        UNION ALL SELECT old_partner_id, noticed_at FROM ({_NOTED}
            EXCEPT {_RECREATIONS}) strange""",
}
"""What must not be found, each with a query for the rows that show it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One breach of an invariant: what, of which partner (or country), when."""

    what: str
    id: int
    at: str | None

    def __str__(self) -> str:
        return f"{self.what}: {self.id}" + (f" at {self.at}" if self.at else "")


def violations(engine: Engine) -> Iterator[Violation]:
    """Every breach of the history's invariants; nothing where all is well."""
    with reading(engine) as connection:
        yield from violations_within(connection)


def violations_within(connection: Connection) -> Iterator[Violation]:
    """``violations`` as a transaction sees them."""
    for what, query in CHECKS.items():
        for row in connection.execute(text(_spelled(query, connection.dialect.name))):
            at = None if row.at is None else str(row.at)
            yield Violation(what=what, id=row.partner_id, at=at)


def _spelled(query: str, dialect: str) -> str:
    """SQLite knows the standard's IS DISTINCT FROM only since 3.39, and IS NOT ever since."""
    query = spelled(query, dialect)
    if dialect != "sqlite":
        return query
    return query.replace("IS NOT DISTINCT FROM", "IS").replace("IS DISTINCT FROM", "IS NOT")
