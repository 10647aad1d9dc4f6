"""``scrapy health``: for monitoring systems. Exit status 0 while all is well, 1 when it is not."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from partner_monitor.command import StoreCommand

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config


class Command(StoreCommand):
    """Says whether runs are published in time, and whether one waits for a decision."""

    def short_desc(self) -> str:
        return "Whether runs are published in time and none waits: exit status 0, else 1"

    def long_desc(self) -> str:
        return (
            "Exit status 0 while the last published run over all countries began no longer ago "
            "than PARTNER_HEALTH_MAX_AGE_HOURS and no run waits in quarantine; 1 with a line for "
            "each thing that is wrong; 2 where that cannot be told."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from partner_monitor.reports import health

        found = health.gather(engine, config.clock(), config.health_max_age)
        print(json.dumps(found.as_json(), indent=2) if opts.json else "\n".join(found.lines()))
        return 0 if found.healthy else 1
