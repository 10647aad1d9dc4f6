"""The rules of the history as properties: of any sequence of states, however it is observed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.crawling import crawl, rows, violations
from tests.replica import Country, Partner, Replica, World

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
COUNTRIES = [
    Country(20, "belgium", "Belgium"),
    Country(67, "spain", "Spain"),
    Country(74, "france", "France"),
]
IDS = [country.id for country in COUNTRIES]

State = dict[int, Partner]
Events = list[tuple[Any, ...]]

SLOW = settings(
    max_examples=12,
    deadline=None,
    # An example is some dozen crawls: shrinking one would take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def states(draw: st.DrawFn) -> list[State]:
    """Some days of a directory of three countries, each of which always has a partner."""
    anchors = {
        900 + i: Partner(900 + i, f"Anchor {i}", f"anchor-{i}", "ready", id_)
        for i, id_ in enumerate(IDS)
    }
    partner = st.builds(
        lambda grade, country, references, name, retention: Partner(
            0, name, "a-slug", grade, country, references=references, retention=retention
        ),
        st.sampled_from(["gold", "silver", "ready"]),
        st.sampled_from(IDS),
        st.integers(0, 40),
        st.sampled_from(["Gold Ready SA", "Đông & Co", "<b>Acme</b>"]),
        st.one_of(st.none(), st.integers(0, 100)),
    )
    days = []
    for _ in range(draw(st.integers(2, 5))):
        present = draw(st.dictionaries(st.integers(1, 4), partner, max_size=4))
        days.append(anchors | {id_: replace(one, id=id_) for id_, one in present.items()})
    return days


def observe(
    site: Replica, store: str, days: list[State], orders: list[list[int]] | None, delist: int
) -> None:
    """One run a day over all countries, or one run a country in the day's own order."""
    options = {"PARTNER_DELIST_AFTER_DAYS": str(delist)}
    for number, state in enumerate(days):
        with site.lock:
            site.world.partners.clear()
            for partner in state.values():
                site.world.put(partner)
        now = START + timedelta(days=number * 4)
        runs = [{"mode": "all"}]
        if orders is not None:
            runs = [{"mode": "specific_c", "country": str(id_)} for id_ in orders[number]]
        for arguments in runs:
            crawled = crawl(site.url, store, now, options, **arguments)
            assert crawled.state == "published", crawled.errors


def events(store: str) -> Events:
    """What the history says, without times and runs, in the order of the days."""
    status = rows(
        store,
        "SELECT changed_at, partner_id, change_type, old_status, new_status FROM status_history",
    )
    references = rows(
        store,
        "SELECT changed_at, partner_id, 'references', old_count, new_count FROM reference_history",
    )
    versions = rows(
        store,
        """SELECT valid_from, partner_id, 'version', name, status, country_id, references_count,
            retention_rate FROM partner_versions""",
    )
    return sorted(
        ((str(row[0])[:10], *row[1:]) for row in [*status, *references, *versions]), key=str
    )


@pytest.fixture
def fresh_store() -> Any:
    """Makes an empty SQLite store for each example."""
    folder = Path(tempfile.mkdtemp())
    made = 0

    def make() -> str:
        nonlocal made
        made += 1
        return f"sqlite:///{folder / f'{made}.db'}"

    yield make
    shutil.rmtree(folder)


@SLOW
@given(days=states(), data=st.data(), delist=st.sampled_from([0, 7]))
def test_a_run_over_all_and_a_run_a_country_in_any_order_tell_the_same(
    fresh_store: Callable[[], str], days: list[State], data: st.DataObject, delist: int
) -> None:
    orders = [data.draw(st.permutations(IDS)) for _ in days]
    whole, apart = fresh_store(), fresh_store()
    with Replica(World(countries=COUNTRIES), gzip=False) as site:
        observe(site, whole, days, None, delist)
        observe(site, apart, days, orders, delist)
    assert events(apart) == events(whole)
    assert violations(whole) == violations(apart) == []


@SLOW
@given(days=states(), delist=st.sampled_from([0, 7]))
def test_the_history_is_what_the_rules_say_of_each_partner(
    fresh_store: Callable[[], str], days: list[State], delist: int
) -> None:
    store = fresh_store()
    with Replica(World(countries=COUNTRIES), gzip=False) as site:
        observe(site, store, days, None, delist)
    told = [event for event in events(store) if event[2] not in ("version", "references")]
    assert told == sorted(_status_events(days, delist), key=str)
    for id_, partner in days[-1].items():
        row = rows(store, "SELECT * FROM partners WHERE id = :id", id=id_)[0]
        assert (row.name, row.status, row.country_id, row.references_count, row.retention_rate) == (
            partner.name,
            partner.grade,
            partner.country_id,
            partner.references,
            # Fewer than fifty cards prove no absence of a figure: a known one is kept.
            partner.retention if partner.retention is not None else _last_retention(days, id_),
        )


@SLOW
@given(days=states())
def test_reading_the_same_day_again_writes_nothing(
    fresh_store: Callable[[], str], days: list[State]
) -> None:
    store = fresh_store()
    with Replica(World(countries=COUNTRIES), gzip=False) as site:
        observe(site, store, days, None, 7)
        before = events(store), rows(store, "SELECT * FROM partners ORDER BY id")
        later = START + timedelta(days=(len(days) - 1) * 4)
        assert crawl(site.url, store, later, mode="all").state == "published"
        assert (events(store), rows(store, "SELECT * FROM partners ORDER BY id")) == before
        for country in IDS:
            crawled = crawl(site.url, store, later, mode="specific_c", country=str(country))
            assert crawled.state == "published"
        assert (events(store), rows(store, "SELECT * FROM partners ORDER BY id")) == before


@SLOW
@given(days=states(), back=st.integers(1, 400), mode=st.sampled_from(["all", "first"]))
def test_an_older_run_never_turns_the_clock_back(
    fresh_store: Callable[[], str], days: list[State], back: int, mode: str
) -> None:
    store = fresh_store()
    with Replica(World(countries=COUNTRIES), gzip=False) as site:
        observe(site, store, days[1:], None, 0)
        known = {id_ for state in days[1:] for id_ in state}
        before = [event for event in events(store) if event[1] in known]
        rows_before = rows(store, "SELECT * FROM partners ORDER BY id")
        with site.lock:
            site.world.partners.clear()
            for partner in days[0].values():
                site.world.put(partner)
        crawled = crawl(site.url, store, START - timedelta(hours=back), mode=mode)
        assert crawled.state == "published"
    assert [event for event in events(store) if event[1] in known] == before
    after = {row.id: row for row in rows(store, "SELECT * FROM partners ORDER BY id")}
    assert [after[row.id] for row in rows_before] == rows_before
    assert violations(store) == []


def _last_retention(days: list[State], id_: int) -> int | None:
    known = [state[id_].retention for state in days if id_ in state]
    return next((value for value in reversed(known) if value is not None), None)


def _status_events(days: list[State], delist: int) -> Events:
    """Rule by rule and partner by partner, with no database in sight."""
    ladder = ["learning", "ready", "silver", "gold"]
    told: Events = []
    for id_ in {id_ for state in days for id_ in state}:
        grade: str | None = None
        listed, missed = False, 0
        for number, state in enumerate(days):
            day = f"{START + timedelta(days=number * 4):%Y-%m-%d}"
            if id_ not in state:
                missed += listed
                lasted = (missed - 1) * 4 >= delist
                if listed and lasted and (missed >= 2 or delist == 0):
                    told.append((day, id_, "delisted", grade, None))
                    listed = False
                continue
            new = state[id_].grade
            if grade is None:
                told.append((day, id_, "initial", None, new))
            elif not listed:
                told.append((day, id_, "relisted", grade, new))
            elif new != grade:
                up = ladder.index(new) > ladder.index(grade)
                told.append((day, id_, "promoted" if up else "demoted", grade, new))
            grade, listed, missed = new, True, 0
    return told
