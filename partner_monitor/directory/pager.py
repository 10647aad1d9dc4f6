"""Reads the pager under the cards: where the page is in its list, and how pages are linked."""

from __future__ import annotations

import re

from lxml import etree

from partner_monitor.directory.markup import Element, classes, elements, has_class, text_of
from partner_monitor.directory.page import NotAListing, Pager
from partner_monitor.directory.urls import resolve
from partner_monitor.items import Outcome

_PAGERS = etree.XPath(f"descendant::ul[{has_class('pagination')}]")
_REMNANTS = etree.XPath(
    f"descendant::*[{has_class('page-link')} or {has_class('page-item')}"
    f" or {has_class('pagination')}]"
)
_LINKS = etree.XPath(".//a[@href]")
_MAX_PAGE = 1_000_000


def read_pager(root: Element, base_url: str) -> Pager:
    """The page's pager; a list of one page has none."""
    pagers = elements(_PAGERS, root)
    if not pagers:
        if elements(_REMNANTS, root):
            raise NotAListing(Outcome.UNKNOWN_LAYOUT, "the pager is not built as known")
        return Pager(current=1, last=1, has_next=False, page_link=None)
    read = {_read(pager, base_url) for pager in pagers}
    if len(read) != 1:
        raise NotAListing(Outcome.UNKNOWN_LAYOUT, "two pagers that contradict each other")
    return read.pop()


def _read(pager: Element, base_url: str) -> Pager:
    items = [item for item in pager if item.tag == "li"]
    numbered = [(item, number) for item in items if (number := _number(item)) is not None]
    active = [number for item, number in numbered if "active" in classes(item)]
    if len(active) != 1:
        raise NotAListing(
            Outcome.UNKNOWN_LAYOUT, f"a pager with {len(active)} current pages instead of one"
        )
    current, last = active[0], max(number for _, number in numbered)
    arrow = items[-1]
    if arrow is numbered[-1][0]:
        has_next = current < last
    else:
        has_next = "disabled" not in classes(arrow) and bool(elements(_LINKS, arrow))
    forms = (_link_form(item, number, base_url) for item, number in numbered if number > 1)
    return Pager(
        current=current,
        last=last,
        has_next=has_next,
        page_link=next((form for form in forms if form is not None), None),
    )


def _number(item: Element) -> int | None:
    """The page number of an item; arrows and the ellipsis have none."""
    text = text_of(item)
    if not text.isdecimal() or len(text) > len(str(_MAX_PAGE)):
        return None
    return int(text) or None


def _link_form(item: Element, number: int, base_url: str) -> str | None:
    """The item's link with ``{page}`` for its number; both forms work on the site."""
    for link in elements(_LINKS, item):
        target = resolve(link.get("href") or "", base_url)
        if target is None:
            continue
        path, query = target.path, target.query.replace("{", "%7B").replace("}", "%7D")
        form, found = re.subn(rf"/page/{number}$", "/page/{page}", path)
        if found:
            return form + (f"?{query}" if query else "")
        form, found = re.subn(rf"(?<![^&])page={number}(?![^&])", "page={page}", query)
        if found == 1:
            return f"{path}?{form}"
    return None
