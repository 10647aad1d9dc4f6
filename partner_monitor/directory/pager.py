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
_IN_PATH = re.compile(r"/page/([0-9]{1,7})$")
_IN_QUERY = re.compile(r"(?<![^&])page=([0-9]{1,7})(?![^&])")
_MAX_PAGE = 1_000_000


def read_pager(root: Element, base_url: str) -> Pager:
    """The page's pager; a list of one page has none."""
    pagers = elements(_PAGERS, root)
    if not pagers:
        if elements(_REMNANTS, root):
            raise _unknown("no list")
        return Pager(current=1, last=1, has_next=False, page_link=None)
    read = {_read(pager, base_url) for pager in pagers}
    if len(read) != 1:
        raise _unknown("two that contradict each other")
    return read.pop()


def _read(pager: Element, base_url: str) -> Pager:
    items = list(pager.iterchildren("li"))
    if len(items) != len(pager) or len(items) != len(list(pager.iter("li"))) or not items:
        raise _unknown("not a plain list of items")
    numbered = [(item, number) for item in items if (number := _number(item)) is not None]
    active = [number for item, number in numbered if "active" in classes(item)]
    if len(active) != 1 or _number(items[-1]) is not None:
        raise _unknown(f"{len(active)} current pages, {len(numbered)} of {len(items)} numbered")
    forms: list[str] = []
    shown = [number for _, number in numbered]
    for item in items:
        links = elements(_LINKS, item)
        targets = [_target(link.get("href") or "", base_url) for link in links]
        number = _number(item)
        if len(links) > 1 or (number and any(page != number for page, _ in targets)):
            raise _unknown(f"the item {text_of(item)[:40]!r} leads elsewhere")
        shown += [page for page, _ in targets]
        forms += [form for page, form in targets if number and form]
    has_next = "disabled" not in classes(items[-1]) and bool(elements(_LINKS, items[-1]))
    if active[0] < max(shown) and not has_next:
        raise _unknown(f"page {active[0]} of {max(shown)} has no next one")
    return Pager(
        current=active[0],
        last=max(shown),
        has_next=has_next,
        page_link=forms[0] if forms else None,
    )


def _unknown(detail: str) -> NotAListing:
    return NotAListing(Outcome.UNKNOWN_LAYOUT, f"a pager that is not built as known: {detail}")


def _number(item: Element) -> int | None:
    """The page number of an item; arrows and the ellipsis have none."""
    text = text_of(item)
    if not text.isdecimal() or len(text) > len(str(_MAX_PAGE)):
        return None
    return int(text) or None


def _target(href: str, base_url: str) -> tuple[int, str | None]:
    """The page that a link leads to, and its form with ``{page}`` for the number. Page 1 is
    linked without a number; ``/page/N`` and ``?page=N`` both work on the site."""
    target = resolve(href, base_url)
    if target is None:
        return 0, None
    path, query = target.path, target.query.replace("{", "%7B").replace("}", "%7D")
    if in_path := _IN_PATH.search(path):
        form = f"{path[: in_path.start(1)]}{{page}}" + (f"?{query}" if query else "")
        return int(in_path[1]), form if int(in_path[1]) > 1 else None
    if in_query := _IN_QUERY.search(query):
        form = f"{path}?{query[: in_query.start(1)]}{{page}}{query[in_query.end(1) :]}"
        return int(in_query[1]), form if int(in_query[1]) > 1 else None
    return 1, None
