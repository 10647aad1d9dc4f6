"""``scrapy db copy`` brings a whole store over, or nothing; and a crawl goes on with the copy."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Row, insert, inspect, select, text
from sqlalchemy.engine import make_url

from partner_monitor.store import copy, locks, migrate
from partner_monitor.store.engine import StoreError, open_engine, reading, writing
from partner_monitor.store.runs import RunKey
from partner_monitor.store.schema import (
    SCHEMA_VERSION,
    crawl_runs,
    customers,
    kept_pages,
    metadata,
    rejected_items,
    staged_cards,
)
from partner_monitor.store.views import VIEWS
from tests.crawling import ROOT, crawl, rows, scrapy, scrapy_environment
from tests.replica import Replica, World
from tests.store.test_migrations import make_first_store
from tests.truth import expected_partners, stored_partners

NOON = datetime(2026, 3, 5, 12, 0, 0, 123_456, tzinfo=UTC)
DAY = timedelta(days=1)
BIGGEST = 2**63 - 1
SITE = "http://127.0.0.1:1"

postgres = pytest.mark.postgres
Content = dict[str, list[str]]


def fill(store: str, site: Replica, world: World) -> None:
    """Two days of crawling, profiles, a run left behind, and values at the edges of their types."""
    assert crawl(site.url, store, NOON).state == "published"
    with site.lock:
        world.promote(next(one.id for one in world.listed() if one.grade == "ready"))
        world.depart(world.listed()[-1].id)
    assert crawl(site.url, store, NOON + DAY).state == "published"
    settings = {"PARTNER_RECHECK_LIMIT": "8"}
    assert crawl(site.url, store, NOON + DAY, settings, "recheck").state == "published"
    engine = open_engine(store)
    with writing(engine) as connection:
        run_id = left_behind(connection, site.url)
        odd = {"id": BIGGEST, "name": "Đà Nẵng 🏆 ' \\ \t %s", "industry": None}
        connection.execute(insert(customers).values(odd))
        page = {"run_id": run_id, "url": SITE, "fetched_at": NOON, "content_type": ""}
        for body in (bytes(range(256)) * 300, b"", b"\\x00"):
            connection.execute(insert(kept_pages).values(body=body, **page))
        rejected = {"run_id": run_id, "url": SITE, "reason": "", "payload": '{"a": "\\u0000"}'}
        connection.execute(insert(rejected_items).values(list_country_id=-BIGGEST, **rejected))
    engine.dispose()


def left_behind(connection: Connection, site: str) -> int:
    run_id: int = connection.execute(
        insert(crawl_runs)
        .values(
            spider="partners",
            mode="all",
            site=site,
            schema_version=SCHEMA_VERSION,
            state="running",
            started_at=NOON + 2 * DAY,
        )
        .returning(crawl_runs.c.id)
    ).scalar_one()
    connection.execute(
        insert(staged_cards).values(
            run_id=run_id,
            list_country_id=0,
            page=1,
            fetched_at=NOON,
            layout="odoo_com",
            partner_id=1,
            profile_url=SITE,
            slug="x",
        )
    )
    return run_id


@pytest.fixture(scope="module")
def world() -> World:
    return World.generate(3, partners=90, countries=5)


@pytest.fixture(scope="module")
def site(world: World) -> Iterator[Replica]:
    with Replica(world) as site:
        yield site


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, site: Replica, world: World) -> Path:
    path = tmp_path_factory.mktemp("filled") / "store.db"
    fill(f"sqlite:///{path}", site, world)
    return path


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> str:
    """The filled store, for this test alone."""
    path = tmp_path / "source.db"
    shutil.copy(filled, path)
    return f"sqlite:///{path}"


def content(url: str) -> Content:
    """Every row of every table and view."""
    engine = open_engine(url)
    found: Content = {}
    with reading(engine) as connection:
        for table in metadata.sorted_tables:
            found[table.name] = sorted(map(repr, connection.execute(select(table))))
        for view in VIEWS:
            count = connection.execute(text(f"SELECT COUNT(*) FROM {view}")).scalar_one()
            found[view] = [str(count)]
    engine.dispose()
    return found


def names(url: str) -> list[str]:
    engine = open_engine(url)
    try:
        return inspect(engine).get_table_names()
    finally:
        engine.dispose()


def db_copy(store: str, target: str) -> subprocess.CompletedProcess[str]:
    return scrapy("db", "copy", target, PARTNER_DATABASE_URL=store)


def refusal(store: str, target: str, status: int = 2) -> str:
    done = db_copy(store, target)
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.rstrip("\n")


def copied(store: str, target: str) -> None:
    source, goal = open_engine(store), open_engine(target)
    try:
        copy.copy(source, goal, lambda *_: None)
    finally:
        source.dispose()
        goal.dispose()


def test_every_row_is_copied_as_it_is_and_the_store_is_not_changed(
    store: str, database_url: str
) -> None:
    before = content(store)
    assert all(before[name] for name in ("kept_pages", "partner_customers", "status_history"))
    total = sum(len(before[name]) for name in metadata.tables)
    done = db_copy(store, database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"copied {len(metadata.tables)} tables, {total:,} rows; verified\n"
    assert content(database_url) == content(store) == before
    checked = scrapy("db", "check", PARTNER_DATABASE_URL=database_url)
    assert checked.stdout == "the history is consistent\n"
    upgraded = scrapy("db", "upgrade", PARTNER_DATABASE_URL=database_url)
    assert upgraded.stdout == f"the store has schema {SCHEMA_VERSION} already\n"


@postgres
def test_there_and_back_again_it_is_the_same(
    store: str, postgres_database_url: str, tmp_path: Path
) -> None:
    back = f"sqlite:///{tmp_path / 'back.db'}"
    copied(store, postgres_database_url)
    copied(postgres_database_url, back)
    assert content(back) == content(store)


def test_the_next_day_is_crawled_on_the_copy(
    filled: Path, database_url: str, tmp_path: Path
) -> None:
    world = World.generate(4, partners=70, countries=4)
    store = f"sqlite:///{tmp_path / 'first.db'}"
    with Replica(world) as site:
        fill(store, site, world)
        # Closed as too old by the run of the same name, on the copy.
        copied(store, database_url)
        with site.lock:
            raised = next(one.id for one in world.listed() if one.grade == "silver")
            world.promote(raised)
        assert crawl(site.url, database_url, NOON + 3 * DAY).state == "published"
        again = crawl(site.url, database_url, NOON + 3 * DAY, spider="recheck")
        assert again.state == "published"
    stored = stored_partners(database_url)
    assert {id_: stored[id_] for id_ in expected_partners(world)} == expected_partners(world)
    last = rows(store, "SELECT MAX(id) AS id FROM crawl_runs")[0].id
    runs = rows(database_url, f"SELECT id, state FROM crawl_runs WHERE id >= {last} ORDER BY id")
    assert [tuple(run) for run in runs] == [
        (last, "failed"),
        (last + 1, "published"),
        (last + 2, "published"),
    ]
    (step,) = rows(
        database_url,
        f"SELECT * FROM status_history WHERE partner_id = {raised} AND run_id = {last + 1}",
    )
    assert (step.old_status, step.new_status, step.change_type) == ("silver", "gold", "promoted")
    assert step.id > rows(store, "SELECT MAX(id) AS id FROM status_history")[0].id
    checked = scrapy("db", "check", PARTNER_DATABASE_URL=database_url)
    assert checked.stdout == "the history is consistent\n"


def test_a_run_left_behind_goes_on_in_the_copy(database_url: str, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'first.db'}"
    world = World.generate(5, partners=60, countries=3)
    with Replica(world) as site:
        crawl(site.url, store, NOON, {"CLOSESPIDER_PAGECOUNT": 2, "CONCURRENT_REQUESTS": 1})
        (run,) = rows(store, "SELECT id, state FROM crawl_runs")
        assert run.state == "interrupted"
        copied(store, database_url)
        del site.log[:]
        assert crawl(site.url, database_url, NOON).state == "published"
    assert [tuple(one) for one in rows(database_url, "SELECT id, state FROM crawl_runs")] == [
        (run.id, "published")
    ]
    assert stored_partners(database_url) == expected_partners(world)


def test_a_store_that_a_run_is_writing_is_not_copied(
    store: str, site: Replica, tmp_path: Path
) -> None:
    key = RunKey(spider="partners", mode="all", country_id=None, page=None, site=site.url)
    source = open_engine(store)
    lock = locks.take(source, f"{key} {key.site} {SCHEMA_VERSION}")
    assert lock is not None
    number = rows(store, "SELECT MAX(id) AS id FROM crawl_runs")[0].id
    target = tmp_path / "target.db"
    try:
        assert refusal(store, f"sqlite:///{target}") == (
            f"run {number} is under way (partners all): wait for its end, or stop it"
        )
    finally:
        lock.release()
        source.dispose()
    assert not target.exists()
    copied(store, f"sqlite:///{target}")


def test_a_target_that_holds_a_store_is_refused_and_stays(store: str, database_url: str) -> None:
    copied(store, database_url)
    before = content(database_url)
    said = refusal(store, database_url)
    assert said == (
        f"the target is not empty, it holds alembic_version, countries, crawl_runs and "
        f"{len(metadata.tables) + len(VIEWS) - 2} more: name a database of its own"
    )
    assert content(database_url) == before


def test_a_target_with_a_table_of_one_of_our_names_is_refused(
    store: str, database_url: str
) -> None:
    engine = open_engine(database_url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE customers (id INTEGER)"))
    engine.dispose()
    assert refusal(store, database_url) == (
        "the target is not empty, it holds customers: name a database of its own"
    )
    assert names(database_url) == ["customers"]


def test_somebody_elses_file_is_not_even_switched_to_another_journal(
    store: str, tmp_path: Path
) -> None:
    shop = tmp_path / "shop.db"
    with sqlite3.connect(shop) as connection:
        connection.execute("CREATE TABLE partners (id INTEGER, shop TEXT)")
    connection.close()
    before = shop.read_bytes()
    assert "it holds partners" in refusal(store, f"sqlite:///{shop}")
    assert shop.read_bytes() == before


def test_a_target_with_other_tables_gets_the_store_beside_them(
    store: str, database_url: str
) -> None:
    engine = open_engine(database_url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE shop (id INTEGER)"))
    engine.dispose()
    copied(store, database_url)
    assert {"shop", *metadata.tables} <= set(names(database_url))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("mysql://root@localhost/partners", "the target names mysql: only sqlite and postgresql"),
        ("partners.db", "the target 'partners.db' is no database URL, such as sqlite:///"),
        ("sqlite://", "the target: a store in memory would be lost at once"),
        ("sqlite:////no/such/folder/store.db", "the target: there is no folder /no/such/folder"),
        ("postgresql://nobody:s3cret@127.0.0.1:1/x", "nobody:***@127.0.0.1:1/x does not answer"),
    ],
)
def test_a_target_that_cannot_be_is_one_line(store: str, target: str, said: str) -> None:
    line = refusal(store, target)
    assert said in line
    assert "s3cret" not in line


def test_a_file_that_is_no_database_is_one_line(store: str, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Sir or Madam, " * 100)
    assert "letter.txt does not answer: file is not a database" in refusal(
        store, f"sqlite:///{letter}"
    )


def test_the_store_itself_is_no_target(store: str) -> None:
    before = content(store)
    assert refusal(store, store) == "the target is the store itself: name another database"
    assert content(store) == before


@pytest.mark.parametrize("arguments", [("copy",), ("copy", "a", "b"), ("move", "a")])
def test_the_words_must_be_right(store: str, arguments: tuple[str, ...]) -> None:
    done = scrapy("db", *arguments, PARTNER_DATABASE_URL=store)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "scrapy db takes one of upgrade, check, and copy TARGET_URL\n"


def test_where_there_is_no_store_nothing_is_made(tmp_path: Path) -> None:
    said = refusal(f"sqlite:///{tmp_path / 'a.db'}", f"sqlite:///{tmp_path / 'b.db'}")
    assert said == "there is no store yet: scrapy crawl partners fills one"
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_an_older_schema_is_to_be_upgraded_first(tmp_path: Path) -> None:
    store, target = (f"sqlite:///{tmp_path / name}.db" for name in ("old", "new"))
    engine = open_engine(store)
    with writing(engine) as connection:
        make_first_store(connection)
    engine.dispose()
    assert refusal(store, target) == (
        f"the store has schema 0001, this version needs {SCHEMA_VERSION}: run scrapy db upgrade"
    )
    assert not (tmp_path / "new.db").exists()


TAMPERING = {
    "partners": "UPDATE partners SET references_count = references_count + 1",
    "customers": "UPDATE customers SET name = name || ' '",
    "kept_pages": "UPDATE kept_pages SET body = '' WHERE id = 1",
    "rejected_items": "DELETE FROM rejected_items",
    "status_history": "UPDATE status_history SET old_status = '' WHERE old_status IS NULL",
}


@pytest.mark.parametrize("table", TAMPERING)
def test_a_copy_that_differs_anywhere_is_taken_back(
    store: str, database_url: str, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    verify = copy._verify

    def tamper(goal: Connection, *rest: Any) -> None:
        goal.exec_driver_sql(TAMPERING[table])
        verify(goal, *rest)

    monkeypatch.setattr(copy, "_verify", tamper)
    with pytest.raises(copy.CopyDiffers, match=f"taken back: its table {table} has"):
        copied(store, database_url)
    left_empty(database_url)


def test_two_rows_that_changed_places_are_a_difference(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = copy._verify

    def tamper(goal: Connection, *rest: Any) -> None:
        one, other = goal.execute(text("SELECT name FROM partners ORDER BY id LIMIT 2")).scalars()
        swap = text("UPDATE partners SET name = CASE name WHEN :a THEN :b WHEN :b THEN :a END "
                    "WHERE name IN (:a, :b)")  # fmt: skip
        goal.execute(swap, {"a": one, "b": other})
        verify(goal, *rest)

    monkeypatch.setattr(copy, "_verify", tamper)
    with pytest.raises(copy.CopyDiffers, match="its table partners has other values"):
        copied(store, f"sqlite:///{tmp_path / 'target.db'}")


def test_a_store_with_a_broken_history_is_not_carried_on(store: str, database_url: str) -> None:
    engine = open_engine(store)
    with writing(engine) as connection:
        connection.execute(text("DELETE FROM status_history WHERE change_type = 'promoted'"))
    engine.dispose()
    assert refusal(store, database_url, status=1) == (
        "the copy was taken back: its history has 1 violations, which scrapy db check shows of "
        "the store"
    )
    left_empty(database_url)


@postgres
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            "UPDATE customers SET name = 'a' || char(0)",
            "a row of customers cannot be copied: PostgreSQL text fields cannot contain NUL",
        ),
        (
            "UPDATE crawl_runs SET mode = 'a word that is longer than its column'",
            "a row of crawl_runs cannot be copied: value too long for type",
        ),
        (
            "UPDATE partners SET last_seen_at = 'yesterday'",
            "a row of partners cannot be copied: ",
        ),
    ],
)
def test_a_value_that_the_target_does_not_take_is_named_by_its_table(
    store: str, postgres_database_url: str, damage: str, said: str
) -> None:
    with sqlite3.connect(make_url(store).database or "") as connection:
        connection.execute(damage)
    connection.close()
    assert said in refusal(store, postgres_database_url)
    left_empty(postgres_database_url)


def test_an_interrupted_copy_leaves_nothing(store: str, database_url: str) -> None:
    source, goal = open_engine(store), open_engine(database_url)

    def interrupt(what: str, done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy.copy(source, goal, interrupt)
    source.dispose()
    goal.dispose()
    left_empty(database_url)
    copied(store, database_url)


def test_a_killed_copy_leaves_an_empty_target(store: str, database_url: str) -> None:
    program = """
import os, signal, sys
from partner_monitor.store import copy
from partner_monitor.store.engine import open_engine
def die(what, done, total):
    if what == "verified":
        os.kill(os.getpid(), signal.SIGKILL)
copy.copy(open_engine(sys.argv[1]), open_engine(sys.argv[2]), die)
"""
    killed = subprocess.run(
        [sys.executable, "-c", program, store, database_url],
        cwd=ROOT,
        env=scrapy_environment(),
        check=False,
    )
    assert killed.returncode == -9
    assert names(database_url) == []
    copied(store, database_url)


@postgres
def test_what_is_written_to_the_store_meanwhile_is_not_half_copied(
    store: str, postgres_database_url: str, tmp_path: Path
) -> None:
    copied(store, postgres_database_url)
    before = content(postgres_database_url)
    target = f"sqlite:///{tmp_path / 'target.db'}"
    source, goal, other = (
        open_engine(url) for url in (postgres_database_url, target, postgres_database_url)
    )
    written = False

    def write(what: str, done: int, total: int) -> None:
        nonlocal written
        if not written:
            written = True
            with writing(other) as connection:
                connection.execute(text("DELETE FROM rejected_items"))
                connection.execute(text("UPDATE customers SET industry = 'NGO'"))

    copy.copy(source, goal, write)
    for engine in (source, goal, other):
        engine.dispose()
    assert content(target) == before != content(postgres_database_url)


def test_memory_does_not_grow_with_the_pages(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    read = copy._read

    def count(*arguments: Any) -> Iterator[Sequence[Row[Any]]]:
        for part in read(*arguments):
            seen.append(len(part))
            yield part

    monkeypatch.setattr(copy, "_read", count)
    monkeypatch.setattr(copy, "BATCH", 25)
    monkeypatch.setattr(copy, "BATCH_OF_BODIES", 3)
    copied(store, f"sqlite:///{tmp_path / 'target.db'}")
    assert max(seen) == 25
    assert sum(seen) == 2 * sum(len(content(store)[name]) for name in metadata.tables)


def left_empty(url: str) -> None:
    file = make_url(url).database if url.startswith("sqlite") else None
    if file is not None:
        assert not Path(file).exists()
        assert not Path(f"{file}-wal").exists()
        return
    assert names(url) == []


def test_an_empty_store_may_be_copied_too(tmp_path: Path, database_url: str) -> None:
    store = f"sqlite:///{tmp_path / 'empty.db'}"
    engine = open_engine(store)
    migrate.upgrade(engine)
    engine.dispose()
    copied(store, database_url)


def test_a_view_of_somebody_else_is_refused(store: str, database_url: str) -> None:
    engine = open_engine(database_url)
    with writing(engine) as connection:
        connection.execute(text("CREATE VIEW report_partners AS SELECT 1 AS one"))
    with pytest.raises(StoreError, match="it holds report_partners"):
        copy.copy(open_engine(store), engine, lambda *_: None)
    engine.dispose()
