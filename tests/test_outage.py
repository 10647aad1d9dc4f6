"""A database that goes away: waited for, continued afterwards, never half written."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine, make_url

from partner_monitor.store import engine as store_engine
from partner_monitor.store import locks, migrate
from partner_monitor.store.users import Role
from tests.crawling import Crawled, crawl, rows, scrapy
from tests.dashboard.serving import Visitor, add_user, served
from tests.parts import postgres_url
from tests.replica import Replica, World
from tests.truth import expected_partners, stored_partners

SLOWLY = {"CONCURRENT_REQUESTS": 1, "CONCURRENT_REQUESTS_PER_DOMAIN": 1}
IMPATIENT = SLOWLY | {"PARTNER_DATABASE_PATIENCE_SECONDS": "0.2"}

postgres = pytest.mark.postgres


@pytest.fixture
def world() -> World:
    return World.generate(5, partners=200, countries=8)


class Server:
    """The server's hand on one database: closes it to everybody, and opens it again."""

    def __init__(self, database_url: str) -> None:
        self._name = make_url(database_url).database
        self._engine = create_engine(postgres_url(), isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        self._allow(False)
        self.drop_sessions()

    def open(self) -> None:
        self._allow(True)

    def drop_sessions(self) -> None:
        with self._engine.connect() as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :n"),
                {"n": self._name},
            ).all()

    def dispose(self) -> None:
        self._engine.dispose()

    def _allow(self, allowed: bool) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS {allowed}"))


@pytest.fixture
def server(postgres_database_url: str) -> Iterator[Server]:
    server = Server(postgres_database_url)
    yield server
    server.dispose()


@contextmanager
def once(log_says: str, do: Callable[[], object]) -> Iterator[None]:
    """Have something done as soon as the log says so."""
    done = False

    class Trigger(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            nonlocal done
            if not done and log_says in record.getMessage():
                done = True
                do()

    trigger = Trigger()
    logging.root.addHandler(trigger)
    try:
        yield
    finally:
        logging.root.removeHandler(trigger)
    assert done, f"the log never said {log_says!r}"


@contextmanager
def before_statement(beginning: str, do: Callable[[], object]) -> Iterator[None]:
    """Have something done once, right before the first such statement of this process."""
    done = False

    def watch(_: Any, __: Any, statement: str, *___: Any) -> None:
        nonlocal done
        if not done and statement.startswith(beginning):
            done = True
            do()

    event.listen(Engine, "before_cursor_execute", watch)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", watch)
    assert done, f"no statement began with {beginning!r}"


def at_request(site: Replica, number: int, do: Callable[[], object]) -> None:
    def on_request(count: int, _: str) -> None:
        if count == number:
            site.on_request = None
            do()

    site.on_request = on_request


def runs(database_url: str) -> list[tuple[Any, ...]]:
    query = "SELECT state, pages_fetched, partners_seen FROM crawl_runs ORDER BY id"
    return [tuple(row) for row in rows(database_url, query)]


def warnings(crawled: Crawled) -> list[str]:
    return [line.getMessage() for line in crawled.log if line.levelno == logging.WARNING]


@postgres
def test_a_server_that_comes_back_is_waited_for(
    world: World, postgres_database_url: str, server: Server
) -> None:
    with Replica(world) as site:
        at_request(site, 5, server.close)
        with once("does not answer", server.open):
            crawled = crawl(site.url, postgres_database_url, settings=SLOWLY)
        assert len(site.log) == 11  # robots.txt and each page once
    assert crawled.state == "published"
    assert not crawled.errors
    assert sum("trying again for 300 s" in line for line in warnings(crawled)) == 1
    assert stored_partners(postgres_database_url) == expected_partners(world)


@postgres
def test_a_crawl_ends_when_the_server_stays_away_and_the_same_command_continues_it(
    world: World, postgres_database_url: str, server: Server
) -> None:
    with Replica(world) as site:
        at_request(site, 6, server.close)
        crawled = crawl(site.url, postgres_database_url, settings=IMPATIENT)
        server.open()
        assert crawled.state is None
        assert len(crawled.errors) == 1
        assert crawled.errors[0].startswith("run 1 ends without a verdict: the database ")
        assert "the same command continues it" in crawled.errors[0]
        staged = rows(postgres_database_url, "SELECT page FROM staged_pages")
        assert 1 <= len(staged) < 10
        del site.log[:]
        continued = crawl(site.url, postgres_database_url, settings=SLOWLY)
        assert len(site.log) == 1 + 10 - len(staged)
    assert continued.state == "published"
    assert runs(postgres_database_url) == [("published", 10, 200)]
    assert stored_partners(postgres_database_url) == expected_partners(world)


@postgres
@pytest.mark.parametrize(
    "beginning", ["INSERT INTO partner_versions", "INSERT INTO daily_counts", "UPDATE crawl_runs"]
)
def test_a_publish_that_loses_its_server_is_done_once_and_whole(
    world: World, postgres_database_url: str, server: Server, beginning: str
) -> None:
    with Replica(world) as site:
        with before_statement(beginning, server.drop_sessions):
            crawled = crawl(site.url, postgres_database_url, settings=SLOWLY)
        assert len(site.log) == 11
    assert crawled.state == "published"
    assert runs(postgres_database_url) == [("published", 10, 200)]
    assert stored_partners(postgres_database_url) == expected_partners(world)
    assert rows(postgres_database_url, "SELECT count(*) AS n FROM status_history")[0].n == 200


@postgres
def test_nothing_is_half_published_by_a_server_that_stays_away(
    world: World, postgres_database_url: str, server: Server
) -> None:
    with Replica(world) as site:
        with before_statement("INSERT INTO partner_versions", server.close):
            crawled = crawl(site.url, postgres_database_url, settings=IMPATIENT)
        server.open()
        assert crawled.state is None
        assert rows(postgres_database_url, "SELECT id FROM partners") == []
        assert runs(postgres_database_url)[0][0] == "running"
        del site.log[:]
        assert crawl(site.url, postgres_database_url).state == "published"
        assert len(site.log) <= 1  # robots.txt at most: every page was staged
    assert stored_partners(postgres_database_url) == expected_partners(world)


@postgres
def test_a_run_that_another_process_took_over_meanwhile_is_left_to_it(
    world: World, postgres_database_url: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the server's sessions goes the run's lock; whoever was first has it now."""
    taken: list[locks.RunLock] = []
    other = store_engine.open_engine(postgres_database_url)
    names: list[str] = []
    take = locks.take

    def remember(engine: Engine, name: str) -> locks.RunLock | None:
        names.append(name)
        return take(engine, name)

    def take_over() -> None:
        # The crawl may be quicker to take it anew, or the server slow to forget a session.
        for _ in range(100):
            server.drop_sessions()
            if lock := take(other, names[0]):
                taken.append(lock)
                return

    monkeypatch.setattr(locks, "take", remember)
    with Replica(world) as site:
        at_request(site, 6, take_over)
        crawled = crawl(site.url, postgres_database_url, settings=IMPATIENT)
    taken[0].release()
    other.dispose()
    assert crawled.state is None
    assert "another process has the run" in crawled.errors[0]
    assert runs(postgres_database_url)[0][0] == "running"


def test_a_sqlite_store_that_another_program_holds_is_waited_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_engine, "BUSY_TIMEOUT", 0.01)
    database_url = f"sqlite:///{tmp_path / 'store.db'}"
    holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None, check_same_thread=False)
    with Replica(world) as site:
        at_request(site, 5, lambda: holder.execute("BEGIN IMMEDIATE"))
        with once("database is locked; trying again", lambda: holder.execute("ROLLBACK")):
            crawled = crawl(site.url, database_url, settings=SLOWLY)
    holder.close()
    assert crawled.state == "published"
    assert not crawled.errors
    assert stored_partners(database_url) == expected_partners(world)


@postgres
def test_a_command_on_a_server_that_is_away_says_so_in_one_line(
    postgres_database_url: str, server: Server
) -> None:
    server.close()
    for command in (["runs"], ["validate"], ["crawl", "partners"]):
        ended = scrapy(*command, PARTNER_DATABASE_URL=postgres_database_url)
        assert ended.returncode == 2
        assert len(ended.stderr.splitlines()) == 1
        assert "does not answer" in ended.stderr
    server.open()


@postgres
def test_the_dashboard_says_that_its_server_is_away_and_goes_on_when_it_is_back(
    server: Server, postgres_database_url: str
) -> None:
    engine = store_engine.open_engine(postgres_database_url)
    migrate.upgrade(engine)
    engine.dispose()
    add_user(postgres_database_url, "vera", Role.VIEWER)
    with served(postgres_database_url, datetime.now(UTC)) as site:
        visitor = Visitor(site)
        assert visitor.log_in("vera").status_code == 200
        server.close()
        for path in ("/", "/partners/list"):
            answer = visitor.get(path)
            assert answer.status_code == 503
            assert answer.text.startswith("the database postgresql+psycopg://")
            assert answer.text.count("\n") == 1
        server.open()
        assert visitor.get("/partners/list").status_code == 200
