"""From an answer of the site to items, or to why it is not the page that was asked for.

What the spiders do with an answer, and ``scrapy reparse`` with a kept one. Asks for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from scrapy.http import Response

from partner_monitor.directory.countries import iso_code
from partner_monitor.directory.listing import NotAListing, read_listing
from partner_monitor.directory.menu import FILTERS
from partner_monitor.directory.page import ListingPage, Menu
from partner_monitor.directory.profile import NotAProfile, read_profile
from partner_monitor.directory.profile_parts import NAME
from partner_monitor.history.plausible import clean_text
from partner_monitor.items import (
    CountryItem,
    CustomerItem,
    ListingPageItem,
    Outcome,
    PageKey,
    PartnerItem,
    ProfileItem,
    RejectedItem,
)

CONTENT = f"#{NAME}, .{FILTERS}"
"""CSS of what a profile or a listing page has once it is filled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListRead:
    """One page of a list, as items; ``promised`` are the pages that it says the list has."""

    cards: tuple[PartnerItem | RejectedItem, ...]
    end: ListingPageItem
    promised: range


def listing_of(response: Response) -> ListingPage:
    """The listing page in ``response``; raises NotAListing."""
    return read_listing(response.body, response.url, _encoding(response))


def read_list(response: Response, key: PageKey, fetched_at: datetime) -> ListRead:
    """The page ``key`` in ``response``; raises NotAListing if it is another, or none."""
    page = listing_of(response)
    empty = _is_empty(page, key)
    cards = () if empty else tuple(_cards(page, key, response.url))
    return ListRead(
        cards=cards,
        end=ListingPageItem(
            list_country_id=key.country_id,
            page=key.page,
            url=response.url,
            fetched_at=fetched_at,
            layout=page.layout,
            cards=len(cards),
            declared_count=0 if empty else page.declared_count,
            last_page=1 if empty else max(page.pager.last, key.page),
            has_next=not empty and page.pager.has_next,
            page_link=page.pager.page_link,
            menu=_menu_items(page.menu),
            menu_total=page.menu.total,
        ),
        promised=range(0) if empty else _promised(page, key),
    )


def read_partner(
    response: Response, partner_id: int, country_ids: Mapping[str, int], fetched_at: datetime
) -> ProfileItem:
    """The profile of ``partner_id`` in ``response``; raises NotAProfile.

    ``country_ids``: the menu's countries by name, since a profile names its country only.
    """
    profile = read_profile(response.body, response.url, _encoding(response))
    if profile.id != partner_id:
        raise NotAProfile(Outcome.REPEATED_PAGE, f"the profile of {profile.id} was served")
    return ProfileItem(
        id=profile.id,
        name=profile.name,
        profile_url=profile.profile_url,
        slug=profile.slug,
        country_id=country_ids.get(profile.country_name or ""),
        website=profile.website,
        industry=profile.industry,
        status=profile.status,
        references_count=profile.references_count,
        retention_rate=profile.retention_rate,
        largest_project_size=profile.largest_project_size,
        average_project_size=profile.average_project_size,
        certified_experts=profile.certified_experts,
        experts=dict(profile.experts),
        references_by_industry=dict(profile.references_by_industry),
        customers=[
            CustomerItem(id=one.id, name=one.name, industry=one.industry)
            for one in profile.customers
        ],
        customers_shown=profile.whole,
        url=response.url,
        fetched_at=fetched_at,
    )


def _is_empty(page: ListingPage, key: PageKey) -> bool:
    """Whether the page says that its country has no partner; raises if it is another page.

    The site answers 200 with all countries for a country without partners, and with its last
    page for one beyond the end.
    """
    if page.country_id != key.country_id:
        listed = {entry.id for entry in page.menu.entries}
        if page.country_id is None and page.menu.adds_up and key.country_id not in listed:
            return True
        served = page.country_name or "all countries"
        raise NotAListing(Outcome.WRONG_COUNTRY, f"{served} was served")
    cards = len(page.cards) + len(page.rejected)
    declared = page.declared_count or 0
    if page.pager.last == 1 and declared >= max(2 * cards, cards + 5):
        raise NotAListing(
            Outcome.UNKNOWN_LAYOUT, f"no pager, though the list declares {declared} partners"
        )
    if page.pager.current != key.page:
        if page.pager.last < key.page:
            raise NotAListing(
                Outcome.BEYOND_LAST, f"page {key.page} is beyond the last ({page.pager.last})"
            )
        raise NotAListing(Outcome.REPEATED_PAGE, f"page {page.pager.current} was served")
    return False


def _cards(page: ListingPage, key: PageKey, url: str) -> list[PartnerItem | RejectedItem]:
    partners = [
        PartnerItem(
            id=card.id,
            name=card.name,
            profile_url=card.profile_url,
            slug=card.slug,
            status=card.status,
            country_id=card.country_id,
            address=card.address,
            references_count=card.references_count,
            retention_rate=card.retention_rate,
            largest_project_size=card.largest_project_size,
            average_project_size=card.average_project_size,
            certified_experts=card.certified_experts,
            unread=card.unread,
            layout=page.layout,
            list_country_id=key.country_id,
            page=key.page,
        )
        for card in page.cards
    ]
    rejected = [
        RejectedItem(
            url=url,
            reason=one.reason,
            payload=one.payload,
            list_country_id=key.country_id,
            page=key.page,
        )
        for one in page.rejected
    ]
    return [*partners, *rejected]


@lru_cache(maxsize=4)  # the same menu stands on nearly every page
def _menu_items(menu: Menu) -> list[CountryItem]:
    return [
        CountryItem(
            id=entry.id,
            name=clean_text(entry.name) or entry.slug,
            slug=entry.slug,
            iso_code=iso_code(entry.name, entry.slug),
            listed_count=entry.listed_count,
        )
        for entry in menu.entries
    ]


def _promised(page: ListingPage, key: PageKey) -> range:
    """The page numbers that a page promises: by its pager, and by the length the list declares."""
    last = page.pager.last
    if page.pager.has_next:
        last = max(last, page.pager.current + 1)
        cards = len(page.cards) + len(page.rejected)
        if key.page == 1 and page.declared_count and cards:
            # Odoo 18's pager shows a window of seven: the count tells of the pages behind it.
            last = max(last, -(-page.declared_count // cards))
    return range(1, last + 1)


def _encoding(response: Response) -> str:
    return getattr(response, "encoding", None) or "utf-8"
