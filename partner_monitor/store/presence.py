"""Presence: what was seen goes into the current rows, the versions and the histories."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from partner_monitor.history.fields import TRACKED
from partner_monitor.history.ladder import RANK, ChangeType
from partner_monitor.store.resolve import leaving, resolved
from partner_monitor.store.schema import (
    UTCDateTime,
    partner_versions,
    partners,
    reference_history,
    status_history,
)


def write_rows(connection: Connection, run_id: int, instant: datetime) -> dict[str, int]:
    """Status and reference history and versions: what changed, each once."""
    bearing: list[ColumnElement[Any]] = [literal(instant, UTCDateTime), literal(run_id)]
    new, old = resolved.c.status, resolved.c.old_status
    rank_new, rank_old = (_rank(new), _rank(old))
    kind = case(
        (resolved.c.relisted, ChangeType.RELISTED),
        (old.is_(None), ChangeType.INITIAL),
        (or_(rank_new.is_(None), rank_old.is_(None)), ChangeType.CHANGED),
        (rank_new > rank_old, ChangeType.PROMOTED),
        else_=ChangeType.DEMOTED,
    )
    columns = ["partner_id", "old_status", "new_status", "change_type", "changed_at", "run_id"]
    connection.execute(
        insert(status_history).from_select(
            columns,
            select(resolved.c.partner_id, old, new, kind, *bearing).where(
                or_(resolved.c.relisted, and_(new.is_not(None), new.is_distinct_from(old)))
            ),
        )
    )
    connection.execute(
        insert(status_history).from_select(
            columns,
            select(
                partners.c.id, partners.c.status, null(), literal(ChangeType.DELISTED), *bearing
            ).where(partners.c.id.in_(select(leaving.c.partner_id))),
        )
    )
    references, before = resolved.c.references_count, resolved.c.old_references
    connection.execute(
        insert(reference_history).from_select(
            ["partner_id", "old_count", "new_count", "changed_at", "run_id"],
            select(resolved.c.partner_id, before, references, *bearing).where(
                references.is_not(None), references.is_distinct_from(before)
            ),
        )
    )
    versioned = or_(resolved.c.changed, resolved.c.relisted, ~resolved.c.known)
    ended = select(resolved.c.partner_id).where(versioned).union_all(select(leaving.c.partner_id))
    connection.execute(
        update(partner_versions)
        .where(partner_versions.c.valid_to.is_(None), partner_versions.c.partner_id.in_(ended))
        .values(valid_to=instant)
    )
    connection.execute(
        insert(partner_versions).from_select(
            ["partner_id", "valid_from", "run_id", *TRACKED],
            select(resolved.c.partner_id, *bearing, *(resolved.c[name] for name in TRACKED)).where(
                versioned
            ),
        )
    )
    wrote = {
        row.change_type: row.rows
        for row in connection.execute(
            select(status_history.c.change_type, func.count().label("rows"))
            .where(status_history.c.run_id == run_id, status_history.c.changed_at == instant)
            .group_by(status_history.c.change_type)
        )
    }
    for what, table, at in (
        ("references", reference_history, reference_history.c.changed_at),
        ("versions", partner_versions, partner_versions.c.valid_from),
    ):
        # Counted anew: a driver need not know how many rows an INSERT … SELECT wrote.
        count = connection.execute(
            select(func.count()).where(table.c.run_id == run_id, at == instant)
        ).scalar_one()
        wrote |= {what: count} if count else {}
    return wrote


def apply_presence(connection: Connection, instant: datetime) -> None:
    """Bring the current rows up to what was seen, and add the partners never seen before."""
    here = partners.c.id == resolved.c.partner_id
    fell = and_(
        resolved.c.old_references - resolved.c.references_count > 5,
        resolved.c.references_count * 2 < resolved.c.old_references,
    )
    moved = resolved.c.references_count.is_distinct_from(resolved.c.old_references)
    connection.execute(
        update(partners)
        .where(here)
        .values(
            profile_url=resolved.c.profile_url,
            slug=resolved.c.slug,
            address=resolved.c.address,
            unread=resolved.c.unread,
            last_seen_at=resolved.c.fetched_at,
            observed_at=resolved.c.fetched_at,
        )
    )
    # Few a day; and these columns have indexes.
    connection.execute(
        update(partners)
        .where(here, or_(resolved.c.changed, resolved.c.missed, resolved.c.relisted))
        .values(
            {name: resolved.c[name] for name in TRACKED}
            | {
                "missing_since": None,
                "missing_looks": 0,
                "overdue_since": None,
                "delisted_at": None,
                "changed_at": case(
                    (resolved.c.changed, literal(instant, UTCDateTime)),
                    else_=partners.c.changed_at,
                ),
                "implausible": case(
                    (moved, func.coalesce(fell, False)), else_=partners.c.implausible
                ),
            }
        )
    )
    new = ~resolved.c.known
    connection.execute(
        insert(partners).from_select(
            [
                "id",
                "profile_url",
                "slug",
                "address",
                "unread",
                "last_seen_at",
                "observed_at",
                *TRACKED,
                "first_seen_on",
                "changed_at",
                "missing_looks",
                "implausible",
                "mismatch",
                "to_reprocess",
            ],
            select(
                resolved.c.partner_id,
                resolved.c.profile_url,
                resolved.c.slug,
                resolved.c.address,
                resolved.c.unread,
                resolved.c.fetched_at,
                resolved.c.fetched_at,
                *(resolved.c[name] for name in TRACKED),
                literal(instant.date()),
                literal(instant, UTCDateTime),
                literal(0),
                *(literal(False) for _ in range(3)),
            ).where(new),
        )
    )


def _rank(status: ColumnElement[Any]) -> ColumnElement[Any]:
    return case(*((status == word, rank) for word, rank in RANK.items()), else_=null())
