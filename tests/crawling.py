"""Real crawls for tests: in this process, many in a second, or as a user runs them.

``crawl`` runs the project's own spider, pipelines and middlewares with Scrapy's engine on a reactor
in a thread of its own, over real HTTP. ``scrapy`` runs the command line in a process of its own.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Row, text

from partner_monitor.store import check
from partner_monitor.store.engine import open_engine, reading

ROOT = Path(__file__).parents[1]

FAST: Mapping[str, Any] = {
    "DOWNLOAD_DELAY": 0,
    "CONCURRENT_REQUESTS": 8,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
    "PARTNER_BACKOFF_SECONDS": "0.001",
    "PARTNER_RENDER": "never",
}
"""No politeness towards a site on this machine, and no browser but where it is the point."""


@dataclass(frozen=True)
class Crawled:
    """What came of a crawl."""

    state: str | None
    """The run's state, None where no run came to a verdict."""
    items: tuple[Any, ...]
    log: tuple[logging.LogRecord, ...]
    stats: Mapping[str, Any]

    @property
    def errors(self) -> list[str]:
        return [record.getMessage() for record in self.log if record.levelno >= logging.ERROR]


def crawl(
    site: str,
    database_url: str,
    now: datetime | str | None = None,
    settings: Mapping[str, Any] | None = None,
    spider: str = "partners",
    **arguments: str,
) -> Crawled:
    """Run ``spider`` over ``site`` into the store; returns when it has closed."""
    loop = _loop()
    wanted: dict[str, Any] = dict(FAST) | {
        "PARTNER_SITE_URL": site,
        "PARTNER_DATABASE_URL": database_url,
        "PARTNER_NOW": now.isoformat() if isinstance(now, datetime) else now or "",
    }
    with _log_records() as log:
        return asyncio.run_coroutine_threadsafe(
            _crawl(spider, wanted | dict(settings or {}), arguments, log), loop
        ).result(timeout=240)


def scrapy(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``scrapy …`` in the project's folder, as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "scrapy", *arguments],
        cwd=ROOT,
        env=scrapy_environment(**environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def scrapy_environment(**environment: str) -> dict[str, str]:
    """The environment of a user with no settings of ours but ``environment``'s.

    A user's Python keeps what it has compiled; one that was told not to would compile all of it at
    each start.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PARTNER_")}
    clean.pop("PYTHONDONTWRITEBYTECODE", None)
    return clean | environment


def rows(database_url: str, query: str, **parameters: Any) -> list[Row[Any]]:
    """What plain SQL says of a store."""
    engine = open_engine(database_url)
    try:
        with reading(engine) as connection:
            return list(connection.execute(text(query), parameters))
    finally:
        engine.dispose()


def violations(database_url: str) -> list[str]:
    """What ``scrapy db check`` would say of a store."""
    engine = open_engine(database_url)
    try:
        return [str(violation) for violation in check.violations(engine)]
    finally:
        engine.dispose()


async def _crawl(
    spider: str,
    settings: Mapping[str, Any],
    arguments: Mapping[str, str],
    log: list[logging.LogRecord],
) -> Crawled:
    from scrapy import signals
    from scrapy.crawler import AsyncCrawlerRunner
    from scrapy.utils.project import get_project_settings

    from partner_monitor.extensions import VERDICT

    project = get_project_settings()
    project.setdict(dict(settings), priority="cmdline")
    crawler = AsyncCrawlerRunner(project).create_crawler(spider)
    items: list[Any] = []

    def keep(item: Any) -> None:
        items.append(item)

    crawler.signals.connect(keep, signals.item_scraped)
    await crawler.crawl_async(**arguments)
    stats = crawler.stats.get_stats()
    return Crawled(state=stats.get(VERDICT), items=tuple(items), log=tuple(log), stats=dict(stats))


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of a reactor that runs in a thread for as long as this process."""
    from scrapy.utils.reactor import install_reactor

    loop = asyncio.new_event_loop()
    started = threading.Event()

    def run() -> None:
        asyncio.set_event_loop(loop)
        install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
        from twisted.internet import reactor

        running: Any = reactor
        running.callWhenRunning(started.set)
        running.run(installSignalHandlers=False)

    os.environ.setdefault("SCRAPY_SETTINGS_MODULE", "partner_monitor.settings")
    threading.Thread(target=run, daemon=True, name="reactor").start()
    started.wait(30)
    return loop


@contextmanager
def _log_records() -> Iterator[list[logging.LogRecord]]:
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    handler = Keep(logging.INFO)
    logging.root.addHandler(handler)
    level = logging.root.level
    logging.root.setLevel(logging.INFO)
    try:
        yield records
    finally:
        logging.root.removeHandler(handler)
        logging.root.setLevel(level)
