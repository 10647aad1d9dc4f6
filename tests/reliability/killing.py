"""Processes killed at exact points of a daily crawl and of the recheck after it.

Every point has a store of its own, copied from one that a day was published into. There the command
is killed, given again without a hook, and all the history is compared with that of a run that
nothing has disturbed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from signal import SIGKILL
from typing import Literal, TypeVar
from urllib.parse import unquote

from tests.crawling import rows
from tests.reliability.stores import History, Values, copied, empty, events, history, violations
from tests.reliability.template import Ended, Strike, Template, Trace
from tests.replica import Replica, World, days

One = TypeVar("One")
Spider = Literal["partners", "recheck"]
SPIDERS: tuple[Spider, ...] = ("partners", "recheck")

ENOUGH = 200
"""Kill points on each database, at least."""

# Each look counts at once, so that departures and lost customers are among the events at stake.
_SETTINGS = {"PARTNER_DELIST_AFTER_DAYS": "0", "PARTNER_BACKOFF_SECONDS": "0.001"}
_ARGUMENTS = ("-s", "DOWNLOAD_DELAY=0")
_NOW = {"partners": "2026-03-07T06:00:00Z", "recheck": "2026-03-07T07:00:00Z"}


@dataclass(frozen=True)
class Point:
    spider: Spider
    strike: Strike

    def __str__(self) -> str:
        strike = self.strike
        return f"{self.spider}, {strike.when} {strike.what} {strike.number}"


@dataclass(frozen=True)
class Result:
    """What came of one kill point, after the same command was given again."""

    point: Point
    lost: int
    doubled: int
    faults: tuple[str, ...]
    """All else that is not as it should be."""

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.faults)

    @property
    def trouble(self) -> str:
        """In one line; empty where all is sound."""
        lines = f"{self.lost} lost, {self.doubled} doubled; {'; '.join(self.faults)}"
        return "" if self.sound else f"{self.point}: {lines}"


@dataclass(frozen=True)
class _Reference:
    """A spider's undisturbed run: the store before it, and what it did and left."""

    before: str
    trace: Trace
    history: History
    events: Counter[Values]


class Killing:
    """One database: the prepared stores, the undisturbed runs, and a process or two to fork."""

    def __init__(self, database: str, folder: Path, jobs: int) -> None:
        self._database = database
        self._folder = folder
        self._jobs = jobs
        self._templates: SimpleQueue[Template] = SimpleQueue()
        self._references: dict[Spider, _Reference] = {}

    def prepare(self, stack: ExitStack) -> None:
        """Publish two days, and run the third day's commands once undisturbed."""
        for _ in range(self._jobs):
            self._templates.put(stack.enter_context(Template(self._folder)))
        world = World.generate(7, partners=200, countries=8)
        self._site = stack.enter_context(Replica(world))
        store = stack.enter_context(empty(self._database, self._folder))
        for day, spiders in enumerate((SPIDERS, SPIDERS), start=5):
            for hour, spider in enumerate(spiders, start=6):
                self._undisturbed(spider, store, f"2026-03-{day:02}T{hour:02}:00:00Z")
            with self._site.lock:
                days.advance(world)
                if day == 6:
                    _busy(world)
        for spider in SPIDERS:
            before = store
            store = stack.enter_context(copied(before))
            trace = self._folder / f"{spider}.json"
            self._undisturbed(spider, store, _NOW[spider], trace)
            done = Trace(**json.loads(trace.read_text(encoding="utf-8")))
            self._references[spider] = _Reference(before, done, history(store), events(store))

    @property
    def at_stake(self) -> int:
        """Events in the undisturbed history at its end."""
        return self._references[SPIDERS[-1]].events.total()

    def points(self) -> list[Point]:
        """Both sides of every commit, and statements of the publishes, evenly, to make enough."""
        commits = [
            Point(spider, Strike("commit", number, when))
            for spider, reference in self._references.items()
            for number in range(1, reference.trace.commits + 1)
            for when in ("before", "after")
        ]
        statements = [
            Point(spider, Strike("statement", number, when))
            for spider, reference in self._references.items()
            for number in range(1, reference.trace.statements + 1)
            for when in ("before", "after")
        ]
        return commits + evenly(statements, max(40, ENOUGH - len(commits)))

    def sample(self, count: int) -> list[Point]:
        """``count`` points spread evenly, both sides of both publishes' commits among them."""
        publishes = [
            Point(spider, Strike("commit", reference.trace.publish, when))
            for spider, reference in self._references.items()
            for when in ("before", "after")
        ]
        others = [point for point in self.points() if point not in publishes]
        return publishes + evenly(others, count - len(publishes))

    def strike(self, points: Sequence[Point]) -> Iterator[Result]:
        """Kill at each of ``points``, continue, compare."""
        with ThreadPoolExecutor(self._jobs) as threads:
            yield from threads.map(self._strike, points)

    def _undisturbed(self, spider: Spider, store: str, now: str, trace: Path | None = None) -> None:
        ended = self._run(spider, store, now, "undisturbed", trace=trace)
        assert ended.status == 0, ended.log

    def _run(
        self,
        spider: Spider,
        store: str,
        now: str,
        agent: str,
        strike: Strike | None = None,
        trace: Path | None = None,
    ) -> Ended:
        """The command as a user gives it. Its name tells its requests apart in the site's log."""
        environment = _SETTINGS | {
            "PARTNER_SITE_URL": self._site.url,
            "PARTNER_DATABASE_URL": store,
            "PARTNER_NOW": now,
        }
        template = self._templates.get()
        try:
            return template.run(
                "crawl",
                spider,
                *_ARGUMENTS,
                "-s",
                f"USER_AGENT={agent}",
                environment=environment,
                strike=strike,
                trace=trace,
            )
        finally:
            self._templates.put(template)

    def _strike(self, point: Point) -> Result:
        reference = self._references[point.spider]
        wanted = reference.events
        faults: list[str] = []
        with copied(reference.before) as store:
            killed = self._run(
                point.spider, store, _NOW[point.spider], f"killed: {point}", point.strike
            )
            if killed.status != -SIGKILL:
                faults.append(f"was not killed but ended with {killed.status}")
            staged = _staged(store)
            over = _published(store) == reference.history["crawl_runs"].total()
            if over and history(store) != reference.history:
                faults.append("published, and its history differs")
            asks_again = f"again: {point}"
            again = self._run(point.spider, store, _NOW[point.spider], asks_again)
            if again.status != 0:
                faults.append(f"the same command ended with {again.status}: {again.log[-300:]}")
            repeated = staged & self._requested(asks_again)
            if repeated:
                faults.append(f"{len(repeated)} staged pages were fetched again")
            found = history(store)
            if not over:
                faults += [
                    f"{table} differs"
                    for table in found
                    if found[table] != reference.history[table]
                ]
            faults += violations(store)
            told = events(store)
        lost, doubled = (wanted - told).total(), (told - wanted).total()
        return Result(point, lost, doubled, tuple(faults))

    def _requested(self, agent: str) -> set[str]:
        return {unquote(seen.path_qs) for seen in self._site.log if seen.user_agent == agent}


def evenly(things: Sequence[One], count: int) -> list[One]:
    """``count`` of ``things``, or all of them, evenly spread."""
    if count >= len(things):
        return list(things)
    return [things[place * len(things) // count] for place in range(count)]


def _busy(world: World) -> None:
    """Changes at enough partners for the recheck to have some forty profiles to read."""
    partners = [partner.id for partner in world.listed()]
    for place, partner_id in enumerate(partners[5::7]):
        partner = world.partners[partner_id]
        if place % 3 == 0:
            world.win_customer(partner_id)
        elif place % 3 == 1 and partner.customers:
            world.lose_customer(partner_id)
        else:
            world.set_references(partner_id, partner.references + 1)


def _staged(store: str) -> set[str]:
    """Path and query of every page and profile that the run left behind has read already."""
    found = rows(
        store,
        """SELECT s.url FROM staged_pages s JOIN crawl_runs r ON r.id = s.run_id
            WHERE s.outcome = 'read' AND r.state = 'running'
        UNION SELECT s.url FROM staged_profiles s JOIN crawl_runs r ON r.id = s.run_id
            WHERE s.outcome = 'read' AND r.state = 'running'""",
    )
    return {unquote("/" + row.url.split("/", 3)[3]) for row in found}


def _published(store: str) -> int:
    query = "SELECT COUNT(*) AS n FROM crawl_runs WHERE state = 'published'"
    return int(rows(store, query)[0].n)
