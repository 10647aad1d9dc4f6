"""Reads a listing page: from the bytes of an answer to values, or to why it is no listing page.

Pure: no request, no Scrapy. A value is what the page shows or None, never a guess.
"""

from __future__ import annotations

import re

from lxml import etree

from partner_monitor.directory.cards import find_cards, has_cards, read_cards
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

_END = re.compile(r"</html\s*>", re.IGNORECASE)
_BEGINNING = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!|html|head|body|$)",
    re.IGNORECASE | re.DOTALL,
)
_CHROME = etree.XPath(
    "//*[@id='wrapwrap' or @id='wrap' or @data-website-id]"
    " | //meta[@name='generator' and starts-with(@content, 'Odoo')]"
)
_PROFILE = etree.XPath("//*[@id='partner_name']")
_SCRIPTS = etree.XPath("//script")
_SHOWN = etree.XPath(
    "descendant::*[not(self::script or self::style or self::noscript or self::template)]"
    "/text()[not(ancestor::head)]",
    smart_strings=False,
)
_SHELL_TEXT = 200
_TAIL = 10_000


def read_listing(body: bytes, base_url: str, encoding: str = "utf-8") -> ListingPage:
    """The listing page in ``body``, fetched from ``base_url``.

    Raises ``NotAListing``, and nothing else: ``HOLLOW`` for a page without its content,
    ``CUT_SHORT`` for one that ends in the middle, ``UNKNOWN_LAYOUT`` for any other.
    """
    text = _decoded(body, encoding)
    if not text.strip():
        raise NotAListing(Outcome.HOLLOW, "an empty answer")
    root = _parsed(text)
    sections = find_filters(root)
    if not sections:
        raise _no_filters(root)
    filters = read_filters(sections, base_url)
    found = find_cards(root, base_url, has_counts=filters.menu.declares_counts)
    served = served_country(
        filters, (card.listed_under for card in found.cards if card.listed_under is not None)
    )
    names = [entry.name for entry in filters.menu.entries]
    country_ids = {
        entry.name: entry.id for entry in filters.menu.entries if names.count(entry.name) == 1
    }
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


def _decoded(body: bytes, encoding: str) -> str:
    try:
        text = body.decode(encoding, "replace")
    except (LookupError, ValueError):  # no such encoding, or one that cannot replace
        text = body.decode("utf-8", "replace")
    return text.lstrip("\ufeff").replace("\x00", "\ufffd")


def _parsed(text: str) -> Element:
    if _BEGINNING.match(text) is None:
        raise NotAListing(Outcome.UNKNOWN_LAYOUT, f"no HTML, it begins {text.strip()[:80]!r}")
    if _END.search(text, max(0, len(text) - _TAIL)) is None:
        raise NotAListing(Outcome.CUT_SHORT, f"{len(text)} characters, and no end of the page")
    try:
        root = etree.HTML(
            text.encode("utf-8", "replace"),
            etree.HTMLParser(encoding="utf-8", huge_tree=True),
        )
    except etree.LxmlError:
        root = None
    if root is None:
        raise NotAListing(Outcome.HOLLOW, "a page without any element")
    return root


def _no_filters(root: Element) -> NotAListing:
    """The site's frame without filters or cards waits for a script to fill it, or is an error."""
    if elements(_PROFILE, root):
        return NotAListing(Outcome.UNKNOWN_LAYOUT, "a partner's profile, not a list")
    if has_cards(root):
        return NotAListing(Outcome.UNKNOWN_LAYOUT, "cards without the filters above them")
    if elements(_CHROME, root):
        return NotAListing(Outcome.HOLLOW, "the site's frame without filters and cards")
    texts = _SHOWN(root)
    shown = len("".join(map(str, texts)).strip()) if isinstance(texts, list) else 0
    if not shown or (elements(_SCRIPTS, root) and shown < _SHELL_TEXT):
        return NotAListing(Outcome.HOLLOW, "a bare frame that a script would fill")
    return NotAListing(Outcome.UNKNOWN_LAYOUT, "no filters and no cards")
