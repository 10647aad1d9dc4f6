"""What a run has read whole. Only where that is certain may absence mean anything.

A country is whole when what the site declares for it equals the distinct partners seen there, or,
where the site declares nothing, when its list was followed to the end without loss. A list that
moved while it was read proves nothing: its counts may agree by accident.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class ListReading:
    """One list (the whole directory, or one country's) as the run has read it."""

    pages_read: frozenset[int]
    pages_lost: frozenset[int]
    last_page: int
    has_next: bool
    """Whether the last page read still points to a next one."""
    declared_counts: frozenset[int | None]
    """The lengths the list's pages declared for it: more than one if it moved meanwhile."""
    cards: int
    distinct: int

    @property
    def missing(self) -> frozenset[int]:
        """Pages that were promised and not read, asked for or not."""
        return (self.pages_lost | frozenset(range(1, self.last_page + 1))) - self.pages_read

    @property
    def followed_to_the_end(self) -> bool:
        return not self.missing and not self.has_next

    @property
    def declared(self) -> int | None:
        """The one length declared; None where none was, or more than one."""
        return next(iter(self.declared_counts)) if len(self.declared_counts) == 1 else None

    @property
    def whole(self) -> bool:
        if not self.followed_to_the_end or len(self.declared_counts) != 1:
            return False
        if self.declared is None:
            return self.cards == self.distinct  # a card seen twice: the list was moving
        return self.declared == self.distinct


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """What the newest menu that adds up says of a country."""

    name: str
    count: int | None
    varied: bool
    """Whether the count moved while the run was reading."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """All a run has read, reduced to what completeness depends on."""

    menu_adds_up: bool
    menu: Mapping[int, Declared]
    seen: Mapping[int | None, int]
    """Distinct partners by the country of their last card."""
    directory: ListReading | None
    """The whole directory's list, where the run read it."""
    countries: Mapping[int, ListReading]
    """Countries whose own list the run read."""

    @property
    def lists(self) -> Iterator[tuple[int | None, ListReading]]:
        """Every list that was read, the whole directory's as None."""
        if self.directory is not None:
            yield None, self.directory
        yield from self.countries.items()


@dataclass(frozen=True, kw_only=True, slots=True)
class Shortfall:
    """A country that was asked for whole and is not."""

    country_id: int
    name: str
    declared: int | None
    seen: int
    page_lost: bool

    def __str__(self) -> str:
        declared = "?" if self.declared is None else self.declared
        return f"{self.name} {self.seen} of {declared}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Completeness:
    """Which countries were read whole, and which were asked for and are not."""

    whole: frozenset[int]
    short: tuple[Shortfall, ...] = field(default=())
    directory_whole: bool = False
    """Whether the whole directory was, partners without a country included."""


def assess(reading: Reading, known_countries: frozenset[int]) -> Completeness:
    """Judge ``reading``; ``known_countries`` are the store's, of which a menu may lack some.

    A menu's silence means 0 only for a country that the run asked for: one page of one country
    must not speak for all the others.
    """
    asked = frozenset(reading.countries)
    if reading.directory is not None:
        asked |= known_countries | frozenset(reading.menu)
    whole = set()
    for country in asked:
        own = reading.countries.get(country)
        if own is not None and _agrees(own, reading, country):
            whole.add(country)
        elif own is None and _whole_by_the_menu(reading, country):
            whole.add(country)
    directory_whole = (
        reading.directory is not None
        and reading.directory.whole
        and (not reading.menu_adds_up or frozenset(reading.menu) <= whole)
    )
    lost = reading.directory is not None and bool(reading.directory.missing)
    short = tuple(
        Shortfall(
            country_id=country,
            name=reading.menu[country].name,
            declared=reading.menu[country].count,
            seen=reading.seen.get(country, 0),
            page_lost=bool(
                own.missing if (own := reading.countries.get(country)) is not None else lost
            ),
        )
        for country in sorted(asked - whole)
        if country in reading.menu
    )
    return Completeness(whole=frozenset(whole), short=short, directory_whole=directory_whole)


def _agrees(own: ListReading, reading: Reading, country: int) -> bool:
    declared = reading.menu.get(country)
    if not reading.menu_adds_up or declared is None or declared.varied:
        return own.whole
    if own.declared is None and len(own.declared_counts) == 1:  # only the menu counts
        return own.followed_to_the_end and own.distinct == declared.count
    return own.whole and own.distinct == declared.count


def _whole_by_the_menu(reading: Reading, country: int) -> bool:
    seen = reading.seen.get(country, 0)
    if not reading.menu_adds_up:
        return reading.directory is not None and reading.directory.whole
    declared = reading.menu.get(country)
    if declared is None:  # a menu that adds up and lacks a country declares 0 for it
        return seen == 0
    return (
        reading.directory is not None
        and not declared.varied
        and declared.count is not None
        and seen == declared.count
    )
