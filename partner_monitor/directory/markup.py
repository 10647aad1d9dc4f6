"""Small tools over a parsed page: texts, class tokens, the parts of one card.

Knows HTML, but nothing of the directory.
"""

from __future__ import annotations

import re
from collections import defaultdict

from lxml import etree

_FOLD = re.compile(r"[ \t\r\n\f\v]*[\t\r\n\f\v][ \t\r\n\f\v]*")
_TEXTS = etree.XPath(".//text()", smart_strings=False)
_STRING = etree.XPath("string()", smart_strings=False)

Element = etree._Element


def has_class(token: str) -> str:
    """The XPath condition for one class token."""
    return (
        f"(contains(@class, '{token}')"  # cheap, and false for nearly every element
        f" and contains(concat(' ', normalize-space(@class), ' '), ' {token} '))"
    )


def elements(query: etree.XPath, node: Element) -> list[Element]:
    """The elements a compiled query finds; a query for anything else is a mistake here."""
    found = query(node)
    return [item for item in found if isinstance(item, Element)] if isinstance(found, list) else []


def classes(node: Element) -> list[str]:
    return (node.get("class") or "").split()


def text_of(node: Element) -> str:
    """All text of an element, whitespace folded."""
    return " ".join(_string(node).split())


def lines_of(node: Element) -> list[str]:
    """The texts of an element that other elements, such as line breaks, keep apart."""
    found = _TEXTS(node)
    lines = [" ".join(str(text).split()) for text in found] if isinstance(found, list) else []
    return [line for line in lines if line]


def verbatim(node: Element) -> str | None:
    """The text as typed, without the template's line breaks; None for none.

    An element that holds others has swallowed what follows it, so its text is not its own.
    """
    if next(node.iterchildren("*"), None) is not None:
        return None
    return _FOLD.sub(" ", _string(node).strip()) or None


def _string(node: Element) -> str:
    return str(_STRING(node)) if len(node) else node.text or ""


class Parts:
    """The parts of one card by class token, by tag and by id, found in one walk."""

    def __init__(self, root: Element) -> None:
        self.root = root
        self.by_class: dict[str, list[Element]] = defaultdict(list)
        self.by_tag: dict[str, list[Element]] = defaultdict(list)
        self.by_id: dict[str, list[Element]] = defaultdict(list)
        for node in root.iter(etree.Element):
            self.by_tag[str(node.tag)].append(node)
            if tokens := node.get("class"):
                for token in tokens.split():
                    self.by_class[token].append(node)
            if identifier := node.get("id"):
                self.by_id[identifier].append(node)

    def only(self, token: str) -> Element | None:
        """The part with this class, if there is exactly one: of two, neither can be trusted."""
        found = self.by_class.get(token, [])
        return found[0] if len(found) == 1 else None
