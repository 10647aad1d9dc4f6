"""``scrapy db copy``: a whole store into another database, verified before it is committed.

All or nothing: the source is read in one snapshot, the target written in one transaction, which
ends only when the target, read back, gave the same rows and a consistent history.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, LargeBinary, Row, Table, func, insert, inspect, select
from sqlalchemy import text as sql
from sqlalchemy.exc import StatementError

from partner_monitor.store import check, migrate, runs
from partner_monitor.store.engine import StoreError, check_answers, snapshot, writing
from partner_monitor.store.menu import exists
from partner_monitor.store.schema import metadata, sqlite_file
from partner_monitor.store.views import VIEWS

BATCH = 2_000
"""Rows in memory at a time."""

BATCH_OF_BODIES = 50
"""The same of a table of pages, some 40 kB each."""

Progress = Callable[[str, int, int], None]
"""Told what is done to the rows ("copied", "verified"), to how many so far, and of how many."""


class CopyDiffers(StoreError):
    """What was written does not hold up; it was taken back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """What a copy brought over."""

    tables: int
    rows: int


class _Content:
    """A table's content as a count and a sum over its rows' digests.

    A sum, for no order is the same on both databases (texts sort by the server's own rules); and
    not an exclusive or, from which two equal rows would vanish.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, rows: Sequence[Row[Any]]) -> None:
        for row in rows:
            # Values of the schema's types, whose texts tell every one of them from every other.
            written = repr(tuple(row)).encode("utf-8", "surrogatepass")
            self._sum += int.from_bytes(hashlib.sha256(written).digest())
        self._sum %= 1 << 256
        self.rows += len(rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Content) and (self.rows, self._sum) == (other.rows, other._sum)

    __hash__ = None  # type: ignore[assignment]


def copy(source: Engine, target: Engine, progress: Progress) -> Copied:
    """Copy the store in ``source`` into the empty database ``target``, and verify it there.

    Raises StoreError where that cannot be, and CopyDiffers where the copy is not what it should
    be; the target is then as it was. The source is not changed. Unfinished runs come along.
    """
    if source.url.set(password=None) == target.url.set(password=None):
        raise StoreError("the target is the store itself: name another database")
    # A run that goes on here would be continued there as well, and each history lack the other's.
    runs.refuse_while_running(source)
    _refuse_taken(target)
    with _unmade_on_failure(target), snapshot(source) as origin, writing(target) as goal:
        migrate.upgrade_within(goal)
        tables = metadata.sorted_tables
        total = sum(
            origin.execute(select(func.count()).select_from(table)).scalar_one() for table in tables
        )
        contents: dict[str, _Content] = {}
        done = 0
        for table in tables:
            contents[table.name] = _Content()
            for rows in _copied(origin, goal, table):
                contents[table.name].add(rows)
                done += len(rows)
                progress("copied", done, total)
        for table in tables:
            _count_on(goal, table)
        _verify(goal, contents, lambda rows: progress("verified", rows, total))
    return Copied(tables=len(tables), rows=done)


def _refuse_taken(target: Engine) -> None:
    taken = sorted({*metadata.tables, *VIEWS, "alembic_version"} & _names(target))
    if taken:
        more = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
        raise StoreError(
            f"the target is not empty, it holds {', '.join(taken[:3])}{more}: "
            "name a database of its own"
        )


def _names(target: Engine) -> set[str]:
    """The tables and views in ``target``; looks without changing anything."""
    file = sqlite_file(target)
    if file is None:
        check_answers(target)
        there = inspect(target)
        return {*there.get_table_names(), *there.get_view_names()}
    if not exists(target):
        return set()
    # Not through the engine, which would switch somebody else's file to WAL.
    try:
        with closing(sqlite3.connect(f"{Path(file).as_uri()}?mode=ro", uri=True)) as connection:
            return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as error:
        raise StoreError(f"the database {target.url} does not answer: {error}") from None


@contextmanager
def _unmade_on_failure(target: Engine) -> Iterator[None]:
    """Remove a SQLite file that was made for nothing: the rollback would leave it, empty."""
    file = sqlite_file(target)
    was_there = exists(target)
    try:
        yield
    except BaseException:
        target.dispose()
        if file is not None and not was_there:
            Path(file).unlink(missing_ok=True)
        raise


def _copied(origin: Connection, goal: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    """Copy a table; yields each batch of rows when it is written."""
    try:
        for rows in _read(origin, table):
            goal.execute(insert(table), [row._asdict() for row in rows])
            yield rows
    except (StatementError, ValueError) as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise StoreError(f"a row of {table.name} cannot be copied: {cause}") from None


def _read(connection: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    bodies = any(isinstance(column.type, LargeBinary) for column in table.columns)
    batch = BATCH_OF_BODIES if bodies else BATCH
    result = connection.execute(select(table), execution_options={"yield_per": batch})
    return result.partitions()


def _count_on(goal: Connection, table: Table) -> None:
    """Let PostgreSQL give ids after the copied ones, and know what it has got."""
    if goal.dialect.name != "postgresql":
        return
    if (key := table.autoincrement_column) is not None:
        newest = goal.execute(select(func.max(key))).scalar()
        if newest is not None:
            goal.execute(
                sql("SELECT setval(pg_get_serial_sequence(:table, :key), :newest)"),
                {"table": table.name, "key": key.name, "newest": newest},
            )
    # The checks join these tables, and would be planned as if they were empty.
    goal.exec_driver_sql(f"ANALYZE {table.name}")


def _verify(
    goal: Connection, contents: dict[str, _Content], progress: Callable[[int], None]
) -> None:
    done = 0
    for table in metadata.sorted_tables:
        written = _Content()
        for rows in _read(goal, table):
            written.add(rows)
            done += len(rows)
            progress(done)
        expected = contents[table.name]
        if written != expected:
            how = (
                "has other values"
                if written.rows == expected.rows
                else f"has {written.rows} rows instead of {expected.rows}"
            )
            raise CopyDiffers(f"the copy was taken back: its table {table.name} {how}")
    found = sum(1 for _ in check.violations_within(goal))
    if found:
        raise CopyDiffers(
            f"the copy was taken back: its history has {found} violations, which scrapy db check "
            "shows of the store"
        )
