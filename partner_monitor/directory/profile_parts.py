"""Finds the parts of a profile page by their marks, whatever their order and what wraps them.

The partner's own words about itself are left out here, and so are the site's menus and footer:
nothing that reads a part can come across them.
"""

from __future__ import annotations

from collections import defaultdict

from lxml import etree

from partner_monitor.directory.markup import Element, classes

STATS = ("stat_ref", "stat_cert", "stat_size")
NAME, LIST, LIST_HEADING = "partner_name", "right_column", "references"

_CHROME = frozenset({"header", "nav", "footer", "head", "script", "style", "noscript", "template"})


class ProfileParts:
    """The parts of a profile by class token, id and itemprop, in the order of the page."""

    def __init__(self, root: Element, name: Element) -> None:
        self.name = name
        self.by_class: dict[str, list[Element]] = defaultdict(list)
        self.by_id: dict[str, list[Element]] = defaultdict(list)
        self.by_itemprop: dict[str, list[Element]] = defaultdict(list)
        self.links: list[Element] = []
        self.about: list[Element] = []
        self.has_footer = False
        self._places: dict[Element, int] = {}
        around_name = set(name.iterancestors())
        walk = etree.iterwalk(root, events=("start",))
        for _, node in walk:
            if node.tag == "footer":
                self.has_footer = True
            if node not in around_name and (node.tag in _CHROME or _is_about(node)):
                if _is_about(node):
                    self.about.append(node)
                walk.skip_subtree()
                continue
            self._places[node] = len(self._places)
            for token in classes(node):
                self.by_class[token].append(node)
            if identifier := node.get("id"):
                self.by_id[identifier].append(node)
            if itemprop := node.get("itemprop"):
                self.by_itemprop[itemprop].append(node)
            if node.tag == "a" and node.get("href"):
                self.links.append(node)
        landmarks = [
            name,
            *self.about,
            *(node for token in STATS for node in self.by_class.get(token, [])),
            *(node for id in (LIST, LIST_HEADING) for node in self.by_id.get(id, [])),
            *(
                node
                for kind in ("image", "streetAddress")
                for node in self.by_itemprop.get(kind, [])
            ),
            *(link for link in self.links if "/customers/" in link.get("href", "")),
        ]
        self._landmarks = set(landmarks)
        self._holders = {holder for node in landmarks for holder in node.iterancestors()}

    def only(self, itemprop: str) -> Element | None:
        """The part with this itemprop, if there is exactly one."""
        found = self.by_itemprop.get(itemprop, [])
        return found[0] if len(found) == 1 else None

    def is_before(self, one: Element, other: Element) -> bool:
        """Whether one part begins before another."""
        return self._places[one] < self._places[other]

    def stat(self, token: str) -> Element | None:
        """The block of figures with this class. One that is there twice, or that has swallowed
        another part of the page, is none."""
        found = self.by_class.get(token, [])
        return found[0] if len(found) == 1 and found[0] not in self._holders else None

    def name_row(self) -> Element:
        """What stands beside the name and holds no other part of the page."""
        row = self.name
        for _ in range(2):
            parent = row.getparent()
            if parent is None or parent.tag == "body" or not self._is_alone_in(row, parent):
                break
            row = parent
        return row

    def _is_alone_in(self, row: Element, parent: Element) -> bool:
        others = [child for child in parent if child is not row]
        return not any(child in self._landmarks or child in self._holders for child in others)


def _is_about(node: Element) -> bool:
    """A bare ``div.mb-5``: free HTML, where anything may stand that looks like a part."""
    return node.tag == "div" and classes(node) == ["mb-5"]
