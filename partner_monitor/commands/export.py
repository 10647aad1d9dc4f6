"""``scrapy export VIEW -o FILE``: a reporting view as a file."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from partner_monitor.command import StoreCommand, fail
from partner_monitor.config import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config


class Command(StoreCommand):
    """Writes a view or table to a csv, jsonl, xlsx or parquet file."""

    def syntax(self) -> str:
        return "VIEW -o FILE"

    def short_desc(self) -> str:
        return "Write a reporting view to a csv, jsonl, xlsx or parquet file"

    def long_desc(self) -> str:
        return (
            "Write a reporting view, or one of the tables behind them, to a file; its ending names "
            "the format. A file of that name is replaced when the new one is whole."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "-o",
            "--output",
            metavar="FILE",
            help="where to write: a name that ends in .csv, .jsonl, .xlsx or .parquet",
        )

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from partner_monitor.reports.files import CannotExport, export

        if len(args) != 1 or not opts.output:
            raise ConfigurationError(
                "name one view and one file: scrapy export report_partners -o partners.csv"
            )
        view = _known(args[0])
        # Stopped by a service manager is stopped by hand: what was begun is cleared away.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            with _progress() as show:
                done = export(engine, view, Path(opts.output), show)
        except CannotExport as error:
            return fail(str(error))
        except KeyboardInterrupt:
            fail(f"interrupted: {opts.output} is as it was")
            return 130
        cut = f"; texts cut to what a cell of Excel holds: {done.cut}" if done.cut else ""
        print(f"{done.rows} rows in {opts.output}{cut}")
        return 0


def _known(name: str) -> str:
    from partner_monitor.store.exports import SOURCES

    if name in SOURCES:
        return name
    from rapidfuzz import fuzz, process  # only a mistake needs it

    nearest = process.extract(name, list(SOURCES), scorer=fuzz.WRatio, limit=3, score_cutoff=60)
    if not nearest:
        raise ConfigurationError(f"no view {name!r}: one of {', '.join(SOURCES)}")
    hint = ", ".join(found for found, _, _ in nearest)
    raise ConfigurationError(f"no view {name!r}: did you mean {hint}?")


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Says how far it is, on a terminal only."""
    began = time.monotonic()
    shown = False

    def show(rows: int) -> None:
        nonlocal shown
        if sys.stderr.isatty():
            shown = True
            rate = rows / max(time.monotonic() - began, 1e-3)
            print(f"\r{rows} rows, {rate:.0f} a second", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        if shown:
            print(file=sys.stderr)
