"""The run's ledger and its progress: what a crawl needs besides reading pages.

``RunLedger`` begins a run or continues a killed one, has it reconciled before it closes, and has it
audited and published once everything else has closed. ``Progress`` tells a person how far it is.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from scrapy import signals
from scrapy.exceptions import CloseSpider, DontCloseSpider
from tenacity import AsyncRetrying, retry_if_exception, wait_exponential

from partner_monitor import alerts
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
from partner_monitor.store.engine import StoreGone, open_engine, writing
from partner_monitor.store.evidence import reads_whole

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from sqlalchemy import Connection, Engine

    from partner_monitor.config import Config

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

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
        self._away_since: float | None = None  # the database; by time.monotonic
        self._lost: StoreGone | None = None  # it stayed away for longer than we wait
        self._concluding = False

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
        polite = self._crawler.get_downloader_middleware(PoliteRetryMiddleware)
        if polite is not None:
            polite.share_pace(self.engine, self.patiently)
        if not self._run.continued:
            logger.info("run %d begins: %s of %s", self._run.id, key, key.site)
            return []
        pages = staging.staged(self.engine, self._run.id)
        if self._crawler.settings.getdict("FEEDS"):
            logger.warning("the feed gets only what is read from now on (-a new_run=1 reads all)")
        read = sum(page.outcome is Outcome.READ for page in pages)
        logger.info("run %d continues: %s, %d pages are staged already", self._run.id, key, read)
        return pages

    async def write(
        self, work: Callable[Concatenate[Connection, int, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do ``work(connection, run_id, …)`` in a transaction; wait for a database that is away.

        ``work`` may be done more than once: a commit whose answer is lost may have come through.
        Raises StoreGone once the database has stayed away for too long; then the crawl is closing.
        """
        return await self.patiently(lambda: self._write(work, *args, **kwargs))

    async def patiently(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do ``work``, which asks the database; like ``write`` where that is away."""
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception(lambda error: self._waits_for(error)),
                wait=wait_exponential(multiplier=0.25, max=10),
                reraise=True,
            ):
                with attempt:
                    if self._lost is not None:
                        raise self._lost
                    done = work(*args, **kwargs)
                    if self._away_since is not None:
                        logger.info("the database answers again")
                        self._away_since = None
                    return done
        except StoreGone as error:
            self._lose(error)
            raise
        raise AssertionError("no attempt was made")

    def _write(
        self, work: Callable[Concatenate[Connection, int, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        assert self._run is not None
        self._run.lock.renew()
        with writing(self.engine) as connection:
            return work(connection, self._run.id, *args, **kwargs)

    def _waits_for(self, error: BaseException) -> bool:
        """Whether it is the database that is away, and it may be waited for a while yet."""
        if not isinstance(error, StoreGone) or self._lost is not None:
            return False
        if self._away_since is None:
            self._away_since = time.monotonic()
            patience = self._config.database_patience
            logger.warning("%s; trying again for %g s", error, patience)
        return time.monotonic() - self._away_since < self._config.database_patience

    def _lose(self, error: StoreGone) -> None:
        """Close the crawl: what it reads can be kept no more."""
        if self._lost is not None:
            return
        self._lost = error
        if not self._concluding:
            engine = self._crawler.engine
            assert engine is not None
            self._closing = asyncio.ensure_future(engine.close_spider_async(reason="no database"))

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
        try:
            gaps = reconcile.gaps(
                self.engine, self._run.id, ask_pages=not self._reconciled["pages"]
            )
        except StoreGone as error:
            if self._waits_for(error):
                raise DontCloseSpider from None  # to be asked again in a few seconds
            self._lose(error)
            raise CloseSpider("no database") from None
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

    async def conclude(self, reason: str) -> None:
        """Close the run: published, quarantined or failed if it came to its end, else interrupted.

        ``reason`` is Scrapy's for closing. The verdict becomes known only when the store has it.
        """
        if self._run is None:
            return
        run = self._run
        self._concluding = True
        try:
            if reason == "finished" and self._lost is None:
                polite = self._crawler.get_downloader_middleware(PoliteRetryMiddleware)
                result = await self.write(
                    publish.conclude, self._config, given_up=polite.given_up if polite else None
                )
                self._tell(result)
                state = result.state
            else:
                state = runs.State.INTERRUPTED
                why = f"stopped ({reason}); the same command continues it"
                # No patience: the process is asked to end, or the database was waited for.
                self._lost = None
                self._write(runs.interrupt, why, self._config.clock())
                logger.warning("run %d interrupted: %s", run.id, why)
            assert self._crawler.stats is not None
            self._crawler.stats.set_value(VERDICT, str(state))
        except StoreGone as error:
            logger.error(
                "run %d ends without a verdict: %s; once it answers, the same command continues it",
                run.id,
                error,
            )
            return
        finally:
            self._run = None
            run.lock.release()
            self.engine.dispose()
        if self._config.alert_urls:
            # In a thread, for a service may be slow; and not before the lock is released.
            for trouble in await asyncio.to_thread(
                alerts.notify, self.engine, run.id, self._config
            ):
                logger.warning(trouble)
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
