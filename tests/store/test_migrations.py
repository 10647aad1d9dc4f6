"""The migrations make the schema that the code knows and the interface promises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    BindParameter,
    Connection,
    Date,
    Engine,
    bindparam,
    insert,
    inspect,
    select,
    text,
)

from partner_monitor.history.fields import TRACKED
from partner_monitor.store import migrate, views
from partner_monitor.store.engine import StoreError, open_engine, reading, writing
from partner_monitor.store.schema import (
    SCHEMA_VERSION,
    UTCDateTime,
    countries,
    crawl_runs,
    customers,
    metadata,
    partner_customers,
    partners,
)
from partner_monitor.store.views import VIEWS
from tests.crawling import rows, scrapy
from tests.years import build

CHANGE = "changed_at run_id partner_id"

PROMISED = {
    "partners": """id name profile_url status country_id address first_seen_on last_seen_at
        missing_since delisted_at references_count retention_rate largest_project_size
        average_project_size certified_experts website industry profile_read_at to_reprocess
        reprocess_reason""",
    "countries": """id name slug iso_code listed_count partner_count to_reprocess
        reprocess_reason""",
    "status_history": f"{CHANGE} old_status new_status change_type",
    "reference_history": f"{CHANGE} old_count new_count",
    "partner_versions": f"partner_id valid_from valid_to run_id {' '.join(TRACKED)}",
    "crawl_runs": """id spider mode country_id page state started_at finished_at pages_expected
        pages_fetched pages_failed partners_seen partners_expected reason""",
    "rejected_items": "run_id url reason payload",
    "report_partners": """id name profile_url status country_id address first_seen_on last_seen_at
        missing_since references_count retention_rate largest_project_size average_project_size
        certified_experts website industry profile_read_at to_reprocess reprocess_reason country
        project_size_bucket""",
    "report_country_summary": "country gold silver ready other total listed_count complete",
    "report_project_sizes": "country bucket partners",
    "report_status_changes": f"{CHANGE} partner country old_status new_status change_type",
    "report_reference_changes": f"{CHANGE} partner country old_count new_count",
    "report_daily_counts": "day country status partners",
    "customers": "id name industry",
    "partner_customers": """partner_id customer_id first_seen_on last_seen_at missing_since
        ended_at""",
    "partner_experts": "partner_id version experts",
    "partner_industries": "partner_id industry references_count",
    "report_customer_moves": "customer from_partner to_partner noticed_on",
    "report_partner_recreations": "old_partner new_partner customers shared noticed_on",
}
"""The tables and views whose names and columns are public."""

FIRST_VIEWS = [name for name in VIEWS if "customer" not in VIEWS[name]]

OLD_ROWS = (
    """INSERT INTO store (id, site, created_at) VALUES (1, 'https://www.odoo.com', :seen)""",
    """INSERT INTO countries (id, name, slug, iso_code, listed_count, partner_count, complete,
        page_lost, covered_at, to_reprocess, reprocess_reason, flagged_at)
        VALUES (20, 'Belgium', 'belgium-20', 'BE', 2, 1, :no, :no, :seen, :yes, 'count_mismatch',
            :seen)""",
    """INSERT INTO crawl_runs (id, spider, mode, site, schema_version, state, started_at,
        finished_at, published_at, pages_expected, pages_fetched, pages_failed, partners_seen,
        partners_expected, partners_doubled, cards_rejected, confirmable, reason)
        VALUES (1, 'partners', 'all', 'https://www.odoo.com', '0001', 'published', :seen, :seen,
            :seen, 1, 1, 0, 1, 1, 0, 0, :no, 'all read'),
            (2, 'partners', 'all', 'https://www.odoo.com', '0001', 'published', :moved, :moved,
            :moved, 1, 1, 0, 1, 1, 0, 0, :no, 'all read')""",
    """INSERT INTO partners (id, name, profile_url, slug, status, country_id, first_seen_on,
        last_seen_at, observed_at, missing_looks, references_count, retention_rate, unread,
        changed_at, implausible, mismatch, to_reprocess, reprocess_reason, flagged_at)
        VALUES (8306934, 'Đà Nẵng & Söhne', 'https://www.odoo.com/partners/da-nang-8306934',
            'da-nang', 'gold', 20, :day, :moved, :moved, 0, 88, 93, '', :moved, :no, :no, :yes,
            'new', :seen)""",
    """INSERT INTO partner_versions (partner_id, valid_from, valid_to, run_id, name, status,
        country_id, references_count, retention_rate)
        VALUES (8306934, :seen, :moved, 1, 'Đà Nẵng & Söhne', 'silver', 20, 88, 93),
            (8306934, :moved, NULL, 2, 'Đà Nẵng & Söhne', 'gold', 20, 88, 93)""",
    """INSERT INTO status_history (partner_id, old_status, new_status, change_type, changed_at,
        run_id) VALUES (8306934, NULL, 'silver', 'initial', :seen, 1),
            (8306934, 'silver', 'gold', 'promoted', :moved, 2)""",
    """INSERT INTO reference_history (partner_id, old_count, new_count, changed_at, run_id)
        VALUES (8306934, NULL, 88, :seen, 1)""",
    """INSERT INTO daily_counts (day, country_id, status, partners)
        VALUES (:day, 20, 'gold', 1)""",
)
"""A promotion, as a store of the first schema holds it."""


BEFORE_MOVES = (countries, partners, crawl_runs, customers, partner_customers)
"""What moves are told from."""


def _migrate(connection: Connection, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def make_first_store(connection: Connection) -> dict[str, list[Any]]:
    """Make a store of schema 0001 with data and its views; returns every row of every table."""
    _migrate(connection, "0001")
    for name in FIRST_VIEWS:
        connection.execute(text(f"CREATE VIEW {name} AS {VIEWS[name]}"))
    values = {
        "seen": datetime(2026, 3, 5, 12, tzinfo=UTC),
        "moved": datetime(2026, 3, 6, 12, 0, 0, 5, tzinfo=UTC),
        "day": date(2026, 3, 5),
        "yes": True,
        "no": False,
    }
    types = {"seen": UTCDateTime, "moved": UTCDateTime, "day": Date}
    for statement in OLD_ROWS:
        typed: list[BindParameter[Any]] = [
            bindparam(name, value, type_=types.get(name))
            for name, value in values.items()
            if f":{name}" in statement
        ]
        connection.execute(text(statement).bindparams(*typed))
    return {
        table: list(connection.execute(text(f"SELECT * FROM {table} ORDER BY 1")).mappings())
        for table in inspect(connection).get_table_names()
        if table != "alembic_version"
    }


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def test_the_newest_migration_gives_exactly_the_schema_of_the_code(engine: Engine) -> None:
    assert migrate.upgrade(engine) is None
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert migrate.version(connection) == SCHEMA_VERSION


def test_every_public_table_and_view_has_its_columns(engine: Engine) -> None:
    migrate.upgrade(engine)
    found = inspect(engine)
    assert {*found.get_table_names(), *found.get_view_names()} >= PROMISED.keys()
    assert set(found.get_view_names()) == VIEWS.keys()
    for name, columns in PROMISED.items():
        there = {column["name"] for column in found.get_columns(name)}
        assert there >= set(columns.split()), name
    with reading(engine) as connection:
        for name in PROMISED:
            assert connection.execute(text(f"SELECT * FROM {name}")).all() == []


def test_an_upgrade_of_a_store_that_is_up_to_date_changes_nothing(engine: Engine) -> None:
    migrate.upgrade(engine)
    with writing(engine) as connection:
        connection.execute(
            text("INSERT INTO countries (id, name, slug, partner_count, page_lost, to_reprocess) "
                 "VALUES (301, 'Freedonia', 'freedonia', 0, :no, :no)"),
            {"no": False},
        )  # fmt: skip
    before = {name: inspect(engine).get_columns(name) for name in PROMISED}
    assert migrate.upgrade(engine) == SCHEMA_VERSION
    migrate.prepare(engine)
    assert str({name: inspect(engine).get_columns(name) for name in PROMISED}) == str(before)
    with reading(engine) as connection:
        names = connection.execute(text("SELECT name FROM countries")).scalars().all()
    assert names == ["Freedonia"]


def test_a_store_of_the_first_schema_keeps_every_row(database_url: str, engine: Engine) -> None:
    with writing(engine) as connection:
        before = make_first_store(connection)
    assert sum(map(len, before.values())) == 11
    refused = scrapy("runs", PARTNER_DATABASE_URL=database_url)
    assert (refused.returncode, refused.stderr.count("run scrapy db upgrade")) == (2, 1)
    upgraded = scrapy("db", "upgrade", PARTNER_DATABASE_URL=database_url)
    assert upgraded.returncode == 0, upgraded.stderr
    with reading(engine) as connection:
        assert migrate.version(connection) == SCHEMA_VERSION
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        for table, rows in before.items():
            query = text(f"SELECT * FROM {table} ORDER BY 1")
            now = connection.execute(query).mappings().all()
            assert [{name: row[name] for name in rows[0]} for row in now] == rows, table
        counts = {
            view: connection.execute(text(f"SELECT COUNT(*) FROM {view}")).scalar_one()
            for view in VIEWS
        }
        assert counts == dict.fromkeys(VIEWS, 1) | {
            "report_reference_changes": 0,
            "report_customer_moves": 0,
            "report_partner_recreations": 0,
        }
        for table in ("partners", "countries"):
            added = connection.execute(
                text(f"SELECT recheck_attempts, next_recheck_at FROM {table}")
            ).all()
            assert added == [(0, None)]
    checked = scrapy("db", "check", PARTNER_DATABASE_URL=database_url)
    assert (checked.returncode, checked.stdout) == (0, "the history is consistent\n")


def test_moves_of_the_years_before_are_noted_by_the_upgrade(
    database_url: str, engine: Engine
) -> None:
    build(engine, partners=400, days=60)
    noted = {
        table: rows(database_url, f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4, 5")
        for table in ("customer_moves", "partner_recreations")
    }
    assert all(noted.values())
    with writing(engine) as connection:
        held = {table: connection.execute(select(table)).mappings().all() for table in BEFORE_MOVES}
        views.drop(connection)
        for table in reversed(metadata.sorted_tables):
            table.drop(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        _migrate(connection, "0003")
        for table, kept in held.items():
            there = {column["name"] for column in inspect(connection).get_columns(table.name)}
            old = [{name: row[name] for name in row if name in there} for row in kept]
            connection.execute(insert(table), old)
    assert migrate.upgrade(engine) == "0003"
    for name, before in noted.items():
        assert rows(database_url, f"SELECT * FROM {name} ORDER BY 1, 2, 3, 4, 5") == before
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("table", ["partners", "crawl_runs"])
def test_a_database_with_a_table_of_somebody_else_is_refused(engine: Engine, table: str) -> None:
    with writing(engine) as connection:
        connection.execute(text(f"CREATE TABLE {table} (id INTEGER, shop TEXT)"))
        connection.execute(text(f"INSERT INTO {table} VALUES (1, 'corner')"))
    for make in (migrate.upgrade, migrate.prepare):
        with pytest.raises(StoreError, match=f"tables of the names {table} that are not ours"):
            make(engine)
    assert inspect(engine).get_table_names() == [table]
    with reading(engine) as connection:
        assert connection.execute(text(f"SELECT * FROM {table}")).one() == (1, "corner")


def test_a_store_of_another_version_is_not_used_as_it_is(engine: Engine) -> None:
    migrate.upgrade(engine)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for use in (migrate.prepare, migrate.require):
        with pytest.raises(StoreError, match="the store has schema 9999, this version needs"):
            use(engine)


def test_an_empty_database_is_set_up_by_a_crawl_and_refused_by_what_only_reads(
    engine: Engine,
) -> None:
    with pytest.raises(StoreError, match="the store is empty"):
        migrate.require(engine)
    assert inspect(engine).get_table_names() == []
    migrate.prepare(engine)
    migrate.require(engine)
