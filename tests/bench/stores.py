"""The stores that are measured: the same years on both databases, made when first asked for."""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path

from tests.years import build

_PARTNERS = 8_000
_VERSIONS_A_DAY = 760
"""What ``tests.years`` writes a day for so many partners, or a little more."""


class Stores:
    """A SQLite store and a PostgreSQL one with ``versions`` rows in ``partner_versions``."""

    def __init__(self, folder: Path, database: str, versions: int) -> None:
        self.folder = folder
        self._urls = {"SQLite": f"sqlite:///{folder / 'store.db'}", "PostgreSQL": database}
        self._days = 1 + versions // _VERSIONS_A_DAY

    @cached_property
    def urls(self) -> dict[str, str]:
        """URL by the database's name."""
        for name, url in self._urls.items():
            print(f"{self._days} days of {_PARTNERS} partners into {name} …", file=sys.stderr)
            build(url, partners=_PARTNERS, days=self._days)
        return self._urls
