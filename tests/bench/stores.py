"""The stores that are measured: the same years on both databases, made when first asked for."""

from __future__ import annotations

import sys
import uuid
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from tests.parts import postgres_database
from tests.years import build

_PARTNERS = 8_000
_VERSIONS_A_DAY = 760
"""What ``tests.years`` writes a day for so many partners, or a little more."""


class Stores:
    """Makes stores in ``folder`` and on the tests' server; ``held`` drops them at its end."""

    def __init__(self, folder: Path, held: ExitStack, versions: int) -> None:
        self.folder = folder
        self._held = held
        self._days = 1 + versions // _VERSIONS_A_DAY

    @cached_property
    def urls(self) -> dict[str, str]:
        """URL by the database's name, of stores with ``versions`` rows in ``partner_versions``."""
        return self.years(_PARTNERS, self._days)

    def years(self, partners: int, days: int) -> dict[str, str]:
        """The same of new stores with so many days of so many partners."""
        made = {database: self.empty(database) for database in ("SQLite", "PostgreSQL")}
        for database, url in made.items():
            print(f"{days} days of {partners} partners into {database} …", file=sys.stderr)
            build(url, partners=partners, days=days)
        return made

    def empty(self, database: str) -> str:
        """The URL of a new database without a table."""
        name = f"partner_bench_{uuid.uuid4().hex}"
        if database == "SQLite":
            return f"sqlite:///{self.folder / name}.db"
        return self._held.enter_context(postgres_database(name))
