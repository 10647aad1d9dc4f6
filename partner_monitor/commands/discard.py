"""``scrapy discard RUN``: drops a quarantined run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from partner_monitor.command import StoreCommand, run_id

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config


class Command(StoreCommand):
    """Drops what the audit held back."""

    def syntax(self) -> str:
        return "RUN"

    def short_desc(self) -> str:
        return "Drop a quarantined run: nothing of it reaches the history"

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from partner_monitor.store.runs import discard

        discard(engine, run := run_id(args), config.clock())
        print(f"run {run} discarded")
        return 0
