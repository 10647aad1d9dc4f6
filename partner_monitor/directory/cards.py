"""Finds the cards of a listing page, tells the layout by their marks and reads them.

A page whose cards bear none of the known marks is no listing page, never a page of empty cards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lxml import etree

from partner_monitor.directory import cards_odoo_com, cards_stock
from partner_monitor.directory.markup import Element, Parts, elements, has_class, text_of
from partner_monitor.directory.page import Card, CardFields, NotAListing, RejectedCard
from partner_monitor.directory.urls import PartnerLink, partner_link
from partner_monitor.history.fields import CARRIED
from partner_monitor.items import Layout, Outcome

_LINKS = etree.XPath("descendant::a[contains(@href, '/partners/')]")
_LIKE_A_PROFILE = re.compile(r"/partners/[^/?#]+(?:[?#]|$)")
_SEEDS = etree.XPath(
    f".//*[{has_class('stat_ref')} or {has_class('stat_cert')} or {has_class('card-body')}"
    f" or {has_class('card-title')} or {has_class('o_wcrm_short_description')}"
    " or @id='o_wcrm_partners_address']"
)
_COUNTRY_PROP = etree.XPath(".//*[@itemprop='addressCountry']")
_MIN_MARKS = {Layout.ODOO_COM: 3, Layout.STOCK_19: 2}
_PAYLOAD_LENGTH = 500


@dataclass(frozen=True, slots=True)
class FoundCard:
    """A card with a link: its parts, and the layout whose marks it bears."""

    link: PartnerLink
    listed_under: int | None
    parts: Parts
    layout: Layout | None


@dataclass(frozen=True, slots=True)
class FoundCards:
    """The cards of a page before they are read, in the order of the page."""

    layout: Layout
    cards: list[FoundCard]
    containers: list[Element]
    lost: list[RejectedCard]


def has_cards(root: Element) -> bool:
    """Whether there is anything card-like, known or not."""
    return bool(elements(_SEEDS, root)) or any(
        _LIKE_A_PROFILE.search(link.get("href") or "") for link in elements(_LINKS, root)
    )


def find_cards(root: Element, base_url: str, *, has_counts: bool) -> FoundCards:
    """All cards of the page and its layout; raises ``NotAListing`` if they fit none.

    ``has_counts``: whether the menu carries counts, which Odoo 18 does not have.
    """
    links = [found for link in elements(_LINKS, root) if (found := _found(link, base_url))]
    known = [card for card in links if card.layout]
    containers = _containers(known)
    # A link among the cards is a card, whatever it looks like; one in the site's menus is not.
    cards = [card for card in links if card.layout or _container(card.parts.root) in containers]
    wide = sum(card.layout is Layout.ODOO_COM for card in known)
    if not cards and not has_cards(root):
        raise NotAListing(Outcome.HOLLOW, "filters without a single card")
    if not known or 2 * max(wide, len(known) - wide) <= len(cards):
        raise NotAListing(
            Outcome.UNKNOWN_LAYOUT,
            f"{max(wide, len(known) - wide)} of {len(cards)} cards bear the marks of one layout",
        )
    layout = Layout.ODOO_COM if 2 * wide > len(cards) else Layout.STOCK_19
    lost = _lost_cards(containers, {card.parts.root for card in cards})
    lost += [
        _rejected("no mark of the page's layout", card.parts.root)
        for card in cards
        if card.layout is not layout
    ]
    cards = [card for card in cards if card.layout is layout]
    if layout is not Layout.ODOO_COM and not (
        has_counts or any(elements(_COUNTRY_PROP, card.parts.root) for card in cards)
    ):
        layout = Layout.STOCK_18
    return FoundCards(layout=layout, cards=cards, containers=containers, lost=lost)


def read_cards(
    found: FoundCards,
    country_ids: Mapping[str, int],
    served_id: int | None,
    *,
    grade_words: frozenset[str],
) -> tuple[Card, ...]:
    """The cards, each with its country: by its own words, or else the page it stands on.

    ``country_ids`` are the countries of the page's menu by name, ``grade_words`` the grades that
    its filter names.
    """
    stock = found.layout is not Layout.ODOO_COM
    grades = _grades(found.containers, grade_words) if stock else {}
    return tuple(
        _card(card, _fields(card, found.layout, grades), found.layout, country_ids, served_id)
        for card in found.cards
    )


def _card(
    card: FoundCard,
    fields: CardFields,
    layout: Layout,
    country_ids: Mapping[str, int],
    served_id: int | None,
) -> Card:
    values: dict[str, Any] = {
        "name": fields.name,
        "status": fields.status,
        "references_count": fields.references_count,
        "retention_rate": fields.retention_rate,
        "largest_project_size": fields.largest_project_size,
        "average_project_size": fields.average_project_size,
        "certified_experts": fields.certified_experts,
    }
    missing = {field for field in CARRIED[layout] if values[field] is None}
    return Card(
        id=card.link.id,
        slug=card.link.slug,
        profile_url=card.link.profile_url,
        country_id=country_ids.get(fields.country_name or "", served_id),
        address=", ".join(fields.address) or None,
        unread=tuple(sorted(missing | fields.unread)),
        **values,
    )


def _fields(card: FoundCard, layout: Layout, grades: Mapping[Element, str | None]) -> CardFields:
    if layout is Layout.ODOO_COM:
        return cards_odoo_com.read_fields(card.parts)
    grade = grades.get(card.parts.root)
    return cards_stock.read_fields(card.parts, grade, shows_address=layout is Layout.STOCK_19)


def _found(node: Element, base_url: str) -> FoundCard | None:
    href = node.get("href") or ""
    if _LIKE_A_PROFILE.search(href) is None:
        return None
    link = partner_link(href, base_url)
    if link is None:
        return None
    parts = Parts(node)
    layout = None
    if len(parts.by_tag["a"]) > 1:  # it has swallowed the next card, and its figures
        layout = None
    elif cards_stock.count_marks(parts) >= _MIN_MARKS[Layout.STOCK_19]:
        layout = Layout.STOCK_19
    elif cards_odoo_com.count_marks(parts) >= _MIN_MARKS[Layout.ODOO_COM]:
        layout = Layout.ODOO_COM
    return FoundCard(link, _listed_under(href), parts, layout)


def _listed_under(href: str) -> int | None:
    """The country of the list that a card's link comes from; it feeds the profile's "back"."""
    try:
        values = parse_qs(urlsplit(href).query).get("country_id", [])
    except ValueError:
        return None
    value = values[0] if len(values) == 1 else ""
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None


def _container(node: Element) -> Element | None:
    """What holds the cards' columns: link, box, column and then the row of all."""
    for _ in range(3):
        parent = node.getparent()
        if parent is None:
            return None
        node = parent
    return node


def _containers(cards: list[FoundCard]) -> list[Element]:
    found: list[Element] = []
    for card in cards:
        container = _container(card.parts.root)
        if container is not None and container not in found:
            found.append(container)
    return found


def _lost_cards(containers: list[Element], roots: set[Element]) -> list[RejectedCard]:
    """Columns among the cards with a card's marks and without a link to a partner."""
    lost = []
    for container in containers:
        for column in container.iterchildren("*"):
            if not any(link in roots for link in column.iter("a")) and elements(_SEEDS, column):
                lost.append(_rejected("a card without a usable link", column))
    return lost


def _rejected(reason: str, node: Element) -> RejectedCard:
    return RejectedCard(reason=reason, payload=text_of(node)[:_PAYLOAD_LENGTH])


def _grades(containers: list[Element], grade_words: frozenset[str]) -> dict[Element, str | None]:
    """The grade of each card's link: that of the nearest heading above it in its own row."""
    grades: dict[Element, str | None] = {}
    for container in containers:
        grade: str | None = None
        for child in container.iterchildren("*"):
            links = [link for link in child.iter("a") if _container(link) is container]
            if cards_stock.is_grade_heading(child):
                grade = cards_stock.read_grade(child, grade_words)
            elif not links and not elements(_SEEDS, child):
                grade = None  # no card and no heading: it may be what is left of one
            grades.update((link, grade) for link in links)
    return grades
