"""Reads a card of odoo.com: one wide link with the name, the grade and the figures.

Classes, ids and the order of the parts tell what is what; the words are translated.
"""

from __future__ import annotations

import re

from partner_monitor.directory.markup import Element, Parts, classes, text_of, verbatim
from partner_monitor.directory.numbers import read_count
from partner_monitor.directory.page import CardFields

_ADDRESS = "o_wcrm_partners_address"
_GRADE = re.compile(r"bg_([\w-]+)")
_PERCENT = re.compile(r"[%\u066a\uff05\ufe6a]")
_NUMBERS = re.compile(r"\d+")


def count_marks(parts: Parts) -> int:
    """How many of the layout's own marks the card bears."""
    return sum(
        (
            "row" in classes(parts.root),
            "h5" in parts.by_tag,
            "stat_ref" in parts.by_class,
            "stat_cert" in parts.by_class,
            _ADDRESS in parts.by_id,
            any(_GRADE.fullmatch(token) for token in parts.by_class),
            bool(_size_lines(parts)),
        )
    )


def read_fields(parts: Parts) -> CardFields:
    """What the card says; a part that is there twice, or not as known, says nothing."""
    headings = parts.by_tag.get("h5", [])
    title = list(headings[0]) if len(headings) == 1 else []
    address, address_unread = _address(parts)
    retention, retention_unread = _retention(parts)
    average, largest = _project_sizes(parts)
    unread = {"address": address_unread, "retention_rate": retention_unread}
    return CardFields(
        name=_name(title),
        status=_status(title),
        references_count=_headline(parts, "stat_ref"),
        retention_rate=retention,
        largest_project_size=largest,
        average_project_size=average,
        certified_experts=_headline(parts, "stat_cert"),
        address=address,
        country_name=address[0] if address else None,
        unread=frozenset(field for field, is_unread in unread.items() if is_unread),
    )


def _name(title: list[Element]) -> str | None:
    """The first span that is no badge: without it the badge's word must not pass for a name."""
    for node in title:
        tokens = classes(node)
        if node.tag == "span" and "badge" not in tokens and not _grades(node):
            return verbatim(node)
    return None


def _status(title: list[Element]) -> str | None:
    """The class of the badge, since its word is translated and a name may contain "Gold"."""
    grades = {grade for node in title for grade in _grades(node)}
    return grades.pop().casefold() if len(grades) == 1 else None


def _grades(node: Element) -> list[str]:
    return [match[1] for token in classes(node) if (match := _GRADE.fullmatch(token))]


def _headline(parts: Parts, token: str) -> int | None:
    """The first block of a column, "88 References"; the lines below count something else."""
    column = parts.only(token)
    first = next(column.iterchildren("*"), None) if column is not None else None
    return read_count(verbatim(first) or "") if first is not None and first.tag == "div" else None


def _retention(parts: Parts) -> tuple[int | None, bool]:
    """The rate, and whether it is shown without being readable. Partners without a figure have
    neither stars nor rate; the stars are too coarse to derive one from."""
    rates = [
        node
        for node in parts.by_tag.get("small", [])
        if node.get("id") != _ADDRESS and any(child.tag == "span" for child in node)
    ]
    has_stars = any(token.startswith("fa-star") for token in parts.by_class)
    if not rates:
        return None, has_stars
    shown, inner = text_of(rates[0]), [node for node in rates[0] if node.tag == "span"]
    rate = read_count(verbatim(inner[0]) or "") if len(inner) == len(rates) == 1 else None
    if not _PERCENT.search(shown) or len(_NUMBERS.findall(shown)) != 1:
        return None, True
    return (rate, False) if rate is not None and rate <= 100 else (None, True)


def _address(parts: Parts) -> tuple[tuple[str, ...], bool]:
    """The parts of the address, and whether it is shown without being readable."""
    places = parts.by_id.get(_ADDRESS, [])
    if len(places) != 1:
        return (), bool(places)
    blocks = list(places[0].iterchildren("*"))
    if not text_of(places[0]).strip(" ,"):
        return (), False
    # Anything but spans with commas between them is not this address, or not only.
    spans = list(blocks[0].iterchildren("*")) if len(blocks) == 1 else []
    texts = [verbatim(node) for node in spans if node.tag == "span" and text_of(node)]
    between = [blocks[0].text, *(node.tail for node in spans)] if spans else ["?"]
    if (
        None in texts
        or len(spans) != len(blocks[0].findall("span"))
        or any(text.strip(" ,\t\r\n") for text in between if text)
    ):
        return (), True
    # As shown, junk and all; but an e-mail address is a person's, and is not kept.
    return tuple(text for text in texts if text and "@" not in text), False


def _size_lines(parts: Parts) -> list[Element]:
    in_address = {node for place in parts.by_id.get(_ADDRESS, []) for node in place.iter("small")}
    return [
        node
        for node in parts.by_tag.get("small", [])
        if "text-muted" in classes(node) and node not in in_address
    ]


def _project_sizes(parts: Parts) -> tuple[int | None, int | None]:
    """Average and largest size. "~" marks the largest; without one the average comes first."""
    lines = [text_of(node) for node in _size_lines(parts)]
    marked = [line for line in lines if "~" in line]
    if len(lines) == 1 and marked:
        return None, read_count(lines[0])
    if len(lines) != 2 or len(marked) > 1:
        return None, None
    average, largest = lines if not marked or marked[0] == lines[1] else reversed(lines)
    return read_count(average), read_count(largest)
