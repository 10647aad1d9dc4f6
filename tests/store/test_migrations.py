"""The migrations make the schema that the code knows and the interface promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from partner_monitor.history.fields import TRACKED
from partner_monitor.store import migrate
from partner_monitor.store.engine import StoreError, open_engine, reading, writing
from partner_monitor.store.schema import SCHEMA_VERSION, metadata
from partner_monitor.store.views import VIEWS

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
}
"""The tables and views whose names and columns are public."""


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
