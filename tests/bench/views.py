"""Each view's first page, and every query of docs/sql.md."""

from __future__ import annotations

import re
import time

from sqlalchemy import text

from partner_monitor.store.engine import open_engine, reading
from tests.bench.stores import Stores
from tests.crawling import ROOT, rows

ORDERS = {
    "report_partners": "name, id",
    "report_country_summary": "country",
    "report_project_sizes": "country, bucket",
    "report_status_changes": "changed_at DESC, id DESC",
    "report_reference_changes": "changed_at DESC, id DESC",
    "report_partner_recreations": "noticed_on DESC, old_partner_id",
    "report_customer_moves": "noticed_on DESC, customer_id",
    "report_daily_counts": "day DESC, country_id, status",
}
"""How a reader would have each view: by name, or the newest first."""

REPEATS = 3


def run(stores: Stores) -> str:
    """A row a view and a query, with the best of three times on each database."""
    page = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
    queries = {
        f"`{view}`, first 50": f"SELECT * FROM {view} ORDER BY {order} LIMIT 50"
        for view, order in ORDERS.items()
    }
    for section in re.split(r"^(?=###? )", page, flags=re.MULTILINE):
        heading = section.partition("\n")[0].lstrip("# ")
        found = re.findall(r"^```sql\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
        for number, query in enumerate(found, start=1):
            queries[heading if number == 1 else f"{heading} ({number})"] = query
    times = {name: _measure(url, queries) for name, url in stores.urls.items()}
    lines = [f"{_count(url):,} versions on {name}" for name, url in stores.urls.items()]
    lines += ["", f"| ms | {' | '.join(times)} |", f"| --- |{' --- |' * len(times)}"]
    for what in queries:
        each = " | ".join(f"{found[what] * 1000:,.1f}" for found in times.values())
        lines.append(f"| {what} | {each} |")
    return "\n".join(lines)


def _measure(url: str, queries: dict[str, str]) -> dict[str, float]:
    engine = open_engine(url)
    best: dict[str, float] = {}
    for what, query in queries.items():
        for _ in range(REPEATS):
            with reading(engine) as connection:
                begun = time.perf_counter()
                connection.execute(text(query)).all()
                took = time.perf_counter() - begun
            best[what] = min(took, best.get(what, took))
    engine.dispose()
    return best


def _count(url: str) -> int:
    count: int = rows(url, "SELECT COUNT(*) FROM partner_versions")[0][0]
    return count
