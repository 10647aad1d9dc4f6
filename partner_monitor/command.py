"""What our commands share. Not in commands/, where Scrapy takes every class for a command."""

from __future__ import annotations

import argparse
import sys
from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING

from scrapy.commands import ScrapyCommand

from partner_monitor.config import ConfigurationError, from_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config


def fail(message: str) -> int:
    """Say in one line what is wrong; returns the exit status."""
    print(message, file=sys.stderr)
    return 2


def tell(troubles: Iterable[str]) -> None:
    """Say what went wrong beside the command's own work, which is done."""
    for trouble in troubles:
        print(trouble, file=sys.stderr)


class StoreCommand(ScrapyCommand):
    """A command on the store: opens it, and turns what is wrong with it into one line."""

    requires_project = True
    requires_crawler_process = False
    default_settings = {"LOG_ENABLED": False}

    empty_store_is_fine = False

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        from partner_monitor.store import migrate
        from partner_monitor.store.engine import StoreError, open_engine
        from partner_monitor.store.menu import exists

        assert self.settings is not None
        try:
            config = from_settings(self.settings, {"mode": "all"})
            engine = open_engine(config.database_url)
            try:
                if not self.empty_store_is_fine:
                    if not exists(engine):
                        raise StoreError("there is no store yet: scrapy crawl partners fills one")
                    migrate.require(engine)
                self.exitcode = self.work(engine, config, args, opts)
            finally:
                engine.dispose()
        except (ConfigurationError, StoreError) as error:
            self.exitcode = fail(str(error))

    @abstractmethod
    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        """Do what the command is for; returns the exit status."""


MAX_NUMBER = 2**63 - 1
"""What a database takes for a number."""


def run_id(args: list[str]) -> int:
    """The one argument that names a run."""
    if len(args) != 1 or not args[0].isascii() or not args[0].isdigit():
        raise ConfigurationError("name one run by its number: scrapy runs lists them")
    # Longer numbers name no run either, but no database says so.
    return min(int(args[0][:30]), MAX_NUMBER)
