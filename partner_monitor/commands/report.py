"""``scrapy report``: partners by status and country, and what changed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from partner_monitor.command import StoreCommand, fail
from partner_monitor.config import ConfigurationError, instant

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config
    from partner_monitor.reports.overview import Overview
    from partner_monitor.store.menu import StoredCountry

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
        parser.add_argument("--format", help="text, json or md (text)")
        parser.add_argument(
            "--pdf", metavar="FILE", help="print it to FILE instead, with charts and every partner"
        )

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from datetime import timedelta

        from partner_monitor.directory.countries import UnknownCountry, find_country, parse_country
        from partner_monitor.reports import overview
        from partner_monitor.store.menu import stored_menu

        form = opts.format or "text"
        if form not in FORMATS:
            raise ConfigurationError(f"--format {form!r}: one of {', '.join(FORMATS)}")
        if opts.pdf is not None and opts.format:
            raise ConfigurationError("--pdf is a format of its own: leave --format out")
        paper = None if opts.pdf is None else _Paper(opts.pdf, config.browser)
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
        if paper is None:
            overview.render(report, form)
            return 0
        return paper.print(engine, report, country)


class _Paper:
    """A file that can be printed to: checked before the store is read."""

    def __init__(self, file: str, browser: str) -> None:
        from partner_monitor.rendering import find_browser

        self._file = Path(file)
        if not self._file.parent.is_dir():
            raise ConfigurationError(f"--pdf: there is no folder {self._file.parent}")
        if not self._file.name or self._file.is_dir():
            raise ConfigurationError(f"--pdf {file!r} is no file's name")
        found = find_browser(browser)
        if found is None:
            raise ConfigurationError(
                f"PARTNER_BROWSER {browser!r} is no browser"
                if browser
                else "--pdf needs a browser to print (Debian: apt install chromium), or set "
                "PARTNER_BROWSER"
            )
        self._browser = found

    def print(self, engine: Engine, report: Overview, country: StoredCountry | None) -> int:
        from partner_monitor.reports import printable

        if report.as_of is None:
            raise ConfigurationError(
                "no run is published yet, there is nothing to print: scrapy crawl partners"
            )
        sheets = printable.gather(
            engine,
            report,
            country.id if country else None,
            country.name if country else "",
        )
        as_of = f"{report.as_of:%Y-%m-%d %H:%M} UTC"
        try:
            printable.write_pdf(printable.html(sheets), as_of, self._file, self._browser)
        except printable.NotPrinted as error:
            return fail(str(error))
        except OSError as error:
            return fail(f"--pdf {self._file}: {error.strerror}")
        print(f"{self._file}: {len(sheets.partners):,} partners")
        return 0
