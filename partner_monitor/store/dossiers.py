"""All there is to know of one partner, one country, one run: the dashboard's pages. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, FromClause, RowMapping, Table, func, select

from partner_monitor.history.fields import TRACKED
from partner_monitor.items import Outcome
from partner_monitor.store.engine import reading
from partner_monitor.store.lists import CountryRow, CustomerRow, PartnerRow, RunRow, StatusRow
from partner_monitor.store.schema import (
    countries,
    partner_customers,
    partner_experts,
    partner_industries,
    partner_versions,
    reference_history,
    rejected_items,
    run_fields,
    run_outcomes,
    staged_pages,
    status_history,
)

MOST_ROWS = 50
"""Of a table on a page; the lists have all."""

Rows = Sequence[RowMapping]


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """What a partner was for a stretch of time."""

    valid_from: datetime
    valid_to: datetime | None
    run_id: int
    values: RowMapping
    """Its tracked fields, and ``country``, the country's name."""
    changed: Mapping[str, tuple[Any, Any]]
    """Field, and its value before and since; empty for an arrival or a return."""
    returned: bool
    """Whether it was not listed just before, but earlier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Partner:
    """A partner's page."""

    row: RowMapping
    versions: Sequence[Version]
    """The oldest first."""
    statuses: Rows
    customers: Rows
    """Those it has, by name, then those it had, the last to leave first."""
    experts: Rows
    industries: Rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Country:
    """A country's page; its trends are in ``figures``."""

    row: RowMapping
    events: Rows
    """The newest changes of status of its partners, arrivals and departures too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run's page."""

    row: RowMapping
    outcomes: Rows
    fields: Rows
    failures: Rows
    """Listing pages that were not read."""
    failed: int
    """How many they are."""
    rejected: Rows
    published: Mapping[str, int]
    """What its publish wrote, in an operator's words; without what is none."""
    events: Rows


def partner(engine: Engine, partner_id: int) -> Partner | None:
    """The partner of that number; None if none was ever seen."""
    with reading(engine) as connection:
        rows = _rows(connection, PartnerRow.__table__, "id", partner_id)
        if not rows:
            return None
        of = CustomerRow.__table__.c
        links = connection.execute(
            select(CustomerRow.__table__)
            .where(of.partner_id == partner_id)
            .order_by(of.ended_at.is_not(None), of.ended_at.desc(), of.customer, of.id)
        )
        return Partner(
            row=rows[0],
            versions=_versions(connection, partner_id),
            statuses=_rows(connection, StatusRow.__table__, "partner_id", partner_id, "changed_at"),
            customers=links.mappings().all(),
            experts=_rows(connection, partner_experts, "partner_id", partner_id, "version"),
            industries=_rows(
                connection, partner_industries, "partner_id", partner_id, "references_count"
            )[::-1],
        )


def country(engine: Engine, country_id: int) -> Country | None:
    """The country of that number; None if no menu ever had it."""
    with reading(engine) as connection:
        rows = _rows(connection, CountryRow.__table__, "id", country_id)
        if not rows:
            return None
        return Country(row=rows[0], events=_events(connection, "country_id", country_id))


def run(engine: Engine, run_id: int) -> Run | None:
    """The run of that number; None if there is none."""
    with reading(engine) as connection:
        rows = _rows(connection, RunRow.__table__, "id", run_id)
        if not rows:
            return None
        not_read = (staged_pages.c.run_id == run_id, staged_pages.c.outcome != Outcome.READ)
        failures = connection.execute(
            select(staged_pages)
            .where(*not_read)
            .order_by(staged_pages.c.list_country_id, staged_pages.c.page)
            .limit(MOST_ROWS)
        )
        failed = connection.scalar(select(func.count()).select_from(staged_pages).where(*not_read))
        return Run(
            row=rows[0],
            outcomes=_rows(connection, run_outcomes, "run_id", run_id, "kind"),
            fields=_rows(connection, run_fields, "run_id", run_id, "field"),
            failures=failures.mappings().all(),
            failed=failed or 0,
            rejected=connection.execute(
                select(rejected_items)
                .where(rejected_items.c.run_id == run_id)
                .order_by(rejected_items.c.id)
                .limit(MOST_ROWS)
            )
            .mappings()
            .all(),
            published=_published(connection, run_id),
            events=_events(connection, "run_id", run_id),
        )


def _versions(connection: Connection, partner_id: int) -> list[Version]:
    query = (
        select(partner_versions, countries.c.name.label("country"))
        .select_from(
            partner_versions.outerjoin(countries, countries.c.id == partner_versions.c.country_id)
        )
        .where(partner_versions.c.partner_id == partner_id)
        .order_by(partner_versions.c.valid_from)
    )
    found: list[Version] = []
    for row in connection.execute(query).mappings():
        before = found[-1] if found else None
        follows = before is not None and before.valid_to == row["valid_from"]
        found.append(
            Version(
                valid_from=row["valid_from"],
                valid_to=row["valid_to"],
                run_id=row["run_id"],
                values=row,
                changed=_changed(before.values, row) if before is not None and follows else {},
                returned=before is not None and not follows,
            )
        )
    return found


def _changed(before: RowMapping, now: RowMapping) -> dict[str, tuple[Any, Any]]:
    names = ["country" if field == "country_id" else field for field in TRACKED]
    return {
        name: (before[name], now[name])
        for name, field in zip(names, TRACKED, strict=True)
        if before[field] != now[field]
    }


def _published(connection: Connection, run_id: int) -> dict[str, int]:
    kinds = connection.execute(
        select(status_history.c.change_type, func.count())
        .where(status_history.c.run_id == run_id)
        .group_by(status_history.c.change_type)
        .order_by(status_history.c.change_type)
    )
    found: dict[str, int | None] = {row[0]: row[1] for row in kinds}
    counted: tuple[tuple[str, Table, Any], ...] = (
        ("versions", partner_versions, partner_versions.c.run_id == run_id),
        ("reference changes", reference_history, reference_history.c.run_id == run_id),
        (
            "customers won",
            partner_customers,
            (partner_customers.c.run_id == run_id) & ~partner_customers.c.baseline,
        ),
        ("customers lost", partner_customers, partner_customers.c.ended_run_id == run_id),
    )
    for name, table, condition in counted:
        found[name] = connection.scalar(select(func.count()).select_from(table).where(condition))
    return {name: count for name, count in found.items() if count}


def _events(connection: Connection, column: str, value: int) -> Rows:
    rows = StatusRow.__table__.c
    query = (
        select(StatusRow.__table__)
        .where(rows[column] == value)
        .order_by(rows.changed_at.desc(), rows.id.desc())
        .limit(MOST_ROWS)
    )
    return connection.execute(query).mappings().all()


def _rows(
    connection: Connection, table: FromClause, column: str, value: int, order: str = "id"
) -> Rows:
    query = select(table).where(table.c[column] == value).order_by(table.c[order])
    return connection.execute(query).mappings().all()
