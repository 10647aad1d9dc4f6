"""Real scrapyds, each in a folder of its own far from the project, and checkouts to deploy from."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

from partner_monitor.service.scrapyd import Host, Scrapyd
from tests.crawling import ROOT, scrapy_environment

T = TypeVar("T")

USER, PASSWORD = "somebody", "s3cret % word"

QUIET = {"PYTHONWARNINGS": "ignore:pkg_resources is deprecated as an API"}

CONFIGURATION = """[scrapyd]
http_port = {port}
poll_interval = 0.1
max_proc = 1
jobstorage = scrapyd.jobstorage.SqliteJobStorage
jobs_to_keep = 100
"""


def wait_for(what: Callable[[], T], seconds: float = 90) -> T:
    """The first answer of ``what`` that is true; other processes are waited for."""
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, f"waited {seconds} s in vain"
        time.sleep(0.2)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def reaches(url: str) -> bool:
    """Whether something listens there."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), 5).close()
    except OSError:
        return False
    return True


class Service:
    """A scrapyd that asks for a password, with ``settings`` in its environment."""

    def __init__(self, folder: Path, name: str = "here", **settings: str) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        port = free_port()
        (self.folder / "scrapyd.conf").write_text(CONFIGURATION.format(port=port))
        self.host = Host(
            name=name, url=f"http://127.0.0.1:{port}", username=USER, password=PASSWORD
        )
        self.api = Scrapyd(self.host)
        self._settings = settings

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.end()

    def start(self) -> None:
        log = (self.folder / "scrapyd.log").open("a")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scrapyd"],
            cwd=self.folder,
            env=scrapy_environment(
                SCRAPYD_USERNAME=USER, SCRAPYD_PASSWORD=PASSWORD, **QUIET, **self._settings
            ),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        wait_for(lambda: reaches(self.host.url))

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)

    def lose(self) -> None:
        """The whole machine is gone at once, with the crawl that runs on it."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of ours, from the newest egg, in the scrapyd's folder."""
        return subprocess.run(
            [sys.executable, "-m", "scrapyd.runner", *arguments],
            cwd=self.folder,
            env=scrapy_environment(SCRAPY_PROJECT="partner_monitor", **QUIET, **self._settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def _not_of_the_project(folder: str, names: list[str]) -> set[str]:
    """What git would not take, by name."""
    top = {".git", ".venv", ".env", "serve", "demo", "schedule.toml", "cassettes"}
    return {
        name
        for name in names
        if (Path(folder) == ROOT and name in top)
        or name.endswith(("cache", "cache__", ".db", ".egg-info", "cassettes"))
    }


class Checkout:
    """The project as committed in a repository of its own, with this Python as its ``.venv``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "partner-monitor"
        shutil.copytree(ROOT, self.folder, ignore=_not_of_the_project)
        self.git("init", "--quiet")
        self.commit()
        programs = self.folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        for name, command in (("python", ""), ("pip", "-m pip"), ("scrapy", "-m scrapy")):
            (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {command} "$@"\n')
            (programs / name).chmod(0o755)
        self.settle()

    def settle(self) -> None:
        """Let the scripts find that everything is installed."""
        for name in ("requirements.txt", "requirements-service.txt"):
            files = ["requirements.txt", "requirements-service.txt", name]
            content = b"".join((self.folder / file).read_bytes() for file in files)
            mark = self.folder / ".venv" / f"installed-{name}"
            mark.write_text(f"{sha256(content).hexdigest()}  -\n")

    def git(self, *arguments: str) -> str:
        identity = {
            f"GIT_{who}_{what}": "nobody@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=os.environ | identity,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "as it is")

    def script(self, name: str, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run one of the scripts; its exit status and all that it says."""
        done = subprocess.run(
            [self.folder / "scripts" / name, *arguments],
            cwd=self.folder,
            env=scrapy_environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout

    def deploy(self, service: Service) -> tuple[int, str]:
        return self.script(
            "deploy",
            PARTNER_SCRAPYD_URL=service.host.url,
            PARTNER_SCRAPYD_USERNAME=USER,
            PARTNER_SCRAPYD_PASSWORD=PASSWORD,
        )
