"""Evidence: a staged run reduced to what the audit judges. Reads only, but for the fill rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    delete,
    exists,
    func,
    insert,
    select,
)

from partner_monitor.history import audit
from partner_monitor.history.completeness import Completeness, Reading
from partner_monitor.history.fields import CARRIED, FILL_WATCHED, TRACKED
from partner_monitor.items import Outcome, PageKey
from partner_monitor.store import profiles
from partner_monitor.store.resolve import resolved
from partner_monitor.store.runs import State
from partner_monitor.store.schema import (
    crawl_runs,
    partners,
    run_fields,
    staged_cards,
    staged_pages,
    staged_profiles,
)
from partner_monitor.store.staging import page_key

RECHECK = "recheck"
"""The spider whose runs read profiles."""


def reads_whole(spider: str, mode: str) -> bool:
    """Whether such a run reads whole lists; the others prove presence only."""
    return spider == RECHECK or mode in ("all", "specific_c")


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    first: datetime
    """Fetch time of the run's first listing page."""
    last: datetime
    """Fetch time of its last listing page."""
    end: datetime
    """Fetch time of its last page of all: the run's own instant."""


def gather_times(connection: Connection, run_id: int) -> Times | None:
    first, last = connection.execute(
        select(func.min(staged_pages.c.fetched_at), func.max(staged_pages.c.fetched_at)).where(
            staged_pages.c.run_id == run_id, staged_pages.c.outcome == Outcome.READ
        )
    ).one()
    looked = connection.execute(
        select(func.max(staged_profiles.c.fetched_at)).where(
            staged_profiles.c.run_id == run_id,
            staged_profiles.c.outcome.in_([Outcome.READ, Outcome.GONE]),
        )
    ).scalar()
    ends = [time for time in (last, looked) if time is not None]
    if not ends:
        return None
    end = max(ends)
    return Times(first=first or end, last=last or end, end=end)


def count_fields(connection: Connection, run_id: int) -> dict[str, audit.FieldCount]:
    """How often each field was read; a card that could not be parsed read nothing."""
    rejected = connection.execute(
        select(func.coalesce(func.sum(staged_pages.c.rejected), 0)).where(
            staged_pages.c.run_id == run_id
        )
    ).scalar_one()
    layouts = (
        connection.execute(
            select(
                staged_cards.c.layout,
                func.count().label("cards"),
                *(func.count(staged_cards.c[name]).label(name) for name in FILL_WATCHED),
            )
            .where(staged_cards.c.run_id == run_id)
            .group_by(staged_cards.c.layout)
        )
        .mappings()
        .all()
    )
    always = frozenset.intersection(*CARRIED.values())
    counts = {}
    for name in FILL_WATCHED:
        must = [row for row in layouts if name in CARRIED.get(row["layout"], ())]
        carried = sum(row["cards"] for row in must)
        counts[name] = audit.FieldCount(
            cards=sum(row["cards"] for row in layouts) + rejected,
            filled=sum(row[name] for row in layouts),
            must=carried + rejected if carried or name in always else 0,
            must_filled=sum(row[name] for row in must),
        )
    return counts


def gather_baselines(connection: Connection, run: Any) -> dict[str, audit.FieldCount]:
    """Fill rates of the last ten published runs of the same kind that were large enough."""
    alike = (
        select(crawl_runs.c.id)
        .join(run_fields, run_fields.c.run_id == crawl_runs.c.id)
        .where(
            crawl_runs.c.state == State.PUBLISHED,
            crawl_runs.c.spider == run.spider,
            crawl_runs.c.mode == run.mode,
            crawl_runs.c.country_id.is_not_distinct_from(run.country_id),
            run_fields.c.field == FILL_WATCHED[0],
            run_fields.c.cards >= audit.MIN_BASELINE_CARDS,
        )
        .order_by(crawl_runs.c.id.desc())
        .limit(10)
    )
    rows = connection.execute(
        select(run_fields.c.field, func.sum(run_fields.c.cards), func.sum(run_fields.c.filled))
        .where(run_fields.c.run_id.in_(alike))
        .group_by(run_fields.c.field)
    )
    return {name: audit.FieldCount(cards=cards, filled=filled) for name, cards, filled in rows}


def stored_fill(connection: Connection, run_id: int, name: str) -> audit.FieldCount | None:
    """How usual the field is among the stored partners that the run saw."""
    seen = select(staged_cards.c.partner_id).where(staged_cards.c.run_id == run_id)
    cards, filled = connection.execute(
        select(func.count(), func.count(partners.c[name])).where(partners.c.id.in_(seen))
    ).one()
    return audit.FieldCount(cards=cards, filled=filled) if cards else None


def gather_evidence(
    connection: Connection,
    run: Any,
    so_far: Reading | None,
    fields: Mapping[str, audit.FieldCount],
    baselines: Mapping[str, audit.FieldCount],
    completeness: Completeness,
) -> audit.Evidence:
    """``so_far``: what a run that reads whole lists has read; None for another."""
    pages = connection.execute(
        select(staged_pages)
        .where(staged_pages.c.run_id == run.id, staged_pages.c.outcome != Outcome.BEYOND_LAST)
        .order_by(staged_pages.c.list_country_id, staged_pages.c.page)
    ).all()
    lost = {
        page_key(page.list_country_id, page.page): (
            f"{page.outcome}, {page.detail}" if page.detail else page.outcome
        )
        for page in pages
        if page.outcome != Outcome.READ
    }
    for country_id, list_reading in so_far.lists if so_far else ():
        for number in sorted(list_reading.missing):  # promised, and perhaps never asked for
            key = PageKey(country_id=country_id, page=number)
            lost.setdefault(key, "never answered")
    known_seen = connection.execute(select(func.count()).where(resolved.c.counts)).scalar_one()
    old = partners.alias("old")
    changed = (
        connection.execute(
            select(
                func.count().label("partners"),
                *(
                    func.count(case((resolved.c[name].is_distinct_from(old.c[name]), 1))).label(
                        name
                    )
                    for name in TRACKED
                ),
            )
            .select_from(resolved.join(old, old.c.id == resolved.c.partner_id))
            .where(resolved.c.counts, resolved.c.changed)
        )
        .mappings()
        .one()
    )
    return audit.Evidence(
        limits_losses=run.spider != RECHECK and run.mode != "specific_c",
        pages_read=sum(page.outcome == Outcome.READ for page in pages),
        pages_lost=list(lost.items()),
        main_list=run.country_id,
        main_list_pages_read=sum(
            page.outcome == Outcome.READ
            and page_key(page.list_country_id, page.page).country_id == run.country_id
            for page in pages
        ),
        beyond_last=connection.execute(
            select(staged_pages.c.detail).where(
                staged_pages.c.run_id == run.id, staged_pages.c.outcome == Outcome.BEYOND_LAST
            )
        ).scalar(),
        fields=fields,
        baselines=baselines,
        known_seen=known_seen,
        known_changed=changed["partners"],
        changed_fields={name: changed[name] for name in TRACKED},
        short=completeness.short,
    )


def listing_pages(run_id: int) -> ColumnElement[bool]:
    """Whether the run has read a listing page at all."""
    return exists().where(staged_pages.c.run_id == run_id, staged_pages.c.outcome == Outcome.READ)


def gather_looks(connection: Connection, run: Any) -> audit.Looks | None:
    """What a recheck saw of profiles; None for a run that reads none."""
    if run.spider != RECHECK:
        return None
    outcomes = connection.execute(
        select(staged_profiles.c.outcome, func.count(), func.min(staged_profiles.c.detail))
        .where(staged_profiles.c.run_id == run.id)
        .group_by(staged_profiles.c.outcome)
        .order_by(staged_profiles.c.outcome)
    ).all()
    settled = (Outcome.READ, Outcome.GONE)
    unshown = connection.execute(
        select(func.count()).where(
            staged_profiles.c.run_id == run.id,
            staged_profiles.c.outcome == Outcome.READ,
            ~staged_profiles.c.customers_shown,
        )
    ).scalar_one()
    compared, emptied = profiles.losses(connection, run.id)
    return audit.Looks(
        settled=sum(count for outcome, count, _ in outcomes if outcome in settled),
        failed=[
            (outcome, detail or "", count)
            for outcome, count, detail in outcomes
            if outcome not in settled
        ],
        compared=compared,
        emptied=emptied,
        unshown=unshown,
    )


def note_fields(
    connection: Connection, run_id: int, fields: Mapping[str, audit.FieldCount]
) -> None:
    connection.execute(delete(run_fields).where(run_fields.c.run_id == run_id))
    connection.execute(
        insert(run_fields),
        [
            {"run_id": run_id, "field": name, "cards": count.cards, "filled": count.filled}
            for name, count in fields.items()
        ],
    )
