"""The commands beside the crawl, as a user runs them; and Scrapy's feed exports."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text

from partner_monitor.store.engine import open_engine, writing
from partner_monitor.store.schema import SCHEMA_VERSION
from tests.crawling import FAST, crawl, rows, scrapy
from tests.replica import Replica, World
from tests.truth import stored_partners

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)

ODD_NAME = "<script>|x"


class Told(NamedTuple):
    """A store of three days: published, published with changes, quarantined."""

    store: str
    promoted: str
    demoted_country: str
    other_country: str


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    store = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}"
    world = World.generate(1, partners=60, countries=5)
    gold = next(partner for partner in world.listed() if partner.grade == "gold")
    ready = next(
        partner
        for partner in world.listed()
        if partner.grade == "ready" and partner.country_id != gold.country_id
    )
    with Replica(world) as site:
        with site.lock:
            world.put(replace(world.partners[gold.id], name=ODD_NAME))
        assert crawl(site.url, store, NOON, mode="all").state == "published"
        with site.lock:
            world.promote(ready.id)
            world.demote(gold.id)
            world.set_references(ready.id, ready.references + 3)
        assert crawl(site.url, store, NOON + DAY, mode="all").state == "published"
        with site.lock:
            for partner in world.listed()[:30]:
                world.set_references(partner.id, partner.references + 7)
        assert crawl(site.url, store, NOON + 2 * DAY, mode="all").state == "quarantined"
    return Told(
        store,
        ready.name,
        world.countries[gold.country_id or 0].name,
        world.countries[ready.country_id or 0].name,
    )


def run(*arguments: str, store: str, status: int = 0, now: datetime = NOON + 3 * DAY) -> str:
    """The output of a command that goes as it should, or the one line of one that does not."""
    done = scrapy(*arguments, PARTNER_DATABASE_URL=store, PARTNER_NOW=now.isoformat())
    assert done.returncode == status, done.stderr or done.stdout
    if status == 0:
        assert done.stderr == ""
        return done.stdout
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.rstrip("\n")


# --- the ledger ----------------------------------------------------------------------------------


def test_runs_lists_the_newest_first_with_state_counts_and_reason(told: Told) -> None:
    said = run("runs", store=told.store)
    # A long reason goes on below: a run begins where a line begins with its number.
    lines = [line for line in said.splitlines() if line.split()[:1] in (["1"], ["2"], ["3"])]
    assert [line.split()[0] for line in lines] == ["3", "2", "1"]
    assert "partners all" in lines[0]
    assert "quarantined" in lines[0]
    assert "30 of 60 known partners changed (limit 20)" in lines[0]
    assert "published" in lines[2]
    assert "2026-03-05 12:00" in lines[2]
    assert "60/60" in lines[2]
    assert "all read, all counts met" in lines[2]


def test_runs_as_json_has_every_column_of_the_ledger(told: Told) -> None:
    found = json.loads(run("runs", "--json", "--limit", "2", store=told.store))
    assert [row["id"] for row in found] == [3, 2]
    newest = found[0]
    assert (newest["spider"], newest["mode"], newest["state"]) == ("partners", "all", "quarantined")
    assert newest["pages_expected"] == newest["pages_fetched"] == 3
    assert newest["pages_failed"] == 0
    assert newest["partners_seen"] == newest["partners_expected"] == 60
    assert newest["country_id"] is newest["page"] is None
    assert newest["reason"]
    assert datetime.fromisoformat(newest["started_at"]) == NOON + 2 * DAY
    assert datetime.fromisoformat(newest["finished_at"]) == NOON + 2 * DAY


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("runs", "--limit", "0"), "--limit '0' is no number of 1 or more"),
        (("runs", "--limit", "-3"), "--limit '-3' is no number of 1 or more"),
        (("discard", "1"), "run 1 is published: only a quarantined run can be discarded"),
        (("discard", "99"), "there is no run 99: scrapy runs lists them"),
        (("discard",), "name one run by its number: scrapy runs lists them"),
        (("publish", "x"), "name one run by its number: scrapy runs lists them"),
        (("publish", "1", "2"), "name one run by its number: scrapy runs lists them"),
        (("publish", "99"), "there is no run 99: scrapy runs lists them"),
        (("publish", "9" * 30), f"there is no run {2**63 - 1}: scrapy runs lists them"),
        (("runs", "--limit", "9" * 30), f"--limit '{'9' * 30}' is no number of 1 or more"),
        (("db", "mend"), "scrapy db takes one of upgrade, check, and copy TARGET_URL"),
        (
            ("report", "--since", "yesterday"),
            "--since 'yesterday' is no ISO 8601 instant (2026-03-05 or 2026-03-05T06:00:00Z)",
        ),
        (("report", "--format", "pdf"), "--format 'pdf': one of text, json, md"),
        (("report", "--country", "Tuvalu"), "the store knows no partners in 'Tuvalu'"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    told: Told, arguments: tuple[str, ...], said: str
) -> None:
    before = rows(told.store, "SELECT * FROM crawl_runs ORDER BY id")
    assert run(*arguments, store=told.store, status=2) == said
    assert rows(told.store, "SELECT * FROM crawl_runs ORDER BY id") == before


def test_validate_counts_the_flags_by_reason(told: Told) -> None:
    said = run("validate", store=told.store)
    assert [line.split() for line in said.splitlines()][-1] == ["partners", "new", "60"]
    assert rows(told.store, "SELECT count(*) FROM partners WHERE to_reprocess")[0][0] == 60


# --- the report ----------------------------------------------------------------------------------


def test_the_report_says_how_old_it_is_what_is_listed_and_what_changed(told: Told) -> None:
    said = run("report", store=told.store)
    assert "As of 2026-03-06 12:00 UTC (48 hours ago)." in said
    assert "Waiting in quarantine: run 3 (scrapy runs says why)." in said
    assert "60 partners listed: " in said
    assert "What changed since 2026-02-06 12:00 UTC" in said
    for heading, partner in (("Promoted: 1", told.promoted), ("Demoted: 1", ODD_NAME)):
        assert partner in said.partition(heading)[2]
    assert "References: 1" in said


def test_the_report_as_json_has_the_same_in_numbers(told: Told) -> None:
    said = json.loads(run("report", "--format", "json", store=told.store))
    assert said["waiting"] == [3]
    assert said["age_hours"] == 48
    assert sum(said["statuses"].values()) == 60
    assert sum(country["total"] for country in said["countries"]) == 60
    assert {kind: len(found) for kind, found in said["changes"].items()} == {
        "promoted": 1,
        "demoted": 1,
    }
    promoted = said["changes"]["promoted"][0]
    assert (promoted["partner"], promoted["before"], promoted["now"]) == (
        told.promoted,
        "ready",
        "silver",
    )
    assert datetime.fromisoformat(promoted["at"]) == NOON + DAY
    change = said["references"][0]
    assert change["now"] - change["before"] == 3


def test_a_name_is_no_markup_in_a_markdown_report(told: Told) -> None:
    said = run("report", "--format", "md", store=told.store)
    row = next(line for line in said.splitlines() if "script" in line)
    assert "\\<script\\>\\|x" in row
    # Not one column more: what stands before, between and after the bars.
    assert len(row.replace("\\|", "").split("|")) == 1 + 5 + 1
    assert "## Partners" in said


def test_since_and_country_narrow_the_report(told: Told) -> None:
    later = run("report", "--since", "2026-03-07", store=told.store)
    assert later.rstrip().endswith("Nothing.")
    one = run("report", "--country", told.other_country.upper(), store=told.store)
    assert told.promoted in one
    assert ODD_NAME not in one
    day = run(
        *("report", "--since", "2026-03-06T12:00:00Z", "--format", "json"),
        *("--country", told.demoted_country),
        store=told.store,
    )
    assert [row["partner"] for row in json.loads(day)["changes"]["demoted"]] == [ODD_NAME]


# --- the store -----------------------------------------------------------------------------------


def test_db_upgrade_makes_a_store_and_then_says_that_it_is_there(database_url: str) -> None:
    made = run("db", "upgrade", store=database_url)
    assert made == f"the store went from schema none to {SCHEMA_VERSION}\n"
    again = run("db", "upgrade", store=database_url)
    assert again == f"the store has schema {SCHEMA_VERSION} already\n"
    assert run("runs", store=database_url) == "no run yet: scrapy crawl partners makes one\n"
    assert run("runs", "--json", store=database_url) == "[]\n"
    assert "No run is published yet" in run("report", store=database_url)
    assert run("validate", store=database_url) == "nothing is flagged\n"
    assert run("db", "check", store=database_url) == "the history is consistent\n"


def test_a_store_of_another_version_is_told_to_be_upgraded(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    run("db", "upgrade", store=store)
    engine = open_engine(store)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    engine.dispose()
    said = f"the store has schema 0000, this version needs {SCHEMA_VERSION}: run scrapy db upgrade"
    assert run("runs", store=store, status=2) == said


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs",),
        ("report",),
        ("health",),
        ("validate",),
        ("publish", "1"),
        ("discard", "1"),
        ("db", "check"),
    ],
    ids=" ".join,
)
def test_where_there_is_no_store_a_command_makes_none(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    said = run(*arguments, store=f"sqlite:///{tmp_path / 'store.db'}", status=2)
    assert said == "there is no store yet: scrapy crawl partners fills one"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.postgres
def test_an_empty_server_database_is_no_store(postgres_database_url: str) -> None:
    said = run("runs", store=postgres_database_url, status=2)
    assert said == "the store is empty: scrapy crawl partners fills it"
    assert rows(postgres_database_url, "SELECT 1 FROM pg_tables WHERE tablename = 'partners'") == []


def test_each_command_has_a_help_text(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    listed = run("-h", store=store)
    for name in ("crawl", "db", "discard", "health", "publish", "report", "runs", "validate"):
        assert any(line.split()[:1] == [name] for line in listed.splitlines()), name
    for name, told_in_it in (("runs", "--limit N"), ("report", "--since DATE"), ("db", "upgrade")):
        assert told_in_it in run(name, "-h", store=store)
    assert list(tmp_path.iterdir()) == []


# --- feed exports --------------------------------------------------------------------------------


@pytest.fixture
def moving() -> Iterator[Replica]:
    """A site whose list grows at its top while it is read: cards show again on the next page."""
    world = World.generate(1, partners=120, countries=5)
    first = world.listed()[0]
    newcomer = replace(first, id=99_000_001, name="Newcomer", slug="newcomer", references=900)
    read = threading.Event()

    def grow(number: int, path_qs: str) -> None:
        if "/page/" in path_qs and not read.is_set():
            read.set()
            world.put(newcomer)

    with Replica(world) as site:
        site.on_request = grow
        yield site


def test_a_feed_has_each_partner_and_each_country_once_and_nothing_else(
    moving: Replica, tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    feed = tmp_path / "partners.jsonl"
    done = scrapy(
        *("crawl", "partners", "-O", str(feed)),
        *(part for name, value in FAST.items() for part in ("-s", f"{name}={value}")),
        PARTNER_SITE_URL=moving.url,
        PARTNER_DATABASE_URL=store,
        PARTNER_NOW=NOON.isoformat(),
    )
    assert done.returncode == 0, done.stderr
    items: list[dict[str, Any]] = [json.loads(line) for line in feed.read_text().splitlines()]
    partners = [item for item in items if "profile_url" in item]
    countries = [item for item in items if "iso_code" in item]
    assert len(partners) + len(countries) == len(items)
    assert rows(store, "SELECT partners_doubled FROM crawl_runs")[0][0] > 0
    ids = [item["id"] for item in partners]
    assert len(ids) == len(set(ids))
    assert set(ids) == stored_partners(store).keys() == moving.world.partners.keys()
    assert len(countries) == len({item["id"] for item in countries}) == 5
    stored = {row.id: row for row in rows(store, "SELECT * FROM partners")}
    assert {item["id"]: item["references_count"] for item in partners} == {
        id_: row.references_count for id_, row in stored.items()
    }
