"""Reads a partner's profile page: from the bytes of an answer to values, or to why it is none.

Pure: no request, no Scrapy. A value is what the page shows or None, never a guess. Parts are told
by their ids, classes and itemprops; their order, their wrappers and their words may be any.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from partner_monitor.directory.cards import has_cards
from partner_monitor.directory.document import Unreadable, is_hollow, parse
from partner_monitor.directory.markup import Element, classes, elements, text_of, verbatim
from partner_monitor.directory.menu import find_filters
from partner_monitor.directory.profile_contact import read_country, read_website
from partner_monitor.directory.profile_customers import (
    Customer,
    CustomerList,
    customer_id,
    list_start,
    read_customers,
)
from partner_monitor.directory.profile_figures import (
    Figures,
    read_experts,
    read_references,
    read_sizes,
)
from partner_monitor.directory.profile_parts import LIST_HEADING, NAME, ProfileParts
from partner_monitor.directory.urls import MAX_ID, PartnerLink, partner_link
from partner_monitor.history.ladder import LADDER
from partner_monitor.items import Outcome

__all__ = ["Customer", "NotAProfile", "Profile", "read_profile"]

_NAMES = etree.XPath(f"//*[@id='{NAME}']")
_CANONICAL = etree.XPath("//head/link[@rel='canonical'] | //head/meta[@property='og:url']")
_RECORD = re.compile(r"res\.partner\(([1-9][0-9]{0,18}),?\)")
_IMAGE = re.compile(r"/res\.partner/([1-9][0-9]{0,18})/")
_GRADE = re.compile(rf"bg_({'|'.join(LADDER)})")


class NotAProfile(Exception):
    """The page cannot be read as a profile; ``outcome`` is the kind of failing to look."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(f"{outcome}: {detail}")
        self.outcome = outcome
        self.detail = detail


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One partner's profile. Retention is in per cent, sizes are in users.

    ``country_name`` is in the page's language. ``industry`` is the partner's own sector.
    ``status``, the references, retention, sizes and experts are there to be compared with the
    card, which is the better witness. ``experts`` are by version ("19"). ``whole``: the page shows
    every customer that it has, so that a customer who is not here has left the page.
    """

    id: int
    name: str | None
    slug: str
    profile_url: str
    country_name: str | None
    website: str | None
    industry: str | None
    status: str | None
    references_count: int | None
    retention_rate: int | None
    largest_project_size: int | None
    average_project_size: int | None
    certified_experts: int | None
    experts: tuple[tuple[str, int], ...]
    references_by_industry: tuple[tuple[str, int], ...]
    customers: tuple[Customer, ...]
    whole: bool


def read_profile(body: bytes, base_url: str, encoding: str = "utf-8") -> Profile:
    """The profile in ``body``, fetched from ``base_url``.

    Raises ``NotAProfile``, and nothing else: ``HOLLOW`` for a page without its content,
    ``CUT_SHORT`` for one that ends in the middle, ``UNKNOWN_LAYOUT`` for any other, also for the
    profile of another partner than the address is of.
    """
    try:
        root = parse(body, encoding)
    except Unreadable as reason:
        raise NotAProfile(reason.outcome, reason.detail) from None
    names = elements(_NAMES, root)
    if not names:
        raise _no_name(root)
    # The name stands above all free text, so of several the first is not the partner's own words.
    parts = ProfileParts(root, names[0])
    link = _identity(root, parts, base_url)
    references = read_references(parts.stat("stat_ref"))
    certified = read_experts(parts.stat("stat_cert"))
    sizes = read_sizes(parts.stat("stat_size"))
    found = read_customers(parts, base_url)
    return Profile(
        id=link.id,
        name=_name(parts.name) if len(parts.by_id[NAME]) == 1 else None,
        slug=link.slug,
        profile_url=link.profile_url,
        country_name=read_country(parts),
        website=read_website(parts),
        industry=_own_industry(parts),
        status=_status(parts),
        references_count=references.total,
        retention_rate=sizes.retention,
        largest_project_size=sizes.largest,
        average_project_size=sizes.average,
        certified_experts=certified.total,
        experts=certified.lines,
        references_by_industry=references.lines,
        customers=found.customers,
        whole=parts.has_footer and _is_complete(parts, references, found),
    )


def _no_name(root: Element) -> NotAProfile:
    if find_filters(root) or has_cards(root):
        return NotAProfile(Outcome.UNKNOWN_LAYOUT, "a list of partners, not a profile")
    if is_hollow(root):
        return NotAProfile(Outcome.HOLLOW, "the site's frame without a partner's name")
    return NotAProfile(Outcome.UNKNOWN_LAYOUT, "no partner's name")


def _identity(root: Element, parts: ProfileParts, base_url: str) -> PartnerLink:
    """Whose profile it is: by the page itself, which names its record, the record's image and its
    own address, and else by the address asked for. Where any two of them differ, something was
    served in another's place. Links in the page are no identity: they lead to others."""
    addresses = [
        node.get("href") or node.get("content") or "" for node in elements(_CANONICAL, root)
    ]
    if any(customer_id(address, base_url) for address in addresses):
        raise NotAProfile(Outcome.UNKNOWN_LAYOUT, "a customer's page, which also bears a name")
    links = [link for address in addresses if (link := partner_link(address, base_url))]
    if asked := partner_link(base_url, base_url):
        links.append(asked)
    ids = {link.id for link in links}
    if record := _RECORD.fullmatch(root.get("data-main-object") or ""):
        ids.add(int(record[1]))
    for image in parts.by_itemprop.get("image", []):
        ids.update(int(match[1]) for match in _IMAGE.finditer(image.get("src") or ""))
    if len(ids) > 1 or not links or max(ids) > MAX_ID:
        raise NotAProfile(
            Outcome.UNKNOWN_LAYOUT,
            f"the profile of {', '.join(map(str, sorted(ids))) or 'nobody'} at {base_url[:200]}",
        )
    return links[0]


def _is_complete(parts: ProfileParts, references: Figures, found: CustomerList) -> bool:
    """Whether all customers were read: there is a place for them and everything in it was read,
    or else a block of references that counts none. An empty place is right also where the block
    counts some, since only published customers are shown; a heading without any below is not."""
    if not found.complete:
        return False
    if found.has_place:
        return bool(found.customers) or not parts.by_id.get(LIST_HEADING)
    return bool(parts.by_class.get("stat_ref")) and not (references.total or references.lines)


def _name(heading: Element) -> str | None:
    """The name, in a span or not; a badge may stand beside it."""
    holders = [
        node
        for node in heading.iter(etree.Element)
        if not _is_badge(node) and any(text and text.strip() for text in _own_texts(node))
    ]
    return verbatim(holders[0]) if len(holders) == 1 else None


def _own_texts(node: Element) -> list[str | None]:
    return [node.text, *(child.tail for child in node)]


def _is_badge(node: Element) -> bool:
    return "badge" in classes(node)


def _status(parts: ProfileParts) -> str | None:
    """The grade beside the name: a badge, or a muted word. Its markup changed over the years, so
    only the known grades count, and only one of them."""
    found = set()
    for node in parts.name_row().iter("span", "h2", "h3", "h4", "h5", "small", "div"):
        tokens = classes(node)
        if marked := {match[1] for token in tokens if (match := _GRADE.fullmatch(token))}:
            found |= marked
        elif "badge" in tokens or "text-muted" in tokens:
            words = {text_of(node), *(text_of(child) for child in node.iterchildren("span"))}
            found |= {word.casefold() for word in words} & set(LADDER)
    return found.pop() if len(found) == 1 else None


def _own_industry(parts: ProfileParts) -> str | None:
    """The partner's own sector: the one badge before the customers, whose badges have a margin."""
    start = list_start(parts)
    labels = [
        verbatim(node)
        for node in parts.by_class.get("text-bg-secondary", [])
        if _is_badge(node)
        and "ms-1" not in classes(node)
        and (start is None or parts.is_before(node, start))
    ]
    label = labels[0] if len(labels) == 1 else None
    return label if label is not None and label.casefold() not in LADDER else None
