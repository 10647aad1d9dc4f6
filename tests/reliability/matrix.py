"""Every fault of the replica on every kind of page: what came of it, and whether all of it is true.

Each cell is a real crawl over loopback, one request at a time, of a day with real changes, into a
copy of a store that the days before were published into. What the history says afterwards is
compared with what the replica knows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from partner_monitor.items import Outcome
from tests.crawling import crawl, rows
from tests.reliability.stores import Values, copied, events, violations
from tests.replica import Fault, Partner, Replica, World, days
from tests.replica.faults import DRIFTS, KINDS, LISTING_KINDS, PROFILE_DRIFTS, TRANSPORT_KINDS
from tests.truth import card, expected_changes, snapshot, stored_partners

PageKind = Literal["listing", "profile", "robots"]
Reach = Literal["one page", "every page", "now and then"]

_FIRST = datetime(2026, 3, 5, 6, tzinfo=UTC)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

_SETTINGS: Mapping[str, Any] = {
    "CONCURRENT_REQUESTS": 1,  # the requests of two runs are the same, and their number
    "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
    "PARTNER_DELIST_AFTER_DAYS": "0",  # an absence that is false would be told at once
    "DOWNLOAD_MAXSIZE": 1_000_000,
    "DOWNLOAD_WARNSIZE": 0,
}

_ON_LISTINGS_ALONE = LISTING_KINDS | {
    *("missing_menu", "menu_short", "card_without_href", "card_without_badge", "reordered")
}

_ALL_IS_WELL = ("all read, all counts met", "all read")

_IN_PLACE = (1, 4)
"""Where a card's address and its profile's stand: kept as last shown, and no history."""

# Now and then: which share of the answers.
NOW_AND_THEN: Mapping[str, float] = {
    "429": 0.3,
    "reset": 0.2,
    "hollow": 0.1,
    "403": 0.2,
    "500": 0.2,
    "cut": 0.2,
    "wrong_country": 0.1,
    "repeat": 0.1,
}


@dataclass(frozen=True)
class Case:
    """A fault and where it strikes: one page and always, every page, or some answers."""

    name: str
    on: PageKind
    reach: Reach
    kind: str
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """What came of one case."""

    case: Case
    outcomes: tuple[str, ...]
    """Of the pages that were not read; empty where all were."""
    requests: int
    state: str
    reason: str
    true: int
    """Events of the day that the history has."""
    of: int
    """Events of the day."""
    false: tuple[str, ...]
    """Events and values in the history that never were, and violations of its own rules."""

    @property
    def text(self) -> str:
        """The cell as docs/reliability.md shows it."""
        why = "; ".join(self.outcomes)
        if not why and self.reason not in _ALL_IS_WELL:
            why = self.reason.partition("; ")[0]
        return f"**{self.state}** {self.true}/{self.of}, {self.requests} req." + (
            f"; {why}" if why else ""
        )

    @property
    def trouble(self) -> str:
        """In one line; empty where nothing is false and nothing missed in silence."""
        where = f"{self.case.name}, {self.case.reach}, {self.case.on}"
        missed = "misses something and does not say so" if self.unexplained else ""
        what = "; ".join(filter(None, (*self.false[:5], missed)))
        return f"{where}: {what}" if what else ""

    @property
    def unexplained(self) -> bool:
        """Whether something is not told though the run says that all was read."""
        told = (*self.outcomes, *(["?"] if self.reason not in _ALL_IS_WELL else []))
        return self.true < self.of and not told


def cases() -> list[Case]:
    """Every fault on every kind of page where it means something."""
    found = []
    for name, kind, more in _faults():
        kinds: list[PageKind] = ["listing", "profile"]
        if kind in _ON_LISTINGS_ALONE or more.get("drift") in DRIFTS:
            kinds = ["listing"]
        elif more.get("drift") in PROFILE_DRIFTS:
            kinds = ["profile"]
        for on in kinds:
            found += [
                Case(name, on, "one page", kind, more),
                Case(name, on, "every page", kind, more),
            ]
            if name in NOW_AND_THEN:
                some = dict(more) | {"probability": NOW_AND_THEN[name], "seed": 4}
                found.append(Case(name, on, "now and then", kind, some))
        if kind in TRANSPORT_KINDS:
            found.append(Case(name, "robots", "every page", kind, more))
    return found


def _faults() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for kind in sorted(KINDS - {"drift", "language"}):
        yield kind, kind, {}
    for language in ("es_ES", "tr_TR"):
        yield f"language {language}", "language", {"language": language}
    for drift in (*DRIFTS, *PROFILE_DRIFTS):
        yield f"drift: {drift}", "drift", {"drift": drift}


class Matrix:
    """The world, its site, and the stores from before the crawls that are struck."""

    def __init__(self, site: Replica, folder: Path) -> None:
        self._site = site
        self._lists = f"sqlite:///{folder / 'lists.db'}"
        self._profiles = ""
        self._before: dict[int, Values] = {}
        self._was: dict[int, Partner] = {}

    @classmethod
    @contextmanager
    def prepared(cls, folder: Path) -> Iterator[Matrix]:
        """Publish a day whole, let a day pass, and keep the stores before its two crawls."""
        world = World.generate(11, partners=120, countries=6)
        first = world.listed()[0].id
        world.set_references(first, 1234)
        with Replica(world) as site:
            matrix = cls(site, folder)
            for hour, spider in enumerate(("partners", "recheck")):
                matrix._crawl(matrix._lists, spider, _FIRST + hour * _HOUR)
            matrix._was = snapshot(world)
            matrix._before = {one.id: card(world, one) for one in world.listed()}
            with site.lock:
                _a_day(world, first)
            with copied(matrix._lists) as matrix._profiles:
                matrix._crawl(matrix._profiles, "partners", _FIRST + _DAY)
                yield matrix

    def run(self, case: Case) -> Cell:
        """Crawl with the fault, and compare."""
        spider = "recheck" if case.on == "profile" else "partners"
        with copied(self._profiles if case.on == "profile" else self._lists) as store:
            told_before = events(store)
            tracked_before = _tracked(store)
            self._site.faults[:] = [Fault(case.kind, match=self._match(case), **case.more)]
            del self._site.log[:]
            try:
                now = _FIRST + _DAY + (_HOUR if spider == "recheck" else timedelta())
                self._crawl(store, spider, now, case)
            finally:
                self._site.faults.clear()
            requests = len(self._site.log)
            run = rows(store, "SELECT id, state, reason FROM crawl_runs ORDER BY id DESC LIMIT 1")[
                0
            ]
            told = _plain(events(store) - told_before)
            if spider == "recheck":
                wanted, false = self._customers(), []
                if _tracked(store) != tracked_before:
                    false.append("a profile changed what cards say")
                outcomes = _profile_outcomes(store, now, run.reason or "")
            else:
                wanted, false = self._events(), self._false_values(store)
                outcomes = _listing_outcomes(store, run.id)
            false += [f"event {event}" for event in (told - wanted)] + violations(store)
            return Cell(
                case=case,
                outcomes=outcomes,
                requests=requests,
                state=run.state,
                reason=run.reason or "",
                true=(told & wanted).total(),
                of=wanted.total(),
                false=tuple(false),
            )

    def _crawl(self, store: str, spider: str, now: datetime, case: Case | None = None) -> None:
        settings = dict(_SETTINGS)
        if case is not None and case.kind == "timeout":
            settings["DOWNLOAD_TIMEOUT"] = 0.3
        crawled = crawl(self._site.url, store, now, settings, spider)
        assert case is not None or crawled.state == "published", crawled.errors

    def _match(self, case: Case) -> str:
        if case.on == "robots":
            return r"^/robots\.txt"
        if case.reach != "one page":
            return r"^(/\w\w_\w\w)?/partners"
        if case.on == "listing":
            return r"^(/\w\w_\w\w)?/partners/page/3\?"
        return rf"-{self._struck_profile()}(\?|$)"

    def _struck_profile(self) -> int:
        """A partner that has lost a customer: the profile says so."""
        return min(int(event[1]) for event in self._customers() if event[0] == "ended")

    def _events(self) -> Counter[Values]:
        now = snapshot(self._site.world)
        told = Counter(expected_changes(self._was, now))
        told.update(
            ("delisted", id_, old.grade, None) for id_, old in self._was.items() if id_ not in now
        )
        for id_, old in self._was.items():
            if id_ not in now:
                told.update(("ended", id_, customer, True) for customer in old.customers)
        return told

    def _customers(self) -> Counter[Values]:
        """Customers won and lost by partners whose profile was read before, by the world's word."""
        told = Counter[Values]()
        for id_, one in self._site.world.partners.items():
            if id_ not in self._was:
                told.update(("won", id_, customer, True) for customer in set(one.customers))
                continue
            old, new = set(self._was[id_].customers), set(one.customers)
            told.update(("won", id_, customer, False) for customer in new - old)
            told.update(("ended", id_, customer, False) for customer in old - new)
        return told

    def _false_values(self, store: str) -> list[str]:
        """Tracked values that are neither of the day before nor of this one."""
        world = self._site.world
        found = []
        for id_, values in stored_partners(store).items():
            partner = world.partners.get(id_)
            true = [self._before.get(id_), card(world, partner) if partner else None]
            for place, value in enumerate(values):
                if place in _IN_PLACE or any(one and one[place] == value for one in true):
                    continue
                found.append(f"partner {id_}: {value!r}")
        return found


def _tracked(store: str) -> dict[int, Values]:
    return {
        id_: tuple(value for place, value in enumerate(values) if place not in _IN_PLACE)
        for id_, values in stored_partners(store).items()
    }


def _plain(told: Counter[Values]) -> Counter[Values]:
    """Events without their times."""
    plain = Counter[Values]()
    for event, count in told.items():
        plain[event[:4]] += count
    return plain


def _a_day(world: World, big: int) -> None:
    """The scripted first day, and customers won and lost by partners that it has changed."""
    days.advance(world)
    world.set_references(big, 1240)
    changed = list(dict.fromkeys(change.partner_id for change in world.log))
    busy = [
        id_ for id_ in changed if id_ in world.partners and len(world.partners[id_].customers) > 2
    ]
    for id_ in busy[:3]:
        world.win_customer(id_, counted=False)
    for id_ in busy[2:5]:
        world.lose_customer(id_, counted=False)


def _listing_outcomes(store: str, run_id: int) -> tuple[str, ...]:
    query = """SELECT DISTINCT outcome FROM staged_pages
        WHERE run_id = :run AND outcome <> 'read' ORDER BY outcome"""
    return tuple(row.outcome for row in rows(store, query, run=run_id))


def _profile_outcomes(store: str, now: datetime, reason: str) -> tuple[str, ...]:
    """Profiles that were not read are told in the run's reason; those that are gone, with the
    partner."""
    told = sorted(one.value for one in Outcome if re.search(rf"(?<=[:;]) {one.value}\b", reason))
    gone = rows(store, "SELECT 1 FROM partners WHERE profile_gone_at IS NOT NULL")
    return tuple(told + (["gone"] if gone else []))


def run_all(folder: Path, wanted: Sequence[Case] | None = None) -> Iterator[Cell]:
    """All cells, one after the other."""
    with Matrix.prepared(folder) as matrix:
        for case in wanted if wanted is not None else cases():
            yield matrix.run(case)
