"""The truth the replica serves: who is listed, where, with what figures, and every change made.
Each change goes through a method here and is written to the log; pages only read.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar, cast

from tests.replica import generate as making
from tests.replica import naming
from tests.replica.drift import a_day_of
from tests.replica.model import GRADES, Change, Country, Customer, Partner
from tests.replica.naming import SlugStyle, slugify

Made = TypeVar("Made")


class World:
    """Partners, countries and customers on a day, with the log of changes so far.

    ``version`` grows with every change, so that what was rendered before is known to be old.
    Not locked by itself: while a `Replica` serves it, change it under the replica's lock.
    """

    def __init__(
        self,
        partners: Iterable[Partner] = (),
        countries: Iterable[Country] = (),
        customers: Iterable[Customer] = (),
        *,
        day: int = 0,
        seed: int = 0,
    ) -> None:
        self.partners: dict[int, Partner] = {partner.id: partner for partner in partners}
        self.countries: dict[int, Country] = {country.id: country for country in countries}
        self.customers: dict[int, Customer] = {customer.id: customer for customer in customers}
        self.departed: dict[int, Partner] = {}
        self.due_back: dict[int, int] = {}
        self.log: list[Change] = []
        self.day = day
        self.version = 0
        self.slug_style: SlugStyle = "dropped"
        self.rng = random.Random(seed)
        self._memory: dict[object, object] = {}
        self._memory_of = -1

    @classmethod
    def generate(
        cls,
        seed: int,
        partners: int = 4000,
        countries: int = 164,
        customers_per_reference: float = 1.0,
        countryless: int = 0,
    ) -> World:
        """A world of the real directory's proportions, the same for the same arguments."""
        made = making.generate(seed, partners, countries, customers_per_reference, countryless)
        return cls(made[1], made[0], made[2], seed=seed)

    # Reading

    def listed(self) -> list[Partner]:
        """Every partner in the site's order: grade, references (most first), name."""
        order = {grade: place for place, grade in enumerate(GRADES)}
        return self.remembered(
            "listed",
            lambda: sorted(
                self.partners.values(),
                key=lambda p: (order.get(p.grade, 9), -p.references, p.name, p.id),
            ),
        )

    def remembered(self, key: object, make: Callable[[], Made]) -> Made:
        """What ``make`` makes of the world, made once until the world changes."""
        if self._memory_of != self.version:
            self._memory, self._memory_of = {}, self.version
        if key not in self._memory:
            self._memory[key] = make()
        return cast("Made", self._memory[key])

    def changes(self, day: int) -> list[Change]:
        """What the log holds of one day."""
        return [change for change in self.log if change.day == day]

    # Days

    def next_day(self) -> None:
        """The next day, with nothing changed but the date."""
        self.day += 1
        self.version += 1

    def drift(self, fraction: float = 0.05) -> list[Change]:
        """A plausible day's worth of changes, at about ``fraction`` of the partners; seeded."""
        before = len(self.log)
        a_day_of(self, self.rng, fraction)
        return self.log[before:]

    # Changes of one partner

    def put(self, partner: Partner) -> None:
        """Sets a partner as it is, without a line in the log; the other methods rest on it."""
        self.partners[partner.id] = partner
        self.version += 1

    def promote(self, partner_id: int) -> None:
        """One step up; a gold partner stays, without a change."""
        self._step(partner_id, -1)

    def demote(self, partner_id: int) -> None:
        """One step down; a ready partner stays, without a change."""
        self._step(partner_id, 1)

    def set_status(self, partner_id: int, grade: str) -> None:
        """Any grade, also one that is not on the ladder (``learning``)."""
        old = self.partners[partner_id].grade
        if old == grade:
            return
        kind = "status"
        if old in GRADES and grade in GRADES:
            kind = "promoted" if GRADES.index(grade) < GRADES.index(old) else "demoted"
        self.put(replace(self.partners[partner_id], grade=grade))
        self._note(kind, partner_id, old, grade)

    def set_references(self, partner_id: int, count: int) -> None:
        """The shown count only: customers and industry lines stay as they are."""
        old = self.partners[partner_id]
        if old.references != count:
            self.put(replace(old, references=count))
            self._note("references", partner_id, old.references, count)

    def set_retention(self, partner_id: int, retention: int | None) -> None:
        old = self.partners[partner_id]
        if old.retention != retention:
            self.put(replace(old, retention=retention))
            self._note("retention", partner_id, old.retention, retention)

    def set_sizes(self, partner_id: int, average: int, largest: int) -> None:
        old = self.partners[partner_id]
        before = (old.average_project_size, old.largest_project_size)
        if before != (average, largest):
            self.put(replace(old, average_project_size=average, largest_project_size=largest))
            self._note("sizes", partner_id, before, (average, largest))

    def set_experts(self, partner_id: int, experts: dict[int, int]) -> None:
        """Certified experts by version; lines of none are left out."""
        old = self.partners[partner_id]
        wanted = {v: n for v, n in sorted(experts.items(), reverse=True) if n}
        if dict(old.experts) != wanted:
            self.put(replace(old, experts=wanted))
            self._note("experts", partner_id, dict(old.experts), wanted)

    def rename(self, partner_id: int, name: str, new_slug: bool = True) -> None:
        """Another name; ``new_slug=False`` keeps the slug, as a change of case only does."""
        old = self.partners[partner_id]
        slug = slugify(name, self.slug_style) if new_slug else old.slug
        self.put(replace(old, name=name, slug=slug))
        if old.name != name:
            self._note("renamed", partner_id, old.name, name)
        if old.slug != slug:
            self._note("slug", partner_id, old.slug, slug)

    def move_country(self, partner_id: int, country_id: int | None) -> None:
        old = self.partners[partner_id]
        if old.country_id != country_id:
            self.put(replace(old, country_id=country_id))
            self._note("country", partner_id, old.country_id, country_id)

    # Coming and going

    def arrive(self, partner: Partner | None = None) -> Partner:
        """A new partner, the given one or a plausible one; returns it."""
        if partner is None:
            homes = [p.country_id for p in self.partners.values()] or [*self.countries]
            home = self.rng.choice(homes)
            name = naming.company(self.rng, home)
            partner = making.make_partner(self.rng, self._new_number(), home, name)
            partner = replace(partner, slug=slugify(name, self.slug_style))
        self.put(partner)
        self._note("arrived", partner.id, None, partner)
        return partner

    def depart(self, partner_id: int) -> None:
        """No longer listed and no longer found; kept, so that it can come back."""
        gone = self.partners.pop(partner_id)
        self.departed[partner_id] = gone
        self.version += 1
        self._note("departed", partner_id, gone, None)

    def come_back(self, partner_id: int, grade: str | None = None) -> None:
        """A departed partner again, as it was or with another grade."""
        old = self.departed.pop(partner_id)
        self.due_back.pop(partner_id, None)
        self.put(replace(old, grade=grade or old.grade))
        self._note("returned", partner_id, old.grade, grade or old.grade)

    def recreate(self, partner_id: int, name: str | None = None) -> Partner:
        """The same company under a new number and nearly its old name, with all its customers."""
        number = self._new_number()
        gone = self.partners.pop(partner_id)
        if name is None:
            name = gone.name.removesuffix(".") if gone.name.endswith(".") else f"{gone.name}."
        new = replace(gone, id=number, name=name, slug=slugify(name, self.slug_style))
        self.put(new)
        self._note("recreated", partner_id, partner_id, new.id)
        return new

    # Customers

    def win_customer(
        self, partner_id: int, customer: Customer | None = None, counted: bool = True
    ) -> Customer:
        """One more customer; ``counted`` raises the reference count with it."""
        if customer is None:
            number = max(self.customers, default=60_000_000) + 1
            customer = making.make_customer(self.rng, number)
        old = self.partners[partner_id]
        self.customers[customer.id] = customer
        self.put(replace(old, customers=(*old.customers, customer.id)))
        self._note("customer_won", partner_id, None, customer.id)
        if counted:
            self.set_references(partner_id, old.references + 1)
        return customer

    def lose_customer(
        self, partner_id: int, customer_id: int | None = None, counted: bool = True
    ) -> int:
        """One customer less, the given one or any; returns its number."""
        old = self.partners[partner_id]
        lost = customer_id if customer_id is not None else self.rng.choice(old.customers)
        self.put(replace(old, customers=_without(old.customers, lost)))
        self._note("customer_lost", partner_id, lost, None)
        if counted:
            self.set_references(partner_id, max(0, old.references - 1))
        return lost

    def move_customer(self, customer_id: int, source: int, target: int) -> None:
        """A customer changes partners; both counts follow. ``partner_id`` is the new partner."""
        old, new = self.partners[source], self.partners[target]
        self.put(replace(old, customers=_without(old.customers, customer_id)))
        self.put(replace(new, customers=(*new.customers, customer_id)))
        self._note("customer_moved", target, (customer_id, source), (customer_id, target))
        self.set_references(source, max(0, old.references - 1))
        self.set_references(target, new.references + 1)

    # The whole site

    def rewrite_slugs(self, style: SlugStyle = "dashed") -> int:
        """Every slug by another rule, names untouched; returns how many slugs changed."""
        self.slug_style = style
        rewritten = 0
        for partner in list(self.partners.values()):
            slug = slugify(partner.name, style)
            if slug != partner.slug:
                self.put(replace(partner, slug=slug))
                self._note("slug", partner.id, partner.slug, slug)
                rewritten += 1
        return rewritten

    def rename_country(self, country_id: int, name: str) -> None:
        """Another name and slug for a country, as `vietnam-232` became `viet-nam-232`."""
        self.countries[country_id] = Country(country_id, slugify(name), name)
        self.version += 1

    # Inside

    def _step(self, partner_id: int, step: int) -> None:
        place = GRADES.index(self.partners[partner_id].grade) + step
        if 0 <= place < len(GRADES):
            self.set_status(partner_id, GRADES[place])

    def _note(self, kind: str, partner_id: int, old: object, new: object) -> None:
        self.log.append(Change(self.day, kind, partner_id, old, new))

    def _new_number(self) -> int:
        return max((*self.partners, *self.departed), default=1_000) + self.rng.randrange(1, 50)


def _without(customers: tuple[int, ...], customer_id: int) -> tuple[int, ...]:
    return tuple(known for known in customers if known != customer_id)
