"""Reads a listing page: from the bytes of an answer to values, or to why it is no listing page.

Pure: no request, no Scrapy. A value is what the page shows or None, never a guess.
"""

from __future__ import annotations

from collections import Counter

from lxml import etree

from partner_monitor.directory.cards import find_cards, has_cards, read_cards
from partner_monitor.directory.document import Unreadable, is_hollow, parse
from partner_monitor.directory.markup import Element, elements
from partner_monitor.directory.menu import find_filters, read_filters, served_country
from partner_monitor.directory.page import (
    Card,
    ListingPage,
    Menu,
    MenuEntry,
    NotAListing,
    Pager,
    RejectedCard,
)
from partner_monitor.directory.pager import read_pager
from partner_monitor.items import Outcome

__all__ = [
    "Card",
    "ListingPage",
    "Menu",
    "MenuEntry",
    "NotAListing",
    "Pager",
    "RejectedCard",
    "read_listing",
]

_PROFILE = etree.XPath("//*[@id='partner_name']")


def read_listing(body: bytes, base_url: str, encoding: str = "utf-8") -> ListingPage:
    """The listing page in ``body``, fetched from ``base_url``.

    Raises ``NotAListing``, and nothing else: ``HOLLOW`` for a page without its content,
    ``CUT_SHORT`` for one that ends in the middle, ``UNKNOWN_LAYOUT`` for any other.
    """
    try:
        root = parse(body, encoding)
    except Unreadable as reason:
        raise NotAListing(reason.outcome, reason.detail) from None
    sections = find_filters(root)
    if not sections:
        raise _no_filters(root)
    filters = read_filters(sections, base_url)
    found = find_cards(root, base_url, has_counts=filters.menu.declares_counts)
    served = served_country(
        filters, (card.listed_under for card in found.cards if card.listed_under is not None)
    )
    named = Counter(entry.name for entry in filters.menu.entries)
    country_ids = {entry.name: entry.id for entry in filters.menu.entries if named[entry.name] == 1}
    return ListingPage(
        layout=found.layout,
        cards=read_cards(
            found, country_ids, served.id if served else None, grade_words=filters.grade_words
        ),
        rejected=tuple(found.lost),
        menu=filters.menu,
        country_id=served.id if served else None,
        country_name=served.name if served else None,
        declared_count=filters.declared_count,
        pager=read_pager(root, base_url),
    )


def _no_filters(root: Element) -> NotAListing:
    """The site's frame without filters or cards waits for a script to fill it, or is an error."""
    if elements(_PROFILE, root):
        return NotAListing(Outcome.UNKNOWN_LAYOUT, "a partner's profile, not a list")
    if has_cards(root):
        return NotAListing(Outcome.UNKNOWN_LAYOUT, "cards without the filters above them")
    if is_hollow(root):
        return NotAListing(Outcome.HOLLOW, "the site's frame, or a bare one, without content")
    return NotAListing(Outcome.UNKNOWN_LAYOUT, "no filters and no cards")
