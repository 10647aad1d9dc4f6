"""Resolving: what each partner is now, as far as a run can tell, in a temporary table.

Not read is not gone (rule 5), and what a newer look has seen stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    case,
    func,
    null,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.sql.selectable import NamedFromClause

from partner_monitor.history.fields import OPTIONAL, TRACKED
from partner_monitor.store.schema import (
    UTCDateTime,
    countries,
    partners,
    staged_cards,
)
from partner_monitor.store.staging import picked

_temporary = MetaData()

BARE_CARDS = 10
"""So many cards of a page do not lack together, by chance, what half of all cards have."""

resolved = Table(
    "partner_monitor_resolved",
    _temporary,
    Column("partner_id", BigInteger, primary_key=True, autoincrement=False),
    Column("fetched_at", UTCDateTime, nullable=False),
    Column("known", Boolean, nullable=False),
    Column("missed", Boolean, nullable=False),  # looked for in vain until now
    Column("relisted", Boolean, nullable=False),
    Column("changed", Boolean, nullable=False),
    Column("counts", Boolean, nullable=False),  # whether the change audit looks at it
    Column("old_status", Text),
    Column("old_references", Integer),
    Column("profile_url", Text),
    Column("slug", Text),
    Column("address", Text),
    Column("unread", Text),
    Column("name", Text),
    Column("status", Text),
    Column("country_id", BigInteger),
    Column("references_count", Integer),
    Column("retention_rate", Integer),
    Column("largest_project_size", Integer),
    Column("average_project_size", Integer),
    Column("certified_experts", Integer),
    prefixes=["TEMPORARY"],
)
"""A row a partner that the run saw; every statement of a publish reads only this."""


leaving = Table(
    "partner_monitor_leaving",
    _temporary,
    Column("partner_id", BigInteger, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)
"""Who is delisted by this publish."""


def resolve(run_id: int, clearable: Mapping[str, bool], whole: frozenset[int]) -> Select[Any]:
    """What each partner is now, as far as this run can tell.

    An observation not newer than the last published look at the partner is left out, and so is a
    partner never seen before whose name could not be read.
    """
    card = picked(run_id).subquery("card")
    old = partners.alias("old")
    carries_nothing_optional = {
        name: card.c.layout.not_in([k for k, v in OPTIONAL.items() if name in v])
        for name in clearable
    }

    # Where it is common elsewhere, a page of cards that all lack it was not read there.
    bare_pages = {name: _on_a_bare_page(card, run_id, name) for name in clearable}

    def kept(name: str) -> ColumnElement[Any]:
        if name not in clearable:
            return func.coalesce(card.c[name], old.c[name])
        keeps = or_(card.c.unread != "", carries_nothing_optional[name], bare_pages[name])
        if not clearable[name]:
            keeps = true()
        return case((card.c[name].is_not(None), card.c[name]), (keeps, old.c[name]), else_=null())

    values = {name: kept(name) for name in TRACKED}
    known = old.c.id.is_not(None)
    changed = or_(*(values[name].is_distinct_from(old.c[name]) for name in TRACKED))
    covered = select(countries.c.id).where(countries.c.covered_at.is_not(None))
    first_whole_read = and_(old.c.country_id.in_(sorted(whole)), old.c.country_id.not_in(covered))
    columns: dict[str, ColumnElement[Any]] = {
        "partner_id": card.c.partner_id,
        "fetched_at": card.c.fetched_at,
        "known": known,
        "missed": and_(known, old.c.missing_since.is_not(None)),
        "relisted": and_(known, old.c.delisted_at.is_not(None)),
        "changed": changed,
        "counts": and_(known, or_(old.c.country_id.is_(None), ~first_whole_read)),
        "old_status": old.c.status,
        "old_references": old.c.references_count,
        "profile_url": card.c.profile_url,
        "slug": card.c.slug,
        "address": kept("address"),
        "unread": card.c.unread,
    } | values
    return (
        select(*(columns[column.name].label(column.name) for column in resolved.c))
        .select_from(card.outerjoin(old, old.c.id == card.c.partner_id))
        .where(
            or_(
                old.c.id.is_(None),
                # Seen at the very instant at which it was found absent elsewhere: it is there.
                and_(
                    card.c.fetched_at > old.c.last_seen_at, card.c.fetched_at >= old.c.observed_at
                ),
            )
        )
        .where(values["name"].is_not(None))
    )


def _on_a_bare_page(card: NamedFromClause[Any], run_id: int, name: str) -> ColumnElement[bool]:
    """Whether no card of the page that ``card`` is from shows ``name``, and that is no chance."""
    mine = staged_cards.c.run_id == run_id
    shown = select(func.count(staged_cards.c[name]) * 2 >= func.count()).where(mine)
    pages = (
        select(staged_cards.c.list_country_id, staged_cards.c.page)
        .where(mine)
        .group_by(staged_cards.c.list_country_id, staged_cards.c.page)
        .having(func.count() >= BARE_CARDS, func.count(staged_cards.c[name]) == 0)
    )
    return and_(shown.scalar_subquery(), tuple_(card.c.list_country_id, card.c.page).in_(pages))
