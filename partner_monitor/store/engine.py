"""Opening a store: SQLite's habits put right, PostgreSQL as it comes.

SQLite loses updates when a transaction reads before it writes, so every writing transaction here
takes the write lock at its beginning (``BEGIN IMMEDIATE``); readers use ``reading``.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

# The driver remarks on errors that it also raises: where there is a log that is its place, and not
# the terminal, which has our one line.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

PUBLISH_LOCK = 0x70617274
"""Advisory lock under which publishes serialize on PostgreSQL ("part")."""

BUSY_TIMEOUT = 30
"""Seconds that SQLite waits for another writer."""

CONNECTION = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""How libpq notices that a server is gone, instead of waiting for hours; milliseconds the last."""


class StoreError(Exception):
    """The store cannot be used; the message is one line for the user."""


class StoreGone(StoreError):
    """The database went away, or cannot be had just now: another try may succeed."""


def open_engine(database_url: str) -> Engine:
    """An engine for the store at ``database_url``. Connects to nothing yet."""
    if not database_url.startswith("sqlite"):
        engine = create_engine(database_url, pool_pre_ping=True, connect_args=CONNECTION)
        event.listen(engine, "handle_error", _name_an_absence)
        event.listen(engine, "connect", _never_compile)
        return engine
    engine = create_engine(database_url, connect_args={"timeout": BUSY_TIMEOUT})
    event.listen(engine, "handle_error", _name_an_absence)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # BEGIN is ours, below
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes; committed at its end, rolled back on an exception."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: one consistent view of the store."""
    with engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Like ``reading``, and one view through all its statements on PostgreSQL, too."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


def serialize_publishes(connection: Connection) -> None:
    """Wait until no other publish is under way; held to the end of the transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PUBLISH_LOCK})


def check_answers(engine: Engine) -> None:
    """Raise StoreError, in one line, where the database does not answer."""
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except DBAPIError as error:
        raise StoreError(_absence(engine, error)) from None


def upsert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT: the same shape in both dialects."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def make_scratch(connection: Connection, *tables: Table) -> None:
    """Create temporary tables, empty, whatever an earlier transaction left of them."""
    drop_scratch(connection, *tables)
    for table in tables:
        table.create(connection, checkfirst=False)


def analyze(connection: Connection, *tables: Table) -> None:
    """Tell PostgreSQL's planner what has just been written: its own look comes later, if at all.

    Without it a run's staged rows count as a handful, and are joined one by one.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ANALYZE {', '.join(table.name for table in tables)}")


def join_at_once(connection: Connection) -> None:
    """Have PostgreSQL join whole tables, to the end of the transaction.

    For what has been staged since its planner last looked: where it takes thousands of rows for
    one, it would join them one by one, each with all others.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL enable_nestloop = off"))


def drop_scratch(connection: Connection, *tables: Table) -> None:
    """Drop temporary tables, and never a permanent one of the same name."""
    schema = "pg_temp" if connection.dialect.name == "postgresql" else "temp"
    for table in tables:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {schema}.{table.name}")


def _never_compile(connection: Any, _: object) -> None:
    """Have PostgreSQL run queries as they are: to compile one of ours takes longer than it does."""
    connection.execute("SET jit = off")
    connection.commit()


def _name_an_absence(context: ExceptionContext) -> None:
    """Turn the drivers' many ways of having lost a database into one."""
    error = context.sqlalchemy_exception
    # A pooled connection that is found dead before its use is replaced by the pool itself.
    if context.is_pre_ping or not isinstance(error, OperationalError | InterfaceError):
        return
    # To SQLite a mistake in a statement is an operational error, too.
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(error.orig, sqlite3.Error) and (code is None or code == sqlite3.SQLITE_ERROR):
        return
    assert context.engine is not None
    raise StoreGone(_absence(context.engine, error)) from error.orig


def _absence(engine: Engine, error: DBAPIError) -> str:
    cause = str(error.orig).strip().splitlines()
    where = engine.url.render_as_string(hide_password=True)
    return f"the database {where} does not answer: {cause[0] if cause else type(error.orig)}"
