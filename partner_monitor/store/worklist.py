"""What a recheck looks at: what is flagged and due, the oldest flag first.

A look that settles nothing (the profile failed, or what it was flagged for is still so) is
repeated after a day, two, four, … and then every 30.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    case,
    literal,
    null,
    or_,
    select,
    update,
)

from partner_monitor.config import Config, Recheck
from partner_monitor.items import Outcome
from partner_monitor.store import flags
from partner_monitor.store.engine import serialize_publishes, writing
from partner_monitor.store.schema import (
    UTCDateTime,
    countries,
    partners,
    staged_pages,
    staged_profiles,
)

LONGEST_WAIT = 30
"""Days between two looks at what does not settle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Worklist:
    """Profiles (partner id, URL) and countries (id, slug) to look at, in this order."""

    profiles: Sequence[tuple[int, str]]
    countries: Sequence[tuple[int, str]]


def gather(engine: Engine, wanted: Recheck, config: Config) -> Worklist:
    """Recompute the flags and list what is flagged and due: all, or partners or countries only."""
    now = config.clock()
    with writing(engine) as connection:
        serialize_publishes(connection)
        flags.recompute(connection, now, config.stale_after, config.delist_after)
        profiles = (
            connection.execute(
                _due(partners, (partners.c.id, partners.c.profile_url), now).limit(wanted.limit)
            ).all()
            if wanted.what != "countries"
            else []
        )
        lists = (
            connection.execute(_due(countries, (countries.c.id, countries.c.slug), now)).all()
            if wanted.what != "partners"
            else []
        )
    return Worklist(
        profiles=[(row.id, row.profile_url) for row in profiles],
        countries=[(row.id, row.slug) for row in lists],
    )


def space_attempts(connection: Connection, run_id: int, now: datetime) -> None:
    """Set when what ``run_id`` looked at is due again, by whether it is still flagged."""
    profiles = select(staged_profiles.c.partner_id).where(
        staged_profiles.c.run_id == run_id, staged_profiles.c.outcome != Outcome.GIVEN_UP
    )
    lists = select(staged_pages.c.list_country_id).where(
        staged_pages.c.run_id == run_id, staged_pages.c.outcome != Outcome.GIVEN_UP
    )
    for table, asked in ((partners, profiles), (countries, lists)):
        attempts = table.c.recheck_attempts + 1
        connection.execute(
            update(table)
            .where(table.c.id.in_(asked))
            .values(
                recheck_attempts=case((table.c.to_reprocess, attempts), else_=0),
                next_recheck_at=case(
                    (table.c.to_reprocess, _due_after(attempts, now)), else_=null()
                ),
            )
        )


def _due_after(attempts: ColumnElement[int], now: datetime) -> ColumnElement[Any]:
    spaced = [
        (attempts == n, literal(now + timedelta(days=2 ** (n - 1)), UTCDateTime))
        for n in range(1, 6)
    ]
    return case(*spaced, else_=literal(now + timedelta(days=LONGEST_WAIT), UTCDateTime))


def _due(table: Table, columns: Sequence[ColumnElement[Any]], now: datetime) -> Any:
    return (
        select(*columns)
        .where(
            table.c.to_reprocess,
            or_(table.c.next_recheck_at.is_(None), table.c.next_recheck_at <= now),
        )
        .order_by(table.c.flagged_at, table.c.id)
    )
