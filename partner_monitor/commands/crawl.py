"""``scrapy crawl``: Scrapy's own, with bad input refused first and the run's verdict last.

The exit status is 0 only for a run that was published, so that cron and CI see the others.
"""

from __future__ import annotations

import argparse
import gc
import logging

from scrapy.commands.crawl import Command as CrawlCommand
from scrapy.crawler import Crawler
from scrapy.exceptions import UsageError
from scrapy.spiders import Spider

from partner_monitor.command import fail
from partner_monitor.config import ConfigurationError, Render, from_settings, recheck

logger = logging.getLogger(__name__)


class Command(CrawlCommand):
    """Checks, crawls, and answers with the run's state."""

    # Made once the arguments are known to be good: setting up a crawl takes a second.
    requires_crawler_process = False

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        if len(args) != 1:
            raise UsageError("name one spider: partners or recheck")
        assert self.settings is not None
        # scrapyd tells every spider the names of its job and its egg.
        opts.spargs = {name: opts.spargs[name] for name in opts.spargs if not name.startswith("_")}
        try:
            if args[0] == "upgrade":
                self._upgrade()
                return
            self._check(args[0], opts.spargs)
        except ConfigurationError as error:
            self._log(logging.ERROR, str(error))
            self.exitcode = fail(str(error))
            return
        from scrapy.crawler import AsyncCrawlerProcess

        self.crawler_process = AsyncCrawlerProcess(self.settings)
        if self.settings["LOG_LEVEL"] != "DEBUG":
            # Scrapy's own dozens of lines on how it is set up are for developers.
            for library in ("scrapy", "alembic"):
                logging.getLogger(library).setLevel(logging.WARNING)
            # That robots.txt cannot be had is told by PoliteRetryMiddleware, without a traceback.
            robots = logging.getLogger("scrapy.downloadermiddlewares.robotstxt")
            robots.setLevel(logging.CRITICAL)
        # What has been loaded stays: there is no garbage in it to be looked for at every page.
        gc.freeze()
        super().run(args, opts)
        if self.exitcode == 0 and not self._published():
            self.exitcode = 1

    def _check(self, spider: str, arguments: dict[str, str]) -> None:
        """Raise ConfigurationError for whatever can be refused before any request."""
        from partner_monitor import alerts
        from partner_monitor.directory.countries import UnknownCountry, parse_country
        from partner_monitor.store.engine import StoreError, open_engine
        from partner_monitor.store.menu import stored_menu
        from partner_monitor.store.runs import refuse_foreign_site

        assert self.settings is not None
        if spider == "recheck":
            recheck(self.settings, arguments)
            config = from_settings(self.settings, {"mode": "all"})
        elif spider == "partners":
            config = from_settings(self.settings, arguments)
        else:
            raise ConfigurationError(
                f"there is no spider {spider!r}: there are partners and recheck"
            )
        if config.render is Render.ALWAYS:
            from partner_monitor.rendering import find_browser, missing

            if find_browser(config.browser) is None:
                raise ConfigurationError(f"PARTNER_RENDER is always: {missing(config.browser)}")
        alerts.check(config.alert_urls)
        engine = open_engine(config.database_url)
        try:
            menu = stored_menu(engine)
            refuse_foreign_site(engine, config.site)
            if config.country:
                parse_country(config.country, menu)
        except (StoreError, UnknownCountry) as error:
            raise ConfigurationError(str(error)) from None
        finally:
            engine.dispose()

    def _log(self, level: int, line: str) -> None:
        """Write to LOG_FILE, if there is one: all that scrapyd shows of a job."""
        assert self.settings is not None
        if self.settings["LOG_FILE"]:
            from scrapy.utils.log import configure_logging

            configure_logging(self.settings)
            logger.log(level, line)

    def _upgrade(self) -> None:
        """What a deployment asks of a host, in the form of a spider: scrapyd can start no other.

        Raises ConfigurationError where the host cannot run this version, or the store not be used.
        """
        from partner_monitor.requirements import lacking
        from partner_monitor.store import migrate
        from partner_monitor.store.engine import StoreError, open_engine

        assert self.settings is not None
        if lacks := lacking():
            raise ConfigurationError(f"not upgraded: the host lacks {', '.join(lacks)}")
        config = from_settings(self.settings, {"mode": "all"})
        engine = open_engine(config.database_url)
        try:
            told = migrate.told(migrate.upgrade(engine))
        except StoreError as error:
            raise ConfigurationError(f"not upgraded: {error}") from None
        finally:
            engine.dispose()
        self._log(logging.INFO, f"upgraded: {told}")
        print(told)

    def _create_crawler(self, spidercls: type[Spider] | str) -> Crawler:
        self._crawler = super()._create_crawler(spidercls)
        return self._crawler

    def _published(self) -> bool:
        from partner_monitor.extensions import VERDICT

        return bool(self._crawler.stats.get_value(VERDICT) == "published")
