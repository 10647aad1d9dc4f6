"""Being a good guest: one site only, and a pace that heeds what the site says.

Scrapy ignores Retry-After and Crawl-delay, and retries one request while the others go on. Here a
refusal slows the whole site: nothing is asked for until the wait is over, each further refusal
doubles it, and after too many in a row without one good answer the run gives up. On PostgreSQL the
pace and the waits are shared by all that crawl into the store (``store.gate``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from scrapy import signals
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.spidermiddlewares.httperror import HttpError

from partner_monitor.config import from_settings
from partner_monitor.items import Outcome
from partner_monitor.store import gate
from partner_monitor.store.engine import StoreGone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from scrapy import Request
    from scrapy.core.downloader import Slot
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.robotstxt import RobotParser
    from sqlalchemy import Engine
    from twisted.python.failure import Failure

logger = logging.getLogger(__name__)

GO_AWAY = frozenset({403, 408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""Statuses that mean "not now"; 403 because the site's edge gives it to requests that it serves
minutes later."""

AWAY = (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    ResponseDataLossError,
)
"""Failures of the network, silence included, that mean the same."""

MAX_REFUSALS = 7
"""Refusals in a row, without a good answer between them, after which the run gives up. A few pages
that fail while the others are served are lost alone."""

FEW_PAGES = 3
"""So many pages may fail for good without it being the site that refuses."""

MAX_WAIT = 900.0
"""Seconds; a site that asks to stay away for longer is left alone until the next run."""


class ForeignHost(IgnoreRequest):
    """A redirect or a link led away from the site."""


class NoBrowser(IgnoreRequest):
    """A page needs a browser to be filled, and there is none that works."""


class GivenUp(IgnoreRequest):
    """The site has refused for too long; nothing more is asked of it in this run."""


def outcome_of(failure: Failure) -> tuple[Outcome, str]:
    """Name what kept a page from being looked at, with a detail for the ledger."""
    error = failure.value
    text = str(error)
    if isinstance(error, HttpError):
        status = error.response.status
        if status == 429:
            return Outcome.THROTTLED, "HTTP 429"
        if status in (404, 410):
            return Outcome.NOT_FOUND, f"HTTP {status}"
        kind = Outcome.SERVER_ERROR if status >= 500 else Outcome.REFUSED
        return kind, f"HTTP {status}"
    if isinstance(error, GivenUp):
        return Outcome.GIVEN_UP, ""  # why stands once, with the run
    if isinstance(error, NoBrowser):
        return Outcome.HOLLOW, text
    if isinstance(error, ForeignHost):
        return Outcome.FOREIGN_HOST, text
    if isinstance(error, AWAY):
        away = _away(error)
        return away, text if away is Outcome.UNREACHABLE else ""
    if isinstance(error, DownloadCancelledError) or "exceeded" in text:
        return Outcome.TOO_LARGE, text
    if isinstance(error, IgnoreRequest):
        return (Outcome.ROBOTS, "") if "robots.txt" in text else (Outcome.REDIRECT_LOOP, text)
    return Outcome.ERROR, f"{type(error).__name__}: {text}"


class OneSiteMiddleware:
    """Refuses every request that leads off the site's origin, a redirect's too."""

    def __init__(self, site: str) -> None:
        self._origin = origin(site)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(from_settings(crawler.settings, {"mode": "all"}).site)

    def process_request(self, request: Request) -> None:
        if origin(request.url) != self._origin:
            raise ForeignHost(f"{request.url[:200]} is not on {'://'.join(self._origin)}")


class PoliteRetryMiddleware:
    """Waits and retries for the whole site, with an end."""

    def __init__(self, crawler: Crawler, backoff: float) -> None:
        self._crawler = crawler
        self._backoff = backoff
        self._doublings = 0
        self._refusals = 0
        self._refused: set[str] = set()  # URLs, since the last good answer
        self._served = False
        self._slowed_at = self._resume_at = float("-inf")
        self._delay = crawler.settings.getfloat("DOWNLOAD_DELAY")
        self._crawl_delay = 0.0
        self._gate: Engine | None = None
        self.given_up: str | None = None
        """Why nothing more is asked of the site; None while it is."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        middleware = cls(crawler, from_settings(crawler.settings, {"mode": "all"}).backoff)
        crawler.signals.connect(middleware.heed_crawl_delay, signals.robots_parsed)
        return middleware

    def share_pace(self, engine: Engine, patiently: Callable[..., Awaitable[Any]]) -> None:
        """From now on take turns with all that crawl into the store, where it has a gate.

        ``patiently`` does what it is given with the store, and waits for one that is away.
        """
        # Without a pace there is nothing to share; only a site on this machine is asked so.
        if engine.dialect.name == "postgresql" and max(self._delay, self._crawl_delay) > 0:
            self._gate, self._patiently = engine, patiently
            if self._crawl_delay:  # else it is not known yet, and others may know it
                self._tell_crawl_delay()

    async def process_request(self, request: Request) -> None:
        while True:
            await self._sleep_until(lambda: self._resume_at)
            if self.given_up is not None:
                raise GivenUp(self.given_up)
            if self._gate is None or await self._turn(self._gate):
                break
        request.meta["asked_at"] = time.monotonic()

    async def _turn(self, engine: Engine) -> bool:
        """Wait for a turn at the gate; False where the site refused somebody meanwhile."""
        try:
            turn = await self._patiently(gate.take, engine, max(self._delay, self._crawl_delay))
            at = time.monotonic() + turn.wait
            await self._sleep_until(lambda: at)
            stands = await self._patiently(gate.stands, engine, turn)
        except StoreGone as error:
            raise GivenUp(str(error)) from None  # the crawl is closing
        # The gate's pace is the whole pace: the downloader's own would let turns pile up.
        for slot in self._slots():
            slot.delay = 0.0
        return bool(stands) and self.given_up is None

    async def _sleep_until(self, moment: Callable[[], float]) -> None:
        """In steps, to notice when it is all over, or the moment has moved."""
        while self.given_up is None and (wait := moment() - time.monotonic()) > 0:
            await asyncio.sleep(min(wait, 1.0))

    def process_response(self, request: Request, response: Response) -> Request | Response:
        if response.status in GO_AWAY:
            after = _retry_after(response)
            return self.again(request, f"HTTP {response.status}", after) or response
        return response

    def process_exception(self, request: Request, exception: Exception) -> Request | None:
        if isinstance(exception, AWAY):
            return self.again(request, _away(exception))
        return None

    def served(self, request: Request) -> None:
        """A page was read, content and all: the site is serving us again."""
        self._served = True
        if request.meta.get("asked_at", 0.0) >= self._slowed_at:
            self._doublings = self._refusals = 0
            self._refused.clear()

    def again(self, request: Request, reason: str, wait: float = 0.0) -> Request | None:
        """``request`` anew after a wait for the whole site; None when it was tried often enough.

        ``wait``: seconds the site asked for. Also for pages that came back 200 without content.
        """
        self._slow_down(request, reason, wait)
        if self.given_up is not None:
            return None
        assert self._crawler.spider is not None
        retry = get_retry_request(
            request,
            reason=reason,
            spider=self._crawler.spider,
            logger=logger,
            give_up_log_level=logging.WARNING,
        )
        if retry is None and is_robots(request) and "403" not in reason:
            # RFC 9309: rules that cannot be read are taken to forbid everything.
            self._give_up(f"robots.txt cannot be read ({reason})")
        if retry is None:
            self._doublings = 0  # it is this page's failure, as far as can be told
        return retry

    def heed_crawl_delay(self, robotparser: RobotParser, request: Request) -> None:
        """Slow the site down to what its robots.txt asks for."""
        delay = robotparser.crawl_delay(self._crawler.settings["USER_AGENT"])
        self._crawl_delay = float(delay or 0)
        self._tell_crawl_delay()
        if self._crawl_delay <= self._delay:
            return
        logger.info("robots.txt asks for %g s between requests: heeded", self._crawl_delay)
        if self._gate is None:
            for slot in self._slots():
                slot.delay, slot.jitter = self._crawl_delay, 0.0

    def _tell_crawl_delay(self) -> None:
        """Tell all at the gate what robots.txt asks for, also that it asks for nothing."""
        if self._gate is not None:
            with suppress(StoreGone):  # this process heeds it all the same
                gate.heed(self._gate, self._crawl_delay)

    def _slow_down(self, request: Request, reason: str, wait: float) -> None:
        now = time.monotonic()
        self._refused.add(request.url)
        if wait > MAX_WAIT:
            self._give_up(f"the site asks to stay away for {wait:.0f} s")
        # Requests that were under way together and failed together are one refusal.
        if request.meta.get("asked_at", now) >= self._slowed_at:
            self._slowed_at = now
            self._refusals += 1
            wait = max(wait, self._backoff * 2.0**self._doublings)
            self._doublings += 1
            few = FEW_PAGES if self._served else 1
            if self._refusals >= MAX_REFUSALS and len(self._refused) > few:
                self._give_up(f"{self._refusals} refusals in a row, the last: {reason}")
            else:
                logger.warning("%s for %s: waiting %.3g s", reason, request.url, wait)
        wait = min(wait, MAX_WAIT)
        if self._gate is not None and now + wait > self._resume_at:
            with suppress(StoreGone):  # then this process waits alone
                gate.close(self._gate, wait)
        self._resume_at = max(self._resume_at, now + wait)
        if self.given_up is None:
            # Requests past ``process_request`` wait in the downloader for their turn: to it, the
            # site was last asked at the wait's end.
            for slot in self._slots():
                slot.lastseen = max(slot.lastseen, self._resume_at)

    def _slots(self) -> Iterable[Slot]:
        """The downloader's slots, Scrapy's inside: reached here and nowhere else."""
        assert self._crawler.engine is not None
        return self._crawler.engine.downloader.slots.values()

    def _give_up(self, why: str) -> None:
        if self.given_up is None:
            self.given_up = why
            logger.error("giving up: %s", why)
            # What waits in the downloader has passed process_request, and would still be sent.
            for slot in self._slots():
                while slot.queue:
                    _, waiting = slot.queue.popleft()
                    waiting.errback(GivenUp(why))


def is_robots(request: Request) -> bool:
    """Whether ``request`` asks for the site's robots.txt."""
    return urlsplit(request.url).path == "/robots.txt"


def _away(exception: Exception) -> Outcome:
    if isinstance(exception, DownloadTimeoutError):
        return Outcome.TIMED_OUT
    return (
        Outcome.CUT_SHORT if isinstance(exception, ResponseDataLossError) else Outcome.UNREACHABLE
    )


def origin(url: str) -> tuple[str, str]:
    """Scheme, and host with port."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, f"{parts.hostname}:{port}"


def _retry_after(response: Response) -> float:
    """Seconds that the answer's Retry-After asks for; 0 without a usable one."""
    text = (response.headers.get("Retry-After") or b"").decode("ascii", "replace").strip()
    if text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return 0.0
