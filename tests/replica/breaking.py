"""Answers that go wrong: refusals, silence, broken connections, floods, pages that are no pages."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections.abc import AsyncIterator
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from tests.replica.faults import Fault
from tests.replica.pages.common import Noise
from tests.replica.pages.scripted import SHELL
from tests.replica.routes import Answer

if TYPE_CHECKING:
    from tests.replica.server import Replica

_HTML = "text/html; charset=utf-8"
_REFUSALS = {
    403: "<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body>"
    "</html>\n",
    404: "<html><body><h1>404 Not Found</h1></body></html>\n",
    429: "<html><body><h1>429 Too Many Requests</h1></body></html>\n",
    500: "<html><body><h1>500 Internal Server Error</h1></body></html>\n",
    502: "<html><body><center><h1>502 Bad Gateway</h1></center><hr>nginx</body></html>\n",
    503: "<html><body><h1>503 Service Unavailable</h1></body></html>\n",
    529: "<html><body><h1>529 The service is overloaded</h1></body></html>\n",
}
_HOLLOW = """<!DOCTYPE html>
<html lang="en-US"><head><meta charset="utf-8"/><title>Odoo</title>
<script defer="defer" src="/web/assets/1/frontend.min.js"></script></head>
<body><div id="wrapwrap"><main><div id="wrap"></div></main></div></body></html>
"""
_MAINTENANCE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"/><title>Maintenance</title></head>
<body><div class="notice"><h1>We'll be back soon</h1>
<p>Our site is being upgraded. Thank you for your patience.</p>
<a href="https://status.example/">Status</a></div></body></html>
"""


def headers_for(answer: Answer) -> dict[str, str]:
    """Headers of an ordinary answer."""
    headers = {"Content-Type": answer.content_type, "Server": "nginx", "Vary": "Accept-Encoding"}
    headers["Set-Cookie"] = "frontend_lang=en_US; Max-Age=31536000; Path=/"
    if answer.location is not None:
        headers["Location"] = answer.location
    return headers


async def broken_answer(
    site: Replica, request: web.BaseRequest, fault: Fault, answer: Answer, noise: Noise
) -> web.StreamResponse:
    """The answer to a request that a transport fault has struck."""
    kind = fault.kind
    if kind == "timeout":
        site.note(request, 0)
        await _until_gone(request)
        return web.Response(status=503)
    if kind == "reset":
        site.note(request, 0)
        _reset(request)
        return web.Response(status=503)
    if kind.isdecimal():
        headers = {"Content-Type": _HTML}
        if fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
        site.note(request, int(kind))
        body = _REFUSALS[int(kind)].encode()
        return web.Response(status=int(kind), body=body, headers=headers)
    if kind in ("redirect_host", "redirect_loop"):
        target = fault.to if kind == "redirect_host" else _same_address(request)
        site.note(request, 302)
        return web.Response(status=302, headers={"Location": target})
    page = answer.body.plain(noise) if answer.body is not None else b""
    if kind == "scripted" and (answer.status != 200 or _is_asked_by_a_script(request)):
        site.note(request, answer.status)
        return web.Response(status=answer.status, body=page, headers=headers_for(answer))
    site.note(request, 200)
    if kind == "cut":
        return await _cut(request, page, fault.chunked)
    if kind in ("huge", "endless"):
        return await _flood(request, page, fault.length if kind == "huge" else None)
    headers = {"Content-Type": _HTML}
    if kind == "gzip_bomb":
        headers["Content-Encoding"] = "gzip"
        body = _bomb()
    elif kind == "wrong_charset":
        # Declared and sent as one thing, written as another: umlauts come out broken.
        headers["Content-Type"] = "text/html; charset=iso-8859-1"
        body = page
    elif kind == "cut_clean":
        body = page[: len(page) * 6 // 10]
    else:
        pages = {"hollow": _HOLLOW, "scripted": SHELL, "other_layout": _MAINTENANCE}
        body = pages.get(kind, "").encode()
    return web.Response(status=200, body=body, headers=headers)


async def _until_gone(request: web.BaseRequest) -> None:
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.02)


def _is_asked_by_a_script(request: web.BaseRequest) -> bool:
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"


def _reset(request: web.BaseRequest) -> None:
    """A TCP reset: lingering for no time drops the connection without a goodbye."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


def _same_address(request: web.BaseRequest) -> str:
    """The address itself with a growing query, so that no filter of doubles ends the loop."""
    path, _, query = request.raw_path.partition("?")
    turns = int(query.rsplit("turn=", 1)[1]) if "turn=" in query else 0
    return f"{quote(path, safe='/%')}?turn={turns + 1}"


async def _cut(request: web.BaseRequest, page: bytes, chunked: bool) -> web.StreamResponse:
    """Half of the page, then the connection closes without the rest or the last chunk."""
    response = web.StreamResponse(headers={"Content-Type": _HTML})
    if chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(page)
    await response.prepare(request)
    await response.write(page[: len(page) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _flood(request: web.BaseRequest, page: bytes, length: int | None) -> web.StreamResponse:
    """The page, then blanks up to a length, or for as long as somebody reads."""
    response = web.StreamResponse(headers={"Content-Type": _HTML})
    if length is not None:
        response.content_length = length
    else:
        response.enable_chunked_encoding()
    await response.prepare(request)
    try:
        async for block in _blanks(page, length):
            await response.write(block)
        await response.write_eof()
    except ConnectionError:
        pass  # the client had enough, which is what the fault is for
    return response


async def _blanks(page: bytes, length: int | None) -> AsyncIterator[bytes]:
    yield page[:length]
    sent = len(page)
    while length is None or sent < length:
        block = b" " * (65_536 if length is None else min(65_536, length - sent))
        sent += len(block)
        yield block
        await asyncio.sleep(0)


@cache
def _bomb() -> bytes:
    """200 MB of blanks in 200 kB: one deflated megabyte, over and over."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = b" " * 1_000_000
    deflated = squeeze.compress(megabyte) + squeeze.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(200):
        check = zlib.crc32(megabyte, check)
    end = b"\x01\x00\x00\xff\xff" + struct.pack("<II", check, 200_000_000)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + deflated * 200 + end
