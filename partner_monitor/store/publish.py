"""Audit and publish: from a run's staged cards to the history, in one transaction.

Set-based SQL, one code for both databases. The staged cards are first resolved against what is
known (rule 5: not read is not gone) into a temporary table; every later statement reads only that.
The rules are numbered in docs/how-it-works.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    update,
)

from partner_monitor.config import Config
from partner_monitor.history import audit
from partner_monitor.history.completeness import Completeness, assess
from partner_monitor.history.fields import CARRIED, FILL_WATCHED, OPTIONAL, TRACKED
from partner_monitor.history.ladder import RANK, ChangeType
from partner_monitor.items import Outcome, PageKey
from partner_monitor.store import flags
from partner_monitor.store.engine import StoreError, serialize_publishes, upsert, writing
from partner_monitor.store.runs import State, drop_staged
from partner_monitor.store.schema import (
    UTCDateTime,
    countries,
    crawl_runs,
    daily_counts,
    partner_versions,
    partners,
    reference_history,
    run_fields,
    staged_cards,
    staged_countries,
    staged_pages,
    status_history,
)
from partner_monitor.store.staging import page_key, picked, read_so_far

CONFIRM_AFTER = timedelta(hours=1)
"""How much later a second run must see the same to release a quarantined one."""

CONFIRM_SHARE = 0.9
"""The share of the changes that the second run must agree on."""

ABSENCE_MODES = ("all", "specific_c")
"""Modes that read whole countries; the others prove presence only."""

_temporary = MetaData()

resolved = Table(
    "resolved",
    _temporary,
    Column("partner_id", BigInteger, primary_key=True, autoincrement=False),
    Column("fetched_at", UTCDateTime, nullable=False),
    Column("known", Boolean, nullable=False),
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

leaving = Table(
    "leaving",
    _temporary,
    Column("partner_id", BigInteger, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What came of a run: its state, and what its publish wrote."""

    run_id: int
    state: State
    reason: str
    seen: int = 0
    wrote: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Times:
    first: datetime
    """Fetch time of the run's first page."""
    last: datetime
    """Fetch time of its last page: the run's own instant."""


def audit_and_publish(
    engine: Engine, run_id: int, config: Config, *, given_up: str | None = None
) -> Published:
    """Decide what the run may conclude, and publish it if it may.

    ``given_up``: why the run stopped asking before its end, for the ledger.
    """
    with writing(engine) as connection:
        return _conclude(connection, run_id, config, given_up=given_up)


def release(engine: Engine, run_id: int, config: Config) -> Published:
    """Publish a quarantined run by hand; raise StoreError if it is not one."""
    with writing(engine) as connection:
        state = connection.execute(
            select(crawl_runs.c.state).where(crawl_runs.c.id == run_id)
        ).scalar_one_or_none()
        if state is None:
            raise StoreError(f"there is no run {run_id}: scrapy runs lists them")
        if state == State.PUBLISHED:
            return Published(run_id=run_id, state=State.PUBLISHED, reason="published before")
        if state != State.QUARANTINED:
            raise StoreError(f"run {run_id} is {state}: only a quarantined run can be published")
        return _conclude(connection, run_id, config, released=True)


def _conclude(
    connection: Connection,
    run_id: int,
    config: Config,
    *,
    released: bool = False,
    given_up: str | None = None,
) -> Published:
    serialize_publishes(connection)
    run = connection.execute(select(crawl_runs).where(crawl_runs.c.id == run_id)).one()
    if run.state == State.PUBLISHED:
        return Published(run_id=run_id, state=State.PUBLISHED, reason="published before")
    times = _times(connection, run_id)
    known_countries = frozenset(connection.execute(select(countries.c.id)).scalars())
    completeness = (
        assess(read_so_far(connection, run_id), known_countries)
        if run.mode in ABSENCE_MODES
        else Completeness(whole=frozenset())
    )
    fields = _count_fields(connection, run_id)
    baselines = _baselines(connection, run)
    clearable = {
        name: audit.usual_fill(
            fields[name],
            baselines.get(name) or _stored_fill(connection, run_id, name),
            config.thresholds.fill_drop,
        )
        for name in ("retention_rate", "address")
    }
    for table in (resolved, leaving):
        table.drop(connection, checkfirst=True)
        table.create(connection)
    connection.execute(
        insert(resolved).from_select(
            [column.name for column in resolved.c],
            _resolve(run_id, clearable, completeness.whole),
        )
    )
    evidence = _evidence(connection, run, fields, baselines, completeness)
    verdict = audit.judge(evidence, config.thresholds)
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
    if given_up:
        reason += f"; gave up: {given_up}"
    _note_fields(connection, run_id, fields)
    wrote: dict[str, int] = {}
    if state is State.PUBLISHED and times is not None:
        wrote = _publish(connection, run, times, completeness, config)
    for table in (resolved, leaving):
        table.drop(connection)
    seen = _close(
        connection, run_id, state, reason, config.clock(), confirmable=verdict.confirmable
    )
    return Published(run_id=run_id, state=state, reason=reason, seen=seen, wrote=wrote)


# --- resolving -----------------------------------------------------------------------------------


def _resolve(run_id: int, clearable: Mapping[str, bool], whole: frozenset[int]) -> Select[Any]:
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

    def kept(name: str) -> ColumnElement[Any]:
        if name not in clearable:
            return func.coalesce(card.c[name], old.c[name])
        keeps = or_(card.c.unread != "", carries_nothing_optional[name])
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


# --- evidence ------------------------------------------------------------------------------------


def _times(connection: Connection, run_id: int) -> _Times | None:
    first, last = connection.execute(
        select(func.min(staged_pages.c.fetched_at), func.max(staged_pages.c.fetched_at)).where(
            staged_pages.c.run_id == run_id, staged_pages.c.outcome == Outcome.READ
        )
    ).one()
    return None if first is None else _Times(first=first, last=last)


def _count_fields(connection: Connection, run_id: int) -> dict[str, audit.FieldCount]:
    """How often each field was read; a card that could not be parsed read nothing."""
    rejected = connection.execute(
        select(func.coalesce(func.sum(staged_pages.c.rejected), 0)).where(
            staged_pages.c.run_id == run_id
        )
    ).scalar_one()
    expressions: list[ColumnElement[Any]] = [func.count().label("cards")]
    for name in FILL_WATCHED:
        must = staged_cards.c.layout.in_([k for k, v in CARRIED.items() if name in v])
        expressions += [
            func.count(staged_cards.c[name]).label(f"{name}_filled"),
            func.coalesce(func.sum(case((must, 1), else_=0)), 0).label(f"{name}_must"),
            func.count(case((must, staged_cards.c[name]))).label(f"{name}_must_filled"),
        ]
    row = (
        connection.execute(select(*expressions).where(staged_cards.c.run_id == run_id))
        .mappings()
        .one()
    )
    always = frozenset.intersection(*CARRIED.values())
    counts = {}
    for name in FILL_WATCHED:
        carried = int(row[f"{name}_must"])
        counts[name] = audit.FieldCount(
            cards=row["cards"] + rejected,
            filled=row[f"{name}_filled"],
            must=carried + rejected if carried or name in always else 0,
            must_filled=row[f"{name}_must_filled"],
        )
    return counts


def _baselines(connection: Connection, run: Any) -> dict[str, audit.FieldCount]:
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


def _stored_fill(connection: Connection, run_id: int, name: str) -> audit.FieldCount | None:
    """How usual the field is among the stored partners that the run saw."""
    seen = select(staged_cards.c.partner_id).where(staged_cards.c.run_id == run_id)
    cards, filled = connection.execute(
        select(func.count(), func.count(partners.c[name])).where(partners.c.id.in_(seen))
    ).one()
    return audit.FieldCount(cards=cards, filled=filled) if cards else None


def _evidence(
    connection: Connection,
    run: Any,
    fields: Mapping[str, audit.FieldCount],
    baselines: Mapping[str, audit.FieldCount],
    completeness: Completeness,
) -> audit.Evidence:
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
    if run.mode in ABSENCE_MODES:  # pages that were promised and never even asked for
        so_far = read_so_far(connection, run.id)
        for country_id, list_reading in so_far.lists:
            for number in sorted(list_reading.missing):
                key = PageKey(country_id=country_id, page=number)
                lost.setdefault(key, "never answered")
    old = partners.alias("old")
    tally: list[ColumnElement[Any]] = [
        func.count().label("seen"),
        func.coalesce(func.sum(case((resolved.c.changed, 1), else_=0)), 0).label("changed"),
    ]
    tally += [
        func.coalesce(
            func.sum(case((resolved.c[name].is_distinct_from(old.c[name]), 1), else_=0)), 0
        ).label(name)
        for name in TRACKED
    ]
    counted = (
        connection.execute(
            select(*tally)
            .select_from(resolved.join(old, old.c.id == resolved.c.partner_id))
            .where(resolved.c.counts)
        )
        .mappings()
        .one()
    )
    return audit.Evidence(
        mode=run.mode,
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
        known_seen=counted["seen"],
        known_changed=int(counted["changed"]),
        changed_fields={name: int(counted[name]) for name in TRACKED},
        short=completeness.short,
    )


def _confirmed(connection: Connection, run: Any, config: Config) -> int | None:
    """The quarantined run, an hour older or more, that saw the same changes; None if none did."""
    for run_id in _waiting_like(connection, run, config.clock() - CONFIRM_AFTER):
        before = picked(run_id).subquery("before")
        same = and_(
            *(or_(before.c[name].is_(None), before.c[name] == resolved.c[name]) for name in TRACKED)
        )
        changed, agreed = connection.execute(
            select(func.count(), func.coalesce(func.sum(case((same, 1), else_=0)), 0))
            .select_from(resolved.outerjoin(before, before.c.partner_id == resolved.c.partner_id))
            .where(resolved.c.changed, resolved.c.counts, before.c.partner_id.is_not(None))
        ).one()
        total = connection.execute(
            select(func.count()).where(resolved.c.changed, resolved.c.counts)
        ).scalar_one()
        if changed and agreed >= CONFIRM_SHARE * total:
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


# --- publishing ----------------------------------------------------------------------------------


def _publish(
    connection: Connection,
    run: Any,
    times: _Times,
    completeness: Completeness,
    config: Config,
) -> dict[str, int]:
    instant = _instant(connection, times)
    _publish_countries(connection, run, times, completeness)
    missing = _mark_absent(connection, run.id, times, completeness, config)
    _apply_presence(connection, instant)
    wrote = _write_rows(connection, run.id, instant) | ({"missing": missing} if missing else {})
    _apply_departures(connection, instant)
    _count(connection, instant)
    flags.recompute(connection, instant, config.stale_after)
    connection.execute(
        update(crawl_runs).where(crawl_runs.c.id == run.id).values(published_at=instant)
    )
    return wrote


def _instant(connection: Connection, times: _Times) -> datetime:
    """The run's own instant, but never earlier than what is published already (rule 11).

    Where another publish bears that very instant or a later one, a microsecond keeps the rows of
    one partner apart.
    """
    last = connection.execute(select(func.max(crawl_runs.c.published_at))).scalar()
    if last is None or times.last > last:
        return times.last
    collides = connection.execute(
        select(
            exists().where(
                partner_versions.c.partner_id == resolved.c.partner_id,
                partner_versions.c.valid_from >= times.last,
                or_(resolved.c.changed, resolved.c.relisted),
            )
        )
    ).scalar_one()
    return times.last if times.last == last and not collides else last + timedelta(microseconds=1)


def _publish_countries(
    connection: Connection, run: Any, times: _Times, completeness: Completeness
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
    if newer is None and run.menu_at is not None:
        listed = select(staged_countries.c.country_id).where(staged_countries.c.run_id == run.id)
        connection.execute(
            update(countries).where(countries.c.id.not_in(listed)).values(listed_count=0)
        )
    asked = completeness.whole | {country.country_id for country in completeness.short}
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


def _mark_absent(
    connection: Connection,
    run_id: int,
    times: _Times,
    completeness: Completeness,
    config: Config,
) -> int:
    """Absence is not departure (rule 6): note who was looked for and found nowhere.

    Returns how many are missing for the first time.
    """
    # A run draws no absence from a country that a newer published run has covered.
    drawn = select(countries.c.id).where(
        countries.c.id.in_(sorted(completeness.whole)),
        or_(countries.c.covered_at.is_(None), countries.c.covered_at <= times.last),
    )
    where = [partners.c.country_id.in_(drawn)]
    if completeness.directory_whole:
        where.append(partners.c.country_id.is_(None))
    seen = exists().where(
        staged_cards.c.run_id == run_id, staged_cards.c.partner_id == partners.c.id
    )
    own = literal(times.last, UTCDateTime)
    since = func.coalesce(partners.c.missing_since, own)
    connection.execute(
        update(partners)
        .where(
            partners.c.delisted_at.is_(None),
            or_(*where),
            partners.c.observed_at < times.first,
            ~seen,
        )
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
    connection.execute(
        update(countries).where(countries.c.id.in_(drawn)).values(covered_at=times.last)
    )
    # Moving away is ruled out where every country was read whole after the absence had lasted:
    # a partner may come back in another country as late as that.
    listed = or_(countries.c.listed_count.is_(None), countries.c.listed_count > 0)
    not_covered_since = exists().where(
        listed,
        or_(countries.c.covered_at.is_(None), countries.c.covered_at < partners.c.overdue_since),
    )
    looks = 2 if config.delist_after else 1
    connection.execute(
        insert(leaving).from_select(
            ["partner_id"],
            select(partners.c.id).where(
                partners.c.delisted_at.is_(None),
                partners.c.overdue_since.is_not(None),
                partners.c.missing_looks >= looks,
                ~not_covered_since,
                partners.c.id.not_in(select(resolved.c.partner_id)),
            ),
        )
    )
    newly = partners.c.missing_looks == 1
    return connection.execute(
        select(func.count()).where(newly, partners.c.missing_since == times.last)
    ).scalar_one()


def _write_rows(connection: Connection, run_id: int, instant: datetime) -> dict[str, int]:
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
            .where(status_history.c.run_id == run_id)
            .group_by(status_history.c.change_type)
        )
    }
    for what, table in (("references", reference_history), ("versions", partner_versions)):
        # Counted anew: a driver need not know how many rows an INSERT … SELECT wrote.
        count = connection.execute(
            select(func.count()).where(table.c.run_id == run_id)
        ).scalar_one()
        wrote |= {what: count} if count else {}
    return wrote


def _apply_presence(connection: Connection, instant: datetime) -> None:
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
            {name: resolved.c[name] for name in TRACKED}
            | {
                "profile_url": resolved.c.profile_url,
                "slug": resolved.c.slug,
                "address": resolved.c.address,
                "unread": resolved.c.unread,
                "last_seen_at": resolved.c.fetched_at,
                "observed_at": resolved.c.fetched_at,
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


def _apply_departures(connection: Connection, instant: datetime) -> None:
    connection.execute(
        update(partners)
        .where(partners.c.id.in_(select(leaving.c.partner_id)))
        .values(delisted_at=instant)
    )


def _count(connection: Connection, instant: datetime) -> None:
    """Counts by country, and by day, country and status; days without a run keep the last ones."""
    listed = partners.c.delisted_at.is_(None)
    connection.execute(
        update(countries).values(
            partner_count=select(func.count())
            .where(partners.c.country_id == countries.c.id, listed)
            .scalar_subquery()
        )
    )
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
            .where(listed)
            .group_by(partners.c.country_id, partners.c.status),
        )
    )


# --- the ledger ----------------------------------------------------------------------------------


def _note_fields(
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
    seen = connection.execute(
        select(func.count(staged_cards.c.partner_id.distinct())).where(mine)
    ).scalar_one()
    pages = connection.execute(
        select(staged_pages)
        .where(staged_pages.c.run_id == run_id, staged_pages.c.outcome != Outcome.BEYOND_LAST)
        .order_by(staged_pages.c.list_country_id, staged_pages.c.fetched_at)
    ).all()
    read = [page for page in pages if page.outcome == Outcome.READ]
    run = connection.execute(select(crawl_runs).where(crawl_runs.c.id == run_id)).one()
    promised: dict[int, int] = {}
    for page in pages:
        reach = (page.last_page or page.page) if run.mode in ABSENCE_MODES else 1
        promised[page.list_country_id] = max(promised.get(page.list_country_id, 0), reach)
    # The list the run was asked for comes first: the whole directory's key is the smallest.
    main = [page for page in read if page.list_country_id == read[0].list_country_id]
    counted = main and run.mode in ABSENCE_MODES
    connection.execute(
        update(crawl_runs)
        .where(crawl_runs.c.id == run_id)
        .values(
            state=state,
            reason=reason,
            finished_at=now,
            confirmable=confirmable,
            pages_expected=sum(promised.values()),
            pages_fetched=len(read),
            pages_failed=len(pages) - len(read),
            partners_seen=seen,
            partners_expected=main[-1].declared_count if counted else None,
            partners_doubled=sum(cards - distinct for cards, distinct in per_list),
            cards_rejected=sum(page.rejected for page in pages),
        )
    )
    if state is not State.QUARANTINED:
        drop_staged(connection, run_id)
    return int(seen)


def _rank(status: ColumnElement[Any]) -> ColumnElement[Any]:
    return case(*((status == word, rank) for word, rank in RANK.items()), else_=null())
