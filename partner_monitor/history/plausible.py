"""What a value can be at all; anything else was misread and counts as not read."""

from __future__ import annotations

import re
from typing import Any

MAX_TEXT = 1000
"""Characters kept of a text; the longest real name has 341."""

LIMITS = {
    "references_count": 1_000_000,
    "retention_rate": 100,
    "largest_project_size": 10_000_000,
    "average_project_size": 10_000_000,
    "certified_experts": 1_000_000,
}
"""The greatest value that each count can have."""

# Control characters, surrogates, and marks that re-order the text around them: no database and no
# reader is served by them. Joiners stay, as scripts and emoji need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
_LINE_BREAKS = re.compile(r"[\t\r\n\u2028\u2029]+")


def clean_text(text: str | None) -> str | None:
    """``text`` without what must not be stored, bounded in length; None stays None."""
    if text is None:
        return None
    return _LINE_BREAKS.sub(" ", _UNWANTED.sub("", text)).strip(" ")[:MAX_TEXT].rstrip(" ")


def clean_count(field: str, value: Any) -> int | None:
    """``value`` if ``field`` can have it, else None."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LIMITS[field]:
        return value
    return None


def is_id(value: Any) -> bool:
    """Whether ``value`` can be a number the site gave: positive, and a database's integer."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
