"""``scrapy db upgrade|check|copy``: the store itself."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from partner_monitor.command import StoreCommand
from partner_monitor.config import ConfigurationError, database_url

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config


class Command(StoreCommand):
    """Migrates the store, proves that its history is consistent, or copies it."""

    empty_store_is_fine = True

    def syntax(self) -> str:
        return "upgrade|check|copy TARGET_URL"

    def short_desc(self) -> str:
        return "Migrate the store (upgrade), check its history (check), or move it (copy)"

    def long_desc(self) -> str:
        return (
            "upgrade: bring the store to this version's schema. check: prove that its history is "
            "consistent with itself. copy TARGET_URL: copy the whole store into another, empty "
            "database, SQLite or PostgreSQL, and verify every row and the history there; the "
            "target is left as it was if anything differs. The store itself is not changed."
        )

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from partner_monitor.store import check, migrate
        from partner_monitor.store.engine import StoreError
        from partner_monitor.store.menu import exists

        if args == ["upgrade"]:
            print(migrate.told(migrate.upgrade(engine)))
            return 0
        if args != ["check"] and (args[:1] != ["copy"] or len(args) != 2):
            raise ConfigurationError("scrapy db takes one of upgrade, check, and copy TARGET_URL")
        if not exists(engine):
            raise StoreError("there is no store yet: scrapy crawl partners fills one")
        migrate.require(engine)
        if args[0] == "copy":
            assert self.settings is not None
            folder = self.settings.get("PROJECT_FOLDER")
            return _copy(engine, database_url("the target", args[1], folder))
        found = 0
        for violation in check.violations(engine):
            print(violation)
            found += 1
        print(f"{found} violations" if found else "the history is consistent")
        return 1 if found else 0


def _copy(source: Engine, target_url: str) -> int:
    from partner_monitor.store.copy import CopyDiffers, copy
    from partner_monitor.store.engine import open_engine

    shown = 0

    def show(what: str, done: int, total: int) -> None:
        nonlocal shown
        percent = 100 * done // max(total, 1)
        if sys.stderr.isatty() and percent != shown:
            shown = percent
            print(f"\r{what} {percent} %  ", end="\n" * (done == total), file=sys.stderr)

    target = open_engine(target_url)
    try:
        copied = copy(source, target, show)
    except CopyDiffers as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: the target is as it was", file=sys.stderr)
        return 1
    finally:
        target.dispose()
    print(f"copied {copied.tables} tables, {copied.rows:,} rows; verified")
    return 0
