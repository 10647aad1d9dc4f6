"""Clean: what no database takes or no partner can be is removed or refused, never guessed at."""

from __future__ import annotations

from typing import Any

from partner_monitor.history.cleaning import clean


class CleanPipeline:
    """Strips control characters, bounds lengths, and sets aside what cannot be."""

    def process_item(self, item: Any) -> Any:
        return clean(item)
