"""Telling people what a run brought, wherever they look: by mail, in a chat, on a telephone.

A failing alert never fails a run: what goes wrong here comes back as a line to be logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from partner_monitor.alerts import digest, sending
from partner_monitor.alerts.sending import check
from partner_monitor.config import Alerts
from partner_monitor.store import events, runs

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config

__all__ = ["check", "notify", "notify_of_time", "notify_of_trouble", "told"]


def told(engine: Engine, run_id: int) -> Mapping[str, events.Events]:
    """The events that a digest of the run has told already, if it was published before."""
    return events.of_publish(engine, runs.get(engine, run_id), digest.NAMES)


def notify(
    engine: Engine, run_id: int, config: Config, known: Mapping[str, events.Events] | None = None
) -> list[str]:
    """Send what there is to tell of a run that has its verdict; returns what went wrong, in lines.

    Published: a digest of what its publish wrote, if that is worth telling. Quarantined or failed:
    why, and what to do. Otherwise nothing, nor where all of it is ``known`` already. Takes
    ``sending.PATIENCE`` seconds at most.
    """
    if not config.alert_urls:
        return []
    try:
        run = runs.get(engine, run_id)
        message = None
        if run.state == runs.State.PUBLISHED:
            if config.alerts is Alerts.TROUBLE:
                return []
            found = events.of_publish(engine, run, digest.NAMES)
            message = digest.of_events(run, found) if found != known else None
        elif run.state in (runs.State.QUARANTINED, runs.State.FAILED):
            message = digest.of_trouble(run)
        return sending.send(config.alert_urls, message) if message else []
    except Exception as error:  # whatever it is, the run has its verdict
        return [f"nothing could be told of run {run_id}: {type(error).__name__}"]


def notify_of_time(engine: Engine, after: datetime, until: datetime, config: Config) -> list[str]:
    """Send the digest of what was published after ``after``, to ``until``; as ``notify`` does."""
    found = events.of_time(engine, after, until, digest.NAMES)
    message = digest.of_time(after, until, found, config.site)
    return sending.send(config.alert_urls, message) if message else []


def notify_of_trouble(title: str, lines: Sequence[str], config: Config) -> list[str]:
    """Send what does not go as it should, beside any run; as ``notify`` does."""
    body = "\n".join(digest.plain(line, digest.MAX_REASON) for line in lines)
    message = digest.Message(title=f"Partner Monitor: {title}", body=body, urgent=True)
    return sending.send(config.alert_urls, message)
