"""What was read whole, and what one page must not say of another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from partner_monitor.history.completeness import Declared, ListReading, Reading, assess

BELGIUM, SPAIN, FRANCE = 20, 67, 74
NAMES = {BELGIUM: "Belgium", SPAIN: "Spain", FRANCE: "France"}
KNOWN = frozenset(NAMES)


def listing(length: int, **otherwise: Any) -> ListReading:
    """A list read to its end: twenty cards a page, its length declared on each."""
    last = max(1, -(-length // 20))
    read: dict[str, Any] = {
        "pages_read": frozenset(range(1, last + 1)),
        "pages_lost": frozenset(),
        "last_page": last,
        "has_next": False,
        "declared_counts": frozenset({length}),
        "cards": length,
        "distinct": length,
    }
    return ListReading(**(read | otherwise))


def menu(**counts: int) -> dict[int, Declared]:
    ids = {name.lower(): id_ for id_, name in NAMES.items()}
    return {
        ids[name]: Declared(name=name.title(), count=count, varied=False)
        for name, count in counts.items()
    }


def over_all(declared: dict[int, Declared], seen: dict[int, int], **otherwise: Any) -> Reading:
    reading: dict[str, Any] = {
        "menu_adds_up": True,
        "menu": declared,
        "seen": seen,
        "directory": listing(sum(seen.values())),
        "countries": {},
    }
    return Reading(**(reading | otherwise))


def of_one(country: int, declared: dict[int, Declared], own: ListReading) -> Reading:
    return Reading(
        menu_adds_up=True,
        menu=declared,
        seen={country: own.distinct},
        directory=None,
        countries={country: own},
    )


def test_a_countrys_own_page_that_lists_one_country_says_nothing_of_the_others() -> None:
    found = assess(of_one(BELGIUM, menu(belgium=7), listing(7)), KNOWN)
    assert found.whole == {BELGIUM}
    assert (found.short, found.directory_whole) == ((), False)


def test_a_menu_that_adds_up_and_lacks_a_country_declares_none_for_it() -> None:
    found = assess(over_all(menu(belgium=7, spain=3), {BELGIUM: 7, SPAIN: 3}), KNOWN)
    assert found.whole == KNOWN
    assert found.directory_whole


def test_a_menu_that_does_not_add_up_declares_nothing() -> None:
    declared, seen = menu(belgium=7, spain=9), {BELGIUM: 7, SPAIN: 3}
    whole = assess(over_all(declared, seen, menu_adds_up=False), KNOWN)
    assert whole.whole == KNOWN  # the list's own length was met
    reading = over_all(declared, seen, menu_adds_up=False, directory=listing(10, distinct=9))
    assert assess(reading, KNOWN).whole == frozenset()


def test_a_country_seen_that_the_menu_lacks_is_not_whole() -> None:
    found = assess(over_all(menu(belgium=7), {BELGIUM: 7, SPAIN: 1}), KNOWN)
    assert found.whole == {BELGIUM, FRANCE}


@given(declared=st.integers(1, 500), off=st.integers(-3, 3))
def test_a_country_is_whole_where_its_declared_count_is_met_exactly(
    declared: int, off: int
) -> None:
    seen = max(0, declared + off)
    found = assess(over_all(menu(belgium=declared, spain=3), {BELGIUM: seen, SPAIN: 3}), KNOWN)
    assert (BELGIUM in found.whole) == (seen == declared)
    assert SPAIN in found.whole
    assert [str(one) for one in found.short] == (
        [] if seen == declared else [f"Belgium {seen} of {declared}"]
    )
    own = listing(declared, distinct=seen)
    alone = assess(of_one(BELGIUM, menu(belgium=declared, spain=3), own), KNOWN)
    assert alone.whole == ({BELGIUM} if seen == declared else frozenset())


def test_a_count_that_moved_while_it_was_read_proves_nothing() -> None:
    moved = {BELGIUM: Declared(name="Belgium", count=7, varied=True)}
    assert BELGIUM not in assess(over_all(moved, {BELGIUM: 7}), KNOWN).whole


@pytest.mark.parametrize(
    ("otherwise", "whole"),
    [
        ({}, True),
        ({"pages_read": frozenset({1, 3})}, False),
        ({"pages_read": frozenset({1, 2}), "pages_lost": frozenset({3})}, False),
        ({"pages_lost": frozenset({2})}, True),  # lost at first, read when asked for once more
        ({"has_next": True}, False),
        ({"declared_counts": frozenset({47, 48})}, False),
        ({"cards": 48}, True),  # doubles are harmless where the length is known
        ({"declared_counts": frozenset({None})}, True),
        ({"declared_counts": frozenset({None}), "cards": 48}, False),
        ({"declared_counts": frozenset({None, 47})}, False),
        ({"declared_counts": frozenset()}, False),
    ],
)
def test_a_list_is_whole_when_it_was_followed_to_its_end_and_stood_still(
    otherwise: dict[str, Any], whole: bool
) -> None:
    assert listing(47, **otherwise).whole == whole


def test_what_kept_a_country_from_being_whole_is_told_as_a_lost_page_or_a_count() -> None:
    declared, seen = menu(belgium=30, spain=3), {BELGIUM: 20, SPAIN: 3}
    for lost in (False, True):
        pages = frozenset({2}) if lost else frozenset()
        directory = listing(23, pages_read=frozenset({1, 2}) - pages, pages_lost=pages)
        reading = over_all(declared, seen, directory=directory)
        assert [one.page_lost for one in assess(reading, KNOWN).short] == [lost]


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """Anything a run may have read, sound or not."""
    some = st.dictionaries(st.sampled_from(sorted(KNOWN)), st.integers(0, 3))
    lists = st.builds(
        lambda distinct, declared, lost: listing(
            distinct, declared_counts=frozenset(declared), pages_lost=frozenset(lost)
        ),
        st.integers(0, 3),
        st.sets(st.none() | st.integers(0, 3), max_size=2),
        st.sets(st.integers(1, 2), max_size=1),
    )
    counts = draw(some)
    varied: Iterable[int] = draw(st.sets(st.sampled_from(sorted(KNOWN))))
    return Reading(
        menu_adds_up=draw(st.booleans()),
        menu={
            id_: Declared(name=NAMES[id_], count=count, varied=id_ in varied)
            for id_, count in counts.items()
        },
        seen=dict[int | None, int](draw(some).items()),
        directory=draw(st.none() | lists),
        countries=draw(st.dictionaries(st.sampled_from(sorted(KNOWN)), lists, max_size=2)),
    )


@given(reading=readings(), known=st.frozensets(st.sampled_from(sorted(KNOWN))))
def test_only_what_was_asked_for_is_whole_or_short_and_nothing_is_both(
    reading: Reading, known: frozenset[int]
) -> None:
    found = assess(reading, known)
    asked = frozenset(reading.countries)
    if reading.directory is not None:
        asked |= known | frozenset(reading.menu)
    short = [one.country_id for one in found.short]
    assert found.whole | frozenset(short) <= asked
    assert not found.whole & frozenset(short)
    assert frozenset(reading.menu) & asked <= found.whole | frozenset(short)
    assert short == sorted(short)
    if found.directory_whole:
        assert reading.directory is not None
        assert reading.directory.followed_to_the_end


@given(reading=readings())
def test_a_country_that_the_store_knows_besides_changes_no_judgement_of_another(
    reading: Reading,
) -> None:
    known = assess(reading, KNOWN)
    unknown = assess(reading, frozenset())
    asked = frozenset(reading.countries) | frozenset(reading.menu)
    assert known.whole & asked == unknown.whole & asked
