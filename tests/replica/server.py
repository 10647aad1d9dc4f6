"""The replica's HTTP server, in a thread of its own: addresses, redirects, the visitor's country,
faults, and the log of what was asked.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import Self

from aiohttp import web

from tests.replica import days
from tests.replica.breaking import broken_answer, headers_for
from tests.replica.control import CONTROL, control_answer
from tests.replica.faults import TRANSPORT_KINDS, Fault
from tests.replica.pages.common import Noise
from tests.replica.routes import Answer, Layout, Router
from tests.replica.world import World

# Silent unless somebody turns it on: `Replica.log` has every request.
_REQUESTS = logging.getLogger("replica.requests")

ROBOTS = "User-agent: *\nSitemap: {origin}/sitemap.xml\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came. Status 0: no status was ever sent (hung or reset).

    ``size``: bytes of the answer's body as it was sent; 0 where it was broken off.
    """

    path_qs: str
    status: int
    user_agent: str
    time_monotonic: float
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    size: int = 0


class _Connection(web.RequestHandler):
    """Takes letters of any script in a request's first line, as the site does, unlike aiohttp."""

    def data_received(self, data: bytes) -> None:
        line, end, rest = data.partition(b"\r\n")
        if not line.isascii():
            data = b"".join(b"%%%02X" % c if c > 127 else bytes((c,)) for c in line) + end + rest
        super().data_received(data)


class _Server(web.Server):
    def __call__(self) -> _Connection:
        return _Connection(self, loop=asyncio.get_running_loop(), access_log=_REQUESTS)


class Replica:
    """The directory of a world, served at ``url`` inside a ``with``.

    ``lock`` is held while a page is made: hold it to change ``world`` or several things at once.
    ``on_request`` is called with the number of the request (from 1) and its path and query, under
    the lock and before the answer is made, so that it may change the world in the middle of a
    crawl. ``advance`` is what a posted day does; ``robots`` may hold ``{origin}``.
    """

    def __init__(
        self,
        world: World,
        layout: Layout = "odoo.com",
        page_size: int | None = None,
        visitor_country: int | None = 224,
        latency: float = 0.0,
        gzip: bool = True,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        encode_hrefs: bool = False,
        crawl_delay: float | None = None,
        seed: int = 0,
    ) -> None:
        self.world = world
        self.layout: Layout = layout
        self.page_size = page_size or (40 if layout == "stock18" else 20)
        self.visitor_country = visitor_country
        self.latency = latency
        self.gzip = gzip
        self.encode_hrefs = encode_hrefs
        self.robots = ROBOTS
        if crawl_delay is not None:
            self.robots = f"User-agent: *\nCrawl-delay: {crawl_delay:g}\n"
        self.lock = threading.RLock()
        self.log: list[Seen] = []
        self.faults: list[Fault] = []
        self.on_request: Callable[[int, str], None] | None = None
        self.advance: Callable[[World], object] = days.advance
        self.url = ""
        self._host, self._port = host, port
        self._rng = random.Random(seed)
        self._router = Router()
        self._count = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="replica", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            raise self._failed
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def paths(self) -> list[str]:
        """Paths and queries of all requests so far, in order."""
        return [seen.path_qs for seen in self.log]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            self._failed = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        server = _Server(self._handle)
        runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port, backlog=512)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"http://{self._host}:{port}"
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path.startswith(CONTROL):
            return control_answer(self, request, await request.read())
        with self.lock:
            self._count += 1
            count = self._count
            if self.on_request is not None:
                self.on_request(count, request.raw_path)
            struck = self._struck(request.raw_path)
        if self.latency:
            await asyncio.sleep(self.latency)
        breaking = next((fault for fault in struck if fault.kind in TRANSPORT_KINDS), None)
        with self.lock:
            noise = Noise(self._rng)
            answer = self._router.answer(self, request.raw_path, struck)
        if breaking is not None:
            return await broken_answer(self, request, breaking, answer, noise)
        return self._send(request, answer, noise)

    def _struck(self, path_qs: str) -> list[Fault]:
        """The faults that strike, at most one of those that replace the whole answer."""
        struck: list[Fault] = []
        broken = False
        for fault in list(self.faults):
            breaks = fault.kind in TRANSPORT_KINDS
            if not (broken and breaks) and fault.strikes(path_qs):
                struck.append(fault)
                broken = broken or breaks
        return struck

    def _send(self, request: web.BaseRequest, answer: Answer, noise: Noise) -> web.Response:
        squeezed = self.gzip and "gzip" in request.headers.get("Accept-Encoding", "")
        headers = headers_for(answer)
        if squeezed and answer.body is not None:
            headers["Content-Encoding"] = "gzip"
            body = answer.body.gzipped(noise)
        else:
            body = answer.body.plain(noise) if answer.body is not None else b""
        self.note(request, answer.status, len(body))
        return web.Response(status=answer.status, body=body, headers=headers)

    def note(self, request: web.BaseRequest, status: int, size: int = 0) -> None:
        """Writes a request to the log."""
        self.log.append(
            Seen(
                request.raw_path,
                status,
                request.headers.get("User-Agent", ""),
                time.monotonic(),
                MappingProxyType(dict(request.headers)),
                size,
            )
        )
