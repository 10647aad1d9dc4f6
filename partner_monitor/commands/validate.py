"""``scrapy validate``: recomputes the reprocess flags now."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from partner_monitor.command import StoreCommand

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config


class Command(StoreCommand):
    """Recomputes flags and counts them by reason."""

    def short_desc(self) -> str:
        return "Recompute which partners and countries need a second look, and why"

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from partner_monitor.reports.tables import print_table
        from partner_monitor.store import flags
        from partner_monitor.store.engine import serialize_publishes, writing

        with writing(engine) as connection:
            serialize_publishes(connection)
            flags.recompute(connection, config.clock(), config.stale_after, config.delist_after)
            counts = flags.counts(connection)
        if counts:
            print_table(["what", "reason", "flagged"], [list(row) for row in counts], right=(2,))
        else:
            print("nothing is flagged")
        return 0
