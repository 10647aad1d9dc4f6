"""Reads the customers of a profile: who they are, and whether they are all that the page names.

A customer is the number in its link. Names repeat and get retyped; logos come and go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from partner_monitor.directory.markup import Element, classes, elements, has_class, verbatim
from partner_monitor.directory.profile_parts import LIST, LIST_HEADING, ProfileParts
from partner_monitor.directory.urls import read_ending, resolve

_CUSTOMER = re.compile(r"(?:/[a-z]{2,3}(?:[_-][A-Za-z0-9]{2,8})*(?:@[a-z]+)?)?/customers/([^/]+)/?")
_BADGES = etree.XPath(f"../*[{has_class('badge')}]")
_LINKS = etree.XPath("descendant::a[@href]")
_BESIDE = etree.XPath("../a[@href]")
_TEXTS = etree.XPath("descendant::*[text()[normalize-space()]]")


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer. Not every one has an industry, and its label is the page's language's."""

    id: int
    name: str
    industry: str | None


@dataclass(frozen=True, slots=True)
class CustomerList:
    """The customers of a page in its order. ``has_place``: there is a place for customers, also
    if it is empty. ``complete``: every card in it was read, and no customer stands elsewhere."""

    customers: tuple[Customer, ...]
    has_place: bool
    complete: bool


def customer_id(href: str, base_url: str) -> int | None:
    """The number of the customer that a link of this site leads to."""
    link = resolve(href, base_url) if "/customers/" in href else None
    match = _CUSTOMER.fullmatch(link.path) if link else None
    ending = read_ending(match[1]) if match else None
    return ending[0] if ending else None


def list_start(parts: ProfileParts) -> Element | None:
    """Where the customers begin: their column, or the heading above them."""
    places = parts.by_id.get(LIST) or parts.by_id.get(LIST_HEADING) or []
    return places[0] if places else None


def read_customers(parts: ProfileParts, base_url: str) -> CustomerList:
    """Every customer of the list once; a customer whose name cannot be read is left out, and
    then the list is not complete."""
    start = list_start(parts)
    column = start.getparent() if start is not None and start.get("id") != LIST else start
    ids = {
        link: id for link in parts.links if (id := customer_id(link.get("href") or "", base_url))
    }

    def is_listed(node: Element) -> bool:
        return (
            start is not None
            and any(ancestor is column for ancestor in node.iterancestors())
            and not parts.is_before(node, start)
        )

    names: dict[int, str] = {}
    industries: dict[int, str] = {}
    found: dict[int, None] = {}
    stray = False
    for link, id in ids.items():
        if not is_listed(link):
            stray = True
            continue
        found[id] = None
        if name := _name(link):
            names.setdefault(id, name)
            if industry := _industry(link, ids):
                industries.setdefault(id, industry)
    columns = len(parts.by_id.get(LIST, [])) <= 1 and len(parts.by_id.get(LIST_HEADING, [])) <= 1
    linked = all(
        any(link in ids for link in elements(_LINKS, card))
        for token in ("card", "card-body")
        for card in parts.by_class.get(token, [])
        if is_listed(card)
    )
    return CustomerList(
        customers=tuple(
            Customer(id=id, name=names[id], industry=industries.get(id))
            for id in found
            if id in names
        ),
        has_place=start is not None,
        complete=columns and linked and not stray and len(names) == len(found),
    )


def _name(link: Element) -> str | None:
    """The only text of a link. A link with two has swallowed what follows it."""
    if not len(link):
        return verbatim(link)
    own = [link.text, *(child.tail for child in link)]
    holders = elements(_TEXTS, link)
    if any(text and text.strip() for text in own) or len(holders) != 1:
        return None
    return verbatim(holders[0]) if "badge" not in classes(holders[0]) else None


def _industry(link: Element, ids: dict[Element, int]) -> str | None:
    """The badge beside a customer's name, if the customer is alone there."""
    badges = elements(_BADGES, link)
    beside = {ids[other] for other in elements(_BESIDE, link) if other in ids}
    return verbatim(badges[0]) if len(badges) == 1 and len(beside) == 1 else None
