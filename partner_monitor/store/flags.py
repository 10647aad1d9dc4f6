"""Reprocess flags: recomputed from the state of the store, never handed down from run to run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)

from partner_monitor.config import Config
from partner_monitor.history.ladder import LADDER
from partner_monitor.store.engine import serialize_publishes, writing
from partner_monitor.store.schema import UTCDateTime, countries, partner_customers, partners

REQUESTED = "requested"
"""The reason of what somebody asked for: before all others, so that it is due at once."""


def recompute(
    connection: Connection, now: datetime, stale_after: timedelta, delist_after: timedelta
) -> None:
    """Flag every partner and country that needs a second look; the gravest reason shows."""
    p = partners.c
    profile_older = or_(p.profile_read_at.is_(None), p.profile_read_at < p.changed_at)
    off_the_ladder = and_(p.status.is_not(None), p.status.not_in(LADDER))
    # A customer that was absent long enough is looked for once more before it is lost.
    customer_overdue = exists().where(
        partner_customers.c.partner_id == p.id,
        partner_customers.c.ended_at.is_(None),
        partner_customers.c.missing_since <= now - delist_after,
    )
    # A look at the profile settles it, be it that there is none any more.
    asked = and_(
        p.recheck_asked_at.is_not(None),
        *(
            or_(looked_at.is_(None), looked_at < p.recheck_asked_at)
            for looked_at in (p.profile_read_at, p.profile_gone_at)
        ),
    )
    reason = case(
        (p.delisted_at.is_not(None), null()),
        (asked, REQUESTED),
        (p.missing_since.is_not(None), "missing"),
        (p.unread != "", "incomplete"),
        (or_(and_(p.implausible, profile_older), off_the_ladder), "implausible"),
        (p.mismatch, "mismatch"),
        (p.profile_read_at.is_(None), "new"),
        (or_(p.profile_read_at < p.changed_at, customer_overdue), "changed"),
        (p.profile_read_at < now - stale_after, "stale"),
        else_=null(),
    )
    _set(connection, partners, reason, now)
    c = countries.c
    _set(
        connection,
        countries,
        case(
            (
                and_(
                    c.recheck_asked_at.is_not(None),
                    or_(c.covered_at.is_(None), c.covered_at < c.recheck_asked_at),
                ),
                REQUESTED,
            ),
            (or_(c.complete.is_(None), c.complete), null()),
            (c.page_lost, "page_failed"),
            else_="count_mismatch",
        ),
        now,
    )


def request(engine: Engine, table: Table, ids: Sequence[int], config: Config) -> int:
    """Flag these ``partners`` or ``countries`` for the next recheck, because somebody wants it.

    Returns how many were flagged: there is no second look at a partner that is delisted.
    """
    now = config.clock()
    may = [table.c.id.in_(ids)]
    if table is partners:
        may.append(partners.c.delisted_at.is_(None))
    with writing(engine) as connection:
        serialize_publishes(connection)
        asked = connection.execute(update(table).where(*may).values(recheck_asked_at=now))
        recompute(connection, now, config.stale_after, config.delist_after)
        return asked.rowcount


def _set(connection: Connection, table: Table, reason: ColumnElement[str], now: datetime) -> None:
    connection.execute(
        update(table)
        .where(reason.is_distinct_from(table.c.reprocess_reason))
        .values(
            reprocess_reason=reason,
            to_reprocess=reason.is_not(None),
            recheck_attempts=0,
            next_recheck_at=null(),
            flagged_at=case(
                (reason.is_(None), null()),
                (table.c.flagged_at.is_not(None), table.c.flagged_at),
                else_=literal(now, UTCDateTime),
            ),
        )
    )


def counts(connection: Connection) -> list[tuple[str, str, int]]:
    """What is flagged: partners or countries, the reason, and how many."""
    return [
        (table.name, row.reprocess_reason, row.flagged)
        for table in (partners, countries)
        for row in connection.execute(
            select(table.c.reprocess_reason, func.count().label("flagged"))
            .where(table.c.to_reprocess)
            .group_by(table.c.reprocess_reason)
            .order_by(func.count().desc())
        )
    ]
