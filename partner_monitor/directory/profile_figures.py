"""Reads the blocks of figures of a profile: references, experts, sizes and retention.

By the lines and what marks a number ("~", "%", a muted label), not by words or wrappers: neither
the words nor the wrappers are known for every language and heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from partner_monitor.directory.markup import Element, classes
from partner_monitor.directory.numbers import read_count

MAX_INDUSTRIES = 10

_BOXES = frozenset(
    {"div", "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "section"}
    | {"table", "tbody", "tr", "td", "th", "dl", "dt", "dd"}
)
_DIGIT = re.compile(r"\d")
_STARTS = re.compile(r"[\w~]")
_PERCENT = re.compile(r"\d\s*[%\u066a\uff05\ufe6a]")
_ABOUT = re.compile(r"~\s*\d")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)?")


class _Piece(NamedTuple):
    """One text; ``line`` counts breaks and boxes, ``boxed`` is in a box of its own."""

    text: str
    line: int
    muted: bool
    boxed: bool


class Figures(NamedTuple):
    """The number of a block's heading, and its lines with a number and a label each."""

    total: int | None
    lines: tuple[tuple[str, int], ...]


class Sizes(NamedTuple):
    average: int | None
    largest: int | None
    retention: int | None


NOTHING = Figures(None, ())


def read_references(block: Element | None) -> Figures:
    """References and their industries. The two are not checked by each other: on the site the
    industries add up to less, as much or more."""
    figures = _read(block)
    return Figures(figures.total, figures.lines[:MAX_INDUSTRIES])


def read_experts(block: Element | None) -> Figures:
    """Certified experts, and how many by version ("19"). The site's versions always add up, so
    where they do not, neither is what the page meant to show."""
    total, lines = _read(block)
    versions = [(_VERSION.findall(label), number) for label, number in lines]
    if any(len(found) != 1 for found, _ in versions):
        return Figures(total, ())
    experts = tuple((found[0], number) for found, number in versions)
    if len({version for version, _ in experts}) != len(experts):
        return NOTHING
    if total is not None and total != sum(number for _, number in experts):
        return NOTHING
    return Figures(total, experts)


def read_sizes(block: Element | None) -> Sizes:
    """The size with "~" is the largest, the number in per cent the retention, the one that is
    left the average. Two of a kind are not told apart."""
    found: dict[str, list[int | None]] = {"average": [], "largest": [], "retention": []}
    for text in _segments(block) if block is not None else ():
        if _PERCENT.search(text):
            found["retention"].append(read_count(text))
        else:
            found["largest" if _ABOUT.search(text) else "average"].append(read_count(text))
    average, largest, retention = (
        values[0] if len(values) == 1 else None for values in found.values()
    )
    # Two plain numbers may be a size and the retention that has lost its sign, or two sizes.
    return Sizes(
        average=average,
        largest=largest,
        retention=retention if retention is not None and retention <= 100 else None,
    )


def _read(block: Element | None) -> Figures:
    headings: list[str] = []
    lines: list[tuple[str, int]] = []
    boxed, before_lines = False, True
    for pieces in _rows(block) if block is not None else ():
        plain = " ".join(piece.text for piece in pieces if not piece.muted)
        labels = [piece.text for piece in pieces if piece.muted]
        if not labels:
            if not _DIGIT.search(plain):
                continue
            if not before_lines:
                return NOTHING  # a line whose label has lost its mark, or a second heading
            headings.append(plain)
            continue
        before_lines = False
        number = read_count(plain)
        if number is None or len(labels) != 1:
            if not _DIGIT.search(plain + labels[0]):
                continue
            return Figures(read_count(headings[0]) if len(headings) == 1 else None, ())
        boxed = boxed or pieces[0].boxed
        lines.append((labels[0], number))
    if len(headings) > 1 or (boxed and not headings):
        return NOTHING  # what is the heading, and what a line?
    if len({label for label, _ in lines}) != len(lines):
        lines = []
    return Figures(read_count(headings[0]) if headings else None, tuple(lines))


def _rows(block: Element) -> Iterator[list[_Piece]]:
    """The lines of a block; a label ends its line, also where the break is missing."""
    row: list[_Piece] = []
    for piece in _pieces(block):
        if row and (piece.line != row[-1].line or (row[-1].muted and not piece.muted)):
            yield row
            row = []
        row.append(piece)
    if row:
        yield row


def _segments(block: Element) -> Iterator[str]:
    """The texts of a block cut so that each holds the digits of one place, with the label before
    them. Breaks and boxes cut, and behind digits everything but a sign right after them."""
    segment, line = "", 0
    for piece in _pieces(block):
        is_sign = segment[-1:].isdecimal() and not _STARTS.search(piece.text)
        if piece.line != line or (_DIGIT.search(segment) and not is_sign):
            if _DIGIT.search(segment):
                yield segment
            segment = ""
        segment, line = f"{segment} {piece.text}".strip(), piece.line
    if _DIGIT.search(segment):
        yield segment


def _pieces(block: Element) -> Iterator[_Piece]:
    line = boxes = muted = 0
    for event, node in etree.iterwalk(block, events=("start", "end", "comment", "pi")):
        is_box = node is not block and node.tag in _BOXES
        is_muted = node is not block and event in ("start", "end") and "text-muted" in classes(node)
        if event == "start":
            line += is_box or node.tag == "br"
            boxes, muted = boxes + is_box, muted + is_muted
            text = node.text
        else:
            line += is_box
            boxes, muted = boxes - is_box, muted - is_muted
            text = node.tail if node is not block else None
        if text and (shown := " ".join(text.split())):
            yield _Piece(shown, line, muted > 0, boxes > 0)
