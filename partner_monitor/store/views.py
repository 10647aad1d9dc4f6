"""The reporting views, one SQL for both databases. Dropped and made anew at every migration."""

from __future__ import annotations

from sqlalchemy import Connection

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
    "report_partner_recreations": """
        SELECT o.id AS old_partner_id, o.name AS old_partner, n.id AS new_partner_id,
            n.name AS new_partner, r.customers, r.shared, r.noticed_at AS noticed_on
        FROM partner_recreations r
        JOIN partners o ON o.id = r.old_partner_id
        JOIN partners n ON n.id = r.new_partner_id""",
    "report_customer_moves": """
        SELECT c.id AS customer_id, c.name AS customer, c.industry,
            f.id AS from_partner_id, f.name AS from_partner,
            t.id AS to_partner_id, t.name AS to_partner,
            m.left_at, m.appeared_at, m.noticed_at AS noticed_on
        FROM customer_moves m
        JOIN customers c ON c.id = m.customer_id
        JOIN partners f ON f.id = m.from_partner_id
        JOIN partners t ON t.id = m.to_partner_id
        WHERE NOT EXISTS (SELECT 1 FROM partner_recreations r
            WHERE r.old_partner_id = f.id AND r.new_partner_id = t.id)""",
    "report_daily_counts": """
        SELECT d.day, d.country_id, c.name AS country, d.status, d.partners
        FROM daily_counts d LEFT JOIN countries c ON c.id = d.country_id""",
}
"""Name and query of every view, in an order in which each may use those before it."""


def recreate(connection: Connection) -> None:
    """Drop every view and make it as it is defined here."""
    drop(connection)
    for name, query in VIEWS.items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {query}")


def drop(connection: Connection) -> None:
    """Drop every view, so that the tables below them may change."""
    for name in reversed(VIEWS):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
