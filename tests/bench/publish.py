"""A publish alone, beside a bare executemany that upserts the same rows.

``python -m tests.bench.publish conclude|upsert DATABASE_URL``: one step in a process of its own;
prints the seconds that it took.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import bindparam, func, insert, select, text

from partner_monitor.items import Layout
from partner_monitor.store import migrate, publish, runs, staging
from partner_monitor.store.engine import open_engine, reading, writing
from partner_monitor.store.schema import UTCDateTime, crawl_runs, partners, staged_pages
from tests.bench.stores import Stores
from tests.crawling import ROOT, scrapy_environment
from tests.publishing import CARDS, SITE, country, key, settings

SIZES = (10_000, 100_000, 1_000_000)

BEGAN = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)

COUNTRIES = 164

_CARDS = text(
    f"""INSERT INTO staged_cards (run_id, list_country_id, page, fetched_at, layout, partner_id,
        name, profile_url, slug, status, country_id, address, references_count, retention_rate,
        largest_project_size, average_project_size, certified_experts, unread)
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :partners - 1)
    SELECT :run, 0, 1 + i / {CARDS}, :at, '{Layout.ODOO_COM}', 1000 + i,
        'Rufus Firefly ' || i || ' SA', '{SITE}/partners/rufus-firefly-' || 1000 + i,
        'rufus-firefly', CASE WHEN i % 14 = 0 THEN 'gold' WHEN i % 5 = 0 THEN 'silver'
            ELSE 'ready' END,
        1 + i % {COUNTRIES}, 'Land ' || 1 + i % {COUNTRIES} || ', Town ' || i % 1000, i % 60
            + CASE WHEN i % 100 = 0 THEN :more ELSE 0 END,
        CASE WHEN i % 5 = 0 THEN NULL ELSE 60 + i % 41 END, i % 500, i % 50, i % 9, ''
    FROM n"""
).bindparams(bindparam("at", type_=UTCDateTime))

_COLUMNS = (
    *("id", "name", "profile_url", "slug", "status", "country_id", "address", "references_count"),
    *("retention_rate", "largest_project_size", "average_project_size", "certified_experts"),
    *("unread", "first_seen_on", "last_seen_at", "observed_at", "changed_at", "missing_looks"),
    *("implausible", "mismatch", "to_reprocess"),
)


@dataclass(frozen=True)
class Publishes:
    """Seconds of each step at one size; MB at the second publish's peak."""

    first: float
    again: float
    upsert: float
    peak: float


def run(stores: Stores) -> str:
    """A row a size and database: seconds, against the bare upsert, and growth."""
    lines = [
        f"Every partner seen; first all new, then 1 % changed. {COUNTRIES} countries.",
        "",
        "| partners | on | first publish, s | 1 % changed, s | bare upsert, s | of the upsert "
        "| growth of time by | peak memory, MB |",
        f"|{' --- |' * 8}",
    ]
    for database in ("SQLite", "PostgreSQL"):
        before = 0.0
        for size in SIZES:
            took = _measure(stores, stores.empty(database), size)
            growth = f"{took.again / before:.1f}" if before else ""
            lines.append(
                f"| {size:,} | {database} | {took.first:.1f} | {took.again:.2f} "
                f"| {took.upsert:.2f} | {took.again / took.upsert:.2f} | {growth} "
                f"| {took.peak:.0f} |"
            )
            before = took.again
    return "\n".join(lines)


def _measure(stores: Stores, url: str, size: int) -> Publishes:
    engine = open_engine(url)
    migrate.upgrade(engine)
    _stage(url, BEGAN, size, more=0)
    first, _ = _apart(stores, "conclude", url)
    _stage(url, BEGAN + timedelta(days=1), size, more=1)
    _settle(url)
    again, peak = _apart(stores, "conclude", url)
    _settle(url)
    upsert, _ = _apart(stores, "upsert", url)
    return Publishes(first=first, again=again, upsert=upsert, peak=peak)


def _apart(stores: Stores, step: str, url: str) -> tuple[float, float]:
    """Seconds and peak MB of a step in a process of its own."""
    report = stores.folder / "measured.json"
    measured = str(Path(__file__).with_name("measured.py"))
    done = subprocess.run(
        [sys.executable, measured, str(report), "tests.bench.publish", step, url],
        cwd=ROOT,
        env=scrapy_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout), json.loads(report.read_text(encoding="utf-8"))["peak"]


def _stage(url: str, at: datetime, size: int, more: int) -> None:
    """A run that has read the whole directory, ``CARDS`` a page, at one instant."""
    engine = open_engine(url)
    begun = runs.begin(engine, key("partners"), at, timedelta(hours=6))
    menu = [
        country(id_, f"Land {id_}", f"land-{id_}", len(range(id_ - 1, size, COUNTRIES)))
        for id_ in range(1, COUNTRIES + 1)
    ]
    pages = -(-size // CARDS)
    page = {
        "run_id": begun.id,
        "list_country_id": 0,
        "url": f"{SITE}/partners",
        "fetched_at": at,
        "outcome": "read",
        "layout": Layout.ODOO_COM,
        "cards": CARDS,
        "declared_count": size,
        "last_page": pages,
        "page_link": f"{SITE}/partners/page/{{page}}",
    }
    with writing(engine) as connection:
        staging.stage_page(
            connection, begun.id, page | {"page": 1, "has_next": True}, (), (), menu, size
        )
        connection.execute(staged_pages.delete())
        connection.execute(
            insert(staged_pages),
            [page | {"page": number, "has_next": number < pages} for number in range(1, pages + 1)],
        )
        connection.execute(_CARDS, {"partners": size, "run": begun.id, "at": at, "more": more})
    begun.lock.release()
    engine.dispose()


def _settle(url: str) -> None:
    """Leave neither what was written before, nor its traces, to what is measured next."""
    engine = open_engine(url)
    postgres = engine.dialect.name == "postgresql"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in (
            ("VACUUM ANALYZE", "CHECKPOINT") if postgres else ("PRAGMA wal_checkpoint(TRUNCATE)",)
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()


def conclude(url: str) -> float:
    """Audit and publish the newest run."""
    engine = open_engine(url)
    with reading(engine) as connection:
        run_id = connection.execute(select(func.max(crawl_runs.c.id))).scalar_one()
        at = connection.execute(select(func.max(staged_pages.c.fetched_at))).scalar_one()
    began = time.perf_counter()
    with writing(engine) as connection:
        done = publish.conclude(connection, run_id, replace(settings(), clock=lambda: at))
    took = time.perf_counter() - began
    assert done.state == "published", done.reason
    return took


def upsert(url: str) -> float:
    """Write every partner once more, one in a hundred changed, as a driver does it by itself."""
    engine = open_engine(url)
    with engine.connect() as connection:
        driver = connection.connection.cursor()
        driver.execute(f"SELECT {', '.join(_COLUMNS)} FROM partners ORDER BY id")
        rows = [list(row) for row in driver.fetchall()]
        connection.connection.rollback()
        place = _COLUMNS.index("references_count")
        for row in rows[::100]:
            row[place] += 1
        mark = "%s" if engine.dialect.name == "postgresql" else "?"
        sets = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])
        statement = (
            f"INSERT INTO {partners.name} ({', '.join(_COLUMNS)}) "
            f"VALUES ({', '.join(mark for _ in _COLUMNS)}) ON CONFLICT (id) DO UPDATE SET {sets}"
        )
        began = time.perf_counter()
        driver.execute("BEGIN") if engine.dialect.name == "sqlite" else None
        driver.executemany(statement, rows)
        connection.connection.commit()
        return time.perf_counter() - began


if __name__ == "__main__":
    print({"conclude": conclude, "upsert": upsert}[sys.argv[1]](sys.argv[2]))
