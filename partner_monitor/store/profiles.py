"""Publishing profiles: what they add, what they contradict, and the customers on them.

A profile never writes what a card shows (rule 10): where the two disagree the partner is flagged.
Customers are compared only where the profile shows all it has; the first such look is a baseline,
and a customer that is absent is lost only when that has lasted, as with partners (rule 6).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Select,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.sql.selectable import NamedFromClause

from partner_monitor.history.ladder import ChangeType
from partner_monitor.items import Outcome
from partner_monitor.store.engine import analyze, drop_scratch, make_scratch, upsert
from partner_monitor.store.schema import (
    UTCDateTime,
    customers,
    partner_customers,
    partner_experts,
    partner_industries,
    partner_profiles,
    partners,
    staged_profile_counts,
    staged_profile_customers,
    staged_profiles,
    status_history,
)

COMPARED = (
    "status",
    "country_id",
    "references_count",
    "retention_rate",
    "largest_project_size",
    "average_project_size",
    "certified_experts",
)
"""What card and profile both show."""

looked = Table(
    "partner_monitor_looked",
    MetaData(),
    Column("partner_id", BigInteger, primary_key=True, autoincrement=False),
    Column("fetched_at", UTCDateTime, nullable=False),
    Column("customers_shown", Boolean, nullable=False),
    Column("baseline", Boolean, nullable=False),
    Column("relisted", Boolean, nullable=False),
    prefixes=["TEMPORARY"],
)
"""The profiles of a run that were read, and are newer than what is known of them."""


def publish(
    connection: Connection,
    run_id: int,
    instant: datetime,
    delist_after: timedelta,
) -> dict[str, int]:
    """Publish the profiles that ``run_id`` staged; returns what was written, by kind.

    ``instant`` is the publish's own.
    """
    _resolve(connection, run_id)
    _note_the_gone(connection, run_id, delist_after)
    _note_what_they_say(connection, run_id)
    wrote = _publish_customers(connection, run_id, instant, delist_after)
    read = connection.execute(select(func.count()).select_from(looked)).scalar_one()
    drop_scratch(connection, looked)
    return ({"profiles": read} if read else {}) | wrote


def end_customers(
    connection: Connection, partner_ids: Select[tuple[int]], run_id: int, instant: datetime
) -> None:
    """A delisted partner's customers end with it."""
    connection.execute(
        update(partner_customers)
        .where(
            partner_customers.c.partner_id.in_(partner_ids),
            partner_customers.c.ended_at.is_(None),
        )
        .values(ended_at=instant, ended_with_partner=True, ended_run_id=run_id)
    )


def clear_agreeing(connection: Connection) -> None:
    """Clear ``mismatch`` where the card now says what the profile said."""
    profile = partner_profiles.alias("profile")
    differs = exists().where(profile.c.partner_id == partners.c.id, _differs(profile))
    connection.execute(update(partners).where(partners.c.mismatch, ~differs).values(mismatch=False))


def _resolve(connection: Connection, run_id: int) -> None:
    make_scratch(connection, looked)
    relisted_since = exists().where(
        status_history.c.partner_id == partners.c.id,
        status_history.c.change_type == ChangeType.RELISTED,
        status_history.c.changed_at > partners.c.customers_read_at,
    )
    connection.execute(
        insert(looked).from_select(
            [column.name for column in looked.c],
            select(
                staged_profiles.c.partner_id,
                staged_profiles.c.fetched_at,
                staged_profiles.c.customers_shown,
                partners.c.customers_read_at.is_(None),
                relisted_since,
            )
            .select_from(
                staged_profiles.join(partners, partners.c.id == staged_profiles.c.partner_id)
            )
            .where(
                staged_profiles.c.run_id == run_id,
                staged_profiles.c.outcome == Outcome.READ,
                # A delisted partner's customers ended with it; its profile is read again when it
                # is back.
                partners.c.delisted_at.is_(None),
                or_(
                    partners.c.profile_read_at.is_(None),
                    partners.c.profile_read_at < staged_profiles.c.fetched_at,
                ),
            ),
        )
    )
    analyze(connection, looked)


def _note_the_gone(connection: Connection, run_id: int, delist_after: timedelta) -> None:
    """A profile that is gone counts as one look at which a missing partner was not found."""
    gone = staged_profiles.c
    here = (
        (gone.run_id == run_id)
        & (gone.outcome == Outcome.GONE)
        & (gone.partner_id == partners.c.id)
    )
    newer = or_(partners.c.profile_gone_at.is_(None), partners.c.profile_gone_at < gone.fetched_at)
    missing = and_(partners.c.missing_since.is_not(None), partners.c.delisted_at.is_(None))
    for row in connection.execute(select(partners.c.id, gone.fetched_at).where(here, newer)).all():
        since_long = partners.c.missing_since <= row.fetched_at - delist_after
        at = literal(row.fetched_at, UTCDateTime)
        connection.execute(
            update(partners)
            .where(partners.c.id == row.id)
            .values(
                profile_gone_at=row.fetched_at,
                missing_looks=partners.c.missing_looks + case((missing, 1), else_=0),
                overdue_since=case(
                    (and_(missing, since_long), func.coalesce(partners.c.overdue_since, at)),
                    else_=partners.c.overdue_since,
                ),
            )
        )


def _note_what_they_say(connection: Connection, run_id: int) -> None:
    said = staged_profiles.c
    ours = and_(said.run_id == run_id, said.partner_id == looked.c.partner_id)
    read = select(looked.c.partner_id)
    connection.execute(delete(partner_profiles).where(partner_profiles.c.partner_id.in_(read)))
    connection.execute(
        insert(partner_profiles).from_select(
            ["partner_id", "read_at", "name", *COMPARED],
            select(
                said.partner_id, said.fetched_at, said.name, *(said[name] for name in COMPARED)
            ).where(ours),
        )
    )
    profile = partner_profiles.alias("profile")
    connection.execute(
        update(partners)
        .where(partners.c.id == looked.c.partner_id, ours)
        .values(
            website=said.website,
            industry=said.industry,
            slug=said.slug,
            profile_url=said.profile_url,
            profile_read_at=said.fetched_at,
            customers_read_at=case(
                (looked.c.customers_shown, said.fetched_at), else_=partners.c.customers_read_at
            ),
            profile_gone_at=None,
            mismatch=exists().where(profile.c.partner_id == partners.c.id, _differs(profile)),
        )
    )
    for table, kind, label, count in (
        (partner_experts, "expert", "version", "experts"),
        (partner_industries, "industry", "industry", "references_count"),
    ):
        connection.execute(delete(table).where(table.c.partner_id.in_(read)))
        lines = staged_profile_counts.c
        connection.execute(
            insert(table).from_select(
                ["partner_id", label, count],
                select(lines.partner_id, lines.label, lines.count).where(
                    lines.run_id == run_id, lines.kind == kind, lines.partner_id.in_(read)
                ),
            )
        )


def _publish_customers(
    connection: Connection, run_id: int, instant: datetime, delist_after: timedelta
) -> dict[str, int]:
    shown = staged_profile_customers.c
    whole = select(looked.c.partner_id).where(looked.c.customers_shown)
    on_them = and_(shown.run_id == run_id, shown.partner_id.in_(whole))
    named = (
        select(
            shown.customer_id,
            func.coalesce(func.max(shown.name), "").label("name"),
            func.max(shown.industry).label("industry"),
        )
        .where(on_them)
        .group_by(shown.customer_id)
    )
    statement = upsert(connection, customers).from_select(["id", "name", "industry"], named)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "name": case(
                    (statement.excluded.name != "", statement.excluded.name),
                    else_=customers.c.name,
                ),
                "industry": func.coalesce(statement.excluded.industry, customers.c.industry),
            },
        )
    )
    open_row = partner_customers.c
    is_shown = exists().where(
        shown.run_id == run_id,
        shown.partner_id == open_row.partner_id,
        shown.customer_id == open_row.customer_id,
    )
    on_whole = and_(open_row.ended_at.is_(None), open_row.partner_id == looked.c.partner_id)
    connection.execute(
        update(partner_customers)
        .where(on_whole, looked.c.customers_shown, is_shown)
        .values(last_seen_at=looked.c.fetched_at, missing_since=None, missing_looks=0)
    )
    connection.execute(
        update(partner_customers)
        .where(on_whole, looked.c.customers_shown, ~is_shown)
        .values(
            missing_since=func.coalesce(open_row.missing_since, looked.c.fetched_at),
            missing_looks=open_row.missing_looks + 1,
        )
    )
    looks = 2 if delist_after else 1
    read_until = connection.execute(select(func.max(looked.c.fetched_at))).scalar()
    lost = 0
    if read_until is not None:
        lost = connection.execute(
            update(partner_customers)
            .where(
                open_row.ended_at.is_(None),
                open_row.partner_id.in_(whole),
                open_row.missing_since <= read_until - delist_after,
                open_row.missing_looks >= looks,
            )
            .values(ended_at=instant, ended_run_id=run_id)
        ).rowcount
    open_already = exists().where(
        open_row.partner_id == shown.partner_id,
        open_row.customer_id == shown.customer_id,
        open_row.ended_at.is_(None),
    )
    had_it = exists().where(
        open_row.partner_id == shown.partner_id,
        open_row.customer_id == shown.customer_id,
        open_row.ended_with_partner,
    )
    # After a relisting, what ended with the partner comes back with it: nobody was won.
    baseline = or_(looked.c.baseline, and_(looked.c.relisted, had_it))
    connection.execute(
        insert(partner_customers).from_select(
            [
                "partner_id",
                "customer_id",
                "first_seen_on",
                "first_seen_at",
                "baseline",
                "last_seen_at",
                "missing_looks",
                "ended_with_partner",
                "run_id",
            ],
            select(
                shown.partner_id,
                shown.customer_id,
                literal(instant.date()),
                literal(instant, UTCDateTime),
                baseline,
                looked.c.fetched_at,
                literal(0),
                ~true(),
                literal(run_id),
            )
            .select_from(
                staged_profile_customers.join(looked, looked.c.partner_id == shown.partner_id)
            )
            .where(shown.run_id == run_id, looked.c.customers_shown, ~open_already),
        )
    )
    won = connection.execute(
        select(func.count()).where(
            open_row.run_id == run_id, open_row.first_seen_at == instant, ~open_row.baseline
        )
    ).scalar_one()
    counts = {"customers won": won, "customers lost": lost}
    return {what: count for what, count in counts.items() if count}


def _differs(profile: NamedFromClause[Any]) -> ColumnElement[bool]:
    return or_(
        *(
            and_(
                profile.c[name].is_not(None),
                partners.c[name].is_not(None),
                profile.c[name] != partners.c[name],
            )
            for name in COMPARED
        )
    )


def losses(connection: Connection, run_id: int) -> tuple[int, int]:
    """Of the run's profiles with three known customers or more: how many, and how many of them
    now lack more than half. One partner's list may go at once; many at once are a misreading."""
    shown = staged_profile_customers.c
    is_shown = exists().where(
        shown.run_id == run_id,
        shown.partner_id == partner_customers.c.partner_id,
        shown.customer_id == partner_customers.c.customer_id,
    )
    known = func.count()
    kept = func.sum(case((is_shown, 1), else_=0))
    per_profile = (
        select(known.label("known"), kept.label("kept"))
        .select_from(
            partner_customers.join(
                staged_profiles,
                and_(
                    staged_profiles.c.run_id == run_id,
                    staged_profiles.c.partner_id == partner_customers.c.partner_id,
                    staged_profiles.c.outcome == Outcome.READ,
                    staged_profiles.c.customers_shown,
                ),
            )
        )
        .where(partner_customers.c.ended_at.is_(None))
        .group_by(partner_customers.c.partner_id)
        .having(known >= 3)
        .subquery()
    )
    emptied = case((per_profile.c.kept * 2 < per_profile.c.known, 1), else_=0)
    looked_at, lost = connection.execute(
        select(func.count(), func.coalesce(func.sum(emptied), 0)).select_from(per_profile)
    ).one()
    return looked_at, int(lost)
