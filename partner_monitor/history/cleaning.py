"""Cleaning an item: what no database takes or no partner can be is removed or refused.

Items of any class, through ItemAdapter. Nothing is guessed: what cannot be becomes not read.
"""

from __future__ import annotations

from typing import Any

from itemadapter import ItemAdapter

from partner_monitor.history.plausible import clean_count, clean_text, is_id
from partner_monitor.items import Kind, RejectedItem, kind_of

TEXTS = ("name", "status", "address", "profile_url", "slug")
COUNTS = (
    "references_count",
    "retention_rate",
    "largest_project_size",
    "average_project_size",
    "certified_experts",
)

MAX_LABEL = 200
"""Characters kept of a version's or an industry's label."""


def clean(item: Any) -> Any:
    """``item`` with control characters stripped and lengths bounded, or a RejectedItem."""
    adapter = ItemAdapter(item)
    kind = kind_of(adapter)
    if kind is Kind.PARTNER:
        return _partner(item, adapter)
    if kind is Kind.PROFILE:
        _profile(adapter)
    if kind is Kind.COUNTRY:
        adapter["name"] = clean_text(adapter["name"])
    return item


def _profile(adapter: ItemAdapter) -> None:
    for name in (*TEXTS, "website", "industry"):
        if name in adapter:
            adapter[name] = clean_text(adapter[name]) or None
    for name in COUNTS:
        adapter[name] = clean_count(name, adapter[name])
    for lines in ("experts", "references_by_industry"):
        counts = {
            (clean_text(label) or "")[:MAX_LABEL]: clean_count("references_count", count)
            for label, count in adapter[lines].items()
        }
        adapter[lines] = {
            label: count for label, count in counts.items() if label and count is not None
        }
    for customer in map(ItemAdapter, adapter["customers"]):
        customer["name"] = clean_text(customer["name"]) or None
        customer["industry"] = clean_text(customer["industry"]) or None


def _partner(item: Any, adapter: ItemAdapter) -> Any:
    if not is_id(adapter["id"]):
        return RejectedItem(
            url=str(adapter["profile_url"]),
            reason=f"the number {adapter['id']!r} is no partner's",
            payload=repr(adapter.asdict())[:500],
            list_country_id=adapter["list_country_id"],
            page=adapter["page"],
        )
    unread = set(adapter["unread"])
    for name in TEXTS:
        adapter[name] = clean_text(adapter[name])
    if not adapter["name"]:
        adapter["name"] = None
        unread.add("name")
    for name in COUNTS:
        value = clean_count(name, adapter[name])
        if value != adapter[name]:
            adapter[name] = value
            unread.add(name)
    adapter["unread"] = tuple(sorted(unread))
    return item
