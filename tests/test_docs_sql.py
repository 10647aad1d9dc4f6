"""The pages of docs/ say what is so: queries run, columns and settings are all there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, inspect

from partner_monitor import settings
from partner_monitor.items import Outcome
from partner_monitor.store.engine import open_engine
from partner_monitor.store.runs import State
from partner_monitor.store.schema import metadata
from partner_monitor.store.views import VIEWS
from tests.crawling import ROOT, crawl, rows
from tests.publishing import card, watching
from tests.replica import Replica, World
from tests.years import build

DOCS = ROOT / "docs"
PAGE = (DOCS / "sql.md").read_text(encoding="utf-8")
QUERIES = [
    query
    for page in sorted(DOCS.glob("*.md"))
    for query in re.findall(
        r"^ *```sql\n(.*?)^ *```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
]


def dictionary() -> Mapping[str, list[str]]:
    """The columns of each table and view as the page tells them, in its order."""
    found: dict[str, list[str]] = {}
    for section in re.split(r"^(?=##)", PAGE, flags=re.MULTILINE):
        if heading := re.match(r"### `(\w+)`\n", section):
            found[heading[1]] = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    return found


def read_page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.fixture
def store(database_url: str) -> Iterator[str]:
    """A store after one crawl of a small directory."""
    with Replica(World.generate(1, partners=60, countries=5)) as site:
        assert (
            crawl(site.url, database_url, "2026-11-01T06:00:00Z", mode="all").state == "published"
        )
        yield database_url


def test_every_query_runs_and_every_column_is_told(store: str) -> None:
    assert len(QUERIES) > 10
    for query in QUERIES:
        rows(store, query)
    engine = open_engine(store)
    try:
        inspector = inspect(engine)
        told = dictionary()
        for name in (*metadata.tables, *VIEWS):
            there = [column["name"] for column in inspector.get_columns(name)]
            assert told[name] == there, name
    finally:
        engine.dispose()


def test_the_page_tells_of_no_table_that_does_not_exist() -> None:
    assert set(dictionary()) == {*metadata.tables, *VIEWS}


def test_the_queries_find_what_the_first_run_wrote(store: str) -> None:
    as_of = next(query for query in QUERIES if "v.valid_from < '2026-11-03'" in query)
    assert sum(row.partners for row in rows(store, as_of)) == 60
    by_country = next(query for query in QUERIES if "gold_percent" in query)
    assert sum(row.total for row in rows(store, by_country)) == 60


@pytest.mark.postgres
def test_every_query_gives_the_same_rows_on_both_databases(
    postgres_database_url: str, tmp_path: Path
) -> None:
    stores = f"sqlite:///{tmp_path / 'store.db'}", postgres_database_url
    for store in stores:
        build(store, partners=400, days=60, end=date(2026, 12, 10))
    empty = []
    for query in QUERIES:
        here, there = (sorted(map(plain, rows(store, query)), key=repr) for store in stores)
        assert here == there, query
        if not here and query in PAGE:
            empty.append(query)
    # The page's example partners are not among these, and nobody rose to gold in so few days.
    absent = ("8306934", "Rufus Firefly", "gold_at")
    assert [query for query in empty if not any(word in query for word in absent)] == []


def plain(row: Row[Any]) -> tuple[Any, ...]:
    """A row with its values in one spelling, whichever the database."""
    return tuple(
        float(value)
        if isinstance(value, Decimal)
        else f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, date)
        else value
        for value in row
    )


def asked(heading: str) -> str:
    """The query that answers a question of the page."""
    section = PAGE.split(f"### {heading}\n")[1]
    return str(re.findall(r"^```sql\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)[0])


def test_the_questions_are_answered_as_one_would_by_hand(database_url: str) -> None:
    """Gold and Rise and Gone are there on the first day; Late comes on the second as ready."""

    def on(month: int, day: int) -> datetime:
        return datetime(2026, month, day, 6, tzinfo=UTC)

    def answer(heading: str, *columns: str) -> list[tuple[Any, ...]]:
        return [
            tuple(getattr(row, name) for name in columns)
            for row in rows(database_url, asked(heading))
        ]

    gold = card(1, "gold", name="Gold", references_count=60, retention_rate=90)
    rise = card(2, name="Rise", references_count=10)
    gone = card(3, name="Rufus Firefly SA", references_count=5, retention_rate=80)
    late = card(4, name="Late", country_id=302)
    with watching(database_url, timedelta(0)) as watch:
        watch.list(on(10, 30), gold, rise, gone)
        watch.look(on(10, 30) + timedelta(hours=1), {1: (), 2: (), 3: (11, 12)})
        watch.list(on(11, 1), gold, rise, gone, late)
        watch.look(on(11, 5), {1: (11,), 3: (12,)})
        silver = rise | {"status": "silver", "references_count": 14}
        watch.list(on(11, 20), gold | {"references_count": 63}, silver, late)
        watch.list(on(11, 27), gold | {"references_count": 63}, silver, late | {"status": "gold"})
    assert answer("Who was promoted this quarter?", "partner", "old_status", "new_status") == [
        ("Rise", "ready", "silver"),
        ("Late", "ready", "gold"),
    ]
    assert sorted(answer("How many partners had each status on a day?", "status", "partners")) == [
        ("gold", 1),
        ("ready", 3),
    ]
    assert [
        (*row[:4], row[4] and float(row[4]))
        for row in answer(
            "Does retention go with references?",
            *("status", "references_shown", "partners", "with_retention", "retention"),
        )
    ] == [
        ("gold", "0", 1, 0, None),
        ("gold", "50+", 1, 1, 90.0),
        ("silver", "10-49", 1, 0, None),
    ]
    grown = answer("Who grows fastest?", "name", "references_then", "references_later", "percent")
    assert [(*row[:3], float(row[3])) for row in grown] == [
        ("Rise", 10, 14, 40.0),
        ("Gold", 60, 63, 5.0),
    ]
    churn = ("country", "listed", "came", "departed", "returned", "departed_percent")
    assert [
        (*row[:5], float(row[5])) for row in answer("How much churn has each country?", *churn)
    ] == [("Freedonia", 2, 0, 1, 0, 50.0)]
    assert answer("Who gained customers from one partner?", "to_partner", "customers") == [
        ("Gold", 1)
    ]
    assert answer("How long does it take from ready to gold?", "name", "days") == [("Late", 26)]
    assert answer("Where do the site's count and ours differ?", "country") == []


def test_every_setting_is_told_with_its_default() -> None:
    source = (ROOT / "partner_monitor" / "settings.py").read_text(encoding="utf-8")
    defaults = dict(re.findall(r'^PARTNER_\w+ = _ours\("(\w+)", "(.*?)"\)$', source, re.MULTILINE))
    told = dict(
        re.findall(r"^\| `(PARTNER_\w+)` \| (.*?) \|", read_page("settings.md"), re.MULTILINE)
    )
    assert set(defaults) == {name for name in dir(settings) if name.startswith("PARTNER_")}
    assert told == {name: f"`{value}`" if value else "empty" for name, value in defaults.items()}


def test_every_outcome_and_state_is_told_to_operators() -> None:
    page = read_page("judging-a-run.md")
    for word in (*Outcome, *State):
        assert f"`{word}`" in page, word


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for target, anchor in re.findall(
            r"\]\(([\w./-]*)(?:#([\w-]+))?\)", page.read_text("utf-8")
        ):
            file = (page.parent / target) if target else page
            assert file.is_file(), f"{page.name}: {target}"
            assert not anchor or anchor in anchors(file), f"{page.name}: {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The headings of a page in the form in which links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }
