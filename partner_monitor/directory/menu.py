"""Reads the filters above the cards: the country menu, and which country the page is of.

A dropdown is told by the form of its links, never by its words or its place: the site's menus,
the grades and the industries use the same classes.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from lxml import etree

from partner_monitor.directory.markup import Element, classes, elements, has_class, text_of
from partner_monitor.directory.numbers import read_count
from partner_monitor.directory.page import Menu, MenuEntry, NotAListing
from partner_monitor.directory.urls import CountryLink, country_of, resolve
from partner_monitor.items import Outcome

FILTERS = "o_wcrm_filters_top"
"""The class of the sections that hold the filters."""

_DROPDOWNS = etree.XPath(f".//*[{has_class('dropdown-menu')}]")
_TOGGLES = etree.XPath(f"../*[{has_class('dropdown-toggle')}]")
_ITEMS = etree.XPath(f".//a[{has_class('dropdown-item')}]")
_HEADING = etree.XPath("./*[self::h1 or self::h2 or self::h3 or self::h4 or self::h5]/span")
_ALL = re.compile(r"/partners(?:/grade/[^/]+)?/?$")
_GRADE = re.compile(r"/partners/grade/[^/]+")


@dataclass(frozen=True, slots=True)
class Filters:
    """The filter section: its country menu, the countries' button, what the heading adds, the
    length of the list, and the grades to choose from, in lower case."""

    menu: Menu
    all_name: str
    button: str
    heading: str
    declared_count: int | None
    grade_words: frozenset[str]


class _Item(NamedTuple):
    name: str
    number: int | None
    country: CountryLink | None
    grade: str | None
    is_all: bool


def find_filters(root: Element) -> list[Element]:
    """The filter sections of a page: a section on Odoo 19, a division on 18."""
    return [
        node for node in root.iter("section", "div") if FILTERS in node.get("class", "").split()
    ]


def read_filters(sections: list[Element], base_url: str) -> Filters:
    """The filters of a listing page; a page without its country menu is none."""
    countries: list[tuple[list[_Item], str]] = []
    categories: list[tuple[list[_Item], str]] = []
    for section in sections:
        for dropdown in elements(_DROPDOWNS, section):
            items = _read_items(dropdown, base_url)
            toggles = elements(_TOGGLES, dropdown)
            button = text_of(toggles[0]) if len(toggles) == 1 else ""
            if _lists_countries(items):
                countries.append((items, button))
            elif _lists_grades(items):
                categories.append((items, button))
    if len(countries) != 1:
        found = "no country menu" if not countries else f"{len(countries)} country menus"
        raise NotAListing(Outcome.UNKNOWN_LAYOUT, f"{found} in the filters above the cards")
    items, button = countries[0]
    headings = [text_of(span) for section in sections for span in elements(_HEADING, section)]
    return Filters(
        menu=Menu(entries=tuple(_entries(items[1:])), total=items[0].number),
        all_name=items[0].name,
        button=button,
        heading=headings[0] if len(headings) == 1 else "",
        declared_count=_declared(*categories[0]) if len(categories) == 1 else None,
        grade_words=frozenset(
            item.name.casefold() for grades, _ in categories for item in grades if item.grade
        ),
    )


def served_country(filters: Filters, card_countries: Iterable[int]) -> MenuEntry | None:
    """The country that the page is of, None for all countries.

    The canonical link and the address are not asked: on stock Odoo's fallback page they echo the
    request. The button of the menu is, and the heading and the cards' links must not deny it.
    """
    by_id = {entry.id: entry for entry in filters.menu.entries}
    named = [entry for entry in filters.menu.entries if entry.name == filters.button]
    on_cards = Counter(card_countries).most_common(1)
    of_cards = on_cards[0][0] if on_cards else None
    of_heading = _named_at_end(filters.heading, filters.menu.entries)
    if len(named) == 1 and filters.button != filters.all_name:
        served: MenuEntry | None = named[0]
    elif filters.button == filters.all_name and filters.button and not named:
        served = None
    elif of_cards in by_id and of_cards is not None:
        served = by_id[of_cards]
    else:
        raise NotAListing(
            Outcome.UNKNOWN_LAYOUT,
            f"the button of the country menu says {filters.button[:80]!r}, not in the menu",
        )
    served_id = served.id if served else None
    if of_cards is not None and of_cards != served_id:
        raise NotAListing(
            Outcome.UNKNOWN_LAYOUT,
            f"the country menu says {filters.button[:80]!r}, the cards say country {of_cards}",
        )
    if of_heading is not None and of_heading.id != served_id:
        raise NotAListing(
            Outcome.UNKNOWN_LAYOUT,
            f"the country menu says {filters.button[:80]!r}, the heading {filters.heading[:80]!r}",
        )
    return served


def _named_at_end(heading: str, entries: Iterable[MenuEntry]) -> MenuEntry | None:
    """The longest name that ends "in Papua New Guinea", which is not "Guinea"."""
    found: MenuEntry | None = None
    for entry in entries:
        if heading.endswith(entry.name) and (found is None or len(entry.name) > len(found.name)):
            before = heading[: -len(entry.name)][-1:]
            if not before or unicodedata.category(before) not in {"Lu", "Ll"}:
                found = entry
    return found


def _lists_countries(items: list[_Item]) -> bool:
    """First all countries, then each country once. Industries repeat the page's own country, and
    the first of the grades links to it."""
    if len(items) < 2 or not items[0].is_all:
        return False
    linked = [item.country for item in items[1:] if item.country]
    distinct = set(linked)
    return len(linked) > (len(items) - 1) / 2 and (
        len(linked) == 1 or len(distinct) > len(linked) / 2
    )


def _lists_grades(items: list[_Item]) -> bool:
    if len(items) < 2 or items[0].grade or not (items[0].is_all or items[0].country):
        return False
    return len({item.grade for item in items[1:] if item.grade}) > (len(items) - 1) / 2


def _entries(items: Iterable[_Item]) -> Iterable[MenuEntry]:
    seen: set[int] = set()
    for item in items:
        if item.country and item.name and item.country.id not in seen:
            seen.add(item.country.id)
            yield MenuEntry(
                id=item.country.id,
                slug=item.country.slug,
                name=item.name,
                listed_count=item.number,
            )


def _declared(items: list[_Item], button: str) -> int | None:
    """The count of the item that is chosen, which is the first unless a grade is filtered by."""
    for item in items:
        if item.name == button:
            return item.number
    return items[0].number


_read_before: dict[tuple[str, bytes], list[_Item]] = {}
"""The items of the dropdowns read last, by the site's origin and their markup."""


def _read_items(dropdown: Element, base_url: str) -> list[_Item]:
    """The dropdown's items; the same country menu, of 160 countries, stands on every page."""
    origin = "/".join(base_url.split("/", 3)[:3])
    key = (origin, etree.tostring(dropdown, with_tail=False))
    if key not in _read_before:
        nodes = elements(_ITEMS, dropdown)
        items = [_read_item(node, base_url) for node in nodes]
        if any(not (node.get("href") or "").startswith("/") for node in nodes):
            return items  # it may mean something else on another page
        if len(_read_before) >= 16:
            _read_before.clear()
        _read_before[key] = items
    return _read_before[key]


def _read_item(node: Element, base_url: str) -> _Item:
    link = resolve(node.get("href") or "", base_url)
    path = link.path if link else ""
    grade = _GRADE.search(path) if "/grade/" in path else None
    country = country_of(path)
    badges = [child for child in node if "badge" in classes(child)]
    # The name is bare text before the badge: were the badge renamed, its number is still no name.
    name = " ".join((node.text or "").split())
    return _Item(
        name=name,
        number=read_count(text_of(badges[0])) if len(badges) == 1 else None,
        country=country,
        grade=grade.group() if grade else None,
        is_all=country is None and _ALL.search(path) is not None,
    )
