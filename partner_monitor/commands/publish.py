"""``scrapy publish RUN``: releases a quarantined run into the history."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from partner_monitor.command import StoreCommand, run_id, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config


class Command(StoreCommand):
    """Publishes what the audit held back."""

    def syntax(self) -> str:
        return "RUN"

    def short_desc(self) -> str:
        return "Publish a quarantined run after all"

    def long_desc(self) -> str:
        return (
            "Publish a run that the audit held back. Partners that a newer run has seen since "
            "keep what that run saw."
        )

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from partner_monitor import alerts
        from partner_monitor.store.publish import release

        alerts.check(config.alert_urls)
        result = release(engine, run_id(args), config)
        wrote = ", ".join(f"{count} {what}" for what, count in sorted(result.wrote.items()))
        print(f"run {result.run_id} {result.state}: {wrote or result.reason}")
        if result.wrote:
            tell(alerts.notify(engine, result.run_id, config))
        return 0
