"""Which cards a list address shows: filters, order, paging, and the fall back to all countries.
Reads the world, renders nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace

from tests.replica.model import GRADE_NUMBERS, Country, Partner
from tests.replica.world import World

CountryCounts = tuple[tuple[Country, int], ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a visitor asked for. ``country`` None is the whole directory; ``path`` is the path asked
    for without language and query, which the canonical link repeats; ``query`` what pages keep."""

    language: str = "en_US"
    country: Country | None = None
    grade: str | None = None
    industry: str | None = None
    search: str = ""
    page: int = 1
    path: str = "/partners"
    query: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list as served; ``wanted`` has the country served, not the one asked for.

    ``grade_counts`` and ``country_counts`` are what the filter menus show.
    """

    wanted: Wanted
    cards: tuple[Partner, ...]
    page: int
    last_page: int
    total: int
    fallback: bool
    grade_counts: tuple[tuple[str, int], ...]
    country_counts: CountryCounts

    @property
    def base(self) -> str:
        """The path of page 1 of the list served, without language."""
        return list_path(self.wanted.grade, self.wanted.country)


def list_path(grade: str | None, country: Country | None) -> str:
    """`/partners`, with the grade and the country where given."""
    path = "/partners"
    if grade:
        path += f"/grade/{grade}-{GRADE_NUMBERS.get(grade, 4)}"
    if country:
        path += f"/country/{country.slug}-{country.id}"
    return path


def make_listing(world: World, wanted: Wanted, page_size: int) -> Listing:
    """The page asked for; beyond the last it is the last, below the first it is the first."""
    fallback = False
    found = _matching(world, wanted)
    if not found and wanted.country and not wanted.search:
        wanted, fallback = replace(wanted, country=None), True
        found = _matching(world, wanted)
    last = max(1, -(-len(found) // page_size))
    page = min(max(1, wanted.page), last)
    return Listing(
        wanted=wanted,
        cards=tuple(found[(page - 1) * page_size : page * page_size]),
        page=page,
        last_page=last,
        total=len(found),
        fallback=fallback,
        grade_counts=_grade_counts(world, wanted),
        country_counts=_country_counts(world, wanted),
    )


def _matching(world: World, wanted: Wanted) -> list[Partner]:
    """Cards of all pages. Kept until the world changes: every page of a list asks for them."""
    country = wanted.country.id if wanted.country else None
    key = ("matching", country, wanted.grade, wanted.industry, wanted.search)
    return world.remembered(key, lambda: _search(world, wanted))


def _search(world: World, wanted: Wanted) -> list[Partner]:
    return [
        partner
        for partner in (_homes(world)[wanted.country.id] if wanted.country else world.listed())
        if (wanted.grade is None or partner.grade == wanted.grade)
        and (wanted.industry is None or _serves(partner, wanted.industry))
        and (not wanted.search or _mentions(world, partner, wanted.search))
        and partner.grade in GRADE_NUMBERS
    ]


def _homes(world: World) -> defaultdict[int | None, list[Partner]]:
    """Partners by country, each in the site's order."""

    def sort_out() -> defaultdict[int | None, list[Partner]]:
        homes: defaultdict[int | None, list[Partner]] = defaultdict(list)
        for partner in world.listed():
            homes[partner.country_id].append(partner)
        return homes

    return world.remembered("homes", sort_out)


def _serves(partner: Partner, industry: str) -> bool:
    return any(label == industry for _, label in partner.reference_industries)


def _mentions(world: World, partner: Partner, words: str) -> bool:
    country = world.countries.get(partner.country_id or 0)
    fields = (partner.name, partner.city, partner.zip, partner.state, country and country.name)
    return any(words.casefold() in text.casefold() for text in fields if text)


def _grade_counts(world: World, wanted: Wanted) -> tuple[tuple[str, int], ...]:
    """Grades of the country served, those with partners only."""

    def count() -> tuple[tuple[str, int], ...]:
        counts = Counter(p.grade for p in _matching(world, replace(wanted, grade=None)))
        return tuple((grade, counts[grade]) for grade in GRADE_NUMBERS if counts[grade])

    country = wanted.country.id if wanted.country else None
    return world.remembered(("grades", country, wanted.industry, wanted.search), count)


def _country_counts(world: World, wanted: Wanted) -> CountryCounts:
    """Countries with partners of the grade asked for, in code-point order of their names."""

    def count() -> CountryCounts:
        found = _matching(world, replace(wanted, country=None))
        counts = Counter(partner.country_id for partner in found)
        menu = ((country, counts[country.id]) for country in world.countries.values())
        return tuple(sorted((row for row in menu if row[1]), key=lambda row: row[0].name))

    return world.remembered(("countries", wanted.grade, wanted.industry, wanted.search), count)
