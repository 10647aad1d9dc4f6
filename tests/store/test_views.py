"""The reporting views on stores so small that every answer is worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from partner_monitor.items import Layout
from tests.crawling import rows, violations
from tests.publishing import Watch, card, watching

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
AT_ONCE = timedelta(0)

FREEDONIA, SYLVANIA, OSTERLICH = 301, 302, 303


def on(day: int) -> datetime:
    """Six o'clock of a day of March and what follows; April begins with 32."""
    return datetime(2026, 2, 28, 6, tzinfo=UTC) + day * DAY


def told(store: str, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows(store, query)]


# --- the partners of now -------------------------------------------------------------------------


def sized(id_: int, average: int | None, country_id: int | None = FREEDONIA) -> Any:
    """A card with a size; the layout of stock Odoo shows none."""
    layout = Layout.ODOO_COM if average is not None else Layout.STOCK_19
    return card(id_, country_id=country_id, average_project_size=average, layout=layout)


def test_a_size_falls_into_its_bucket_and_an_unknown_one_into_none(database_url: str) -> None:
    sizes = (0, 4, 5, 10, 11, 24, 25, 4500, None)
    with watching(database_url) as watch:
        watch.list(on(1), *(sized(id_, size) for id_, size in enumerate(sizes, start=1)))
    found = told(
        database_url,
        "SELECT average_project_size, project_size_bucket FROM report_partners ORDER BY id",
    )
    buckets = ("<5", "<5", "5-10", "5-10", "11-25", "11-25", "25+", "25+", None)
    assert found == list(zip(sizes, buckets, strict=True))


def test_sizes_are_counted_by_country_and_bucket(database_url: str) -> None:
    here = [sized(id_, size) for id_, size in enumerate((0, 3, 7, None), start=1)]
    with watching(database_url, AT_ONCE) as watch:
        watch.list(on(1), *here, sized(5, 30, SYLVANIA), sized(6, 30, SYLVANIA), sized(7, 9, None))
        watch.list(on(2), *here, sized(5, 30, SYLVANIA), sized(7, 9, None))  # 6 is delisted
    assert set(
        told(database_url, "SELECT country, bucket, partners FROM report_project_sizes")
    ) == {
        ("Freedonia", "<5", 2),
        ("Freedonia", "5-10", 1),
        ("Freedonia", None, 1),
        ("Sylvania", "25+", 1),
        (None, "5-10", 1),
    }


def test_only_partners_listed_now_are_there_with_their_countrys_name(database_url: str) -> None:
    with watching(database_url) as watch:
        watch.list(on(1), *(card(id_) for id_ in (1, 2, 3)), card(4, country_id=None))
        for day in range(2, 10):  # 2 stays away until it is delisted, 3 has just gone
            here = (1, 3) if day < 9 else (1,)
            watch.list(on(day), *map(card, here), card(4, country_id=None))
    assert told(
        database_url, "SELECT id, country, missing_since FROM report_partners ORDER BY 1"
    ) == [
        (1, "Freedonia", None),
        (3, "Freedonia", spelled(database_url, on(9))),
        (4, None, None),
    ]


def spelled(store: str, at: datetime) -> Any:
    """An instant as plain SQL gives it."""
    return at if store.startswith("postgresql") else f"{at:%Y-%m-%d %H:%M:%S.%f}"


def test_a_country_is_summed_up_by_status(database_url: str) -> None:
    statuses = ("gold", "silver", "silver", "ready", "ready", "ready", "learning", "platinum", None)
    with watching(database_url, AT_ONCE) as watch:
        here = [card(id_, status) for id_, status in enumerate(statuses, start=1)]
        there = [card(11, "gold", SYLVANIA), card(12, "gold", SYLVANIA)]
        watch.list(on(1), *here, *there, card(13, "gold", country_id=None))
        watch.list(on(2), *here, *there[:1], card(13, "gold", country_id=None))  # 12 is delisted
        watch.list(on(3), *here, card(13, "gold", country_id=None))  # and 11
    found = told(
        database_url,
        """SELECT country, gold, silver, ready, other, total, listed_count
        FROM report_country_summary ORDER BY country""",
    )
    assert found == [("Freedonia", 1, 2, 3, 3, 9, 9), ("Sylvania", 0, 0, 0, 0, 0, 0)]


def test_a_country_is_complete_when_what_it_declares_was_seen_at_the_last_whole_look(
    database_url: str,
) -> None:
    def complete() -> list[tuple[Any, ...]]:
        found = told(
            database_url, "SELECT country, complete FROM report_country_summary ORDER BY country"
        )
        return [(name, None if whole is None else bool(whole)) for name, whole in found]

    here, there = [card(1), card(2)], [card(3, country_id=SYLVANIA)]
    with watching(database_url) as watch:
        watch.list(on(1), *here, *there, mode="first")
        assert complete() == [("Freedonia", None), ("Sylvania", None)]
        watch.list(on(2), *here, *there, declared={SYLVANIA: 2})
        assert complete() == [("Freedonia", True), ("Sylvania", False)]
        watch.list(on(3), *here, *there, mode="first")  # no look at the whole: nothing is settled
        assert complete() == [("Freedonia", True), ("Sylvania", False)]
        watch.list(on(4), *here, *there, declared={FREEDONIA: 5})
        assert complete() == [("Freedonia", False), ("Sylvania", True)]


# --- what changed --------------------------------------------------------------------------------


def test_changes_of_status_are_told_with_present_names_and_arrivals_are_none(
    database_url: str,
) -> None:
    with watching(database_url, AT_ONCE) as watch:
        watch.list(on(1), card(1), card(2, "gold"), card(3), card(4, "gold"))
        watch.list(on(2), card(1, "silver"), card(2, "silver"), card(3, "platinum"))
        back = card(4, "ready", SYLVANIA, name="Trentino & Söhne")
        watch.list(on(3), card(1, "silver"), card(2, "silver"), card(3, "platinum"), back)
    assert told(
        database_url,
        """SELECT date(changed_at), change_type, partner, country, old_status, new_status, run_id
        FROM report_status_changes ORDER BY changed_at, partner_id""",
    ) == [
        (day(database_url, 2), "promoted", name(1), "Freedonia", "ready", "silver", 2),
        (day(database_url, 2), "demoted", name(2), "Freedonia", "gold", "silver", 2),
        (day(database_url, 2), "changed", name(3), "Freedonia", "ready", "platinum", 2),
        (day(database_url, 2), "delisted", "Trentino & Söhne", "Sylvania", "gold", None, 2),
        (day(database_url, 3), "relisted", "Trentino & Söhne", "Sylvania", "gold", "ready", 3),
    ]


def name(id_: int) -> str:
    found: str = card(id_)["name"]
    return found


def day(store: str, number: int) -> Any:
    return on(number).date() if store.startswith("postgresql") else f"{on(number):%Y-%m-%d}"


def test_changes_of_references_are_told_and_first_counts_are_none(database_url: str) -> None:
    with watching(database_url) as watch:
        for number, (one, other) in enumerate(((10, 0), (13, 0), (13, 1), (2, 1)), start=1):
            watch.list(on(number), card(1, references_count=one), card(2, references_count=other))
    assert told(
        database_url,
        """SELECT partner_id, country, old_count, new_count, difference, run_id
        FROM report_reference_changes ORDER BY changed_at""",
    ) == [
        (1, "Freedonia", 10, 13, 3, 2),
        (2, "Freedonia", 0, 1, 1, 3),
        (1, "Freedonia", 13, 2, -11, 4),
    ]


# --- day by day ----------------------------------------------------------------------------------


def test_the_counts_of_each_day_are_those_at_its_end(database_url: str) -> None:
    """1 stays; 2 is promoted, then moves to Sylvania; 3 goes and is delisted on the ninth day, and
    comes back as silver on the twelfth; 4 goes for two days; 5 comes on the fourth."""
    with watching(database_url) as watch:
        four, five = card(4), card(5, "gold", SYLVANIA)
        watch.list(on(1), card(1), card(2), card(3), four)
        watch.list(on(2), card(1), card(2), four)
        watch.list(on(2) + 6 * HOUR, card(1), card(2, "silver"), four)
        watch.list(on(3), card(1), card(2, "silver"))
        watch.list(on(4), card(1), card(2, "silver"), five)
        # no run on the fifth and the sixth day
        watch.list(on(7), card(1), card(2, "silver", SYLVANIA), four, five)
        watch.list(on(9), card(1), card(2, "silver", SYLVANIA), four, five)
        watch.list(on(12), card(1), card(2, "silver", SYLVANIA), card(3, "silver"), four, five)
    found: dict[int, dict[tuple[str, str], int]] = {}
    for at, country, status, partners in told(
        database_url, "SELECT day, country, status, partners FROM report_daily_counts"
    ):
        number = (date.fromisoformat(str(at)) - on(0).date()).days
        found.setdefault(number, {})[country[0], status] = partners
    begun = {("F", "ready"): 4}
    promoted = {("F", "ready"): 3, ("F", "silver"): 1}
    with_five = promoted | {("S", "gold"): 1}
    moved = {("F", "ready"): 3, ("S", "silver"): 1, ("S", "gold"): 1}
    without_three = moved | {("F", "ready"): 2}
    back = without_three | {("F", "silver"): 1}
    assert found == {
        1: begun,
        2: promoted,
        3: promoted,
        4: with_five,
        5: with_five,
        6: with_five,
        7: moved,
        8: moved,
        9: without_three,
        10: without_three,
        11: without_three,
        12: back,
    }
    assert violations(database_url) == []


def test_the_counts_know_partners_without_a_country_and_without_a_status(
    database_url: str,
) -> None:
    with watching(database_url) as watch:
        watch.list(on(1), card(1), card(2, None), card(3, "gold", None), card(4, None, None))
    found = told(
        database_url, "SELECT country_id, country, status, partners FROM report_daily_counts"
    )
    assert sorted(found, key=repr) == sorted(
        [
            (FREEDONIA, "Freedonia", "ready", 1),
            (FREEDONIA, "Freedonia", None, 1),
            (None, None, "gold", 1),
            (None, None, None, 1),
        ],
        key=repr,
    )


# --- customers -----------------------------------------------------------------------------------

A, B, C, N = 1, 2, 3, 4


def moves(store: str) -> list[tuple[Any, ...]]:
    return told(
        store,
        """SELECT customer_id, from_partner_id, to_partner_id FROM report_customer_moves
        ORDER BY customer_id, to_partner_id""",
    )


def opened(watch: Watch, *customers: int) -> None:
    """The first day: three partners; the first has these customers, the third has number 99."""
    watch.list(on(1), card(A), card(B), card(C))
    watch.look(on(1) + HOUR, {A: customers, B: (), C: (99,)})


def test_a_customer_moved_if_it_appeared_within_thirty_days_of_leaving_either_way(
    database_url: str,
) -> None:
    left, gaps = on(40), {11: -31, 12: -30, 13: 0, 14: 30, 15: 31}
    with watching(database_url, AT_ONCE) as watch:
        opened(watch, *gaps)
        at_b: list[int] = []
        for customer, gap in gaps.items():
            if gap == 0:
                watch.look(left, {A: (), B: (*at_b, customer)})
            else:
                watch.look(left + gap * DAY, {B: (*at_b, customer)})
            at_b.append(customer)
    assert moves(database_url) == [(12, A, B), (13, A, B), (14, A, B)]
    assert told(
        database_url,
        """SELECT customer_id, date(left_at), date(appeared_at), date(noticed_on)
        FROM report_customer_moves ORDER BY customer_id""",
    ) == [
        (12, day(database_url, 40), day(database_url, 10), day(database_url, 40)),
        (13, *(day(database_url, 40),) * 3),
        (14, day(database_url, 40), *(day(database_url, 70),) * 2),
    ]
    assert violations(database_url) == []


def test_a_customer_that_left_and_came_back_to_the_same_partner_did_not_move(
    database_url: str,
) -> None:
    with watching(database_url, AT_ONCE) as watch:
        opened(watch, 11)
        watch.look(on(2), {A: ()})
        watch.look(on(3), {A: (11,)})
    assert moves(database_url) == []


def test_who_is_within_its_days_of_grace_has_not_moved_yet(database_url: str) -> None:
    with watching(database_url) as watch:
        opened(watch, 11)
        watch.look(on(2), {A: (), B: (11,)})
        assert moves(database_url) == []
        watch.look(on(10), {A: ()})
    assert moves(database_url) == [(11, A, B)]


def test_a_newcomer_brings_customers_that_moved_and_a_partner_of_the_first_day_does_not(
    database_url: str,
) -> None:
    with watching(database_url, AT_ONCE) as watch:
        watch.list(on(1), card(A), card(B))
        watch.look(on(1) + HOUR, {A: (11, 12)})
        watch.list(on(5), card(A), card(B), card(N))
        watch.look(on(5) + HOUR, {A: (), B: (11,), N: (12,)})
    # That 11 is at B may have been so for years: nobody had looked.
    assert moves(database_url) == [(12, A, N)]


def recreations(store: str) -> list[tuple[Any, ...]]:
    return told(
        store,
        """SELECT old_partner_id, new_partner_id, customers, shared
        FROM report_partner_recreations""",
    )


@pytest.mark.parametrize(
    ("taken", "anew"),
    [((11, 12, 13, 14), True), ((11, 12, 13), False), ((11, 12, 13, 14, 15), True)],
    ids=["four of five", "three of five", "all"],
)
def test_a_partner_created_anew_is_one_event_and_its_customers_did_not_move(
    database_url: str, taken: Sequence[int], anew: bool
) -> None:
    with watching(database_url, AT_ONCE) as watch:
        opened(watch, 11, 12, 13, 14, 15)
        watch.list(on(5), card(B), card(C), card(N))
        # One of them goes to B, and C's own to B, whatever N is.
        watch.look(on(5) + HOUR, {N: taken, B: (15, 99), C: ()})
    others = [(15, A, B), (99, C, B)]
    if anew:
        assert recreations(database_url) == [(A, N, 5, len(taken))]
        assert moves(database_url) == others
    else:
        assert recreations(database_url) == []
        assert moves(database_url) == [*((one, A, N) for one in taken), *others]
    assert violations(database_url) == []


@pytest.mark.parametrize(("gap", "anew"), [(-31, False), (-30, True), (30, True), (31, False)])
def test_who_came_long_before_or_after_is_not_the_partner_anew(
    database_url: str, gap: int, anew: bool
) -> None:
    went = on(40).replace(hour=0)  # the day of arrival counts from midnight
    with watching(database_url, AT_ONCE) as watch:
        opened(watch, 11, 12)
        if gap < 0:
            watch.list(went + gap * DAY, card(A), card(B), card(C), card(N))
            watch.list(went, card(B), card(C), card(N))
        else:
            watch.list(went, card(B), card(C))
            watch.list(went + gap * DAY, card(B), card(C), card(N))
        watch.look(went + 35 * DAY, {N: (11, 12)})
    assert recreations(database_url) == ([(A, N, 2, 2)] if anew else [])


def test_who_comes_back_was_not_created_anew_after_all(database_url: str) -> None:
    with watching(database_url, AT_ONCE) as watch:
        opened(watch, 11, 12)
        watch.list(on(5), card(B), card(C), card(N))
        watch.look(on(5) + HOUR, {N: (11, 12)})
        assert recreations(database_url) == [(A, N, 2, 2)]
        watch.list(on(8), card(A), card(B), card(C), card(N))
        assert recreations(database_url) == []
        assert moves(database_url) == [(11, A, N), (12, A, N)]
        watch.list(on(9), card(B), card(C), card(N))
        assert recreations(database_url) == [(A, N, 2, 2)]
        assert moves(database_url) == []
    assert violations(database_url) == []
