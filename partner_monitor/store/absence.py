"""Absence: who was looked for and found nowhere, and when that is a departure (rule 6)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from partner_monitor.config import Config
from partner_monitor.history.completeness import Completeness
from partner_monitor.store import profiles
from partner_monitor.store.engine import (
    upsert,
)
from partner_monitor.store.evidence import Times
from partner_monitor.store.resolve import leaving, resolved
from partner_monitor.store.schema import (
    UTCDateTime,
    countries,
    crawl_runs,
    partner_profiles,
    partners,
    staged_cards,
    staged_countries,
)


def publish_countries(
    connection: Connection, run: Any, times: Times, completeness: Completeness
) -> None:
    """Take over the menu, and what is known to be covered now."""
    newer = connection.execute(
        select(func.max(crawl_runs.c.published_at)).where(crawl_runs.c.published_at > times.last)
    ).scalar()
    menu = select(
        staged_countries.c.country_id,
        staged_countries.c.name,
        staged_countries.c.slug,
        staged_countries.c.iso_code,
        staged_countries.c.listed_count,
        literal(0),
        literal(False),
        literal(False),
    ).where(staged_countries.c.run_id == run.id)
    statement = upsert(connection, countries).from_select(
        [
            "id",
            "name",
            "slug",
            "iso_code",
            "listed_count",
            "partner_count",
            "page_lost",
            "to_reprocess",
        ],
        menu,
    )
    if newer is None:
        statement = statement.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "name": statement.excluded.name,
                "slug": statement.excluded.slug,
                "iso_code": statement.excluded.iso_code,
                "listed_count": func.coalesce(
                    statement.excluded.listed_count, countries.c.listed_count
                ),
            },
        )
    else:  # a late run may add a country, but not turn a count back
        statement = statement.on_conflict_do_nothing(index_elements=["id"])
    connection.execute(statement)
    asked = completeness.whole | {country.country_id for country in completeness.short}
    if newer is None and run.menu_at is not None:
        listed = select(staged_countries.c.country_id).where(staged_countries.c.run_id == run.id)
        connection.execute(
            update(countries)
            .where(countries.c.id.not_in(listed), countries.c.id.in_(sorted(asked)))
            .values(listed_count=0)
        )
    current = or_(countries.c.covered_at.is_(None), countries.c.covered_at <= times.last)
    connection.execute(
        update(countries)
        .where(countries.c.id.in_(sorted(asked)), current)
        .values(
            complete=countries.c.id.in_(sorted(completeness.whole)),
            page_lost=countries.c.id.in_(
                sorted(c.country_id for c in completeness.short if c.page_lost)
            ),
        )
    )


def mark_absent(
    connection: Connection,
    run_id: int,
    times: Times,
    completeness: Completeness,
    config: Config,
) -> int:
    """Absence is not departure (rule 6): note who was looked for and found nowhere.

    Returns how many are missing for the first time.
    """
    # A run draws no absence from a country that a newer published run has covered.
    drawn = and_(
        countries.c.id.in_(sorted(completeness.whole)),
        or_(countries.c.covered_at.is_(None), countries.c.covered_at <= times.last),
    )
    where: list[ColumnElement[bool]] = [
        exists().where(countries.c.id == partners.c.country_id, drawn)
    ]
    if completeness.directory_whole:
        where.append(partners.c.country_id.is_(None))
    seen = exists().where(
        staged_cards.c.run_id == run_id, staged_cards.c.partner_id == partners.c.id
    )
    # Those that were seen have been observed since: nearly all go by that alone.
    absent = (
        partners.c.observed_at < times.first,
        partners.c.delisted_at.is_(None),
        or_(*where),
        ~seen,
    )
    newly = connection.execute(
        select(func.count()).where(*absent, partners.c.missing_since.is_(None))
    ).scalar_one()
    own = literal(times.last, UTCDateTime)
    since = func.coalesce(partners.c.missing_since, own)
    connection.execute(
        update(partners)
        .where(*absent)
        .values(
            missing_since=since,
            missing_looks=partners.c.missing_looks + 1,
            overdue_since=case(
                (
                    since <= times.last - config.delist_after,
                    func.coalesce(partners.c.overdue_since, own),
                ),
                else_=null(),
            ),
            observed_at=times.last,
        )
    )
    connection.execute(update(countries).where(drawn).values(covered_at=times.last))
    # Moving away is ruled out where every country was read whole after the absence had lasted:
    # a partner may come back in another country as late as that.
    listed = or_(countries.c.listed_count.is_(None), countries.c.listed_count > 0)
    not_covered_since = exists().where(
        listed,
        or_(countries.c.covered_at.is_(None), countries.c.covered_at < partners.c.overdue_since),
    )
    # Its profile, read since, rules it out too: gone, or showing the same country.
    profile = partner_profiles.c
    profile_says_so = or_(
        partners.c.profile_gone_at >= partners.c.missing_since,
        exists().where(
            profile.partner_id == partners.c.id,
            profile.read_at >= partners.c.missing_since,
            profile.country_id == partners.c.country_id,
        ),
    )
    looks = 2 if config.delist_after else 1
    connection.execute(
        insert(leaving).from_select(
            ["partner_id"],
            select(partners.c.id).where(
                partners.c.delisted_at.is_(None),
                partners.c.overdue_since.is_not(None),
                partners.c.missing_looks >= looks,
                or_(~not_covered_since, profile_says_so),
                ~exists().where(resolved.c.partner_id == partners.c.id),
            ),
        )
    )
    return int(newly)


def apply_departures(connection: Connection, run_id: int, instant: datetime) -> None:
    profiles.end_customers(connection, select(leaving.c.partner_id), run_id, instant)
    connection.execute(
        update(partners)
        .where(partners.c.id.in_(select(leaving.c.partner_id)))
        .values(delisted_at=instant)
    )
