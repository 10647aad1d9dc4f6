"""Pages that a script fills: fetched through the system's browser, where there is no other way.

A run that needs no browser starts none and imports none: Playwright is imported at the first
request that asks for it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.exceptions import (
    DownloadCancelledError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)

from partner_monitor.config import Render, from_settings
from partner_monitor.directory.document import has_end
from partner_monitor.middlewares import ForeignHost, NoBrowser, is_robots, origin
from partner_monitor.reading import CONTENT

if TYPE_CHECKING:
    from playwright.async_api import Page
    from playwright.async_api import Request as BrowserRequest
    from playwright.async_api import Response as BrowserResponse
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler

logger = logging.getLogger(__name__)

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The names under which systems have it."""

NEEDED = frozenset({"document", "script", "xhr", "fetch"})
"""What of a page is loaded; images, fonts, media and styles are not."""

FILL_TIME = 10_000
"""Milliseconds that a script has to fill its page."""

NAVIGATION_TIME = 30_000
"""Milliseconds that a page has to load."""

BODY_TIME = 5
"""Seconds that the browser has to hand out a document that it has loaded."""

LIMIT = 60
"""Seconds that a page may take in the browser in all, a script that hangs included."""

MAX_FRUITLESS = 3
"""Hollow pages in a row that the browser found as hollow, after which it is not asked again."""


def find_browser(setting: str) -> str | None:
    """Path of the browser: ``setting`` (PARTNER_BROWSER) where it is given, else the system's."""
    for name in [setting] if setting else BROWSERS:
        if path := shutil.which(name):
            return path
    return None


class RenderMiddleware:
    """Decides which request goes through the browser."""

    def __init__(self, crawler: Crawler) -> None:
        config = from_settings(crawler.settings, {"mode": "all"})
        self._mode = config.render
        self._browser = config.browser
        self._fruitless = 0
        self._warned = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        if self._mode is Render.ALWAYS and not is_robots(request):
            request.meta["playwright"] = True

    def anew(self, response: Response) -> Request | None:
        """A hollow page's request anew, through the browser; None where that is no use."""
        request = response.request
        assert request is not None
        if request.meta.get("playwright"):
            self._fruitless += 1
            if self._fruitless == MAX_FRUITLESS:
                logger.warning(
                    "the browser found %d pages as hollow: not asked again", MAX_FRUITLESS
                )
            return None
        if (
            self._mode is not Render.AUTO
            or request.meta.get("rendered")
            or self._fruitless >= MAX_FRUITLESS
            or b"<script" not in response.body
        ):
            return None
        if find_browser(self._browser) is None:
            if not self._warned:
                self._warned = True
                logger.warning("a page comes without its content: %s", missing(self._browser))
            return None
        again = plain(request)
        again.meta.update(playwright=True, rendered=True)
        return again

    def filled(self, request: Request) -> None:
        """A page was read; if it came through the browser, it is worth asking."""
        if request.meta.get("playwright"):
            self._fruitless = 0


def missing(setting: str) -> str:
    """What to say where there is no browser."""
    if setting:
        return f"PARTNER_BROWSER {setting!r} is no browser"
    return "there is no browser to fill it (Debian: apt install chromium), or set PARTNER_BROWSER"


def plain(request: Request) -> Request:
    """``request`` anew, without the browser."""
    meta = {name: v for name, v in request.meta.items() if not name.startswith("playwright")}
    return request.replace(dont_filter=True, meta=meta)


class BrowserOnDemand:
    """Scrapy's own download handler, and a browser from the first request on that asks for it."""

    lazy = True

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._plain = HTTP11DownloadHandler.from_crawler(crawler)
        self._starting = asyncio.Lock()
        self._browser: ScrapyPlaywrightDownloadHandler | None = None
        self._fault: str | None = None
        self._config = from_settings(crawler.settings, {"mode": "all"})
        self._origin = origin(self._config.site)
        self._host = urlsplit(self._config.site).hostname

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def download_request(self, request: Request) -> Response:
        if not request.meta.get("playwright"):
            return await self._plain.download_request(request)
        async with self._starting:
            if self._browser is None and self._fault is None:
                await self._start()
        if self._browser is None:
            raise NoBrowser(self._fault)
        return await self._render(self._browser, request)

    async def close(self) -> None:
        await self._plain.close()
        if self._browser is not None:
            await self._browser.close()

    async def _start(self) -> None:
        from playwright.async_api import Error
        from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler

        path = find_browser(self._config.browser)
        if path is None:
            self._fault = missing(self._config.browser)
            return
        # Its failures are told by ours, once and without a traceback.
        logging.getLogger("scrapy-playwright").setLevel(logging.CRITICAL)
        handler = ScrapyPlaywrightDownloadHandler.from_crawler(self._crawler)
        handler.config.launch_options = {
            "executable_path": path,
            "chromium_sandbox": os.geteuid() != 0,  # root cannot have it
            # No other host is asked, be it by a redirect, a script, or the browser for itself.
            "args": [f"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {self._host}"],
        }
        handler.config.startup_context_kwargs = {
            "default": {
                "user_agent": self._crawler.settings["USER_AGENT"],
                "locale": "en",
                "service_workers": "block",
                "accept_downloads": False,
            }
        }
        handler.config.navigation_timeout_ms = NAVIGATION_TIME
        # A navigation that breaks off is waited for as if it were a download.
        handler.config.download_timeout_secs = 1
        handler.abort_request = self._is_not_needed
        try:
            await handler._maybe_launch_in_thread()
        except (Error, OSError) as error:
            self._fault = f"the browser {path} does not start: {_first_line(error)}"
            logger.warning("%s", self._fault)
            await handler.close()
            return
        logger.info("a browser is started, for pages that come without their content")
        self._browser = handler

    async def _render(self, browser: ScrapyPlaywrightDownloadHandler, request: Request) -> Response:
        from playwright.async_api import Error
        from playwright.async_api import TimeoutError as BrowserTimeoutError

        visit = _Visit(self._origin)
        try:
            async with asyncio.timeout(LIMIT):
                response: Response = await browser.download_request(visit.request(request))
        except (BrowserTimeoutError, TimeoutError) as error:
            await visit.leave()
            raise DownloadTimeoutError(_first_line(error)) from None
        except Error as error:
            if visit.led_to:
                raise ForeignHost(_foreign(visit.led_to, self._config.site)) from None
            raise DownloadFailedError(_first_line(error)) from None
        if origin(response.url) != self._origin:
            raise ForeignHost(_foreign(response.url, self._config.site))
        if response.status == 200 and not has_end(visit.document):
            # The browser closes what was left open: a name cut in its middle would look whole.
            raise ResponseDataLossError(["the document has no end"])
        if len(response.body) > self._crawler.settings.getint("DOWNLOAD_MAXSIZE"):
            raise DownloadCancelledError(f"{len(response.body)} bytes exceeded what is taken")
        return response

    def _is_not_needed(self, request: BrowserRequest) -> bool:
        if request.resource_type not in NEEDED or origin(request.url) != self._origin:
            return True
        # Of documents the page itself, and none that it frames.
        return request.resource_type == "document" and request.frame.parent_frame is not None


class _Visit:
    """One page in the browser, from the blank to its content."""

    def __init__(self, site: tuple[str, str]) -> None:
        self._site = site
        self._page: Page | None = None
        self._answer: BrowserResponse | None = None
        self.led_to: str | None = None
        """Where off the site the page led."""
        self.document = b""
        """The page as the site sent it."""

    def request(self, request: Request) -> Request:
        """A request of its own, for the handler writes into it."""
        from scrapy_playwright.page import PageMethod

        return request.replace(
            meta=request.meta
            | {
                "playwright_page_init_callback": self._begin,
                "playwright_page_event_handlers": {"request": self._follow, "response": self._note},
                "playwright_page_methods": [PageMethod(self._until_filled)],
            }
        )

    async def leave(self) -> None:
        """Close a page that hangs."""
        if self._page is not None:
            with suppress(Exception):
                await asyncio.wait_for(self._page.close(), 5)

    async def _begin(self, page: Page, _: Request) -> None:
        self._page = page
        # As without a browser: a session would carry a language and a country along.
        await page.context.clear_cookies()

    def _follow(self, asked: BrowserRequest) -> None:
        if asked.is_navigation_request() and origin(asked.url) != self._site:
            self.led_to = asked.url

    def _note(self, answer: BrowserResponse) -> None:
        if answer.request.is_navigation_request():
            self._answer = answer

    async def _until_filled(self, page: Page) -> None:
        """Wait for the page's content; if none comes the page is taken as it is."""
        from playwright.async_api import Error
        from playwright.async_api import TimeoutError as BrowserTimeoutError

        if self._answer is None or self._answer.status != 200:
            return
        with suppress(TimeoutError, Error):  # a document that broke off has none
            async with asyncio.timeout(BODY_TIME):
                self.document = await self._answer.body()
        try:
            await page.wait_for_selector(CONTENT, state="attached", timeout=FILL_TIME)
            await page.wait_for_load_state("networkidle", timeout=FILL_TIME)
        except BrowserTimeoutError:
            pass


def _foreign(url: str, site: str) -> str:
    return f"{url[:200]} is not on {site}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
