"""Audit and publish: from a run's staged cards to the history, in one transaction.

Set-based SQL, one code for both databases. The rules are numbered in docs/how-it-works.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from partner_monitor.config import Config
from partner_monitor.history import audit
from partner_monitor.history.completeness import Completeness, assess
from partner_monitor.history.fields import TRACKED
from partner_monitor.items import Outcome
from partner_monitor.store import flags, kept, moves, profiles, worklist
from partner_monitor.store.absence import apply_departures, mark_absent, publish_countries
from partner_monitor.store.engine import (
    StoreError,
    analyze,
    drop_scratch,
    make_scratch,
    serialize_publishes,
    writing,
)
from partner_monitor.store.evidence import (
    RECHECK,
    Times,
    count_fields,
    gather_baselines,
    gather_evidence,
    gather_looks,
    gather_times,
    listing_pages,
    note_fields,
    reads_whole,
    stored_fill,
)
from partner_monitor.store.presence import apply_presence, write_rows
from partner_monitor.store.resolve import leaving, resolve, resolved
from partner_monitor.store.runs import UNFINISHED, State, drop_staged
from partner_monitor.store.schema import (
    countries,
    crawl_runs,
    daily_counts,
    partner_versions,
    partners,
    run_outcomes,
    staged_cards,
    staged_pages,
    staged_profile_customers,
    staged_profiles,
)
from partner_monitor.store.staging import picked, read_so_far

CONFIRM_AFTER = timedelta(hours=1)
"""How much later a second run must see the same to release a quarantined one."""

CONFIRM_SHARE = 0.9
"""The share of the changes that the second run must agree on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What came of a run: its state, and what its publish wrote."""

    run_id: int
    state: State
    reason: str
    seen: int = 0
    wrote: Mapping[str, int] = field(default_factory=dict)


def conclude(
    connection: Connection, run_id: int, config: Config, *, given_up: str | None = None
) -> Published:
    """Decide what the run may conclude, and publish it if it may. Again is once.

    ``given_up``: why the run stopped asking before its end, for the ledger.
    """
    serialize_publishes(connection)
    run = connection.execute(select(crawl_runs).where(crawl_runs.c.id == run_id)).one()
    if run.state not in UNFINISHED:  # a commit whose answer was lost had come through
        return Published(run_id=run_id, state=State(run.state), reason=run.reason or "")
    kept.prune(connection, config.clock() - config.keep_pages)
    return _conclude(connection, run, config, given_up=given_up)


def conclude_anew(connection: Connection, run: Any, config: Config) -> Published:
    """Decide anew what an ended run may conclude, from what is staged of it now."""
    serialize_publishes(connection)
    run = connection.execute(select(crawl_runs).where(crawl_runs.c.id == run.id)).one()
    return _conclude(connection, run, config, anew=True)


def release(engine: Engine, run_id: int, config: Config) -> Published:
    """Publish a quarantined run by hand; raise StoreError if it is not one."""
    with writing(engine) as connection:
        serialize_publishes(connection)
        run = connection.execute(select(crawl_runs).where(crawl_runs.c.id == run_id)).one_or_none()
        if run is None:
            raise StoreError(f"there is no run {run_id}: scrapy runs lists them")
        if run.state == State.PUBLISHED:
            return Published(run_id=run_id, state=State.PUBLISHED, reason="published before")
        if run.state != State.QUARANTINED:
            raise StoreError(
                f"run {run_id} is {run.state}: only a quarantined run can be published"
            )
        return _conclude(connection, run, config, released=True)


def _conclude(
    connection: Connection,
    run: Any,
    config: Config,
    *,
    released: bool = False,
    anew: bool = False,
    given_up: str | None = None,
) -> Published:
    run_id: int = run.id
    analyze(connection, staged_cards, staged_profiles, staged_profile_customers)
    times = gather_times(connection, run_id)
    known_countries = frozenset(connection.execute(select(countries.c.id)).scalars())
    so_far = read_so_far(connection, run_id) if reads_whole(run.spider, run.mode) else None
    completeness = assess(so_far, known_countries) if so_far else Completeness(whole=frozenset())
    fields = count_fields(connection, run_id)
    baselines = gather_baselines(connection, run)
    clearable = {
        name: audit.usual_fill(
            fields[name],
            baselines.get(name) or stored_fill(connection, run_id, name),
            config.thresholds.fill_drop,
        )
        for name in ("retention_rate", "address")
    }
    make_scratch(connection, resolved, leaving)
    connection.execute(
        insert(resolved).from_select(
            [column.name for column in resolved.c],
            resolve(run_id, clearable, completeness.whole),
        )
    )
    analyze(connection, resolved)
    evidence = gather_evidence(connection, run, so_far, fields, baselines, completeness)
    looks = gather_looks(connection, run)
    verdict = audit.judge(evidence, looks, config.thresholds)
    state, reason = State(verdict.state), verdict.reason
    if released:
        state, reason = State.PUBLISHED, f"released by hand; was: {run.reason}"
    elif verdict.confirmable and (first := _confirmed(connection, run, config)):
        state = State.PUBLISHED
        reason = f"{evidence.known_changed} changes, as run {first} saw them before"
        for earlier in _waiting_like(connection, run):
            connection.execute(
                update(crawl_runs)
                .where(crawl_runs.c.id == earlier)
                .values(state=State.DISCARDED, reason=f"confirmed and published by run {run_id}")
            )
            drop_staged(connection, earlier)
    last = connection.execute(select(func.max(crawl_runs.c.published_at))).scalar()
    if times is not None and last is not None and times.end < last:
        reason += (
            f"; read until {times.end:%Y-%m-%d %H:%M}, before what is published "
            f"({last:%Y-%m-%d %H:%M}): newer looks stay"
        )
    if given_up:
        reason += f"; gave up: {given_up}"
    if anew:
        reason = f"read anew: {reason}"
    note_fields(connection, run_id, fields)
    wrote: dict[str, int] = {}
    if state is State.PUBLISHED and times is not None:
        wrote = _publish(connection, run, times, completeness, config)
    elif run.spider == RECHECK:
        worklist.space_attempts(connection, run.id, config.clock())
    drop_scratch(connection, resolved, leaving)
    if run.state == State.PUBLISHED and not wrote:
        # Read anew, it says nothing new: its lines in the ledger stay.
        drop_staged(connection, run_id)
        seen = int(run.partners_seen)
    else:
        seen = _close(
            connection, run_id, state, reason, config.clock(), confirmable=verdict.confirmable
        )
    return Published(run_id=run_id, state=state, reason=reason, seen=seen, wrote=wrote)


def _confirmed(connection: Connection, run: Any, config: Config) -> int | None:
    """The quarantined run, an hour older or more, that saw the same changes; None if none did."""
    for run_id in _waiting_like(connection, run, config.clock() - CONFIRM_AFTER):
        before, old = picked(run_id).subquery("before"), partners.alias("old")
        # Each field that changes now has to have shown the same value then: unread is no witness.
        same = and_(
            *(
                or_(
                    resolved.c[name].is_not_distinct_from(old.c[name]),
                    resolved.c[name].is_not_distinct_from(before.c[name]),
                )
                for name in TRACKED
            ),
            before.c.partner_id.is_not(None),
        )
        changed, agreed = connection.execute(
            select(func.count(), func.coalesce(func.sum(case((same, 1), else_=0)), 0))
            .select_from(
                resolved.join(old, old.c.id == resolved.c.partner_id).outerjoin(
                    before, before.c.partner_id == resolved.c.partner_id
                )
            )
            .where(resolved.c.changed, resolved.c.counts)
        ).one()
        if agreed >= CONFIRM_SHARE * changed:
            return int(run_id)
    return None


def _waiting_like(connection: Connection, run: Any, until: datetime | None = None) -> list[int]:
    """Earlier runs of the same kind that were quarantined for too many changes, newest first."""
    conditions = [
        crawl_runs.c.id < run.id,
        crawl_runs.c.state == State.QUARANTINED,
        crawl_runs.c.confirmable,
        crawl_runs.c.spider == run.spider,
        crawl_runs.c.mode == run.mode,
        crawl_runs.c.country_id.is_not_distinct_from(run.country_id),
        crawl_runs.c.page.is_not_distinct_from(run.page),
    ]
    if until is not None:
        conditions.append(crawl_runs.c.finished_at <= until)
    query = select(crawl_runs.c.id).where(*conditions).order_by(crawl_runs.c.id.desc())
    return list(connection.execute(query).scalars())


def _publish(
    connection: Connection,
    run: Any,
    times: Times,
    completeness: Completeness,
    config: Config,
) -> dict[str, int]:
    instant = _instant(connection, run, times)
    wrote: dict[str, int] = {}
    if connection.execute(select(listing_pages(run.id))).scalar_one():
        publish_countries(connection, run, times, completeness)
        apply_presence(connection, instant)
        missing = mark_absent(connection, run.id, times, completeness, config)
        wrote = write_rows(connection, run.id, instant) | ({"missing": missing} if missing else {})
        apply_departures(connection, run.id, instant)
        profiles.clear_agreeing(connection)
        _count(connection, instant)
    if run.spider == RECHECK:
        wrote |= profiles.publish(connection, run.id, instant, config.delist_after)
    moves.note(connection, instant)
    flags.recompute(connection, instant, config.stale_after, config.delist_after)
    if run.spider == RECHECK:
        worklist.space_attempts(connection, run.id, instant)
    if wrote or run.published_at is None:
        connection.execute(
            update(crawl_runs).where(crawl_runs.c.id == run.id).values(published_at=instant)
        )
    return wrote


def _instant(connection: Connection, run: Any, times: Times) -> datetime:
    """The run's own instant, but never earlier than what is published already (rule 11).

    Where another publish bears that very instant or a later one, a microsecond keeps the rows of
    one partner apart; and those of a run that is read anew from those it wrote before.
    """
    last: datetime | None = connection.execute(select(func.max(crawl_runs.c.published_at))).scalar()
    if last is None or times.end > last:
        return times.end
    collides = connection.execute(
        select(
            exists().where(
                partner_versions.c.partner_id == resolved.c.partner_id,
                or_(
                    partner_versions.c.valid_from >= times.end,
                    partner_versions.c.valid_to >= times.end,
                ),
                or_(resolved.c.changed, resolved.c.relisted),
            )
        )
    ).scalar_one()
    if times.end == last and not collides and run.published_at is None:
        return times.end
    return last + timedelta(microseconds=1)


def _count(connection: Connection, instant: datetime) -> None:
    """Counts by country, and by day, country and status; days without a run keep the last ones."""
    today = instant.date()
    columns = ["day", "country_id", "status", "partners"]
    last: date | None = connection.execute(select(func.max(daily_counts.c.day))).scalar()
    while last is not None and last < today - timedelta(days=1):
        following = last + timedelta(days=1)
        connection.execute(
            insert(daily_counts).from_select(
                columns,
                select(
                    literal(following),
                    daily_counts.c.country_id,
                    daily_counts.c.status,
                    daily_counts.c.partners,
                ).where(daily_counts.c.day == last),
            )
        )
        last = following
    connection.execute(delete(daily_counts).where(daily_counts.c.day == today))
    connection.execute(
        insert(daily_counts).from_select(
            columns,
            select(literal(today), partners.c.country_id, partners.c.status, func.count())
            .where(partners.c.delisted_at.is_(None))
            .group_by(partners.c.country_id, partners.c.status),
        )
    )
    counted = select(func.coalesce(func.sum(daily_counts.c.partners), 0)).where(
        daily_counts.c.day == today, daily_counts.c.country_id == countries.c.id
    )
    connection.execute(update(countries).values(partner_count=counted.scalar_subquery()))


def _close(
    connection: Connection,
    run_id: int,
    state: State,
    reason: str,
    now: datetime,
    *,
    confirmable: bool = False,
) -> int:
    """Write the run's outcome and counts into the ledger; returns the partners seen."""
    mine = staged_cards.c.run_id == run_id
    per_list = connection.execute(
        select(func.count(), func.count(staged_cards.c.partner_id.distinct()))
        .where(mine)
        .group_by(staged_cards.c.list_country_id)
    ).all()
    seen = (
        per_list[0][1]
        if len(per_list) == 1
        else connection.execute(
            select(func.count(staged_cards.c.partner_id.distinct())).where(mine)
        ).scalar_one()
    )
    pages = connection.execute(
        select(staged_pages)
        .where(staged_pages.c.run_id == run_id, staged_pages.c.outcome != Outcome.BEYOND_LAST)
        .order_by(staged_pages.c.list_country_id, staged_pages.c.fetched_at)
    ).all()
    read = [page for page in pages if page.outcome == Outcome.READ]
    run = connection.execute(select(crawl_runs).where(crawl_runs.c.id == run_id)).one()
    whole_lists = reads_whole(run.spider, run.mode)
    promised: dict[int, int] = {}
    for page in pages:
        reach = (page.last_page or page.page) if whole_lists else 1
        promised[page.list_country_id] = max(promised.get(page.list_country_id, 0), reach)
    # The list the run was asked for comes first: the whole directory's key is the smallest.
    main = [page for page in read if page.list_country_id == read[0].list_country_id]
    counted = main and whole_lists and run.spider != RECHECK
    looked = connection.execute(
        select(
            func.count(),
            func.count(case((staged_profiles.c.outcome.in_([Outcome.READ, Outcome.GONE]), 1))),
        ).where(staged_profiles.c.run_id == run_id)
    ).one()
    connection.execute(
        update(crawl_runs)
        .where(crawl_runs.c.id == run_id)
        .values(
            state=state,
            reason=reason,
            finished_at=now,
            confirmable=confirmable,
            pages_expected=sum(promised.values()) + looked[0],
            pages_fetched=len(read) + looked[1],
            pages_failed=len(pages) - len(read) + looked[0] - looked[1],
            partners_seen=seen,
            partners_expected=main[-1].declared_count if counted else None,
            partners_doubled=sum(cards - distinct for cards, distinct in per_list),
            cards_rejected=sum(page.rejected for page in pages),
        )
    )
    _count_outcomes(connection, run_id)
    if state is not State.QUARANTINED:
        drop_staged(connection, run_id)
    return int(seen)


def _count_outcomes(connection: Connection, run_id: int) -> None:
    connection.execute(delete(run_outcomes).where(run_outcomes.c.run_id == run_id))
    for kind, table in (("listing", staged_pages), ("profile", staged_profiles)):
        connection.execute(
            insert(run_outcomes).from_select(
                ["run_id", "kind", "outcome", "pages"],
                select(literal(run_id), literal(kind), table.c.outcome, func.count())
                .where(table.c.run_id == run_id)
                .group_by(table.c.outcome),
            )
        )
