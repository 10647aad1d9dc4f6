"""The figures and charts of the dashboard's start page, and the trends of a country's. Reads only.

All of it is of the partners that a ``Selection`` takes in, by what they are now: a partner that
moved counts in its present country, at all times.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from threading import Lock
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Text,
    case,
    exists,
    func,
    literal_column,
    select,
)

from partner_monitor.store.engine import reading
from partner_monitor.store.exports import SOURCES
from partner_monitor.store.runs import State
from partner_monitor.store.schema import countries, crawl_runs, partners, status_history
from partner_monitor.store.views import BUCKET

STATUSES = ("gold", "silver", "ready", "other")
"""In the order in which charts stack them; "other" is any status beside the three, or none."""

BUCKETS = ("<5", "5-10", "11-25", "25+")
"""Of average project sizes."""

SHOWN_COUNTRIES = 5
"""From the top and from the bottom."""

MOST_POINTS = 60
"""On a line: of a longer time, days at equal distances."""

MOST_MONTHS = 24

MOST_HELD = 200
"""Selections whose figures are held; some 20 kB each."""

_p = partners.alias("p")  # the name by which BUCKET calls it

Counts = Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which partners are counted; None is any."""

    status: str | None = None
    """One of STATUSES."""
    country_id: int | None = None
    year: int | None = None
    """Of first_seen_on, UTC."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """On the columns of ``partners p``."""
        found: list[ColumnElement[bool]] = []
        if self.status == "other":
            found.append(_p.c.status.is_(None) | _p.c.status.not_in(STATUSES[:-1]))
        elif self.status is not None:
            found.append(_p.c.status == self.status)
        if self.country_id is not None:
            found.append(_p.c.country_id == self.country_id)
        if self.year is not None:
            found.append(_p.c.first_seen_on.between(date(self.year, 1, 1), date(self.year, 12, 31)))
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class CountryBar:
    """A country and its partners by status or by size."""

    country_id: int
    country: str
    counts: Counts

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """The countries with most partners, the greatest first, and those with fewest, likewise."""

    top: Sequence[CountryBar]
    bottom: Sequence[CountryBar]


@dataclass(frozen=True, kw_only=True, slots=True)
class Month:
    """What happened in a calendar month, UTC."""

    first_day: date
    promoted: int
    demoted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Trends:
    """How the statuses went over time."""

    days: Sequence[date]
    """UTC, rising; the last is today."""
    partners: Mapping[str, Sequence[int]]
    """Of each status of STATUSES that there ever was: partners listed at the end of each day."""
    months: Sequence[Month]


@dataclass(frozen=True, kw_only=True, slots=True)
class LastRun:
    """The newest run, whatever came of it."""

    id: int
    spider: str
    state: str
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """The start page's values."""

    partners: int
    countries: int
    events: Counts
    """Since ``since``: promoted, demoted, new, gone, customers moved."""
    first_run: int
    """The store's first published run, whose partners are not new; 0 where there is none."""
    by_status: Ranking
    by_size: Ranking
    trends: Trends


class Counted:
    """Figures counted since the last publish, for further readers: only a publish changes them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._of: datetime | None = None
        self._held: dict[object, Figures] = {}
        self._counting = Lock()

    def gather(self, selection: Selection, since: datetime, now: datetime) -> Figures:
        """The same as ``gather`` gives; ``since`` and ``now`` count by their days."""
        with reading(self._engine) as connection:
            last = connection.scalar(select(func.max(crawl_runs.c.published_at)))
        key = (selection, since, now.date())
        with self._counting:  # one count at a time: those that wait mostly want the same one
            if self._of != last or len(self._held) >= MOST_HELD:
                self._of, self._held = last, {}
            if key not in self._held:
                self._held[key] = gather(self._engine, selection, since, now)
            return self._held[key]


def gather(engine: Engine, selection: Selection, since: datetime, now: datetime) -> Figures:
    """All of the start page; events from ``since`` on."""
    with reading(engine) as connection:
        listed = _p.c.delisted_at.is_(None)
        total, places = connection.execute(
            select(func.count(), func.count(_p.c.country_id.distinct())).where(
                listed, *selection.conditions()
            )
        ).one()
        status = case((_p.c.status.in_(STATUSES[:-1]), _p.c.status), else_=STATUSES[-1])
        statuses = _bars(connection, status, STATUSES, listed, selection)
        bucket: ColumnElement[str] = literal_column(BUCKET, Text)
        sized = listed & _p.c.average_project_size.is_not(None)
        sizes = _bars(connection, bucket, BUCKETS, sized, selection)
        first_run = connection.scalar(
            select(func.min(crawl_runs.c.id)).where(crawl_runs.c.state == State.PUBLISHED)
        )
        changes = _changes(connection, selection)
        return Figures(
            partners=total,
            countries=places,
            first_run=first_run or 0,
            events=_events(changes, since, first_run)
            | {"moved": _moved(connection, selection, since)},
            by_status=_ranked(statuses),
            by_size=_ranked(sizes),
            trends=_trends(changes, now),
        )


def last_run(engine: Engine) -> LastRun | None:
    """The newest run; None where there was none yet."""
    run = crawl_runs.c
    query = (
        select(run.id, run.spider, run.state, run.started_at, run.finished_at)
        .order_by(run.id.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
        return None if row is None else LastRun(**row._mapping)


def trends(engine: Engine, selection: Selection, now: datetime) -> Trends:
    """The trends alone."""
    with reading(engine) as connection:
        return _trends(_changes(connection, selection), now)


def years(engine: Engine) -> Sequence[int]:
    """The years in which partners were first seen, the newest first."""
    with reading(engine) as connection:
        first, last = connection.execute(
            select(func.min(partners.c.first_seen_on), func.max(partners.c.first_seen_on))
        ).one()
    return [] if first is None else range(last.year, first.year - 1, -1)


def places(engine: Engine) -> Sequence[tuple[int, str]]:
    """Number and name of every country that has or had partners, by name."""
    with reading(engine) as connection:
        return places_within(connection)


def places_within(connection: Connection) -> Sequence[tuple[int, str]]:
    """``places``, on a connection that is open."""
    had = exists().where(partners.c.country_id == countries.c.id)
    query = select(countries.c.id, countries.c.name).where(had).order_by(countries.c.name)
    return [(row.id, row.name) for row in connection.execute(query)]


def _bars(
    connection: Connection,
    part: ColumnElement[str],
    parts: Sequence[str],
    which: ColumnElement[bool],
    selection: Selection,
) -> list[CountryBar]:
    query = (
        select(_p.c.country_id, countries.c.name, part.label("part"), func.count().label("count"))
        .select_from(_p.join(countries, countries.c.id == _p.c.country_id))
        .where(which, *selection.conditions())
        .group_by(_p.c.country_id, countries.c.name, part)
    )
    names: dict[int, str] = {}
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for country_id, name, value, count in connection.execute(query):
        names[country_id] = name
        found[country_id][value] += count
    return [
        CountryBar(
            country_id=country_id, country=names[country_id], counts={p: counts[p] for p in parts}
        )
        for country_id, counts in found.items()
    ]


def _ranked(bars: Sequence[CountryBar]) -> Ranking:
    ordered = sorted(bars, key=lambda bar: (-bar.total, bar.country, bar.country_id))
    return Ranking(top=ordered[:SHOWN_COUNTRIES], bottom=ordered[-SHOWN_COUNTRIES:])


class _Change(NamedTuple):
    """So many partners took the same step at the same publish."""

    at: datetime
    run_id: int
    change_type: str
    old: str | None
    new: str | None
    partners: int


def _changes(connection: Connection, selection: Selection) -> list[_Change]:
    history = status_history.c
    step = (history.changed_at, history.run_id, history.change_type)
    query = (
        select(*step, history.old_status, history.new_status, func.count())
        .group_by(*step, history.old_status, history.new_status)
        .order_by(history.changed_at)
    )
    if conditions := selection.conditions():
        query = query.join_from(status_history, _p, _p.c.id == history.partner_id).where(
            *conditions
        )
    return [_Change._make(row) for row in connection.execute(query)]


def _events(changes: Iterable[_Change], since: datetime, first_run: int | None) -> dict[str, int]:
    counts = dict.fromkeys(("promoted", "demoted", "new", "gone"), 0)
    # The partners of the first run of all are no news.
    names = {"promoted": "promoted", "demoted": "demoted", "initial": "new", "delisted": "gone"}
    for change in changes:
        if change.at >= since and change.change_type in names and change.run_id != first_run:
            counts[names[change.change_type]] += change.partners
    return counts


def _moved(connection: Connection, selection: Selection, since: datetime) -> int:
    moves = SOURCES["report_customer_moves"]
    query = select(func.count()).select_from(moves).where(moves.c.noticed_on >= since)
    if conditions := selection.conditions():
        concerned = _p.c.id.in_([moves.c.from_partner_id, moves.c.to_partner_id])
        query = query.where(exists().where(concerned, *conditions))
    return connection.scalar(query) or 0


def _trends(changes: Sequence[_Change], now: datetime) -> Trends:
    if not changes:
        return Trends(days=(), partners={}, months=())
    first, last = changes[0].at.date(), max(now, changes[-1].at).date()
    step = -(-((last - first).days + 1) // MOST_POINTS)
    # Counted from the last day, which is always there.
    days = [last - timedelta(days=n) for n in range(0, (last - first).days + 1, step)][::-1]
    counts: Counter[str] = Counter()
    lines: dict[str, list[int]] = {status: [] for status in STATUSES}
    left = iter(changes)
    change = next(left, None)
    for day in days:
        end = datetime.combine(day + timedelta(days=1), time(), now.tzinfo)
        while change is not None and change.at < end:
            if change.new is not None:
                counts[_class(change.new)] += change.partners
            # A relisted partner left its old status when it was delisted.
            if change.old is not None and change.change_type != "relisted":
                counts[_class(change.old)] -= change.partners
            change = next(left, None)
        for status, line in lines.items():
            line.append(counts[status])
    return Trends(
        days=days,
        partners={status: line for status, line in lines.items() if any(line)},
        months=_months(changes, last),
    )


def _months(changes: Sequence[_Change], last: date) -> Sequence[Month]:
    counts: Counter[tuple[int, int, str]] = Counter()
    for change in changes:
        counts[change.at.year, change.at.month, change.change_type] += change.partners
    first = changes[0].at.date().replace(day=1)
    months = []
    for day in islice(_back(last.replace(day=1)), MOST_MONTHS):
        if day < first:
            break
        months.append(
            Month(
                first_day=day,
                promoted=counts[day.year, day.month, "promoted"],
                demoted=counts[day.year, day.month, "demoted"],
            )
        )
    return months[::-1]


def _back(month: date) -> Iterable[date]:
    while True:
        yield month
        month = (month - timedelta(days=1)).replace(day=1)


def _class(status: str) -> str:
    return status if status in STATUSES else "other"
