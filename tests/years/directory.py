"""A directory that changes day by day, for years: what the site shows, and nothing of the store.

The mix of changes is that of a busy country that was watched for a month; only arrivals are held to
departures, so that the directory grows by some hundredths a year. Names are the stand-in site's,
all invented. The same arguments give the same years.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from tests.publishing import SITE
from tests.replica import naming
from tests.replica.generate import generate, make_customer, make_partner
from tests.replica.model import Country, Customer, Partner

COUNTRIES = 164
"""Countries that have partners."""

_QUIETER = 0.6
"""How much happens, measured by a busy country: most are quieter."""

_BACK_SOON, _BACK_LATE, _ANEW = 0.6, 0.1, 0.1
"""Of those that vanish: back within a week, back after weeks or months, come as a new partner."""

_RETURNS = 0.2
"""Of the customers that leave: back within days."""

_LARGEST = (10, 20, 30, 50, 100, 200, 300, 1000)
_LADDER = ("ready", "silver", "gold")


@dataclass(slots=True, eq=False)
class Shown:
    """A partner as its card and its profile show it."""

    id: int
    name: str
    slug: str
    status: str
    country_id: int | None
    address: str | None
    references: int
    retention: int | None
    largest: int
    average: int
    experts: dict[str, int]
    website: str | None
    industry: str | None
    industries: dict[str, int]
    customers: dict[int, None]
    listed: bool = True
    ahead: int = 0
    """References that the profile shows already and the card does not."""
    turned: set[int] = field(default_factory=set)
    """Customers that came or went since somebody last read the profile."""

    @property
    def tracked(self) -> tuple[str | int | None, ...]:
        """The fields that have versions, in the order of ``history.fields.TRACKED``."""
        return (
            self.name,
            self.status,
            self.country_id,
            self.references,
            self.retention,
            self.largest,
            self.average,
            sum(self.experts.values()),
        )

    @property
    def profile_url(self) -> str:
        return f"{SITE}/partners/{self.slug}-{self.id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """What is run on a day; all at one instant, as if a site answered at once."""

    on: date
    crawled_at: datetime | None = None
    """When its list is read; None on a day without a published run."""
    failed_at: datetime | None = None
    """When a run began that found no site."""
    miscounts: bool = False
    """Whether a country declares one partner more than it shows."""


def calendar(days: int, seed: int, end: date) -> Iterator[Day]:
    """``days`` days up to ``end``: one crawl a day, but for a few that are missed or fail."""
    rng = random.Random(seed)
    ran = True
    for number in range(days):
        on = end - timedelta(days=days - 1 - number)
        at = datetime.combine(on, time(5, 34, tzinfo=UTC)) + timedelta(seconds=rng.randrange(900))
        last = number == days - 1
        chance = rng.random()
        if number > 0 and not last and ran and chance < 0.04:
            ran = False
            yield Day(on=on, failed_at=at if chance < 0.02 else None)
            continue
        # Never two in a row, for then nobody would be delisted.
        yield Day(on=on, crawled_at=at, miscounts=last or (number % 89 == 40 and number < days - 3))
        ran = True


class Directory:
    """All partners that the site shows, and those that it showed once."""

    def __init__(self, partners: int, seed: int) -> None:
        self._rng = random.Random(seed)
        countries, made, customers = generate(
            seed, partners, COUNTRIES, customers_per_reference=1.0, countryless=partners // 500
        )
        self.countries: dict[int, Country] = {country.id: country for country in countries}
        self.customers: dict[int, Customer] = {customer.id: customer for customer in customers}
        self.touched: dict[Shown, None] = {}
        """Partners whose card came, went or changed since it was last emptied."""
        self.listed: list[Shown] = []
        self._place: dict[Shown, int] = {}
        self._homes = [partner.country_id for partner in made if partner.country_id]
        self._ahead: list[Shown] = []
        self._later: dict[int, list[Callable[[], None]]] = {}
        self._day = 0
        # Changes a week among 90 partners. A customer that comes or goes often moves the
        # references, and a ready partner cannot be demoted.
        self._weekly_of_90: dict[Callable[[Shown], None], float] = {
            self._won: 36,
            self._lost: 21,
            self._moved: 3.5,
            self._retention: 25,
            self._average: 15,
            self._references: 13,
            self._experts: 4,
            self._away: 2,
            self._largest: 2,
            self._renamed: 1.5,
            self._arrived: 0.5,
            self._promoted: 0.4,
            self._demoted: 1.2,
            self._emptied: 0.1,
            self._emigrated: 0.05,
        }
        self._next_partner = 1 + max(partner.id for partner in made)
        self._next_customer = 90_000_000
        for partner in made:
            self._list(self._shown(partner))

    def turn(self) -> None:
        """Go on to the next day."""
        self._day += 1
        for happen in self._later.pop(self._day, ()):
            happen()
        for one in self._ahead:
            one.references += one.ahead
            one.ahead = 0
            self._touch(one)
        self._ahead = self._some(0.007)
        for one in self._ahead:
            one.ahead = 1
        for happen_to, weekly in self._weekly_of_90.items():
            for one in self._some(_QUIETER * weekly / 90 / 7):
                if one.listed:
                    happen_to(one)

    def _some(self, share: float) -> list[Shown]:
        count = int(share * len(self.listed) + self._rng.random())
        return [self._rng.choice(self.listed) for _ in range(count)]

    def _touch(self, one: Shown) -> None:
        self.touched[one] = None

    def _list(self, one: Shown) -> None:
        one.listed = True
        self._place[one] = len(self.listed)
        self.listed.append(one)
        self._touch(one)

    def _unlist(self, one: Shown) -> None:
        one.listed = False
        place, last = self._place.pop(one), self.listed.pop()
        if last is not one:
            self.listed[place] = last
            self._place[last] = place
        self._touch(one)

    def _shown(self, partner: Partner) -> Shown:
        home = self.countries.get(partner.country_id or 0)
        place = [home.name] if home else []
        return Shown(
            id=partner.id,
            name=partner.name,
            slug=partner.slug,
            status=partner.grade,
            country_id=partner.country_id,
            address=", ".join([*place, *filter(None, [partner.city])]) or None,
            references=partner.references,
            retention=partner.retention,
            largest=partner.largest_project_size,
            average=partner.average_project_size,
            experts={str(version): count for version, count in partner.experts.items()},
            website=partner.website,
            industry=partner.sector,
            industries={label: count for count, label in partner.reference_industries[:10]},
            customers=dict.fromkeys(partner.customers),
        )

    def _after(self, days: int, happen: Callable[[], None]) -> None:
        self._later.setdefault(self._day + days, []).append(happen)

    # Customers

    def _gain(self, one: Shown, customer: int) -> None:
        one.customers[customer] = None
        one.turned.add(customer)
        if self._rng.random() < 0.6:
            one.references += 1
            self._touch(one)

    def _drop(self, one: Shown, customer: int) -> None:
        del one.customers[customer]
        one.turned.add(customer)
        if one.references and self._rng.random() < 0.5:
            one.references -= 1
            self._touch(one)

    def _won(self, one: Shown) -> None:
        other = self._rng.choice(self.listed)  # who has many wins more
        self._next_customer += 1
        customer = make_customer(self._rng, self._next_customer)
        self.customers[customer.id] = customer
        self._gain(max(one, other, key=lambda some: some.references), customer.id)

    def _lost(self, one: Shown) -> None:
        if not one.customers:
            return
        customer = self._rng.choice(list(one.customers))
        self._drop(one, customer)
        if self._rng.random() < _RETURNS:

            def come_back() -> None:
                if one.listed:
                    self._gain(one, customer)

            self._after(self._rng.randint(1, 6), come_back)

    def _moved(self, one: Shown) -> None:
        if one.customers:
            self._move(one, self._rng.choice(list(one.customers)), self._rng.choice(self.listed))

    def _emptied(self, one: Shown) -> None:
        """A whole list of customers goes to another partner at once."""
        target = self._rng.choice(self.listed)
        for customer in list(one.customers):
            self._move(one, customer, target)

    def _move(self, one: Shown, customer: int, target: Shown) -> None:
        if target is one or customer in target.customers:
            return
        self._drop(one, customer)
        self._gain(target, customer)

    # Cards

    def _retention(self, one: Shown) -> None:
        old = one.retention
        step = self._rng.choice((-2, -1, 1))
        one.retention = (
            self._rng.randrange(70, 101) if old is None else min(100, max(0, old + step))
        )
        self._touch(one)

    def _average(self, one: Shown) -> None:
        one.average = max(0, one.average + self._rng.choice((-1, 1, 2)))
        self._touch(one)

    def _largest(self, one: Shown) -> None:
        one.largest = self._rng.choice(_LARGEST)
        self._touch(one)

    def _references(self, one: Shown) -> None:
        if self._rng.random() < 0.01:  # now and then a count falls as none should
            one.references //= 3
        one.references = max(0, one.references + self._rng.choice((-1, 1, 1, 2)))
        self._touch(one)

    def _experts(self, one: Shown) -> None:
        version = self._rng.choice(("18", "19"))
        count = max(0, one.experts.get(version, 0) + self._rng.choice((-1, 1, 1)))
        one.experts.pop(version, None)
        if count:
            one.experts[version] = count
        self._touch(one)

    def _renamed(self, one: Shown) -> None:
        if self._rng.random() < 0.5:
            name = one.name
            one.name = name.upper() if name != name.upper() else name.title()
        else:
            one.name = naming.company(self._rng, one.country_id)
            one.slug = naming.slugify(one.name)
        self._touch(one)

    def _promoted(self, one: Shown) -> None:
        one.status = _LADDER[min(2, _LADDER.index(one.status) + 1)]
        self._touch(one)

    def _demoted(self, one: Shown) -> None:
        one.status = _LADDER[max(0, _LADDER.index(one.status) - 1)]
        self._touch(one)

    def _emigrated(self, one: Shown) -> None:
        one.country_id = self._rng.choice(self._homes)
        one.address = self.countries[one.country_id].name
        self._touch(one)

    # Coming and going

    def _arrived(self, one: Shown) -> None:
        partner = self._new(one.country_id, naming.company(self._rng, one.country_id))
        for _ in range(partner.references):
            self._next_customer += 1
            self.customers[self._next_customer] = make_customer(self._rng, self._next_customer)
            partner.customers[self._next_customer] = None
        self._list(partner)

    def _new(self, country_id: int | None, name: str) -> Shown:
        self._next_partner += self._rng.randint(1, 40)
        return self._shown(make_partner(self._rng, self._next_partner, country_id, name))

    def _away(self, one: Shown) -> None:
        self._unlist(one)
        chance = self._rng.random()
        if chance < _BACK_SOON:
            self._after(self._rng.randint(1, 6), lambda: self._list(one))
        elif chance < _BACK_SOON + _BACK_LATE:
            self._after(self._rng.randint(9, 120), lambda: self._list(one))
        elif chance < _BACK_SOON + _BACK_LATE + _ANEW and len(one.customers) > 2:
            anew = self._new(one.country_id, one.name)
            anew.customers = dict(one.customers)
            anew.references = one.references
            self._after(self._rng.randint(1, 9), lambda: self._list(anew))
