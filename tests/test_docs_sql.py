"""The pages of docs/ say what is so: queries run, columns and settings are all there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import inspect

from partner_monitor import settings
from partner_monitor.items import Outcome
from partner_monitor.store.engine import open_engine
from partner_monitor.store.runs import State
from partner_monitor.store.schema import metadata
from partner_monitor.store.views import VIEWS
from tests.crawling import ROOT, crawl, rows
from tests.replica import Replica, World

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
