"""The rows of the dashboard's lists, as classes for SQLAlchemy's ORM. Nothing is written by them.

Each stands for a view, or for a query that joins a table with the names its numbers stand for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sqlalchemy import (
    ColumnElement,
    FromClause,
    MetaData,
    Select,
    Text,
    case,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import DeclarativeBase

from partner_monitor.store.exports import SOURCES
from partner_monitor.store.schema import (
    countries,
    crawl_runs,
    customers,
    partner_customers,
    partners,
    reference_history,
    status_history,
)
from partner_monitor.store.views import BUCKET

_p = partners.alias("p")  # the name by which BUCKET calls it
_c = countries.alias("c")
_summary = SOURCES["report_country_summary"]


class Row(DeclarativeBase):
    """A row of a list."""

    metadata = MetaData()


class PartnerRow(Row):
    """Every partner ever seen, with its country's name and whether it is listed now."""

    __table__: ClassVar[FromClause] = (
        select(
            _p,
            _c.c.name.label("country"),
            literal_column(BUCKET, Text).label("project_size_bucket"),
            case(
                (_p.c.delisted_at.is_not(None), "gone"),
                (_p.c.missing_since.is_not(None), "missing"),
                else_="listed",
            ).label("presence"),
        )
        .select_from(_p.outerjoin(_c, _c.c.id == _p.c.country_id))
        .subquery("partner_rows")
    )


class CountryRow(Row):
    """Every country of the menu, with its partners by status."""

    __table__: ClassVar[FromClause] = (
        select(
            _c,
            *(_summary.c[name] for name in ("gold", "silver", "ready", "other", "total")),
        )
        .select_from(_c.join(_summary, _summary.c.country_id == _c.c.id))
        .subquery("country_rows")
    )


class StatusRow(Row):
    """The history of statuses, arrivals too, with names."""

    __table__: ClassVar[FromClause] = (
        select(
            status_history,
            _p.c.name.label("partner"),
            _p.c.country_id,
            _c.c.name.label("country"),
            _p.c.status.label("present_status"),
            _p.c.first_seen_on,
        )
        .select_from(
            status_history.join(_p, _p.c.id == status_history.c.partner_id).outerjoin(
                _c, _c.c.id == _p.c.country_id
            )
        )
        .subquery("status_rows")
    )


class ReferenceRow(Row):
    """Changes of reference counts, with names."""

    __table__: ClassVar[FromClause] = (
        select(
            reference_history,
            (reference_history.c.new_count - reference_history.c.old_count).label("difference"),
            _p.c.name.label("partner"),
            _p.c.country_id,
            _c.c.name.label("country"),
        )
        .select_from(
            reference_history.join(_p, _p.c.id == reference_history.c.partner_id).outerjoin(
                _c, _c.c.id == _p.c.country_id
            )
        )
        .where(reference_history.c.old_count.is_not(None))
        .subquery("reference_rows")
    )


class CustomerRow(Row):
    """Who is or was whose customer, with names."""

    __table__: ClassVar[FromClause] = (
        select(
            partner_customers,
            customers.c.name.label("customer"),
            customers.c.industry,
            _p.c.name.label("partner"),
            _p.c.country_id,
            _c.c.name.label("country"),
            case(
                (partner_customers.c.ended_at.is_not(None), "ended"),
                (partner_customers.c.missing_since.is_not(None), "missing"),
                else_="current",
            ).label("relation"),
        )
        .select_from(
            partner_customers.join(customers)
            .join(_p, _p.c.id == partner_customers.c.partner_id)
            .outerjoin(_c, _c.c.id == _p.c.country_id)
        )
        .subquery("customer_rows")
    )


class MoveRow(Row):
    """Customers that left one partner for another."""

    __table__: ClassVar[FromClause] = SOURCES["report_customer_moves"]


class RunRow(Row):
    """The ledger of runs, with the country's name."""

    __table__: ClassVar[FromClause] = (
        select(crawl_runs, _c.c.name.label("country"))
        .select_from(crawl_runs.outerjoin(_c, _c.c.id == crawl_runs.c.country_id))
        .subquery("run_rows")
    )


TOTALS: Mapping[type[Row], Select[Any]] = {
    ReferenceRow: select(func.count(reference_history.c.old_count)),
    CustomerRow: select(func.count()).select_from(partner_customers),
}
"""Where rows may be many: a count of all of them that asks for none of their names."""


def customers_matching(term: str, of: FromClause = CustomerRow.__table__) -> ColumnElement[bool]:
    """Rows of CustomerRow, or of the table below it, with ``term`` in a name or an industry.

    Names are looked through once each, and not once for every row that bears them.
    """
    named = select(customers.c.id).where(
        or_(
            customers.c.name.icontains(term, autoescape=True),
            customers.c.industry.icontains(term, autoescape=True),
        )
    )
    of_partner = select(partners.c.id).where(partners.c.name.icontains(term, autoescape=True))
    return or_(of.c.customer_id.in_(named), of.c.partner_id.in_(of_partner))


def count_of_customers_matching(term: str) -> Select[Any]:
    """How many those are, without joining their names."""
    return TOTALS[CustomerRow].where(customers_matching(term, partner_customers))
