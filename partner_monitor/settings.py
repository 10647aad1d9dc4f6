"""Scrapy's settings, and ours. Each of ours also reads an environment variable of its name.

Precedence: ``-s NAME=value``, the environment, a ``.env`` file beside ``scrapy.cfg``, the default.
"""

from __future__ import annotations

import os as _os
from pathlib import Path as _Path

from scrapy.utils.conf import closest_scrapy_cfg as _closest_scrapy_cfg

from partner_monitor import __version__ as _version
from partner_monitor.config import read_env_file as _read_env_file

_scrapy_cfg = _closest_scrapy_cfg()
PROJECT_FOLDER = str(_Path(_scrapy_cfg).parent) if _scrapy_cfg else None
"""Where ``scrapy.cfg`` lies; None when the project runs from an egg."""

_env_file = _read_env_file(PROJECT_FOLDER)


def _ours(name: str, default: str) -> str:
    return _os.environ.get(name, _env_file.get(name, default))


# --- ours (docs/settings.md) --------------------------------------------------------------------
PARTNER_SITE_URL = _ours("PARTNER_SITE_URL", "https://www.odoo.com")
PARTNER_DATABASE_URL = _ours("PARTNER_DATABASE_URL", "sqlite:///partner_monitor.db")
PARTNER_FETCH_MODE = _ours("PARTNER_FETCH_MODE", "all")
PARTNER_FETCH_PAGE = _ours("PARTNER_FETCH_PAGE", "1")
PARTNER_COUNTRY = _ours("PARTNER_COUNTRY", "")
PARTNER_BACKOFF_SECONDS = _ours("PARTNER_BACKOFF_SECONDS", "10")
PARTNER_DELIST_AFTER_DAYS = _ours("PARTNER_DELIST_AFTER_DAYS", "7")
PARTNER_RECHECK_LIMIT = _ours("PARTNER_RECHECK_LIMIT", "500")
PARTNER_STALE_AFTER_DAYS = _ours("PARTNER_STALE_AFTER_DAYS", "30")
PARTNER_RUN_MAX_AGE_HOURS = _ours("PARTNER_RUN_MAX_AGE_HOURS", "6")
PARTNER_RENDER = _ours("PARTNER_RENDER", "auto")
PARTNER_BROWSER = _ours("PARTNER_BROWSER", "")
PARTNER_KEEP_PAGES_DAYS = _ours("PARTNER_KEEP_PAGES_DAYS", "14")
PARTNER_DATABASE_PATIENCE_SECONDS = _ours("PARTNER_DATABASE_PATIENCE_SECONDS", "300")
PARTNER_NOW = _ours("PARTNER_NOW", "")
PARTNER_ALERT_URLS = _ours("PARTNER_ALERT_URLS", "")
PARTNER_ALERTS = _ours("PARTNER_ALERTS", "all")
PARTNER_HEALTH_MAX_AGE_HOURS = _ours("PARTNER_HEALTH_MAX_AGE_HOURS", "36")
PARTNER_DASHBOARD_SECRET = _ours("PARTNER_DASHBOARD_SECRET", "")

# For scripts/serve, deploy and schedule.
PARTNER_SCRAPYD_URL = _ours("PARTNER_SCRAPYD_URL", "")
PARTNER_SCRAPYD_USERNAME = _ours("PARTNER_SCRAPYD_USERNAME", "partner-monitor")
PARTNER_SCRAPYD_PASSWORD = _ours("PARTNER_SCRAPYD_PASSWORD", "")

# Thresholds of the audit (docs/how-it-works.md), as shares of one.
PARTNER_AUDIT_READ_FLOOR = _ours("PARTNER_AUDIT_READ_FLOOR", "0.98")
PARTNER_AUDIT_FILL_DROP = _ours("PARTNER_AUDIT_FILL_DROP", "0.3333333333333333")
PARTNER_AUDIT_PAGES_LOST = _ours("PARTNER_AUDIT_PAGES_LOST", "0.20")
PARTNER_AUDIT_CHANGED = _ours("PARTNER_AUDIT_CHANGED", "0.25")

# --- Scrapy's: each with the default it replaces and why ----------------------------------------
BOT_NAME = "partner_monitor"
SPIDER_MODULES = ["spiders"]
COMMANDS_MODULE = "partner_monitor.commands"

# An honest name, so that the site's operators can tell who reads and reach us.
USER_AGENT = f"PartnerMonitor/{_version} (+https://github.com/partner-monitor/partner-monitor)"
# The site redirects a first visit to the language asked for; English is what the menus are read in.
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "en",
    "Accept-Encoding": "gzip",  # kept pages stay as they came, and must be read with any install
}

ROBOTSTXT_OBEY = True
# A pace that is known to have worked: about a request a second, few at once.
DOWNLOAD_DELAY = 1.0
CONCURRENT_REQUESTS = 4  # default 16: what waits in the downloader cannot be called back
CONCURRENT_REQUESTS_PER_DOMAIN = 4
# Default 100: so many tasks are made for each page, and its items are staged together anyway.
CONCURRENT_ITEMS = 1
DOWNLOAD_TIMEOUT = 60  # default 180: a silent site is away, and waiting longer does not help
DOWNLOAD_MAXSIZE = 16 * 1024 * 1024  # default 1 GiB; a listing page has 0.4 MB
DOWNLOAD_WARNSIZE = 4 * 1024 * 1024  # default 32 MiB
DOWNLOAD_VERIFY_CERTIFICATES = True  # default False
REDIRECT_MAX_TIMES = 5  # default 20
REDIRECT_PRIORITY_ADJUST = 0
HTTPERROR_ALLOW_ALL = False

# Retries are ours (middlewares.PoliteRetryMiddleware): they slow the whole site, not one request.
RETRY_ENABLED = False
RETRY_TIMES = 5  # default 2, on top of the first try
RETRY_PRIORITY_ADJUST = 0
DOWNLOAD_HANDLERS = dict.fromkeys(("http", "https"), "partner_monitor.rendering.BrowserOnDemand")
DOWNLOADER_MIDDLEWARES = {
    "partner_monitor.rendering.RenderMiddleware": 40,
    "partner_monitor.middlewares.OneSiteMiddleware": 50,
    # No cookies: a session would carry a language and a country along.
    "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    # Between the redirects (600) and the compression (590): it sees the site's own answers.
    "partner_monitor.middlewares.PoliteRetryMiddleware": 595,
    # Before the decompression (590): pages are kept as they came.
    "partner_monitor.archive.KeepPagesMiddleware": 592,
}
SPIDER_MIDDLEWARES = {
    # Looks at every item, and nobody asks how many links away a page was.
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
    # A page asked for anew takes its request's notes along on purpose: its tries are counted.
    "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None,
}
ITEM_PIPELINES = {
    "pipelines.clean.CleanPipeline": 100,
    "pipelines.stage.StagePipeline": 200,
    "pipelines.publish.PublishPipeline": 300,
}
EXTENSIONS = {
    "partner_monitor.extensions.RunLedger": 0,
    "partner_monitor.extensions.Progress": 10,
    "scrapy.extensions.telnet.TelnetConsole": None,
    "scrapy.extensions.logstats.LogStats": None,  # Progress tells more, in fewer lines
}
TELNETCONSOLE_ENABLED = False  # default True: a console on a port is not wanted unattended
REMOTE_CONTROL_ENABLED = False  # default True: runs posted Python

LOG_LEVEL = "INFO"
LOG_VERSIONS: list[str] = []  # default: a dozen lines of versions
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"
STATS_DUMP = False  # default True: the ledger's closing summary tells what matters
FEED_EXPORT_ENCODING = "utf-8"
