"""``scrapy report``: partners by status and country, and what changed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from partner_monitor.command import StoreCommand
from partner_monitor.config import ConfigurationError, instant

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config

FORMATS = ("text", "json", "md")


class Command(StoreCommand):
    """Says what the directory looks like now, and what changed since a day."""

    def short_desc(self) -> str:
        return "Partners by status and country, and what changed"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--since", metavar="DATE", help="changes from this day or instant on (30 days back)"
        )
        parser.add_argument("--country", help="one country: its id, slug, ISO code or name")
        parser.add_argument("--format", default="text", help="text, json or md (text)")

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from datetime import timedelta

        from partner_monitor.directory.countries import UnknownCountry, find_country, parse_country
        from partner_monitor.reports import overview
        from partner_monitor.store.menu import stored_menu

        if opts.format not in FORMATS:
            raise ConfigurationError(f"--format {opts.format!r}: one of {', '.join(FORMATS)}")
        now = config.clock()
        since = instant(opts.since, "--since") if opts.since else now - timedelta(days=30)
        country = None
        if opts.country:
            menu = stored_menu(engine)
            try:
                country = find_country(parse_country(opts.country, menu), menu)
            except UnknownCountry as error:
                raise ConfigurationError(str(error)) from None
            if country is None:
                raise ConfigurationError(f"the store knows no partners in {opts.country!r}")
        report = overview.gather(engine, since, now, country.id if country else None)
        overview.render(report, opts.format)
        return 0
