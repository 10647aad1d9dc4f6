"""Customers that moved, and partners created anew: noted at each publish, for views to be quick.

One SQL for both databases. A move does not change once it has been noted. Whether it was a partner
created anew that took the customer along does: the view asks for that.
"""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import Connection, bindparam, text

from partner_monitor.store.schema import UTCDateTime

MOVED_WITHIN = 30
"""Days between leaving one partner and appearing at another that make it one move."""

RECREATED_SHARE = 0.8
"""The share of its customers by which a partner that came is the one that went."""

_ARGUMENT = r"((?:[^(),]|\([^()]*\))+)"
_DAYS = re.compile(rf"DAYS\({_ARGUMENT}, {_ARGUMENT}\)")

# Customers that a partner brought along at its first look were won then, if it was seen arriving.
MOVES = f"""
    SELECT l.customer_id, l.partner_id AS from_partner_id, g.partner_id AS to_partner_id,
        l.ended_at AS left_at, g.first_seen_at AS appeared_at,
        CASE WHEN g.first_seen_at > l.ended_at THEN g.first_seen_at ELSE l.ended_at END
            AS noticed_at
    FROM partner_customers l
    JOIN partner_customers g ON g.customer_id = l.customer_id AND g.partner_id <> l.partner_id
    JOIN partners t ON t.id = g.partner_id
    WHERE l.ended_at IS NOT NULL
        AND (NOT g.baseline OR (
            t.first_seen_on > (SELECT MIN(first_seen_on) FROM partners)
            AND ABS(DAYS(g.first_seen_on, t.first_seen_on)) <= 30))
        AND ABS(DAYS(g.first_seen_at, COALESCE(l.missing_since, l.ended_at))) <= {MOVED_WITHIN}
        AND {{which}}"""
"""The rows of ``customer_moves``, of those pairs of customer rows that are meant."""

RECREATIONS = f"""
    SELECT o.id AS old_partner_id, n.id AS new_partner_id, s.had AS customers, s.shared,
        CASE WHEN s.came > s.went THEN s.came ELSE s.went END AS noticed_at
    FROM (
        SELECT l.partner_id AS old_id, g.partner_id AS new_id, COUNT(*) AS shared,
            MAX(l.ended_at) AS went, MAX(g.first_seen_at) AS came,
            (SELECT COUNT(*) FROM partner_customers h
                WHERE h.partner_id = l.partner_id AND h.ended_with_partner) AS had
        FROM partner_customers l
        JOIN partner_customers g ON g.customer_id = l.customer_id
            AND g.partner_id <> l.partner_id AND g.baseline
        WHERE l.ended_with_partner AND {{which}}
        GROUP BY l.partner_id, g.partner_id) s
    JOIN partners o ON o.id = s.old_id AND o.delisted_at IS NOT NULL
    JOIN partners n ON n.id = s.new_id
    WHERE s.shared >= 2 AND s.shared >= {RECREATED_SHARE} * s.had
        AND ABS(DAYS(n.first_seen_on, o.missing_since)) <= {MOVED_WITHIN}
        AND n.first_seen_on > (SELECT MIN(first_seen_on) FROM partners)"""
"""The rows of ``partner_recreations``, likewise."""

_GONE_NOW = "SELECT id FROM partners WHERE delisted_at = :instant"
_ARRIVED_AND_FIRST_READ_NOW = """
    SELECT DISTINCT g.partner_id FROM partner_customers g
    JOIN partners n ON n.id = g.partner_id
    WHERE g.first_seen_at = :instant AND g.baseline
        AND n.first_seen_on > (SELECT MIN(first_seen_on) FROM partners)"""


def note(connection: Connection, instant: datetime) -> None:
    """Note what the publish of ``instant`` completes; again is once."""
    at = bindparam("instant", instant, type_=UTCDateTime)
    dialect = connection.dialect.name
    for which in ("l.ended_at = :instant", "g.first_seen_at = :instant"):
        moved = f"INSERT INTO customer_moves {MOVES.format(which=which)} ON CONFLICT DO NOTHING"
        connection.execute(text(spelled(moved, dialect)).bindparams(at))
    back = "SELECT 1 FROM partners WHERE id = old_partner_id AND delisted_at IS NULL"
    connection.execute(text(f"DELETE FROM partner_recreations WHERE EXISTS ({back})"))
    # Few a day, so they are looked for one by one and not in one great join.
    for side, mine, found in (
        ("old_partner_id", "l.partner_id", _GONE_NOW),
        ("new_partner_id", "g.partner_id", _ARRIVED_AND_FIRST_READ_NOW),
    ):
        query = RECREATIONS.format(which=f"{mine} = :id")
        anew = f"INSERT INTO partner_recreations {query} ON CONFLICT DO NOTHING"
        for id_ in connection.execute(text(found).bindparams(at)).scalars().all():
            connection.execute(
                text(f"DELETE FROM partner_recreations WHERE {side} = :id"), {"id": id_}
            )
            connection.execute(text(spelled(anew, dialect)), {"id": id_})


def spelled(query: str, dialect: str) -> str:
    """``DAYS(a, b)``, the days from b to a, in the database's own words."""
    days = (
        r"(EXTRACT(EPOCH FROM (CAST(\1 AS timestamptz) - CAST(\2 AS timestamptz))) / 86400)"
        if dialect == "postgresql"
        else r"(julianday(\1) - julianday(\2))"
    )
    return _DAYS.sub(days, query)
