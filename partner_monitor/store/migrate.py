"""Bringing a store to this version's schema: Alembic's migrations, then the views.

The migrations are copied out of the package first: Alembic cannot read them from a zipped egg.
"""

from __future__ import annotations

import tempfile
from importlib import resources
from pathlib import Path

from sqlalchemy import Connection, Engine, column, inspect, select, table

from partner_monitor.store import views
from partner_monitor.store.engine import (
    StoreError,
    check_answers,
    reading,
    serialize_publishes,
    writing,
)
from partner_monitor.store.schema import SCHEMA_VERSION

_noted = table("alembic_version", column("version_num"))


def version(connection: Connection) -> str | None:
    """The store's schema version; None for a database that holds no store."""
    if not inspect(connection).has_table(_noted.name):
        return None
    noted: str | None = connection.execute(select(_noted.c.version_num)).scalar()
    return noted


def upgrade(engine: Engine) -> str | None:
    """Migrate the store to SCHEMA_VERSION; returns the version it had (None: it was empty)."""
    check_answers(engine)
    with writing(engine) as connection:
        return upgrade_within(connection)


def told(before: str | None) -> str:
    """What ``upgrade`` did to a store that had the version ``before``, in one line."""
    if before == SCHEMA_VERSION:
        return f"the store has schema {SCHEMA_VERSION} already"
    return f"the store went from schema {before or 'none'} to {SCHEMA_VERSION}"


def upgrade_within(connection: Connection) -> str | None:
    """``upgrade`` as a part of a transaction that writes."""
    # Several machines may meet an empty database in the same moment: one of them sets it up.
    serialize_publishes(connection)
    before = version(connection)
    _refuse_foreign(connection, before)
    if before != SCHEMA_VERSION:
        views.drop(connection)
        _run_migrations(connection)
    views.recreate(connection)
    return before


def prepare(engine: Engine) -> None:
    """Make sure that a crawl or a command can use the store; an empty one is set up at once."""
    check_answers(engine)
    with reading(engine) as connection:
        current = version(connection)
    if current is None:
        upgrade(engine)
    else:
        refuse_other_version(current)


def refuse_other_version(current: str) -> None:
    """Raise StoreError if ``current`` is not the schema that this version works with."""
    if current != SCHEMA_VERSION:
        raise StoreError(
            f"the store has schema {current}, this version needs {SCHEMA_VERSION}: "
            "run scrapy db upgrade"
        )


def require(engine: Engine) -> None:
    """Like ``prepare``, for what only reads: an empty database is an error, not set up."""
    check_answers(engine)
    with reading(engine) as connection:
        if version(connection) is None:
            raise StoreError("the store is empty: scrapy crawl partners fills it")
    prepare(engine)


def _refuse_foreign(connection: Connection, before: str | None) -> None:
    taken = {"partners", "crawl_runs"} & set(inspect(connection).get_table_names())
    if before is None and taken:
        raise StoreError(
            f"the database holds tables of the names {', '.join(sorted(taken))} that are not ours: "
            "set PARTNER_DATABASE_URL to a database of its own"
        )


def _run_migrations(connection: Connection) -> None:
    # Few starts need it, and it takes a while to load.
    from alembic import command
    from alembic.config import Config

    with tempfile.TemporaryDirectory() as folder:
        _copy(resources.files("partner_monitor.store") / "migrations", Path(folder))
        config = Config()
        config.set_main_option("script_location", folder)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _copy(source: resources.abc.Traversable, target: Path) -> None:
    for entry in source.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            (target / entry.name).mkdir()
            _copy(entry, target / entry.name)
        elif entry.name.endswith((".py", ".mako")):
            (target / entry.name).write_bytes(entry.read_bytes())
