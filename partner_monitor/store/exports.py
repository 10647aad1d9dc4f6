"""What can be taken out of the store whole: the reporting views and the public tables.

SQLite knows no type of a view's column and keeps times as text. So every column's type is said
here, and both databases give the same values in the same order. Knows no file formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    collate,
    func,
    select,
)

from partner_monitor.store.engine import reading
from partner_monitor.store.schema import (
    UTCDateTime,
    countries,
    crawl_runs,
    customers,
    daily_counts,
    partner_customers,
    partner_experts,
    partner_industries,
    partner_versions,
    partners,
    reference_history,
    rejected_items,
    status_history,
)

CHUNK = 2_000
"""Rows held at a time."""

_metadata = MetaData()


def _view(name: str, order: str, /, **columns: Any) -> Table:
    """A view as a table: each column with its type, or with the column that it is taken from."""
    keys = order.split()
    return Table(
        name,
        _metadata,
        *(
            Column(
                column,
                given.type if isinstance(given, Column) else given,
                primary_key=column in keys,
            )
            for column, given in columns.items()
        ),
    )


def _of(table: Table, names: str) -> dict[str, Column[Any]]:
    return {name: table.c[name] for name in names.split()}


_VIEWS = (
    _view(
        "report_partners",
        "id",
        **_of(partners, "id name profile_url status country_id"),
        country=countries.c.name,
        **_of(partners, "address first_seen_on last_seen_at missing_since references_count"),
        **_of(partners, "retention_rate largest_project_size average_project_size"),
        project_size_bucket=Text,
        **_of(partners, "certified_experts website industry profile_read_at"),
        **_of(partners, "to_reprocess reprocess_reason"),
    ),
    _view(
        "report_country_summary",
        "country_id",
        country_id=countries.c.id,
        country=countries.c.name,
        iso_code=countries.c.iso_code,
        gold=Integer,
        silver=Integer,
        ready=Integer,
        other=Integer,
        total=Integer,
        **_of(countries, "listed_count complete"),
    ),
    _view(
        "report_project_sizes",
        "country_id bucket",
        country_id=partners.c.country_id,
        country=countries.c.name,
        bucket=Text,
        partners=Integer,
    ),
    _view(
        "report_status_changes",
        "id",
        **_of(status_history, "id changed_at change_type partner_id"),
        partner=partners.c.name,
        country_id=partners.c.country_id,
        country=countries.c.name,
        **_of(status_history, "old_status new_status run_id"),
    ),
    _view(
        "report_reference_changes",
        "id",
        **_of(reference_history, "id changed_at partner_id"),
        partner=partners.c.name,
        country_id=partners.c.country_id,
        country=countries.c.name,
        **_of(reference_history, "old_count new_count"),
        difference=Integer,
        run_id=reference_history.c.run_id,
    ),
    _view(
        "report_partner_recreations",
        "old_partner_id new_partner_id",
        old_partner_id=partners.c.id,
        old_partner=partners.c.name,
        new_partner_id=partners.c.id,
        new_partner=partners.c.name,
        customers=Integer,
        shared=Integer,
        noticed_on=UTCDateTime,
    ),
    _view(
        "report_customer_moves",
        "customer_id from_partner_id to_partner_id left_at appeared_at",
        customer_id=customers.c.id,
        customer=customers.c.name,
        industry=customers.c.industry,
        from_partner_id=partners.c.id,
        from_partner=partners.c.name,
        to_partner_id=partners.c.id,
        to_partner=partners.c.name,
        left_at=UTCDateTime,
        appeared_at=UTCDateTime,
        noticed_on=UTCDateTime,
    ),
    _view(
        "report_daily_counts",
        "day country_id status",
        **_of(daily_counts, "day country_id"),
        country=countries.c.name,
        **_of(daily_counts, "status partners"),
    ),
)

_TABLES = (
    partners,
    countries,
    status_history,
    reference_history,
    partner_versions,
    customers,
    partner_customers,
    partner_experts,
    partner_industries,
    crawl_runs,
    rejected_items,
)

SOURCES: Mapping[str, Table] = {table.name: table for table in (*_VIEWS, *_TABLES)}
"""Every view and table that can be exported, by name. Kept pages and the staging area cannot."""


class Extract:
    """The rows of one view or table as they were at one instant."""

    def __init__(self, connection: Connection, source: Table) -> None:
        self._connection = connection
        self._source = source

    @property
    def columns(self) -> dict[str, type]:
        """Names and Python types, in order: str, int, bool, date, or datetime (aware, UTC)."""
        return {
            column.name: datetime
            if isinstance(column.type, UTCDateTime)
            else column.type.python_type
            for column in self._source.c
        }

    def has_more_than(self, rows: int) -> bool:
        some = select(self._source.c[0]).limit(rows + 1).subquery()
        found = self._connection.scalar(select(func.count()).select_from(some))
        return found is not None and found > rows

    def chunks(self) -> Iterator[Sequence[Row[Any]]]:
        """The rows, some thousands at a time: the database keeps the rest."""
        query = select(self._source).order_by(*map(self._ordered, self._source.primary_key))
        with self._connection.execute(query, execution_options={"yield_per": CHUNK}) as result:
            yield from result.partitions()

    def _ordered(self, column: Column[Any]) -> ColumnElement[Any]:
        """The databases differ in where NULL stands and in the order of letters."""
        ordered: ColumnElement[Any] = column
        if isinstance(column.type, String) and self._connection.dialect.name == "postgresql":
            ordered = collate(column, "C")
        # A table's key is never NULL, and its index serves only the plain order.
        return ordered.nulls_first() if self._source.metadata is _metadata else ordered


@contextmanager
def extracting(engine: Engine, name: str) -> Iterator[Extract]:
    """One of SOURCES, open for reading; a publish meanwhile changes nothing in it."""
    with reading(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield Extract(connection, SOURCES[name])
