"""The run's ledger and its progress: what a crawl needs besides reading pages.

``RunLedger`` begins a run or continues a killed one, has it reconciled before it closes, and has it
audited and published once everything else has closed. ``Progress`` tells a person how far it is.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any, Self

from scrapy import signals
from scrapy.exceptions import DontCloseSpider

from partner_monitor.config import from_settings
from partner_monitor.items import (
    FailedPageItem,
    FailedProfileItem,
    ListingPageItem,
    Outcome,
    ProfileItem,
)
from partner_monitor.middlewares import PoliteRetryMiddleware
from partner_monitor.store import migrate, publish, reconcile, runs, staging
from partner_monitor.store.engine import open_engine
from partner_monitor.store.evidence import reads_whole

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from sqlalchemy import Engine

    from partner_monitor.config import Config

logger = logging.getLogger(__name__)

PROFILES_DUE = "partner_monitor/profiles_due"
"""The stat that holds how many profiles a recheck is to read."""

VERDICT = "partner_monitor/state"
"""The stat that holds the run's state; written only once the store has it."""


class RunLedger:
    """The run in the store, from its beginning to its verdict."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._config = from_settings(crawler.settings, {"mode": "all"})  # what all modes share
        self._engine: Engine | None = None
        self._run: runs.Run | None = None
        self._reconciled = {"pages": False, "countries": False}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        ledger = cls(crawler)
        crawler.signals.connect(ledger.reconcile, signals.spider_idle)
        return ledger

    @property
    def config(self) -> Config:
        return self._config

    @property
    def engine(self) -> Engine:
        """The store's engine; opened at the first use."""
        if self._engine is None:
            self._engine = open_engine(self._config.database_url)
        return self._engine

    @property
    def run(self) -> runs.Run | None:
        """The run under way; None before it has begun."""
        return self._run

    def begin(self, key: runs.RunKey, *, new_run: bool) -> list[staging.StagedPage]:
        """Begin the run, or continue a killed one; returns the pages it has asked for already.

        Raises StoreError where the store cannot be used or the same run is under way.
        """
        migrate.prepare(self.engine)
        runs.claim_site(self.engine, key.site, self._config.clock())
        self._run = runs.begin(
            self.engine, key, self._config.clock(), self._config.run_max_age, new_run=new_run
        )
        if not self._run.continued:
            logger.info("run %d begins: %s of %s", self._run.id, key, key.site)
            return []
        pages = staging.staged(self.engine, self._run.id)
        if self._crawler.settings.getdict("FEEDS"):
            logger.warning("the feed gets only what is read from now on (-a new_run=1 reads all)")
        read = sum(page.outcome is Outcome.READ for page in pages)
        logger.info("run %d continues: %s, %d pages are staged already", self._run.id, key, read)
        return pages

    def reconcile(self, spider: Spider) -> None:
        """Before the spider closes: have lost pages and countries that fall short read anew."""
        polite = self._crawler.get_downloader_middleware(PoliteRetryMiddleware)
        if (
            self._run is None
            or self._reconciled["countries"]
            or not reads_whole(self._run.key.spider, self._run.key.mode)
            or (polite is not None and polite.given_up is not None)
        ):
            return
        gaps = reconcile.gaps(self.engine, self._run.id, ask_pages=not self._reconciled["pages"])
        self._reconciled = {"pages": True, "countries": not gaps.pages}
        requests = spider.requests_for_gaps(gaps)  # type: ignore[attr-defined]
        if not requests:
            return
        if gaps.pages:
            logger.info("asking once more for %d lost pages", len(gaps.pages))
        else:
            logger.info(
                "reading the own lists of %d countries whose counts do not agree",
                len(gaps.countries),
            )
        assert self._crawler.engine is not None
        for request in requests:
            self._crawler.engine.crawl(request)
        raise DontCloseSpider

    def conclude(self, reason: str) -> None:
        """Close the run: published, quarantined or failed if it came to its end, else interrupted.

        ``reason`` is Scrapy's for closing. The verdict becomes known only when the store has it.
        """
        if self._run is None:
            return
        run, self._run = self._run, None
        try:
            if reason == "finished":
                polite = self._crawler.get_downloader_middleware(PoliteRetryMiddleware)
                result = publish.audit_and_publish(
                    self.engine, run.id, self._config, given_up=polite.given_up if polite else None
                )
                self._tell(result)
                state = result.state
            else:
                state = runs.State.INTERRUPTED
                why = f"stopped ({reason}); the same command continues it"
                runs.end(self.engine, run.id, state, why, self._config.clock())
                logger.warning("run %d interrupted: %s", run.id, why)
            assert self._crawler.stats is not None
            self._crawler.stats.set_value(VERDICT, str(state))
        finally:
            run.lock.release()
            self.engine.dispose()

    def _tell(self, result: publish.Published) -> None:
        level = logging.INFO if result.state is runs.State.PUBLISHED else logging.ERROR
        logger.log(level, "run %d %s: %s", result.run_id, result.state, result.reason)
        if result.state is runs.State.PUBLISHED:
            wrote = ", ".join(f"{count} {what}" for what, count in sorted(result.wrote.items()))
            seen = f"{result.seen} partners seen; " if result.seen else ""
            logger.info("%swritten: %s", seen, wrote or "nothing")
        elif result.state is runs.State.QUARANTINED:
            logger.error(
                "nothing of it is in the history: scrapy publish %d releases it, "
                "scrapy discard %d drops it",
                result.run_id,
                result.run_id,
            )


class Progress:
    """Pages, partners and time left: a bar on a terminal, a line a minute elsewhere."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._pages = self._partners = self._failed = 0
        self._promised: dict[int | None, int] = {}
        self._last_line = time.monotonic()
        self._bar: Bar | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        progress = cls(crawler)
        crawler.signals.connect(progress.open, signals.spider_opened)
        crawler.signals.connect(progress.close, signals.spider_closed)
        crawler.signals.connect(progress.page_read, signals.item_dropped)
        crawler.signals.connect(progress.page_read, signals.item_scraped)
        return progress

    def open(self) -> None:
        if sys.stderr.isatty() and self._crawler.settings.getbool("LOG_ENABLED"):
            self._bar = _terminal_bar()

    def page_read(self, item: Any) -> None:
        """Count a profile, or an end of page, which the stage pipeline drops once it is staged."""
        if isinstance(item, FailedProfileItem) or (
            isinstance(item, FailedPageItem) and item.outcome is not Outcome.BEYOND_LAST
        ):
            self._failed += 1
        if isinstance(item, ListingPageItem):
            self._partners += item.cards
            before = self._promised.get(item.list_country_id, 0)
            self._promised[item.list_country_id] = max(before, item.last_page)
        elif isinstance(item, ProfileItem):
            self._partners += 1
        else:
            return
        self._pages += 1
        due = self._crawler.stats.get_value(PROFILES_DUE, 0)
        expected = max(sum(self._promised.values()) + due, self._pages)
        text = f"{self._partners} partners" + (f", {self._failed} failed" if self._failed else "")
        if self._bar is not None:
            self._bar.update(
                self._bar.task_ids[0], completed=self._pages, total=expected, partners=text
            )
        elif time.monotonic() - self._last_line >= 60:
            self._last_line = time.monotonic()
            logger.info("%d of %d pages, %s", self._pages, expected, text)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _terminal_bar() -> Bar:
    """A bar below the log lines, which are routed through it so that neither breaks the other."""
    from rich.console import Console
    from rich.file_proxy import FileProxy
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    bar = Bar(
        TextColumn("reading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("pages, {task.fields[partners]},"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        transient=True,
    )
    for handler in logging.root.handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
            handler.setStream(FileProxy(console, sys.stderr))
    bar.add_task("pages", total=None, partners="")
    bar.start()
    return bar
