"""A dashboard for tests to visit: in this process, or started as a user starts it."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO
from urllib.parse import urljoin

import requests
import uvicorn
from lxml import html
from scrapy.utils.project import get_project_settings

from partner_monitor.config import from_settings
from partner_monitor.dashboard import passwords
from partner_monitor.dashboard.app import build
from partner_monitor.store import users
from partner_monitor.store.engine import open_engine
from tests.crawling import ROOT, scrapy_environment

PASSWORD = "correct horse battery"
_HASH = passwords.hashed(PASSWORD)


class Visitor:
    """A reader without a browser: keeps cookies, sends forms with their tokens."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(urljoin(self.url, path), headers=headers, timeout=30)

    def post(self, path: str, **data: str) -> requests.Response:
        """A form as the page sends it."""
        if "starlette_admin_csrftoken" not in self.session.cookies:
            self.get("/login")
        token = self.session.cookies["starlette_admin_csrftoken"]
        return self.session.post(urljoin(self.url, path), data | {"csrftoken": token}, timeout=30)

    def log_in(self, name: str, password: str = PASSWORD, **more: str) -> requests.Response:
        return self.post("/login", username=name, password=password, **more)


def page(response: requests.Response) -> html.HtmlElement:
    assert response.status_code == 200, response.text[:300]
    found: html.HtmlElement = html.fromstring(response.text)
    return found


def text(response: requests.Response) -> str:
    """What a page says, without its menu."""
    words = page(response).xpath("//div[@class='page-wrapper']//text()[not(parent::script)]")
    return " ".join(" ".join(words).split())


def entries(response: requests.Response) -> int:
    """How many rows a list says that it has."""
    found = re.search(r"Showing [\d,]+ to [\d,]+ of ([\d,]+) entries", response.text)
    assert found, response.text[:300]
    return int(found[1].replace(",", ""))


def add_user(database_url: str, name: str, role: users.Role) -> None:
    engine = open_engine(database_url)
    try:
        users.add(engine, name, role, _HASH, datetime.now(UTC))
    finally:
        engine.dispose()


@contextmanager
def served(
    database_url: str, now: datetime, first_admin: str | None = None, **settings: str
) -> Iterator[str]:
    """Serve the store's dashboard from a thread; gives its address."""
    wanted = get_project_settings()
    wanted.setdict({"PARTNER_DATABASE_URL": database_url, "PARTNER_NOW": now.isoformat()})
    wanted.setdict(settings)
    engine = open_engine(database_url)
    app = build(engine, from_settings(wanted, {"mode": "all"}), "secret" * 8, first_admin)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        # What comes before the server accepts waits in the socket's queue.
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
        engine.dispose()


@dataclass(frozen=True)
class Started:
    """A dashboard in a process of its own."""

    said: str
    """Its first line."""
    _output: IO[str]

    @property
    def url(self) -> str:
        """Its address on this machine."""
        return self.said.split()[2].replace("0.0.0.0", "127.0.0.1")

    def says(self) -> str:
        """The next line."""
        return self._output.readline()


@contextmanager
def started(database_url: str, *arguments: str, **environment: str) -> Iterator[Started]:
    """``scrapy dashboard`` as a user starts it; ended as a service manager ends it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scrapy", "dashboard", "--port", "0", *arguments],
        cwd=ROOT,
        env=scrapy_environment(PARTNER_DATABASE_URL=database_url, **environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        found = Started(process.stdout.readline(), process.stdout)
        assert found.said.startswith("Partner Monitor: http://"), found.said
        # It takes connections from before its first line on, and answers when it is ready.
        requests.get(f"{found.url}/login", timeout=30)
        yield found
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
