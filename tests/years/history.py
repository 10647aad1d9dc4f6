"""What a store holds after years of daily runs, worked out partner by partner without a database.

The rules of the history once more, in plain Python: ``tests/test_years.py`` holds its rows against
those that real publishes of the same days write.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Table

from partner_monitor.directory.countries import iso_code
from partner_monitor.history.fields import FILL_WATCHED, TRACKED
from partner_monitor.history.ladder import change_type
from partner_monitor.store import schema
from tests.publishing import CARDS, SITE
from tests.years.directory import Day, Directory, Shown

GRACE = timedelta(days=7)
STALE = timedelta(days=30)
MOVE = timedelta(days=30)
CRAWL, RECHECK = timedelta(minutes=4), timedelta(minutes=20)
"""How long a crawl takes; and when, after it, the recheck has read its last profile."""
PROFILES = 500
"""What a recheck reads at most; the first one reads all."""

STATUS, COUNTRY, REFERENCES = (
    TRACKED.index(name) for name in ("status", "country_id", "references_count")
)
_NOT_COMPARED = (TRACKED.index("name"),)

Row = Sequence[Any]
Values = tuple[Any, ...]
"""A partner's tracked fields."""

COLUMNS: dict[Table, tuple[str, ...]] = {
    schema.partner_versions: ("partner_id", "valid_from", "valid_to", "run_id", *TRACKED),
    schema.status_history: (
        *("partner_id", "old_status", "new_status"),
        *("change_type", "changed_at", "run_id"),
    ),
    schema.reference_history: ("partner_id", "old_count", "new_count", "changed_at", "run_id"),
    schema.partner_customers: tuple(
        column.name for column in schema.partner_customers.c if column.name != "id"
    ),
    schema.daily_counts: ("day", "country_id", "status", "partners"),
    schema.crawl_runs: tuple(column.name for column in schema.crawl_runs.c),
}
"""The columns of the rows that are kept as they come; the database gives the other ids."""

VALID_TO = 2
FIRST_SEEN, BASELINE, LAST_SEEN, MISSING_SINCE, MISSING_LOOKS, ENDED_AT, WITH_PARTNER, ENDED_RUN = (
    COLUMNS[schema.partner_customers].index(name)
    for name in (
        *("first_seen_at", "baseline", "last_seen_at", "missing_since", "missing_looks"),
        *("ended_at", "ended_with_partner", "ended_run_id"),
    )
)


@dataclass(slots=True, eq=False)
class Known:
    """A partner as the store knows it."""

    shown: Shown
    values: Values
    version: list[Any]
    first_seen_on: date
    changed_at: datetime
    observed_at: datetime
    profile_url: str = ""
    slug: str = ""
    address: str | None = None
    last_seen_at: datetime | None = None
    """While it is not seen; else it was seen by the last crawl."""
    missing_since: datetime | None = None
    missing_looks: int = 0
    overdue_since: datetime | None = None
    delisted_at: datetime | None = None
    relisted_at: datetime | None = None
    implausible: bool = False
    mismatch: bool = False
    read_at: datetime | None = None
    profile: Values = ()
    experts: dict[str, int] = field(default_factory=dict)
    industries: dict[str, int] = field(default_factory=dict)
    open: dict[int, list[Any]] = field(default_factory=dict)
    """Its customers' rows that have not ended."""
    absent: set[int] = field(default_factory=set)
    """Of these, the ones missing."""
    ended_with_it: set[int] = field(default_factory=set)


class History:
    """The rows, run by run."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.known: dict[int, Known] = {}
        self.rows: dict[Table, list[Row]] = {table: [] for table in COLUMNS}
        self.short: int | None = None
        """The country that the last crawl did not read whole."""
        self._listed: Counter[tuple[int | None, str]] = Counter()
        self._absent: dict[int, Known] = {}
        self._flagged: dict[int, datetime] = {}
        self._mismatched: dict[int, Known] = {}
        self._stale: deque[tuple[date, int]] = deque()
        self._overdue: deque[tuple[date, int]] = deque()
        self._menu: dict[int, int] = {}
        self._crawls: list[tuple[int, datetime, int]] = []
        self._failures: list[tuple[int, datetime]] = []
        self._fields: list[Row] = []
        self._outcomes: list[Row] = []
        self._last: datetime | None = None
        self._before: datetime | None = None

    @property
    def runs(self) -> int:
        return len(self.rows[schema.crawl_runs])

    # Runs

    def fail(self, at: datetime) -> None:
        """A run to which the site did not answer."""
        self._run(
            "partners",
            at,
            at - CRAWL,
            state="failed",
            pages_expected=1,
            pages_failed=1,
            reason="no listing page could be read: server error, HTTP 502 "
            "(page 1 of all countries)",
        )
        self._failures.append((self.runs, at))
        self._outcomes.append((self.runs, "listing", "server error", 1))
        self._fill(())

    def crawl(self, at: datetime, *, miscounts: bool) -> None:
        """All countries are read, whole but for one at most."""
        cards = self.directory.listed
        self._menu = dict(Counter(one.country_id for one in cards if one.country_id is not None))
        self.short = max(self._menu, key=lambda id_: (self._menu[id_], id_)) if miscounts else None
        reason = "all read, all counts met"
        if self.short is not None:
            seen = self._menu[self.short]
            self._menu[self.short] += 1
            name = self.directory.countries[self.short].name
            reason = f"1 country not whole: {name} {seen} of {seen + 1}"
        pages = -(-len(cards) // CARDS)
        self._run(
            "partners",
            at,
            at - CRAWL,
            published_at=at,
            pages_expected=pages,
            pages_fetched=pages,
            partners_seen=len(cards),
            partners_expected=len(cards),
            menu_total=sum(self._menu.values()),
            menu_at=at,
            reason=reason,
        )
        self._crawls.append((self.runs, at, len(cards)))
        self._outcomes.append((self.runs, "listing", "read", pages))
        self._fill(cards)
        self._before, self._last = self._last, at
        for one in self.directory.touched:
            if one.listed:
                self._see(one, at)
            elif (left := self.known.get(one.id)) and left.delisted_at is None:
                self._absent[one.id] = left
                left.last_seen_at = left.last_seen_at or self._before
        self.directory.touched.clear()
        self._look_for_the_absent(at)
        for id_, known in list(self._mismatched.items()):
            known.mismatch = self._differs(known)
            if not known.mismatch:
                del self._mismatched[id_]
        self._count(at.date())

    def worklist(self, at: datetime) -> list[Shown]:
        """Whose profiles a recheck at ``at`` reads: the oldest flags first."""
        while self._stale and self._stale[0][0] <= at.date():
            _, id_ = self._stale.popleft()
            one = self.known[id_]
            if one.read_at is not None and one.read_at <= at - STALE and not one.delisted_at:
                self._flag(id_, at)
        while self._overdue and self._overdue[0][0] <= at.date():
            _, id_ = self._overdue.popleft()
            if not self.known[id_].delisted_at:
                self._flag(id_, at)
        limit = PROFILES if any(one.read_at for one in self.known.values()) else len(self.known)
        found = []
        for id_ in self._flagged:
            shown = self.known[id_].shown
            if shown.listed and id_ not in self._absent:
                found.append(shown)
            if len(found) == limit:
                break
        return found

    def recheck(self, at: datetime, profiles: Sequence[Shown]) -> None:
        """These profiles are read."""
        self._run(
            "recheck",
            at,
            at - (RECHECK - CRAWL),
            published_at=at if profiles else None,
            pages_expected=len(profiles),
            pages_fetched=len(profiles),
            reason="all read" if profiles else "nothing was flagged",
        )
        if profiles:
            self._outcomes.append((self.runs, "profile", "read", len(profiles)))
        self._fill(())
        for shown in profiles:
            self._read(self.known[shown.id], at)

    def _run(self, spider: str, at: datetime, started_at: datetime, **more: Any) -> None:
        values: dict[str, Any] = dict.fromkeys(COLUMNS[schema.crawl_runs]) | {
            "id": self.runs + 1,
            "spider": spider,
            "mode": "all",
            "site": SITE,
            "schema_version": schema.SCHEMA_VERSION,
            "state": "published",
            "started_at": started_at,
            "finished_at": at,
            "confirmable": False,
        }
        counts = ("pages_fetched", "pages_failed", "partners_seen", "partners_doubled")
        values |= dict.fromkeys((*counts, "cards_rejected"), 0)
        self.rows[schema.crawl_runs].append(tuple((values | more).values()))

    def _fill(self, cards: Sequence[Shown]) -> None:
        filled = dict.fromkeys(FILL_WATCHED, len(cards))
        filled["retention_rate"] = sum(one.retention is not None for one in cards)
        filled["country_id"] = sum(one.country_id is not None for one in cards)
        filled["address"] = sum(one.address is not None for one in cards)
        self._fields += [(self.runs, name, len(cards), filled[name]) for name in FILL_WATCHED]

    # Partners

    def _see(self, shown: Shown, at: datetime) -> None:
        values: Values = shown.tracked
        one = self.known.get(shown.id)
        if one is None:
            version = self._version(shown.id, values, at)
            one = Known(shown, values, version, at.date(), at, at)
            self.known[shown.id] = one
            self._status_row(shown.id, None, values[STATUS], "initial", at)
            self._references_row(shown.id, None, values[REFERENCES], at)
            self._listed[values[COUNTRY], values[STATUS]] += 1
            self._flag(shown.id, at)
        else:
            self._see_again(one, values, at)
        one.profile_url, one.slug, one.address = shown.profile_url, shown.slug, shown.address

    def _see_again(self, one: Known, values: Values, at: datetime) -> None:
        id_, old = one.shown.id, one.values
        relisted = one.delisted_at is not None
        if relisted:
            self._status_row(id_, old[STATUS], values[STATUS], "relisted", at)
            one.relisted_at = at
            self._flag(id_, at)
        elif values[STATUS] != old[STATUS]:
            kind = change_type(old[STATUS], values[STATUS])
            self._status_row(id_, old[STATUS], values[STATUS], kind, at)
        if values[REFERENCES] != old[REFERENCES]:
            fell = old[REFERENCES] - values[REFERENCES] > 5
            one.implausible = fell and values[REFERENCES] * 2 < old[REFERENCES]
            self._references_row(id_, old[REFERENCES], values[REFERENCES], at)
        if relisted or values != old:
            if not relisted:
                self._listed[old[COUNTRY], old[STATUS]] -= 1
                one.version[VALID_TO] = at
            self._listed[values[COUNTRY], values[STATUS]] += 1
            one.version = self._version(id_, values, at)
        if values != old:
            one.values, one.changed_at = values, at
            self._flag(id_, at)
        one.missing_since = one.overdue_since = one.delisted_at = one.last_seen_at = None
        one.missing_looks = 0
        self._absent.pop(id_, None)

    def _look_for_the_absent(self, at: datetime) -> None:
        # The earliest time up to which each country is covered.
        covered_at = at if self.short is None else self._before
        for id_, one in list(self._absent.items()):
            country = one.values[COUNTRY]
            if self.short is None or country not in (None, self.short):
                one.missing_since = one.missing_since or at
                one.missing_looks += 1
                one.observed_at = at
                lasted = one.missing_since <= at - GRACE
                one.overdue_since = (one.overdue_since or at) if lasted else None
                self._flag(id_, at)
            if one.overdue_since and covered_at and one.overdue_since <= covered_at:
                self._delist(one, at)

    def _delist(self, one: Known, at: datetime) -> None:
        id_ = one.shown.id
        one.delisted_at = one.version[VALID_TO] = at
        self._status_row(id_, one.values[STATUS], None, "delisted", at)
        self._listed[one.values[COUNTRY], one.values[STATUS]] -= 1
        for customer, row in one.open.items():
            row[ENDED_AT], row[WITH_PARTNER], row[ENDED_RUN] = at, True, self.runs
            row[LAST_SEEN] = row[LAST_SEEN] or one.read_at
            one.ended_with_it.add(customer)
        one.open.clear()
        one.absent.clear()
        del self._absent[id_]
        self._flagged.pop(id_, None)

    def _version(self, id_: int, values: Values, at: datetime) -> list[Any]:
        row = [id_, at, None, self.runs, *values]
        self.rows[schema.partner_versions].append(row)
        return row

    def _status_row(self, id_: int, old: str | None, new: Any, kind: str, at: datetime) -> None:
        self.rows[schema.status_history].append((id_, old, new, str(kind), at, self.runs))

    def _references_row(self, id_: int, old: int | None, new: int, at: datetime) -> None:
        self.rows[schema.reference_history].append((id_, old, new, at, self.runs))

    def _count(self, today: date) -> None:
        counts = self.rows[schema.daily_counts]
        while counts and counts[-1][0] < today - timedelta(days=1):
            last = counts[-1][0]
            following = last + timedelta(days=1)
            same = []
            for row in reversed(counts):
                if row[0] != last:
                    break
                same.append((following, *row[1:]))
            counts += reversed(same)
        self._listed = +self._listed
        counts += [
            (today, country, status, partners)
            for (country, status), partners in sorted(
                self._listed.items(), key=lambda item: (item[0][0] or 0, item[0][1])
            )
        ]

    def _flag(self, id_: int, at: datetime) -> None:
        self._flagged.setdefault(id_, at)

    # Profiles

    def _read(self, one: Known, at: datetime) -> None:
        shown = one.shown
        back = one.relisted_at is not None and one.read_at is not None
        back = back and one.relisted_at > one.read_at  # type: ignore[operator]
        first, before = one.read_at is None, one.read_at
        one.read_at = at
        one.profile_url, one.slug = shown.profile_url, shown.slug
        references = shown.references + shown.ahead
        one.profile = (*shown.tracked[:REFERENCES], references, *shown.tracked[REFERENCES + 1 :])
        one.mismatch = self._differs(one)
        one.experts, one.industries = dict(shown.experts), shown.industries
        self._flagged.pop(shown.id, None)
        if one.mismatch:
            self._mismatched[shown.id] = one
            self._flag(shown.id, at)
        else:
            self._mismatched.pop(shown.id, None)
        self._stale.append((at.date() + STALE + timedelta(days=1), shown.id))
        turned = shown.customers.keys() if first or back else shown.turned
        for customer in sorted(turned | one.absent):
            row = one.open.get(customer)
            if row is None:
                if customer in shown.customers:
                    baseline = first or (back and customer in one.ended_with_it)
                    self._take(one, customer, baseline, at)
            elif customer in shown.customers:
                row[LAST_SEEN], row[MISSING_SINCE], row[MISSING_LOOKS] = None, None, 0
                one.absent.discard(customer)
            else:
                self._miss(one, customer, row, before, at)
        shown.turned.clear()

    def _take(self, one: Known, customer: int, baseline: bool, at: datetime) -> None:
        row = [
            *(one.shown.id, customer, at.date(), at, baseline),
            *(None, None, 0, None, False, self.runs, None),
        ]
        one.open[customer] = row
        self.rows[schema.partner_customers].append(row)

    def _miss(
        self, one: Known, customer: int, row: list[Any], before: datetime | None, at: datetime
    ) -> None:
        if row[MISSING_SINCE] is None:
            row[LAST_SEEN], row[MISSING_SINCE] = before, at
            one.absent.add(customer)
            self._overdue.append((at.date() + GRACE + timedelta(days=1), one.shown.id))
        row[MISSING_LOOKS] += 1
        if row[MISSING_SINCE] <= at - GRACE and row[MISSING_LOOKS] > 1:
            row[ENDED_AT], row[ENDED_RUN] = at, self.runs
            del one.open[customer]
            one.absent.discard(customer)

    def _differs(self, one: Known) -> bool:
        return one.profile != one.values and any(
            said is not None and shown is not None and said != shown
            for field_, (said, shown) in enumerate(zip(one.profile, one.values, strict=True))
            if field_ not in _NOT_COMPARED
        )

    # What is left at the end

    def tables(self) -> Iterator[tuple[Table, Sequence[str], Iterable[Row]]]:
        """Every table with its columns and rows, each after those that it points to."""
        assert self._last is not None
        begun = self.rows[schema.crawl_runs][0]
        created_at = begun[COLUMNS[schema.crawl_runs].index("started_at")]
        yield schema.store, ("id", "site", "created_at"), [(1, SITE, created_at)]
        yield from self._countries()
        yield schema.crawl_runs, COLUMNS[schema.crawl_runs], self.rows[schema.crawl_runs]
        yield from self._partners(self._last)
        yield from self._customers()
        for table in (
            *(schema.partner_versions, schema.status_history, schema.reference_history),
            *(schema.partner_customers, schema.daily_counts),
        ):
            yield table, COLUMNS[table], self.rows[table]
        yield schema.customer_moves, tuple(schema.customer_moves.c.keys()), self._moves()
        recreations = schema.partner_recreations
        yield recreations, tuple(recreations.c.keys()), self._recreations()
        yield schema.run_fields, ("run_id", "field", "cards", "filled"), self._fields
        yield schema.run_outcomes, ("run_id", "kind", "outcome", "pages"), self._outcomes
        columns = tuple(column.name for column in schema.staged_pages.c)
        yield schema.staged_pages, columns, self._pages()

    def _countries(self) -> Iterator[tuple[Table, Sequence[str], Iterable[Row]]]:
        partners: Counter[int | None] = Counter()
        for (country, _), count in self._listed.items():
            partners[country] += count
        ever = {row[1] for row in self.rows[schema.daily_counts] if row[1] is not None}
        columns = (
            *("id", "name", "slug", "iso_code", "listed_count", "partner_count"),
            *("complete", "page_lost", "covered_at", "to_reprocess", "flagged_at"),
        )
        rows = []
        for id_ in sorted(ever | self._menu.keys()):
            where = self.directory.countries[id_]
            whole = id_ != self.short
            rows.append(
                (
                    *(id_, where.name, where.slug, iso_code(where.name, where.slug)),
                    *(self._menu.get(id_, 0), partners[id_], whole, False),
                    *(self._last if whole else self._before, False, None if whole else self._last),
                )
            )
        yield schema.countries, columns, rows

    def _partners(self, last: datetime) -> Iterator[tuple[Table, Sequence[str], Iterable[Row]]]:
        columns = (
            *("id", *TRACKED, "profile_url", "slug", "address", "first_seen_on", "last_seen_at"),
            *("observed_at", "missing_since", "missing_looks", "overdue_since", "delisted_at"),
            *("website", "industry", "profile_read_at", "customers_read_at", "changed_at"),
            *("implausible", "mismatch", "unread", "to_reprocess", "flagged_at"),
        )
        yield (
            schema.partners,
            columns,
            [
                (
                    *(id_, *one.values, one.profile_url, one.slug, one.address),
                    *(one.first_seen_on, one.last_seen_at or last),
                    *(one.observed_at if one.missing_since else one.last_seen_at or last,),
                    *(one.missing_since, one.missing_looks, one.overdue_since, one.delisted_at),
                    *(one.shown.website, one.shown.industry)[: 2 * bool(one.read_at)],
                    *(None, None)[: 2 * (not one.read_at)],
                    *(one.read_at, one.read_at, one.changed_at),
                    *(one.implausible, one.mismatch, "", False, self._flagged.get(id_)),
                )
                for id_, one in sorted(self.known.items())
            ],
        )
        read = sorted((id_, one) for id_, one in self.known.items() if one.read_at)
        yield (
            schema.partner_profiles,
            ("partner_id", "read_at", *TRACKED),
            [(id_, one.read_at, *one.profile) for id_, one in read],
        )
        yield (
            schema.partner_experts,
            ("partner_id", "version", "experts"),
            [(id_, *line) for id_, one in read for line in one.experts.items()],
        )
        yield (
            schema.partner_industries,
            ("partner_id", "industry", "references_count"),
            [(id_, *line) for id_, one in read for line in one.industries.items()],
        )

    def _customers(self) -> Iterator[tuple[Table, Sequence[str], Iterable[Row]]]:
        for one in self.known.values():
            for row in one.open.values():
                row[LAST_SEEN] = row[LAST_SEEN] or one.read_at
        had = sorted({row[1] for row in self.rows[schema.partner_customers]})
        of = self.directory.customers
        rows = [(id_, of[id_].name, of[id_].industry) for id_ in had]
        yield schema.customers, ("id", "name", "industry"), rows

    def _shared(self) -> Iterator[tuple[Row, Row]]:
        """A customer's row at one partner and at another, for every such pair."""
        of: dict[int, list[Row]] = {}
        for row in self.rows[schema.partner_customers]:
            of.setdefault(row[1], []).append(row)
        for here in of.values():
            yield from ((one, other) for one in here for other in here if one[0] != other[0])

    def _moves(self) -> Iterator[Row]:
        opened = self.rows[schema.daily_counts][0][0]
        for left, appeared in self._shared():
            if left[ENDED_AT] is None:
                continue
            target = self.known[appeared[0]]
            if appeared[BASELINE]:
                came = target.first_seen_on
                if came == opened or abs(appeared[FIRST_SEEN].date() - came) > MOVE:
                    continue
            if abs(appeared[FIRST_SEEN] - (left[MISSING_SINCE] or left[ENDED_AT])) <= MOVE:
                noticed = max(appeared[FIRST_SEEN], left[ENDED_AT])
                yield (
                    left[1],
                    left[0],
                    target.shown.id,
                    left[ENDED_AT],
                    appeared[FIRST_SEEN],
                    noticed,
                )

    def _recreations(self) -> Iterator[Row]:
        opened = self.rows[schema.daily_counts][0][0]
        shared: dict[tuple[int, int], list[datetime]] = {}
        for left, appeared in self._shared():
            if left[WITH_PARTNER] and appeared[BASELINE]:
                noticed = max(left[ENDED_AT], appeared[FIRST_SEEN])
                shared.setdefault((left[0], appeared[0]), []).append(noticed)
        had = Counter(row[0] for row in self.rows[schema.partner_customers] if row[WITH_PARTNER])
        for (old, new), noticed_at in shared.items():
            gone, came = self.known[old], self.known[new].first_seen_on
            if gone.delisted_at and gone.missing_since and came > opened:
                begun = datetime.combine(came, time(tzinfo=UTC))
                many = len(noticed_at) >= max(2, 0.8 * had[old])
                if many and abs(begun - gone.missing_since) <= MOVE:
                    yield (old, new, had[old], len(noticed_at), max(noticed_at))

    def _pages(self) -> Iterator[Row]:
        """``staged_pages``: what came of every page."""
        link = f"{SITE}/partners/page/{{page}}"
        for run_id, at in self._failures:
            yield failed_page(run_id, at)
        for run_id, at, cards in self._crawls:
            pages = -(-cards // CARDS)
            for page in range(1, pages + 1):
                here = min(CARDS, cards - CARDS * (page - 1))
                yield (
                    *(run_id, 0, page, link.format(page=page), at, "read", None, "odoo.com"),
                    *(here, 0, cards, pages, page < pages, link),
                )


def failed_page(run_id: int, at: datetime) -> Row:
    url = f"{SITE}/partners/page/1"
    return (
        *(run_id, 0, 1, url, at, "server error", "HTTP 502", None),
        *(0, 0, None, None, False, None),
    )


def live(history: History, days: Iterable[Day]) -> Iterator[tuple[Day, list[Shown]]]:
    """Live through ``days``; yields each as it ends, with the profiles that were read on it."""
    first = True
    for day in days:
        if not first:
            history.directory.turn()
        first = False
        if day.failed_at:
            history.fail(day.failed_at)
        profiles: list[Shown] = []
        if day.crawled_at:
            history.crawl(day.crawled_at, miscounts=day.miscounts)
            profiles = history.worklist(day.crawled_at + RECHECK)
            history.recheck(day.crawled_at + RECHECK, profiles)
        yield day, profiles
