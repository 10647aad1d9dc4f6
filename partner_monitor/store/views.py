"""The reporting views, one SQL for both databases. Dropped and made anew at every migration."""

from __future__ import annotations

import re

from sqlalchemy import Connection

_ARGUMENT = r"((?:[^(),]|\([^()]*\))+)"
_DAYS = re.compile(rf"DAYS\({_ARGUMENT}, {_ARGUMENT}\)")

MOVED_WITHIN = 30
"""Days between leaving one partner and appearing at another that make it one move."""

RECREATED_SHARE = 0.8
"""The share of its customers by which a partner that came is the one that went."""

# A customer that a partner brought along at its first look was won then, if it was seen arriving.
_APPEARED = """SELECT g.* FROM partner_customers g JOIN partners gp ON gp.id = g.partner_id
        WHERE NOT g.baseline OR (
            gp.first_seen_on > (SELECT MIN(first_seen_on) FROM partners)
            AND ABS(DAYS(g.first_seen_on, gp.first_seen_on)) <= 30)"""

BUCKET = """CASE
        WHEN p.average_project_size IS NULL THEN NULL
        WHEN p.average_project_size < 5 THEN '<5'
        WHEN p.average_project_size <= 10 THEN '5-10'
        WHEN p.average_project_size < 25 THEN '11-25'
        ELSE '25+' END"""
"""The project_size_bucket of a row of ``partners p``."""

VIEWS = {
    "report_partners": f"""
        SELECT p.id, p.name, p.profile_url, p.status, p.country_id, c.name AS country, p.address,
            p.first_seen_on, p.last_seen_at, p.missing_since, p.references_count,
            p.retention_rate, p.largest_project_size, p.average_project_size,
            {BUCKET} AS project_size_bucket,
            p.certified_experts, p.website, p.industry, p.profile_read_at,
            p.to_reprocess, p.reprocess_reason
        FROM partners p LEFT JOIN countries c ON c.id = p.country_id
        WHERE p.delisted_at IS NULL""",
    "report_country_summary": """
        SELECT c.id AS country_id, c.name AS country, c.iso_code,
            COUNT(CASE WHEN p.status = 'gold' THEN 1 END) AS gold,
            COUNT(CASE WHEN p.status = 'silver' THEN 1 END) AS silver,
            COUNT(CASE WHEN p.status = 'ready' THEN 1 END) AS ready,
            COUNT(CASE WHEN p.id IS NOT NULL AND (p.status IS NULL
                OR p.status NOT IN ('gold', 'silver', 'ready')) THEN 1 END) AS other,
            COUNT(p.id) AS total, c.listed_count, c.complete
        FROM countries c
        LEFT JOIN partners p ON p.country_id = c.id AND p.delisted_at IS NULL
        GROUP BY c.id, c.name, c.iso_code, c.listed_count, c.complete""",
    "report_project_sizes": """
        SELECT country_id, country, project_size_bucket AS bucket, COUNT(*) AS partners
        FROM report_partners
        GROUP BY country_id, country, project_size_bucket""",
    "report_status_changes": """
        SELECT h.id, h.changed_at, h.change_type, h.partner_id, p.name AS partner,
            p.country_id, c.name AS country, h.old_status, h.new_status, h.run_id
        FROM status_history h
        JOIN partners p ON p.id = h.partner_id
        LEFT JOIN countries c ON c.id = p.country_id
        WHERE h.change_type <> 'initial'""",
    "report_reference_changes": """
        SELECT h.id, h.changed_at, h.partner_id, p.name AS partner,
            p.country_id, c.name AS country, h.old_count, h.new_count,
            h.new_count - h.old_count AS difference, h.run_id
        FROM reference_history h
        JOIN partners p ON p.id = h.partner_id
        LEFT JOIN countries c ON c.id = p.country_id
        WHERE h.old_count IS NOT NULL""",
    "report_partner_recreations": f"""
        SELECT o.id AS old_partner_id, o.name AS old_partner, n.id AS new_partner_id,
            n.name AS new_partner, s.had AS customers, s.shared,
            CASE WHEN s.came > s.went THEN s.came ELSE s.went END AS noticed_on
        FROM (
            SELECT l.partner_id AS old_id, g.partner_id AS new_id, COUNT(*) AS shared,
                MAX(l.ended_at) AS went, MAX(g.first_seen_at) AS came,
                (SELECT COUNT(*) FROM partner_customers h
                    WHERE h.partner_id = l.partner_id AND h.ended_with_partner) AS had
            FROM partner_customers l
            JOIN partner_customers g ON g.customer_id = l.customer_id
                AND g.partner_id <> l.partner_id AND g.baseline
            WHERE l.ended_with_partner
            GROUP BY l.partner_id, g.partner_id) s
        JOIN partners o ON o.id = s.old_id AND o.delisted_at IS NOT NULL
        JOIN partners n ON n.id = s.new_id
        WHERE s.shared >= 2 AND s.shared >= {RECREATED_SHARE} * s.had
            AND ABS(DAYS(n.first_seen_on, o.missing_since)) <= {MOVED_WITHIN}
            AND n.first_seen_on > (SELECT MIN(first_seen_on) FROM partners)""",
    "report_customer_moves": f"""
        SELECT c.id AS customer_id, c.name AS customer, c.industry,
            f.id AS from_partner_id, f.name AS from_partner,
            t.id AS to_partner_id, t.name AS to_partner,
            l.ended_at AS left_at, g.first_seen_at AS appeared_at,
            CASE WHEN g.first_seen_at > l.ended_at THEN g.first_seen_at ELSE l.ended_at END
                AS noticed_on
        FROM partner_customers l
        JOIN ({_APPEARED}) g ON g.customer_id = l.customer_id AND g.partner_id <> l.partner_id
        JOIN customers c ON c.id = l.customer_id
        JOIN partners f ON f.id = l.partner_id
        JOIN partners t ON t.id = g.partner_id
        WHERE l.ended_at IS NOT NULL
            AND ABS(DAYS(g.first_seen_at, COALESCE(l.missing_since, l.ended_at))) <= {MOVED_WITHIN}
            AND NOT EXISTS (SELECT 1 FROM report_partner_recreations r
                WHERE r.old_partner_id = l.partner_id AND r.new_partner_id = g.partner_id)""",
    "report_daily_counts": """
        SELECT d.day, d.country_id, c.name AS country, d.status, d.partners
        FROM daily_counts d LEFT JOIN countries c ON c.id = d.country_id""",
}
"""Name and query of every view, in an order in which each may use those before it."""


def recreate(connection: Connection) -> None:
    """Drop every view and make it as it is defined here."""
    drop(connection)
    for name, query in VIEWS.items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {_spelled(query, connection)}")


def drop(connection: Connection) -> None:
    """Drop every view, so that the tables below them may change."""
    for name in reversed(VIEWS):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def _spelled(query: str, connection: Connection) -> str:
    """``DAYS(a, b)``, the days from b to a, in the database's own words."""
    days = (
        r"(EXTRACT(EPOCH FROM (CAST(\1 AS timestamptz) - CAST(\2 AS timestamptz))) / 86400)"
        if connection.dialect.name == "postgresql"
        else r"(julianday(\1) - julianday(\2))"
    )
    return _DAYS.sub(days, query)
