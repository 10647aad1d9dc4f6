"""What a listing page says, as values. Knows nothing of how it says it."""

from __future__ import annotations

from dataclasses import dataclass

from partner_monitor.items import Layout, Outcome


class NotAListing(Exception):
    """The page cannot be read as a listing page; ``outcome`` is the kind of failing to look."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(f"{outcome}: {detail}")
        self.outcome = outcome
        self.detail = detail


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One partner. Fields and ``unread`` mean what they mean in ``PartnerItem``."""

    id: int
    name: str | None
    slug: str
    profile_url: str
    status: str | None
    country_id: int | None
    address: str | None
    references_count: int | None
    retention_rate: int | None
    largest_project_size: int | None
    average_project_size: int | None
    certified_experts: int | None
    unread: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CardFields:
    """What the markup of one card says, before its country and its link are looked at.

    ``address`` is in parts, the country first where it is shown. ``unread`` names only those
    optional fields whose place is there; what every card carries is unread whenever it is None.
    """

    name: str | None
    status: str | None
    references_count: int | None
    retention_rate: int | None = None
    largest_project_size: int | None = None
    average_project_size: int | None = None
    certified_experts: int | None = None
    address: tuple[str, ...] = ()
    country_name: str | None = None
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectedCard:
    """A card that names no partner; ``payload`` is the beginning of its text."""

    reason: str
    payload: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MenuEntry:
    """A country of the menu, and how many partners the site declares for it, if it does."""

    id: int
    slug: str
    name: str
    listed_count: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Menu:
    """The country menu. ``total`` is what its first item, all countries, declares."""

    entries: tuple[MenuEntry, ...]
    total: int | None

    @property
    def declares_counts(self) -> bool:
        return self.total is not None or any(
            entry.listed_count is not None for entry in self.entries
        )

    @property
    def adds_up(self) -> bool:
        """Whether every count is there and together they make the total."""
        counts = [entry.listed_count for entry in self.entries if entry.listed_count is not None]
        return len(counts) == len(self.entries) and sum(counts) == self.total


@dataclass(frozen=True, kw_only=True, slots=True)
class Pager:
    """Where in its list the page is. ``last`` is the greatest number shown, which on Odoo 18 is
    not always the last page; ``page_link`` is a path and query with ``{page}`` in it."""

    current: int
    last: int
    has_next: bool
    page_link: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListingPage:
    """One page of a list. ``country_id`` is the country served, None for all countries;
    ``declared_count`` the length which the list claims for itself."""

    layout: Layout
    cards: tuple[Card, ...]
    rejected: tuple[RejectedCard, ...]
    menu: Menu
    country_id: int | None
    country_name: str | None
    declared_count: int | None
    pager: Pager
