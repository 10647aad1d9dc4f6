"""Clean, stage, publish: one step each. What they do is decided in history/ and store/.

Items are told apart by the fields they have, so that any item class will do.
"""

from __future__ import annotations

from enum import Enum

from itemadapter import ItemAdapter


class Kind(Enum):
    """What an item is, by the field that only it has."""

    PROFILE = "customers_shown"
    FAILED_PROFILE = "partner_id"
    PARTNER = "profile_url"
    PAGE = "menu_total"
    FAILURE = "outcome"
    REJECTED = "payload"
    COUNTRY = "iso_code"


def kind_of(adapter: ItemAdapter) -> Kind | None:
    """The kind of an item, or None for one that is not ours."""
    return next((kind for kind in Kind if kind.value in adapter), None)
