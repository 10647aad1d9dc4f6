"""What every answer carries so that a page runs our scripts only, and how sessions travel."""

from __future__ import annotations

import base64
import hashlib
import secrets

from jinja2.ext import Extension
from sqlalchemy.exc import DataError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import MutableHeaders
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from partner_monitor.store.engine import StoreError

LONGEST_SESSION = 30 * 24 * 3600
"""Seconds."""

LONGEST_QUERY = 4_096
"""Bytes of an address after its question mark: some fifty conditions of a filter."""

LARGEST_FORM = 64 * 1024
"""Bytes."""

_INLINE_HANDLERS = ("window.location = this.value", "applyColumnVisibility()")
"""The library's two attributes with a script in them: the page size, and "Columns: Apply"."""


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


_HANDLERS = " ".join(f"'sha256-{_hash(handler)}'" for handler in _INLINE_HANDLERS)

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'nonce-{nonce}' 'unsafe-hashes' " + _HANDLERS,
        "style-src 'self' 'unsafe-inline'",  # the charts and the layout write style attributes
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class ScriptNonce(Extension):
    """Gives the library's own inline scripts the answer's nonce.

    It is done to the templates' source, before any value is put in: markup that came with a value
    has none.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return source.replace("<script>", '<script nonce="{{ request.state.csp_nonce }}">')


class SecurityHeaders:
    """Adds the policy and its kin to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["csp_nonce"] = nonce

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce)
                headers.update(_HEADERS)
                if "etag" not in headers:  # what is no file of ours is nobody else's to keep
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Sessions:
    """Signed sessions in a cookie that only the server reads, and over TLS only where there is."""

    def __init__(self, app: ASGIApp, secret_key: str) -> None:
        def over(tls: bool) -> SessionMiddleware:
            return SessionMiddleware(
                app,
                secret_key,
                session_cookie="partner_monitor_session",
                max_age=LONGEST_SESSION,
                same_site="lax",
                https_only=tls,
            )

        self._by_scheme = {"http": over(False), "https": over(True)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scheme = "https" if scope.get("scheme") == "https" else "http"
        await self._by_scheme[scheme](scope, receive, send)


class Limits:
    """Refuses what no page of ours sends, before any of it is kept or looked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refuse = None
        if len(scope.get("query_string", b"")) > LONGEST_QUERY:
            refuse = PlainTextResponse("This address is too long\n", 414)
        sent: list[Message] = []
        size = 0
        while refuse is None and scope["type"] == "http":
            message = await receive()
            sent.append(message)
            size += len(message.get("body", b""))
            if size > LARGEST_FORM:
                refuse = PlainTextResponse("This form is too large\n", 413)
            if not message.get("more_body", False):
                break
        if refuse is not None:
            await refuse(scope, receive, send)
            return
        waiting = iter(sent)

        async def replay() -> Message:
            return next(waiting, None) or await receive()

        await self._app(scope, replay, send)


class Failures:
    """Says in a line that the store is away, or cannot look for what was asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noticing(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noticing)
        except (StoreError, PoolTimeout, DataError, OverflowError) as error:
            if started:
                raise
            answer = (
                PlainTextResponse(f"{error}\n", 503)
                if isinstance(error, StoreError)
                else PlainTextResponse("Too many readers at once: try again\n", 503)
                if isinstance(error, PoolTimeout)
                else PlainTextResponse("The address holds a value that cannot be\n", 400)
            )
            await answer(scope, receive, send)
