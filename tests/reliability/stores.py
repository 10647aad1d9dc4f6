"""Stores to break: an empty one, copies of a prepared one, and all the history that one holds."""

from __future__ import annotations

import shutil
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url

from partner_monitor.store import check
from partner_monitor.store import schema as tables
from partner_monitor.store.engine import open_engine, reading
from tests.parts import postgres_url

Values = tuple[Any, ...]
History = dict[str, Counter[Values]]

HISTORY = (
    tables.countries,
    tables.partners,
    tables.partner_versions,
    tables.status_history,
    tables.reference_history,
    tables.partner_profiles,
    tables.partner_experts,
    tables.partner_industries,
    tables.customers,
    tables.partner_customers,
    tables.daily_counts,
    tables.run_fields,
    tables.crawl_runs,
)
"""All that is kept for good. Left out are the pages' ledger and what was rejected."""

_NUMBERED = frozenset({"partner_versions", "status_history", "reference_history"}) | {
    "partner_customers",
    "daily_counts",
}
"""Tables whose ``id`` the database makes up: PostgreSQL leaves gaps after a rollback."""

_RUNS = frozenset({"run_id", "ended_run_id"})


@contextmanager
def empty(database: str, folder: Path) -> Iterator[str]:
    """URL of an empty store on ``sqlite`` or ``postgresql``."""
    if database == "sqlite":
        yield f"sqlite:///{folder / f'{uuid.uuid4().hex}.db'}"
        return
    with _database("template0") as url:
        yield url


@contextmanager
def copied(store: str) -> Iterator[str]:
    """URL of a copy of a store that nobody has open."""
    url = make_url(store)
    if url.get_backend_name() == "sqlite":
        assert url.database is not None
        copy = Path(url.database).with_name(f"{uuid.uuid4().hex}.db")
        shutil.copy(url.database, copy)
        yield f"sqlite:///{copy}"
        for file in copy.parent.glob(f"{copy.name}*"):
            file.unlink()
        return
    with _database(url.database or "") as database:
        yield database


@contextmanager
def _database(template: str) -> Iterator[str]:
    name = f"partner_test_{uuid.uuid4().hex}"
    server = create_engine(postgres_url(), isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(text(f"create database {name} template {template}"))
        yield postgres_url().set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"drop database if exists {name} with (force)"))
        server.dispose()


def history(store: str) -> History:
    """Every row of the history without made-up numbers; runs are numbered from 1."""
    engine = open_engine(store)
    try:
        with reading(engine) as connection:
            ids = connection.execute(select(tables.crawl_runs.c.id)).scalars()
            number = {id_: place for place, id_ in enumerate(sorted(ids), start=1)}
            found: History = {}
            for table in HISTORY:
                kept = [
                    column.name
                    for column in table.c
                    if column.name != "id" or table.name not in _NUMBERED
                ]
                runs = _RUNS | ({"id"} if table is tables.crawl_runs else set())
                found[table.name] = Counter(
                    tuple(
                        number.get(value, value) if name in runs else value
                        for name, value in zip(kept, row, strict=True)
                    )
                    for row in connection.execute(select(*(table.c[name] for name in kept)))
                )
            return found
    finally:
        engine.dispose()


def events(store: str) -> Counter[Values]:
    """What a reader is told: changes of status and references, customers won and ended."""
    queries = (
        "SELECT change_type, partner_id, old_status, new_status, changed_at FROM status_history",
        "SELECT 'references', partner_id, old_count, new_count, changed_at FROM reference_history",
        "SELECT 'won', partner_id, customer_id, baseline, first_seen_at FROM partner_customers",
        """SELECT 'ended', partner_id, customer_id, ended_with_partner, ended_at
            FROM partner_customers WHERE ended_at IS NOT NULL""",
    )
    engine = open_engine(store)
    try:
        with reading(engine) as connection:
            return Counter(tuple(row) for q in queries for row in connection.execute(text(q)))
    finally:
        engine.dispose()


def violations(store: str) -> list[str]:
    """What ``scrapy db check`` finds."""
    engine = open_engine(store)
    try:
        return [str(violation) for violation in check.violations(engine)]
    finally:
        engine.dispose()
