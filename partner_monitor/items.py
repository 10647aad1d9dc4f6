"""What travels from a page to the store. Knows neither HTML, nor Scrapy, nor SQL.

Field names are the column names of the public tables, so that a feed export and a query
speak the same language. Values are as the page shows them; ``None`` is "not shown".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum

from itemadapter import ItemAdapter


class Outcome(StrEnum):
    """What came of asking for one page. Everything but ``READ`` is a way of failing to look,
    and failing to look is never a change."""

    READ = "read"
    BEYOND_LAST = "beyond the last page"
    REFUSED = "refused"
    THROTTLED = "throttled"
    SERVER_ERROR = "server error"
    NOT_FOUND = "not found"
    GONE = "gone"
    TIMED_OUT = "timed out"
    UNREACHABLE = "unreachable"
    CUT_SHORT = "cut short"
    TOO_LARGE = "too large"
    HOLLOW = "hollow"
    UNKNOWN_LAYOUT = "layout not known"
    WRONG_COUNTRY = "wrong country"
    REPEATED_PAGE = "repeated page"
    FOREIGN_HOST = "redirected to another host"
    REDIRECT_LOOP = "redirected in a loop"
    ROBOTS = "forbidden by robots.txt"
    GIVEN_UP = "not asked for, the site refuses"
    ERROR = "error"


class Layout(StrEnum):
    """The layouts of a listing page that are known."""

    ODOO_COM = "odoo.com"
    STOCK_18 = "stock 18"
    STOCK_19 = "stock 19"


@dataclass(frozen=True, kw_only=True, slots=True)
class PageKey:
    """Which page of which list: ``country_id`` is None for the whole directory."""

    country_id: int | None
    page: int

    def __str__(self) -> str:
        where = "all countries" if self.country_id is None else f"country {self.country_id}"
        return f"page {self.page} of {where}"


@dataclass(kw_only=True, slots=True)
class PartnerItem:
    """One card of a listing page.

    ``unread`` names the fields whose place was there, or had to be there, and could not be read;
    a field that is None and not in ``unread`` was rightly absent. Retention is in per cent,
    project sizes in users.
    """

    id: int
    name: str | None
    profile_url: str
    slug: str
    status: str | None
    country_id: int | None
    address: str | None
    references_count: int | None
    retention_rate: int | None
    largest_project_size: int | None
    average_project_size: int | None
    certified_experts: int | None
    unread: tuple[str, ...]
    layout: str
    list_country_id: int | None
    page: int


@dataclass(kw_only=True, slots=True)
class CountryItem:
    """One country of the site's menu. ``listed_count`` is what the site declares, if it does."""

    id: int
    name: str
    slug: str
    iso_code: str | None
    listed_count: int | None


@dataclass(kw_only=True, slots=True)
class CustomerItem:
    """A reference customer as a profile shows it."""

    id: int
    name: str | None
    industry: str | None


@dataclass(kw_only=True, slots=True)
class ProfileItem:
    """One partner's profile, read whole. It holds no contact but the website.

    What it shares with the card is for comparison only: the card is the witness. ``experts`` are
    by version, ``references_by_industry`` by industry (the profile shows ten at most).
    """

    id: int
    name: str | None
    profile_url: str
    slug: str
    country_id: int | None
    website: str | None
    industry: str | None
    status: str | None
    references_count: int | None
    retention_rate: int | None
    largest_project_size: int | None
    average_project_size: int | None
    certified_experts: int | None
    experts: dict[str, int]
    references_by_industry: dict[str, int]
    customers: list[CustomerItem]
    customers_shown: bool
    """Whether the page shows every customer it has, so that one who is not there has left."""
    url: str
    fetched_at: datetime


@dataclass(kw_only=True, slots=True)
class FailedProfileItem:
    """A profile that could not be looked at, or is gone, which is a finding too."""

    partner_id: int
    url: str
    fetched_at: datetime
    outcome: Outcome
    detail: str


@dataclass(kw_only=True, slots=True)
class RejectedItem:
    """Something on a page that cannot be trusted, kept for whoever looks into it."""

    url: str
    reason: str
    payload: str
    list_country_id: int | None
    page: int


@dataclass(kw_only=True, slots=True)
class ListingPageItem:
    """The end of one listing page: only with it does the page count as read.

    ``cards`` counts the partner and rejected items that the page gave. ``declared_count`` is the
    length the list claims for itself. ``last_page`` is the greatest page number its pager shows,
    ``page_link`` the pager's own link form, with ``{page}`` for the number.
    """

    list_country_id: int | None
    page: int
    url: str
    fetched_at: datetime
    layout: str
    cards: int
    declared_count: int | None
    last_page: int
    has_next: bool
    page_link: str | None
    menu: list[CountryItem] = field(default_factory=list)
    menu_total: int | None = None


@dataclass(kw_only=True, slots=True)
class FailedPageItem:
    """A page that could not be looked at, and why."""

    list_country_id: int | None
    page: int
    url: str
    fetched_at: datetime
    outcome: Outcome
    detail: str


class Kind(Enum):
    """What an item is, by the field that only it has: so that any item class will do."""

    PROFILE = "customers_shown"
    FAILED_PROFILE = "partner_id"
    PARTNER = "profile_url"
    PAGE = "menu_total"
    FAILURE = "outcome"
    REJECTED = "payload"
    COUNTRY = "iso_code"


_OURS: dict[type, Kind] = {
    ProfileItem: Kind.PROFILE,
    FailedProfileItem: Kind.FAILED_PROFILE,
    PartnerItem: Kind.PARTNER,
    ListingPageItem: Kind.PAGE,
    FailedPageItem: Kind.FAILURE,
    RejectedItem: Kind.REJECTED,
    CountryItem: Kind.COUNTRY,
}


def kind_of(adapter: ItemAdapter) -> Kind | None:
    """The kind of an item, or None for one that is not ours."""
    return _OURS.get(type(adapter.item)) or next(
        (kind for kind in Kind if kind.value in adapter), None
    )
