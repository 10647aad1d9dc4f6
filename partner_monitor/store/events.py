"""What publishes wrote that people want to be told: counts, and the first rows. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Engine,
    Row,
    and_,
    exists,
    func,
    or_,
    select,
    table,
    type_coerce,
)
from sqlalchemy import column as sql_column
from sqlalchemy.sql import Select

from partner_monitor.store.engine import reading
from partner_monitor.store.schema import (
    UTCDateTime,
    countries,
    customers,
    partner_customers,
    partners,
    status_history,
)

_moves = table(
    "report_customer_moves",
    *map(sql_column, ("customer_id", "customer", "from_partner_id", "from_partner")),
    *map(sql_column, ("to_partner_id", "to_partner", "left_at", "appeared_at", "noticed_on")),
)


Written = Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[bool]]
"""Whether a row of this run and this instant is told of."""

Noticed = Callable[[ColumnElement[Any]], ColumnElement[bool]]
"""Whether a move that was noticed at this instant is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Events:
    """The events of one kind."""

    count: int
    first: Sequence[Mapping[str, Any]]
    """The first of them; those of partners with the most references come first."""


def of_publish(engine: Engine, run: Row[Any], most: int) -> dict[str, Events]:
    """The events that the last publish of ``run`` wrote, ``most`` rows of each kind at most.

    By kind: status changes (new for initial), and customers won, lost and moved. A run that was
    read anew has published more than once; only what bears its present instant is told.
    """
    return _found(
        engine,
        lambda run_id, at: and_(run_id == run.id, at == run.published_at),
        lambda at: at == run.published_at,
        most,
    )


def of_time(engine: Engine, after: datetime, until: datetime, most: int) -> dict[str, Events]:
    """Like ``of_publish``, of all publishes that bear an instant after ``after``, to ``until``."""

    def within(at: ColumnElement[Any]) -> ColumnElement[bool]:
        return and_(at > after, at <= until)

    return _found(engine, lambda _, at: within(at), within, most)


def _found(engine: Engine, written: Written, noticed: Noticed, most: int) -> dict[str, Events]:
    with reading(engine) as connection:
        found: dict[str, Events] = {}
        for kind, query in _queries(written, noticed).items():
            count = connection.execute(
                select(func.count()).select_from(query.order_by(None).subquery())
            ).scalar_one()
            if count:
                first = connection.execute(query.limit(most)).mappings().all()
                found[kind] = Events(count=count, first=[dict(row) for row in first])
        return found


def _queries(written: Written, noticed: Noticed) -> dict[str, Select[Any]]:
    queries = {
        kind: _status_changes(written, kind)
        for kind in ("promoted", "demoted", "changed", "delisted", "relisted", "initial")
    }
    link = partner_customers.c
    won = written(link.run_id, link.first_seen_at)
    ended = written(link.ended_run_id, link.ended_at)
    into = and_(
        _moves.c.customer_id == link.customer_id,
        _moves.c.to_partner_id == link.partner_id,
        _moves.c.appeared_at == link.first_seen_at,
    )
    out = and_(
        _moves.c.customer_id == link.customer_id,
        _moves.c.from_partner_id == link.partner_id,
        _moves.c.left_at == link.ended_at,
    )
    customer = (
        select(
            customers.c.name.label("customer"),
            partners.c.name.label("partner"),
            partners.c.profile_url,
            countries.c.name.label("country"),
        )
        .select_from(
            partner_customers.join(customers)
            .join(partners, partners.c.id == link.partner_id)
            .outerjoin(countries, countries.c.id == partners.c.country_id)
        )
        .order_by(*_largest_first(), customers.c.name)
    )
    # A customer that moved is told once, as a move.
    queries["won"] = customer.where(won, ~link.baseline, ~exists().where(into))
    # One that ended with its partner is told with the partner, which is delisted.
    queries["lost"] = customer.where(ended, ~link.ended_with_partner, ~exists().where(out))
    queries["moved"] = (
        select(
            _moves.c.customer, _moves.c.from_partner, _moves.c.to_partner, partners.c.profile_url
        )
        .select_from(_moves.join(partners, partners.c.id == _moves.c.to_partner_id))
        .where(
            noticed(type_coerce(_moves.c.noticed_on, UTCDateTime)),
            exists().where(or_(and_(into, won), and_(out, ended))),
        )
        .order_by(*_largest_first(), _moves.c.customer)
    )
    return queries


def _status_changes(written: Written, kind: str) -> Select[Any]:
    history = status_history.c
    return (
        select(
            partners.c.name.label("partner"),
            partners.c.profile_url,
            countries.c.name.label("country"),
            history.old_status.label("before"),
            history.new_status.label("now"),
        )
        .select_from(
            status_history.join(partners).outerjoin(
                countries, countries.c.id == partners.c.country_id
            )
        )
        .where(
            written(history.run_id, history.changed_at),
            history.change_type == kind,
        )
        .order_by(*_largest_first())
    )


def _largest_first() -> tuple[Any, ...]:
    return func.coalesce(partners.c.references_count, -1).desc(), partners.c.name, partners.c.id
