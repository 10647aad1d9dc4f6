"""A seeded world of the real directory's proportions: countries, grades, references, odd names.
Knows nothing of pages; the same arguments give the same world.
"""

from __future__ import annotations

import random
from dataclasses import replace

from tests.replica import naming
from tests.replica.countries import all_countries, busiest
from tests.replica.model import INDUSTRIES, Country, Customer, Partner

_LARGEST = (0, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1000, 1300, 2300, 4500)
_EXPERTS_WANTED = {"gold": 6, "silver": 3, "ready": 1}
_REFERENCES = {"gold": 60.0, "silver": 22.0, "ready": 5.0}
_LABELS = tuple(INDUSTRIES.values())
# Most references are in a few industries, as on the site.
_LABEL_WEIGHTS = tuple(6 if number in (3, 7, 10, 19, 30) else 1 for number in INDUSTRIES)


def generate(
    seed: int, partners: int, countries: int, customers_per_reference: float, countryless: int
) -> tuple[list[Country], list[Partner], list[Customer]]:
    """Countries (all the site knows), partners and their customers."""
    rng = random.Random(seed)
    ids = _numbers(rng, partners)
    homes: list[int | None] = []
    for country, count in _shares(busiest(min(countries, partners)), partners - countryless):
        homes.extend([country.id] * count)
    homes.extend([None] * countryless)
    made: list[Partner] = []
    customers: list[Customer] = []
    next_customer = 60_000_000
    for index, (number, home) in enumerate(zip(ids, homes, strict=True)):
        partner = make_partner(rng, number, home, _name(rng, index, home, made))
        wanted = round(partner.references * customers_per_reference)
        if wanted and rng.random() < 0.04:  # the count and the published list differ at times
            wanted = max(0, wanted + rng.choice((-2, -1, 1)))
        mine = [make_customer(rng, next_customer + offset) for offset in range(wanted)]
        next_customer += wanted
        customers.extend(mine)
        made.append(_with_customers(partner, mine))
    return all_countries(), made, customers


def make_partner(rng: random.Random, number: int, country_id: int | None, name: str) -> Partner:
    """A plausible partner without customers."""
    grade = rng.choices(("gold", "silver", "ready"), (7, 18, 75))[0]
    references = 0
    if rng.random() >= (0.13 if grade == "ready" else 0.0):
        references = min(413, 1 + int(rng.expovariate(1 / _REFERENCES[grade])))
    industries = _industry_lines(rng, references)
    experts: dict[int, int] = {}
    wanted = _EXPERTS_WANTED[grade] + int(rng.expovariate(0.6))
    for _ in range(wanted if references or rng.random() < 0.3 else 0):
        version = rng.choices((19, 18, 17), (2, 5, 3))[0]
        experts[version] = experts.get(version, 0) + 1
    average = min(244, int(rng.expovariate(1 / 14))) if references or rng.random() < 0.3 else 0
    largest = next(size for size in _LARGEST if size >= min(4500, average * rng.uniform(1, 6)))
    state, city, zip_code = naming.place(rng)
    return Partner(
        id=number,
        name=name,
        slug=naming.slugify(name),
        grade=grade,
        country_id=country_id,
        state=state,
        city=city,
        zip=zip_code,
        retention=None if rng.random() < 0.2 else min(100, rng.randrange(60, 112)),
        average_project_size=average,
        largest_project_size=largest,
        references=references,
        reference_industries=industries,
        experts=dict(sorted(experts.items(), reverse=True)),
        sector=rng.choice(_LABELS) if rng.random() < 0.55 else None,
        website=f"http://partner{number}.example" if rng.random() < 0.85 else None,
    )


def make_customer(rng: random.Random, number: int) -> Customer:
    industry = rng.choices(_LABELS, _LABEL_WEIGHTS)[0] if rng.random() < 0.88 else None
    return Customer(number, naming.customer(rng), industry)


def _with_customers(partner: Partner, customers: list[Customer]) -> Partner:
    return replace(partner, customers=tuple(customer.id for customer in customers))


def _industry_lines(rng: random.Random, references: int) -> tuple[tuple[int, str], ...]:
    if not references or rng.random() < 0.05:
        return ()
    # The lines add up to less, as much or more than the references.
    total = max(1, round(references * rng.choice((0.6, 0.8, 0.8, 1.0, 1.0, 1.2))))
    counts: dict[str, int] = {}
    for label in rng.choices(_LABELS, _LABEL_WEIGHTS, k=total):
        counts[label] = counts.get(label, 0) + 1
    return tuple(
        sorted(((count, label) for label, count in counts.items()), key=lambda line: -line[0])
    )


def _name(rng: random.Random, index: int, country_id: int | None, made: list[Partner]) -> str:
    if index % 37 == 11:
        return naming.TRAPS[index // 37 % len(naming.TRAPS)]
    if made and index % 331 == 200:  # two partners of one name, in two countries
        return made[index // 2].name
    return naming.company(rng, country_id)


def _numbers(rng: random.Random, count: int) -> list[int]:
    """Distinct partner numbers, denser below ten million."""
    numbers: set[int] = set()
    while len(numbers) < count:
        numbers.add(rng.randrange(1_000, 10_000_000 if rng.random() < 0.6 else 35_000_000))
    drawn = sorted(numbers)
    rng.shuffle(drawn)
    return drawn


def _shares(weights: list[tuple[Country, int]], partners: int) -> list[tuple[Country, int]]:
    """Partners a country, by weight, at least one each, summing up to ``partners``."""
    total = sum(weight for _, weight in weights)
    spare = partners - len(weights)
    exact = [spare * weight / total for _, weight in weights]
    counts = [int(share) for share in exact]
    by_rest = sorted(range(len(weights)), key=lambda i: (counts[i] - exact[i], i))
    for index in by_rest[: spare - sum(counts)]:
        counts[index] += 1
    return [(country, 1 + count) for (country, _), count in zip(weights, counts, strict=True)]
