"""Queries of the reports. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Engine,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    literal_column,
    null,
    select,
    table,
    type_coerce,
)
from sqlalchemy import column as sql_column
from sqlalchemy.sql import ColumnElement

from partner_monitor.history.ladder import LADDER
from partner_monitor.store.engine import reading
from partner_monitor.store.runs import State
from partner_monitor.store.schema import (
    UTCDateTime,
    crawl_runs,
    customers,
    daily_counts,
    partner_customers,
    partner_versions,
    partners,
    reference_history,
    status_history,
)
from partner_monitor.store.schema import (
    countries as countries_table,
)

Rows = Sequence[Mapping[str, Any]]


def freshness(engine: Engine) -> tuple[datetime | None, list[int]]:
    """The instant of the last published run, and the runs that wait in quarantine."""
    with reading(engine) as connection:
        as_of = connection.execute(select(func.max(crawl_runs.c.published_at))).scalar()
        waiting = connection.execute(
            select(crawl_runs.c.id)
            .where(crawl_runs.c.state == State.QUARANTINED)
            .order_by(crawl_runs.c.id)
        ).scalars()
        return as_of, list(waiting)


def last_look(engine: Engine) -> tuple[int, datetime] | None:
    """Id and beginning of the published run by which every country had been read, at the latest.

    That is the last one over all countries; or where countries have runs of their own, the oldest
    of each country's last one. A country counts once it has partners. Where not all were ever
    read, the last run over lists: a store may be about one country only.
    """
    run = crawl_runs.c
    published = (run.spider == "partners") & (run.state == State.PUBLISHED)
    last_of_each = (
        select(run.mode, run.country_id, func.max(run.started_at))
        .where(published)
        .group_by(run.mode, run.country_id)
    )
    with_partners = select(countries_table.c.id).where(countries_table.c.partner_count > 0)
    with reading(engine) as connection:
        last = {(mode, country): at for mode, country, at in connection.execute(last_of_each)}
        if not last:
            return None
        over_all = last.get(("all", None))
        looks = [
            max(filter(None, (over_all, last.get(("specific_c", id_)))), default=None)
            for id_ in connection.scalars(with_partners)
        ]
        known = [look for look in looks if look is not None]
        at = min(known) if known and len(known) == len(looks) else over_all or max(last.values())
        row = connection.execute(
            select(run.id).where(published, run.started_at == at).order_by(run.id.desc()).limit(1)
        ).one()
        return row.id, at


def statuses(engine: Engine, country_id: int | None) -> dict[str, int]:
    """Partners listed now by status, the highest first."""
    query = (
        select(func.coalesce(partners.c.status, "unknown").label("status"), func.count())
        .where(partners.c.delisted_at.is_(None), *_in(country_id))
        .group_by(partners.c.status)
    )
    with reading(engine) as connection:
        counts: dict[str, int] = {row[0]: row[1] for row in connection.execute(query)}
    order = [*reversed(LADDER), *sorted(counts.keys() - set(LADDER))]
    return {status: counts[status] for status in order if status in counts}


def countries(engine: Engine, country_id: int | None) -> Rows:
    """The country summary, the largest first."""
    names = ("country_id", "country", "gold", "silver", "ready", "other", "total", "listed_count")
    view = table("report_country_summary", *map(sql_column, names), sql_column("complete"))
    query = select(view).order_by(view.c.total.desc(), view.c.country)
    if country_id is not None:
        query = query.where(view.c.country_id == country_id)
    with reading(engine) as connection:
        rows = connection.execute(query).mappings().all()
    # SQLite has no booleans of its own, and a view's column has no type to say it is one.
    return [
        dict(row) | {"complete": None if row["complete"] is None else bool(row["complete"])}
        for row in rows
        if row["total"] or row["listed_count"] or country_id is not None
    ]


def listed(engine: Engine, country_id: int | None) -> Rows:
    """Every partner listed now: id, name, country, status, first_seen_on; in no order."""
    query = (
        select(
            partners.c.id,
            partners.c.name,
            countries_table.c.name.label("country"),
            partners.c.status,
            partners.c.first_seen_on,
        )
        .select_from(_with_country(partners))
        .where(partners.c.delisted_at.is_(None), *_in(country_id))
    )
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def daily(engine: Engine, since: date, country_id: int | None) -> dict[date, dict[str, int]]:
    """Partners by status on each day from ``since`` on."""
    day = daily_counts.c
    status = func.coalesce(day.status, "unknown")
    query = (
        select(day.day, status, func.sum(day.partners))
        .where(day.day >= since)
        .group_by(day.day, day.status)
    )
    if country_id is not None:
        query = query.where(day.country_id == country_id)
    found: dict[date, dict[str, int]] = {}
    with reading(engine) as connection:
        for at, name, count in connection.execute(query):
            found.setdefault(at, {})[name] = int(count)
    return found


def changes(engine: Engine, since: datetime, country_id: int | None) -> dict[str, Rows]:
    """What changed from ``since`` on, by kind; each row has at, partner, country, before, now."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    history = status_history.c
    kind = case((history.change_type == "initial", "new"), else_=history.change_type)
    # The partners of the first run of all are no news.
    first = select(func.min(crawl_runs.c.id)).where(crawl_runs.c.state == State.PUBLISHED)
    status_changes = (
        _rows(kind, history.changed_at, history.old_status, history.new_status)
        .select_from(_with_country(status_history.join(partners)))
        .where(
            history.changed_at >= since,
            (history.change_type != "initial") | (history.run_id != first.scalar_subquery()),
            *_in(country_id),
        )
    )
    now, before = partner_versions.alias("now"), partner_versions.alias("before")
    steps = now.join(
        before,
        and_(before.c.partner_id == now.c.partner_id, before.c.valid_to == now.c.valid_from),
    ).join(partners, partners.c.id == now.c.partner_id)
    was, becomes = countries_table.alias("was"), countries_table.alias("becomes")
    moved = (
        _rows(literal_column("'moved'"), now.c.valid_from, was.c.name, becomes.c.name)
        .select_from(
            _with_country(steps)
            .outerjoin(was, was.c.id == before.c.country_id)
            .outerjoin(becomes, becomes.c.id == now.c.country_id)
        )
        .where(
            now.c.country_id.is_distinct_from(before.c.country_id),
            now.c.valid_from >= since,
            *_in(country_id),
        )
    )
    renamed = (
        _rows(literal_column("'renamed'"), now.c.valid_from, before.c.name, now.c.name)
        .select_from(_with_country(steps))
        .where(now.c.name != before.c.name, now.c.valid_from >= since, *_in(country_id))
    )
    with reading(engine) as connection:
        for query in (status_changes, moved, renamed):
            for row in connection.execute(query.order_by("at", "partner")).mappings():
                found.setdefault(row["kind"], []).append(
                    {key: value for key, value in row.items() if key != "kind"}
                )
    return dict(found)


def customer_changes(engine: Engine, since: datetime, country_id: int | None) -> dict[str, Rows]:
    """Customers won, lost and moved from ``since`` on; a move is told once, as a move."""
    link = partner_customers.c
    where = {
        "won": (link.first_seen_at, and_(~link.baseline, link.first_seen_at >= since)),
        "lost": (link.ended_at, link.ended_at >= since),
    }
    moves = table(
        "report_customer_moves",
        *map(
            sql_column,
            ("customer_id", "customer", "from_partner_id", "from_partner", "to_partner_id"),
        ),
        *map(sql_column, ("to_partner", "left_at", "appeared_at", "noticed_on")),
    )
    found: dict[str, Rows] = {}
    with reading(engine) as connection:
        for kind, (at, condition) in where.items():
            partner, moved_at = (
                (moves.c.to_partner_id, moves.c.appeared_at)
                if kind == "won"
                else (moves.c.from_partner_id, moves.c.left_at)
            )
            moved = exists().where(
                moves.c.customer_id == link.customer_id,
                partner == link.partner_id,
                moved_at == at,
            )
            query = (
                select(
                    at.label("at"),
                    partners.c.name.label("partner"),
                    countries_table.c.name.label("country"),
                    customers.c.name.label("customer"),
                )
                .select_from(_with_country(partner_customers.join(partners).join(customers)))
                .where(condition, ~moved, *_in(country_id))
                .order_by("at", "partner", "customer")
            )
            found[kind] = [dict(row) for row in connection.execute(query).mappings()]
        noticed = type_coerce(moves.c.noticed_on, UTCDateTime)
        # A country sees the customers that leave for another, and those that come.
        concerned = partners.c.id.in_([moves.c.from_partner_id, moves.c.to_partner_id])
        here = [exists().where(concerned, *_in(country_id))] if country_id is not None else []
        query = (
            select(
                noticed.label("at"),
                moves.c.customer,
                moves.c.from_partner.label("before"),
                moves.c.to_partner.label("now"),
            )
            .where(noticed >= since, *here)
            .order_by("at", "customer")
        )
        found["moved"] = [dict(row) for row in connection.execute(query).mappings()]
    return {kind: rows for kind, rows in found.items() if rows}


def missing(engine: Engine, country_id: int | None) -> Rows:
    """Partners listed still, but not found when last looked for; the longest gone first."""
    query = (
        _rows(null(), partners.c.missing_since, partners.c.status, null())
        .select_from(_with_country(partners))
        .where(
            partners.c.missing_since.is_not(None),
            partners.c.delisted_at.is_(None),
            *_in(country_id),
        )
        .order_by("at", "partner")
    )
    with reading(engine) as connection:
        return [
            {key: value for key, value in row.items() if key not in ("kind", "now")}
            for row in connection.execute(query).mappings()
        ]


def reference_changes(engine: Engine, since: datetime, country_id: int | None) -> Rows:
    """Changes of reference counts from ``since`` on, the largest first."""
    history = reference_history.c
    query = (
        _rows(null(), history.changed_at, history.old_count, history.new_count)
        .select_from(_with_country(reference_history.join(partners)))
        .where(history.changed_at >= since, history.old_count.is_not(None), *_in(country_id))
        .order_by(func.abs(history.new_count - history.old_count).desc(), partners.c.name)
    )
    with reading(engine) as connection:
        return [
            {key: value for key, value in row.items() if key != "kind"}
            for row in connection.execute(query).mappings()
        ]


def _rows(
    kind: ColumnElement[Any],
    at: ColumnElement[Any],
    before: ColumnElement[Any],
    now: ColumnElement[Any],
) -> Any:
    return select(
        cast(kind, String).label("kind"),
        at.label("at"),
        partners.c.name.label("partner"),
        partners.c.id.label("partner_id"),
        countries_table.c.name.label("country"),
        before.label("before"),
        now.label("now"),
    )


def _with_country(joined: Any) -> Any:
    return joined.outerjoin(countries_table, countries_table.c.id == partners.c.country_id)


def _in(country_id: int | None) -> list[ColumnElement[bool]]:
    return [] if country_id is None else [partners.c.country_id == country_id]
