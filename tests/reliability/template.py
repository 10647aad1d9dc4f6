"""A process that has imported everything, and forks a real ``scrapy …`` command on request.

So a command starts in milliseconds, and hundreds can be killed in a minute. The hook that kills is
installed in the forked child alone, round SQLAlchemy's own calls of the driver: the monitor's code
knows nothing of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from tests.crawling import ROOT, scrapy_environment

When = Literal["before", "after"]

WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER"})

# What a crawl imports, but nothing that installs a reactor: that must happen in the child.
_IMPORTED = (
    "alembic.command",
    "partner_monitor.commands.crawl",
    "partner_monitor.extensions",
    "partner_monitor.middlewares",
    "partner_monitor.store.migrate",
    "pipelines.clean",
    "pipelines.publish",
    "pipelines.stage",
    "protego",
    "psycopg",
    "pycountry.db",
    "requests",
    "scrapy.cmdline",
    "scrapy.core.engine",
    "scrapy.core.scraper",
    "scrapy.crawler",
    "spiders.partners",
    "spiders.recheck",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlite3",
    "tldextract",
    "twisted.internet.asyncioreactor",
)


@dataclass(frozen=True)
class Strike:
    """Where a process is killed: round its ``number``-th commit that wrote something, or round the
    ``number``-th statement of its publish; both from 1."""

    what: Literal["commit", "statement"]
    number: int
    when: When


@dataclass(frozen=True)
class Trace:
    """What a process has done in the store: commits that wrote something, and its publish."""

    commits: int
    statements: int
    """Of the publish, from its scratch table on."""
    publish: int
    """Which of the commits was the publish's."""


@dataclass(frozen=True)
class Ended:
    status: int
    """The exit status; negative: the signal that killed it."""
    log: str


class Template:
    """The process, inside a ``with``; one command at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.template"],
            cwd=ROOT,
            env=scrapy_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def run(
        self,
        *arguments: str,
        environment: Mapping[str, str],
        strike: Strike | None = None,
        trace: Path | None = None,
    ) -> Ended:
        """Run ``scrapy …``; kill it where ``strike`` says, or leave a trace of it in a file."""
        self._count += 1
        log = self._folder / f"{self._process.pid}-{self._count}.log"
        wanted = {
            "arguments": arguments,
            "environment": dict(environment),
            "strike": asdict(strike) if strike else None,
            "trace": str(trace) if trace else None,
            "log": str(log),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        return Ended(status, log.read_text(encoding="utf-8"))


class _Watch:
    """Counts what a process does in the store, and kills it where it is to die."""

    def __init__(self, strike: Strike | None, trace: str | None) -> None:
        from partner_monitor.store.resolve import resolved

        self._mark = resolved.name  # the scratch table that every publish begins with
        self._strike = strike
        self._trace = trace
        self._wrote: set[int] = set()
        self._publishing: int | None = None
        self._done = Counter[str]()
        self._publish = 0

    def install(self) -> None:
        from sqlalchemy.engine.default import DefaultDialect

        for name in ("do_execute", "do_executemany", "do_execute_no_params"):
            setattr(DefaultDialect, name, self._statement(getattr(DefaultDialect, name)))
        DefaultDialect.do_commit = self._commit(DefaultDialect.do_commit)  # type: ignore[method-assign]

    def _statement(self, execute: Callable[..., None]) -> Callable[..., None]:
        @wraps(execute)
        def watched(dialect: Any, cursor: Any, statement: str, *more: Any, **named: Any) -> None:
            connection = id(cursor.connection)
            if statement.split(None, 1)[0].upper() in WRITES:
                self._wrote.add(connection)
            if self._mark in statement and self._publishing is None:
                self._publishing = connection
            if self._publishing != connection:
                execute(dialect, cursor, statement, *more, **named)
                return
            self._done["statement"] += 1
            self._die("statement", "before")
            execute(dialect, cursor, statement, *more, **named)
            self._die("statement", "after")

        return watched

    def _commit(self, commit: Callable[..., None]) -> Callable[..., None]:
        @wraps(commit)
        def watched(dialect: Any, pooled: Any) -> None:
            connection = id(getattr(pooled, "dbapi_connection", pooled))
            if connection not in self._wrote:
                commit(dialect, pooled)
                return
            self._wrote.discard(connection)
            self._done["commit"] += 1
            if self._publishing == connection:
                self._publishing, self._publish = None, self._done["commit"]
            self._die("commit", "before")
            commit(dialect, pooled)
            self._die("commit", "after")
            if self._trace is not None:
                so_far = Trace(self._done["commit"], self._done["statement"], self._publish)
                Path(self._trace).write_text(json.dumps(asdict(so_far)), encoding="utf-8")

        return watched

    def _die(self, what: Literal["commit", "statement"], when: When) -> None:
        if self._strike == Strike(what, self._done[what], when):
            os.kill(os.getpid(), signal.SIGKILL)


def _serve() -> None:
    for name in _IMPORTED:
        import_module(name)
    assert "twisted.internet.reactor" not in sys.modules
    assert "partner_monitor.settings" not in sys.modules  # it reads the child's environment
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            _be(wanted)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _be(wanted: Mapping[str, Any]) -> None:
    """Become the command; ends the process."""
    from scrapy import cmdline

    log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(old, new)
    os.environ.update(wanted["environment"])
    arguments: Sequence[str] = wanted["arguments"]
    strike = Strike(**wanted["strike"]) if wanted["strike"] else None
    if strike or wanted["trace"]:
        _Watch(strike, wanted["trace"]).install()
    status = 70
    try:
        cmdline.execute(["scrapy", *arguments])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve()
