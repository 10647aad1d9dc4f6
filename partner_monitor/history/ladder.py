"""The status ladder: what makes a change of status a promotion, a demotion, or just a change."""

from __future__ import annotations

from enum import StrEnum

LADDER = ("learning", "ready", "silver", "gold")
"""From the lowest to the highest. Any other status is stored as shown and ranked nowhere."""


class ChangeType(StrEnum):
    """The words of ``status_history.change_type``."""

    INITIAL = "initial"
    PROMOTED = "promoted"
    DEMOTED = "demoted"
    CHANGED = "changed"
    DELISTED = "delisted"
    RELISTED = "relisted"


RANK = {status: rank for rank, status in enumerate(LADDER)}


def change_type(old: str, new: str) -> ChangeType:
    """How a listed partner's step from ``old`` to another status ``new`` is called."""
    if old not in RANK or new not in RANK:
        return ChangeType.CHANGED
    return ChangeType.PROMOTED if RANK[new] > RANK[old] else ChangeType.DEMOTED
