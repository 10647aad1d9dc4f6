"""A service on this machine that takes alerts, as Apprise's json:// sends them."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Receiver:
    """Keeps what arrives and answers ``status``; one that is ``silent`` answers at its end."""

    def __init__(self, status: int = 200, silent: bool = False) -> None:
        self.messages: list[dict[str, Any]] = []
        ended = self._ended = threading.Event()
        messages = self.messages

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                messages.append(json.loads(body))
                if silent:
                    ended.wait(60)
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing on the tests' output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """What PARTNER_ALERT_URLS holds, with a password and a token."""
        return f"json://user:s3cret@127.0.0.1:{self._server.server_port}/t0ken?+X-Key=k3y"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
