"""What an admin may do: flag for a recheck, publish or discard a quarantined run."""

from __future__ import annotations

from collections.abc import Sequence

from anyio import to_thread
from sqlalchemy import Engine, Table

from partner_monitor import alerts
from partner_monitor.config import Config
from partner_monitor.store import flags, publish, runs
from partner_monitor.store.engine import StoreError


class Acts:
    """Each says in a sentence what was done, or raises StoreError with why it was not."""

    def __init__(self, engine: Engine, config: Config) -> None:
        self._engine = engine
        self._config = config

    async def flag(self, table: Table, ids: Sequence[int]) -> str:
        """Flag ``partners`` or ``countries``."""
        asked = await to_thread.run_sync(flags.request, self._engine, table, ids, self._config)
        if not asked:
            raise StoreError("nothing was flagged: it is gone, or not in this store")
        what = table.name if asked > 1 else {"partners": "partner"}.get(table.name, "country")
        return f"{asked} {what} flagged: the next recheck looks there (scrapy crawl recheck)"

    async def publish(self, run_id: int) -> str:
        """Release a quarantined run, and send its alerts as ``scrapy publish`` does."""
        result = await to_thread.run_sync(publish.release, self._engine, run_id, self._config)
        troubles = (
            await to_thread.run_sync(alerts.notify, self._engine, run_id, self._config)
            if result.wrote
            else ()
        )
        wrote = ", ".join(f"{count} {what}" for what, count in sorted(result.wrote.items()))
        return "; ".join([f"Run {run_id} {result.state}: {wrote or result.reason}", *troubles])

    async def discard(self, run_id: int) -> str:
        """Drop a quarantined run."""
        await to_thread.run_sync(runs.discard, self._engine, run_id, self._config.clock())
        return f"Run {run_id} discarded"
