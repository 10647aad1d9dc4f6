"""A month of the directory's days, four runs a day and a daily second look: every event of the
replica's own log that the rules call one is in the history, and no other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from tests.crawling import crawl, rows, scrapy
from tests.replica import Partner, Replica, World
from tests.truth import STEPS, expected_partners, snapshot, stored_partners

START = datetime(2026, 3, 1, tzinfo=UTC)
HOURS = range(0, 30 * 24, 6)
GRACE = 7 * 24

Event = tuple[Any, ...]


@dataclass
class Rules:
    """The rules of the history, partner by partner, applied to what each run could see."""

    events: Counter[Event] = field(default_factory=Counter)
    known: dict[int, Partner] = field(default_factory=dict)
    missing: dict[int, int] = field(default_factory=dict)
    delisted: set[int] = field(default_factory=set)
    open: dict[tuple[int, int], int | None] = field(default_factory=dict)
    """(partner, customer): the hour since which it is missing, or None."""
    read: set[int] = field(default_factory=set)

    def run(self, hour: int, listed: dict[int, Partner]) -> None:
        for id_, one in listed.items():
            old = self.known.get(id_)
            if old is None:
                self.tell(hour, "initial", id_, None, one.grade)
            elif id_ in self.delisted:
                self.tell(hour, "relisted", id_, old.grade, one.grade)
            elif one.grade != old.grade:
                up = STEPS[one.grade] > STEPS[old.grade]
                self.tell(hour, "promoted" if up else "demoted", id_, old.grade, one.grade)
            if old is None or one.references != old.references:
                self.tell(hour, "references", id_, old and old.references, one.references)
            self.known[id_] = one
            self.missing.pop(id_, None)
            self.delisted.discard(id_)
        for id_ in self.known.keys() - listed.keys() - self.delisted:
            since = self.missing.setdefault(id_, hour)
            if hour - since >= GRACE:
                self.tell(hour, "delisted", id_, self.known[id_].grade, None)
                self.delisted.add(id_)
                for partner, customer in [key for key in self.open if key[0] == id_]:
                    del self.open[partner, customer]
                    self.tell(hour, "customer ended", partner, customer)

    def look(self, hour: int, one: Partner) -> None:
        """The profile of a partner was read, whole."""
        shown = set(one.customers)
        had = {customer for partner, customer in self.open if partner == one.id}
        for customer in shown - had:
            if one.id in self.read and (one.id, customer) not in self.came_back_with(one.id):
                self.tell(hour, "customer won", one.id, customer)
        for customer in shown:
            self.open[one.id, customer] = None
        for customer in had - shown:
            since = self.open[one.id, customer]
            self.open[one.id, customer] = hour if since is None else since
            if since is not None and hour - since >= GRACE:
                del self.open[one.id, customer]
                self.tell(hour, "customer ended", one.id, customer)
        self.read.add(one.id)

    def came_back_with(self, id_: int) -> set[tuple[int, int]]:
        """Customers that ended with a partner and come back with it."""
        if any(partner == id_ for partner, _ in self.open):
            return set()
        return {
            (event[2], event[3])
            for event in self.events
            if event[1] == "customer ended" and event[2] == id_
        }

    def tell(self, hour: int, *what: Any) -> None:
        self.events[(f"{START + timedelta(hours=hour):%Y-%m-%d %H}", *what)] += 1


def told(database_url: str) -> Counter[Event]:
    found = rows(
        database_url,
        """SELECT changed_at AS at, change_type AS kind, partner_id, old_status, new_status
            FROM status_history""",
    )
    found += rows(
        database_url,
        """SELECT changed_at, 'references', partner_id, old_count, new_count
            FROM reference_history""",
    )
    found += rows(
        database_url,
        """SELECT first_seen_at, 'customer won', partner_id, customer_id
            FROM partner_customers WHERE NOT baseline""",
    )
    found += rows(
        database_url,
        """SELECT ended_at, 'customer ended', partner_id, customer_id
            FROM partner_customers WHERE ended_at IS NOT NULL""",
    )
    return Counter((str(row[0])[:13], *row[1:]) for row in found)


def test_a_month_reconciles_with_the_directorys_own_log(database_url: str) -> None:
    world = World.generate(11, partners=300, countries=20)
    rules = Rules()
    with Replica(world, page_size=100, gzip=False) as site:
        for hour in HOURS:
            if hour:
                with site.lock:
                    world.drift(0.02)
                    if hour == 300:
                        world.rewrite_slugs()
            crawled = crawl(site.url, database_url, START + timedelta(hours=hour), mode="all")
            assert crawled.state == "published", (hour, crawled.errors)
            rules.run(hour, snapshot(world))
            if hour % 24 == 18:
                del site.log[:]
                now = START + timedelta(hours=hour, minutes=30)
                looked = crawl(site.url, database_url, now, spider="recheck")
                assert looked.state == "published", (hour, looked.errors)
                for id_ in sorted(
                    {int(unquote(path).rsplit("-")[-1]) for path in site.paths()[1:]}
                ):
                    if id_ in world.partners:
                        rules.look(hour, world.partners[id_])
    assert told(database_url) == rules.events
    kinds = Counter(event[1] for event in rules.events)
    assert {"promoted", "delisted", "references", "customer won"} <= kinds.keys()
    logged = {change.partner_id for change in world.log if change.kind in ("promoted", "returned")}
    assert {event[2] for event in told(database_url) if event[1] == "promoted"} <= logged
    # What is stored now is what is listed now, but for those within their days of grace.
    now_stored = stored_partners(database_url)
    assert {id_: now_stored[id_] for id_ in now_stored.keys() - rules.missing.keys()} == (
        expected_partners(world)
    )
    check = scrapy("db", "check", PARTNER_DATABASE_URL=database_url)
    assert (check.returncode, check.stdout) == (0, "the history is consistent\n"), check.stdout
