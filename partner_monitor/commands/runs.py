"""``scrapy runs``: the ledger of runs."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from partner_monitor.command import MAX_NUMBER, StoreCommand
from partner_monitor.config import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config


class Command(StoreCommand):
    """Lists runs, newest first."""

    def short_desc(self) -> str:
        return "List the runs, what came of each, and why"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--limit", default="20", metavar="N", help="how many at most, newest first (20)"
        )
        parser.add_argument("--json", action="store_true", help="one JSON array, all columns")

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from partner_monitor.reports.tables import print_table
        from partner_monitor.store import runs

        digits = opts.limit.isascii() and opts.limit.isdigit()
        if not digits or not 1 <= int(opts.limit[:30]) <= MAX_NUMBER:
            raise ConfigurationError(f"--limit {opts.limit!r} is no number of 1 or more")
        rows = runs.latest(engine, int(opts.limit))
        if opts.json:
            outcomes = runs.outcomes(engine, [row.id for row in rows])
            told = [row._asdict() | {"outcomes": outcomes[row.id]} for row in rows]
            print(json.dumps(told, default=str, indent=2))
            return 0
        if not rows:
            print("no run yet: scrapy crawl partners makes one")
            return 0
        print_table(
            ["run", "crawl", "state", "started (UTC)", "pages", "partners", "reason"],
            [
                [
                    row.id,
                    f"{row.spider} {row.mode}"
                    + (f" {row.country}" if row.country else "")
                    + (f" page {row.page}" if row.page else ""),
                    row.state,
                    f"{row.started_at:%Y-%m-%d %H:%M}",
                    f"{row.pages_fetched}/{row.pages_expected or '?'}",
                    f"{row.partners_seen}/{row.partners_expected or '?'}",
                    row.reason or "",
                ]
                for row in rows
            ],
            right=(0, 4, 5),
        )
        return 0
