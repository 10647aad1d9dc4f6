"""``scrapy reparse RUN``: reads a run's kept pages anew, without a request."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from partner_monitor.command import StoreCommand, run_id, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config


class Command(StoreCommand):
    """Gives a repaired reader a second chance."""

    def syntax(self) -> str:
        return "RUN"

    def short_desc(self) -> str:
        return "Read a run's kept pages anew, without a request"

    def long_desc(self) -> str:
        return (
            "Read the pages that a run fetched once more, as they were kept, and audit and publish "
            "what they say: after the site's layout had changed and the reader was repaired. "
            "Partners that a newer run has seen since keep what that run saw. The exit status is 0 "
            "if the run is published then."
        )

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from partner_monitor import alerts
        from partner_monitor.archive import reparse
        from partner_monitor.store.runs import State

        def show(done: int, total: int) -> None:
            if sys.stderr.isatty() and (done % 20 == 0 or done == total):
                print(f"\r{done} of {total} pages", end="\n" * (done == total), file=sys.stderr)

        alerts.check(config.alert_urls)
        run = run_id(args)
        # A published run read anew writes its old rows again, which are no news.
        known = alerts.told(engine, run) if config.alert_urls else None
        result = reparse(engine, run, config, show)
        print(f"run {result.run_id} {result.state}: {result.reason}")
        if result.state is State.PUBLISHED:
            wrote = ", ".join(f"{count} {what}" for what, count in sorted(result.wrote.items()))
            print(f"written: {wrote or 'nothing'}")
        tell(alerts.notify(engine, run, config, known))
        return 0 if result.state is State.PUBLISHED else 1
