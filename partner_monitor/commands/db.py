"""``scrapy db upgrade|check``: the store itself."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from partner_monitor.command import StoreCommand
from partner_monitor.config import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config


class Command(StoreCommand):
    """Migrates the store, or proves that its history is consistent."""

    empty_store_is_fine = True

    def syntax(self) -> str:
        return "upgrade|check"

    def short_desc(self) -> str:
        return "Migrate the store (upgrade), or check its history's invariants (check)"

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from partner_monitor.store import check, migrate
        from partner_monitor.store.engine import StoreError
        from partner_monitor.store.menu import exists
        from partner_monitor.store.schema import SCHEMA_VERSION

        if args == ["upgrade"]:
            before = migrate.upgrade(engine)
            print(
                f"the store has schema {SCHEMA_VERSION} already"
                if before == SCHEMA_VERSION
                else f"the store went from schema {before or 'none'} to {SCHEMA_VERSION}"
            )
            return 0
        if args != ["check"]:
            raise ConfigurationError("scrapy db upgrade, or scrapy db check")
        if not exists(engine):
            raise StoreError("there is no store yet: scrapy crawl partners fills one")
        migrate.require(engine)
        found = 0
        for violation in check.violations(engine):
            print(violation)
            found += 1
        print(f"{found} violations" if found else "the history is consistent")
        return 1 if found else 0
