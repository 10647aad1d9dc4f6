"""Reads a card of stock Odoo 18 and 19: a logo above the name, and few figures.

The grade is not on the card but in a heading above the cards, repeated on every page.
"""

from __future__ import annotations

from partner_monitor.directory.markup import Element, Parts, classes, lines_of, text_of, verbatim
from partner_monitor.directory.numbers import read_count
from partner_monitor.directory.page import CardFields

_ADDRESS = "o_wcrm_partners_address"
_ADDRESS_PARTS = frozenset(
    {"streetAddress", "addressLocality", "addressRegion", "postalCode", "addressCountry"}
)
_HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})


def count_marks(parts: Parts) -> int:
    """How many of the layout's own marks the card bears."""
    return sum(
        (
            "card-body" in parts.by_class,
            "card-title" in parts.by_class,
            "card-img-top" in parts.by_class,
            "o_wcrm_short_description" in parts.by_class,
            _ADDRESS in parts.by_id,
        )
    )


def read_fields(parts: Parts, grade: str | None, *, shows_address: bool) -> CardFields:
    """What the card says under the heading ``grade``. Odoo 18 shows no address."""
    title = parts.only("card-title")
    address: tuple[str, ...] = ()
    country, unread = None, False
    if shows_address:
        address, country, unread = _address(parts)
    return CardFields(
        name=verbatim(title) if title is not None else None,
        status=grade,
        references_count=_references(parts),
        address=address,
        country_name=country,
        unread=frozenset({"address"} if unread else ()),
    )


def is_grade_heading(node: Element) -> bool:
    """Whether a neighbour of the cards is a heading across all columns."""
    return node.tag in _HEADINGS and "card-title" not in classes(node)


def read_grade(heading: Element, grade_words: frozenset[str]) -> str | None:
    """The grade that a heading names in a span; the words around it are translated.

    Without any words around it the span may have swallowed them, so then the grade must be one
    of ``grade_words``, the grades of the page's own filter, if that could be read.
    """
    spans = [child for child in heading if child.tag == "span"]
    word = (verbatim(spans[0]) or "").casefold() if len(spans) == 1 else ""
    is_alone = text_of(heading).casefold() == " ".join(word.split())
    return word if word and (word in grade_words or not (is_alone and grade_words)) else None


def _references(parts: Parts) -> int | None:
    """The bold "39 references »" above the partner's own words, which may hold any number.
    Stock Odoo writes no line for 0: then there are the words in a span, or nothing."""
    description = parts.only("o_wcrm_short_description")
    if description is None:
        return None
    tags = [child.tag for child in description.iterchildren("*")]
    if tags.count("b") == 1:
        return read_count(verbatim(next(description.iterchildren("b"))) or "")
    outside = [description.text, *(child.tail for child in description)]
    return 0 if tags in ([], ["span"]) and not any(map(_is_shown, outside)) else None


def _is_shown(text: str | None) -> bool:
    return bool(text and text.strip())


def _address(parts: Parts) -> tuple[tuple[str, ...], str | None, bool]:
    """Address parts, country, and whether there is an address that cannot be read."""
    places = parts.by_id.get(_ADDRESS, [])
    if len(places) != 1:
        return (), None, bool(places)
    nodes = [
        (node.get("itemprop"), text)
        for node in places[0].iter("span", "div")
        if node.get("itemprop") in _ADDRESS_PARTS
        and node.find(".//*[@itemprop]") is None
        and (text := ", ".join(lines_of(node)))
    ]
    countries = {text for kind, text in nodes if kind == "addressCountry"}
    country = countries.pop() if len(countries) == 1 else None
    return tuple(text for _, text in nodes), country, False
