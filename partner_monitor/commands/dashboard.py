"""``scrapy dashboard``: what the store knows, in a browser."""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import os
import secrets
import socket
from typing import TYPE_CHECKING

from partner_monitor.command import StoreCommand, tell
from partner_monitor.config import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config

SHORT_SECRET = 32
"""Characters below which a secret is called short."""


class Command(StoreCommand):
    """Serves the dashboard until Ctrl-C."""

    empty_store_is_fine = True

    def short_desc(self) -> str:
        return "Serve the dashboard: charts, lists and what changed, in a browser"

    def long_desc(self) -> str:
        return (
            "Serve the dashboard of the store. Where there is no user yet, a start on this machine "
            "prints a link by which the first admin is made; later ones are made by scrapy users "
            "add. Beyond this machine it needs PARTNER_DASHBOARD_SECRET, and a proxy with TLS in "
            "front of it."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", default="8000", help="port; 0 takes a free one (8000)")

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from partner_monitor import alerts
        from partner_monitor.store import migrate, users

        if args:
            raise ConfigurationError(f"scrapy dashboard takes no argument {args[0]!r}")
        port = _port(opts.port)
        local = _is_loopback(opts.host)
        if not local and not config.dashboard_secret:
            raise ConfigurationError(
                f"--host {opts.host} is beyond this machine: set PARTNER_DASHBOARD_SECRET to a "
                "long random text first"
            )
        if config.dashboard_secret and len(config.dashboard_secret) < SHORT_SECRET:
            tell([f"PARTNER_DASHBOARD_SECRET is short: take {SHORT_SECRET} characters or more"])
        alerts.check(config.alert_urls)
        migrate.prepare(engine)
        anybody = bool(users.everybody(engine))
        first_admin = secrets.token_urlsafe(24) if local and not anybody else None
        with _listening(opts.host, port) as listener:
            url = _url(opts.host, listener.getsockname()[1])
            print(f"Partner Monitor: {url} (Ctrl-C ends it)", flush=True)
            if first_admin:
                print(
                    f"No user yet. Create the first admin: {url}/first-admin?token={first_admin}",
                    flush=True,
                )
            elif not anybody:
                print("No user yet. Add one: scrapy users add NAME --role admin", flush=True)
            _serve(engine, config, first_admin, listener)
        return 0


def _serve(
    engine: Engine, config: Config, first_admin: str | None, listener: socket.socket
) -> None:
    import uvicorn

    from partner_monitor.dashboard.app import build

    app = build(engine, config, config.dashboard_secret or secrets.token_urlsafe(32), first_admin)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text[:6]) > 65535:
        raise ConfigurationError(f"--port {text!r} is no port: 0 to 65535")
    return int(text)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigurationError(f"cannot listen on {host}:{port}: {reason}") from None


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
