"""Years in bulk are what real daily publishes would have written."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from partner_monitor.store import check
from partner_monitor.store.engine import StoreError, open_engine, reading
from partner_monitor.store.schema import metadata
from tests.crawling import rows
from tests.years import build, publish_daily

SMALL: dict[str, Any] = {"partners": 120, "days": 30, "seed": 76, "end": date(2026, 11, 24)}

MADE_IDS = {"partner_versions", "status_history", "reference_history"} | {
    "partner_customers",
    "daily_counts",
}
"""Tables whose ids the database gives, in an order that is nobody's business."""


def content(store: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, without the ids that the database gave."""
    engine = open_engine(store)
    found = {}
    try:
        with reading(engine) as connection:
            for table in metadata.sorted_tables:
                columns = [c for c in table.c if c.name != "id" or table.name not in MADE_IDS]
                every = map(tuple, connection.execute(select(*columns)))
                found[table.name] = sorted(every, key=repr)
    finally:
        engine.dispose()
    return found


def test_years_in_bulk_are_what_daily_publishes_write(database_url: str, tmp_path: Path) -> None:
    in_bulk = f"sqlite:///{tmp_path / 'bulk.db'}"
    build(in_bulk, **SMALL)
    publish_daily(database_url, **SMALL)
    expected, published = content(in_bulk), content(database_url)
    for name, found in published.items():
        assert found == expected[name], name
    told = rows(in_bulk, "SELECT DISTINCT change_type FROM status_history")
    assert {row.change_type for row in told} >= {"initial", "delisted", "relisted"}
    assert {row.state for row in rows(in_bulk, "SELECT state FROM crawl_runs")} == (
        {"published", "failed"}
    )
    assert rows(in_bulk, "SELECT * FROM report_customer_moves")
    assert rows(in_bulk, "SELECT * FROM report_partner_recreations")


def test_both_databases_get_the_same_consistent_years(database_url: str, tmp_path: Path) -> None:
    build(database_url, partners=400, days=100, seed=2)
    engine = open_engine(database_url)
    assert list(check.violations(engine)) == []
    other = f"sqlite:///{tmp_path / 'other.db'}"
    build(other, partners=400, days=100, seed=2)
    engine.dispose()
    assert content(database_url) == content(other)


def test_names_and_addresses_are_plainly_invented(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    build(store, partners=164, days=3)
    found = rows(
        store, "SELECT profile_url AS url FROM partners UNION SELECT website FROM partners"
    )
    hosts = {row.url.split("/")[2] for row in found if row.url}
    assert all(host.endswith(".example") for host in hosts)


def test_a_store_that_holds_something_is_left_alone(database_url: str) -> None:
    build(database_url, partners=164, days=2)
    before = content(database_url)
    for fill in (build, publish_daily):
        with pytest.raises(StoreError, match="holds a history already"):
            fill(database_url, partners=164, days=2)
    assert content(database_url) == before
