"""The audit's table, row by row: what is still allowed, and the least that is too much."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from partner_monitor.config import Thresholds
from partner_monitor.history.audit import Evidence, FieldCount, Looks, Verdict, judge
from partner_monitor.history.completeness import Shortfall
from partner_monitor.items import PageKey

BELGIUM = 20


def evidence(**found: Any) -> Evidence:
    """What a run over ten pages shows that read all of them well, but for what was ``found``."""
    healthy: dict[str, Any] = {
        "limits_losses": True,
        "pages_read": 10,
        "pages_lost": (),
        "main_list": None,
        "main_list_pages_read": 10,
        "beyond_last": None,
        "fields": {},
        "baselines": {},
        "known_seen": 0,
        "known_changed": 0,
        "changed_fields": {},
        "short": (),
    }
    return Evidence(**(healthy | found))


def judged(looks: Looks | None = None, **found: Any) -> Verdict:
    return judge(evidence(**found), looks, Thresholds())


def lost(count: int, country_id: int | None = None) -> list[tuple[PageKey, str]]:
    pages = (PageKey(country_id=country_id, page=number) for number in range(1, count + 1))
    return [(page, "server error, HTTP 500") for page in pages]


def short(count: int) -> list[Shortfall]:
    return [
        Shortfall(country_id=id_, name=f"Land {id_}", declared=9, seen=8, page_lost=False)
        for id_ in range(1, count + 1)
    ]


# --- no page read --------------------------------------------------------------------------------


def test_no_page_read_fails_whatever_else_is_known() -> None:
    verdict = judged(pages_read=0, main_list_pages_read=0, pages_lost=lost(3), short=short(2))
    assert (verdict.state, verdict.reason) == (
        "failed",
        "no listing page could be read: server error, HTTP 500 (page 1 of all countries "
        "and 2 more)",
    )


def test_a_page_beyond_the_last_fails_in_the_sites_own_words() -> None:
    verdict = judged(pages_read=0, main_list_pages_read=0, beyond_last="page 9 is beyond the last")
    assert (verdict.state, verdict.reason) == ("failed", "page 9 is beyond the last")


# --- a field that every card carries -------------------------------------------------------------


@given(cards=st.integers(1, 5000))
def test_a_field_of_every_card_may_be_unread_on_two_per_cent_of_cards_and_no_more(
    cards: int,
) -> None:
    allowed = -(-98 * cards // 100)
    for filled, state in ((allowed, "published"), (allowed - 1, "quarantined")):
        count = FieldCount(cards=cards, filled=filled, must=cards, must_filled=filled)
        assert judged(fields={"status": count}).state == state


def test_a_field_unread_is_named_with_its_numbers() -> None:
    unread = FieldCount(cards=100, filled=97, must=100, must_filled=97)
    read = FieldCount(cards=100, filled=98, must=100, must_filled=98)
    verdict = judged(fields={"status": unread, "name": read})
    assert verdict.reason == "status was read on 97 of 100 cards (97%, floor 98%)"
    assert not verdict.confirmable


def test_a_field_that_no_layout_promises_has_no_floor() -> None:
    assert judged(fields={"city": FieldCount(cards=100, filled=0)}).state == "published"


# --- a field's fill rate against its baseline ----------------------------------------------------


@pytest.mark.parametrize(
    ("filled", "cards", "baseline_filled", "baseline_cards"),
    [(30, 50, 90, 100), (27, 50, 81, 100), (3, 50, 27, 300), (40, 60, 100, 100)],
)
def test_a_fall_of_exactly_a_third_is_not_more_than_a_third(
    filled: int, cards: int, baseline_filled: int, baseline_cards: int
) -> None:
    baselines = {"retention_rate": FieldCount(cards=baseline_cards, filled=baseline_filled)}
    for count, state in ((filled, "published"), (filled - 1, "quarantined")):
        fields = {"retention_rate": FieldCount(cards=cards, filled=count)}
        assert judged(fields=fields, baselines=baselines).state == state


@given(data=st.data(), cards=st.integers(50, 5000), baseline_cards=st.integers(100, 5000))
def test_a_fill_rate_may_fall_by_a_third_and_no_more(
    data: st.DataObject, cards: int, baseline_cards: int
) -> None:
    baseline = data.draw(st.integers(1, baseline_cards))
    allowed = -(-2 * baseline * cards // (3 * baseline_cards))
    filled = data.draw(st.sampled_from([allowed, allowed - 1]) | st.integers(0, cards))
    fell_too_far = Fraction(filled, cards) < Fraction(2, 3) * Fraction(baseline, baseline_cards)
    verdict = judged(
        fields={"retention_rate": FieldCount(cards=cards, filled=filled)},
        baselines={"retention_rate": FieldCount(cards=baseline_cards, filled=baseline)},
    )
    assert verdict.state == ("quarantined" if fell_too_far else "published")


@pytest.mark.parametrize(("cards", "state"), [(49, "published"), (50, "quarantined")])
def test_below_fifty_cards_a_fill_rate_is_chance(cards: int, state: str) -> None:
    verdict = judged(
        fields={"retention_rate": FieldCount(cards=cards, filled=0)},
        baselines={"retention_rate": FieldCount(cards=100, filled=90)},
    )
    assert verdict.state == state


def test_without_a_baseline_no_fill_rate_has_fallen() -> None:
    fields = {"retention_rate": FieldCount(cards=200, filled=0)}
    assert judged(fields=fields).state == "published"


# --- pages lost ----------------------------------------------------------------------------------


@given(promised=st.integers(2, 2000))
def test_a_fifth_of_the_promised_pages_may_be_lost_and_no_more(promised: int) -> None:
    for count, state in ((promised // 5, "published"), (promised // 5 + 1, "quarantined")):
        read = promised - count
        verdict = judged(pages_read=read, main_list_pages_read=read, pages_lost=lost(count))
        assert verdict.state == state


def test_a_countrys_own_list_is_judged_by_its_count_not_by_its_pages() -> None:
    verdict = judged(
        limits_losses=False,
        main_list=BELGIUM,
        pages_read=1,
        main_list_pages_read=1,
        pages_lost=lost(9, BELGIUM),
    )
    assert verdict.state == "published"
    assert verdict.reason.startswith("9 of 10 pages lost: ")


def test_pages_lost_of_lists_read_to_reconcile_do_not_speak_against_the_run() -> None:
    assert judged(pages_lost=lost(9, BELGIUM)).state == "published"


# --- too many changes ----------------------------------------------------------------------------


@given(known=st.integers(21, 5000))
def test_twenty_or_a_quarter_of_the_known_partners_may_change_and_no_more(known: int) -> None:
    allowed = max(20, known // 4)
    for changed, state in ((allowed, "published"), (allowed + 1, "quarantined")):
        verdict = judged(known_seen=known, known_changed=changed)
        assert verdict.state == state
        assert verdict.confirmable == (state == "quarantined")


def test_a_mass_change_is_told_field_by_field_the_most_frequent_first() -> None:
    fields = {"name": 3, "status": 25, "references_count": 25, "retention_rate": 0}
    verdict = judged(known_seen=100, known_changed=26, changed_fields=fields)
    assert verdict.reason == (
        "26 of 100 known partners changed (limit 25): references_count 25, status 25, name 3; "
        "a second run an hour or more later that sees the same publishes it"
    )


# --- published, with or without findings ---------------------------------------------------------


def test_all_read_and_all_counts_met_is_published() -> None:
    assert judged() == Verdict(state="published", reason="all read, all counts met")


def test_what_is_not_whole_is_published_and_told() -> None:
    assert judged(short=short(1)).reason == "1 country not whole: Land 1 8 of 9"
    told = judged(short=short(7), pages_lost=lost(1))
    assert told.state == "published"
    assert told.reason == (
        "1 of 11 pages lost: server error, HTTP 500 (page 1 of all countries); "
        "7 countries not whole: Land 1 8 of 9, Land 2 8 of 9, Land 3 8 of 9, Land 4 8 of 9, "
        "Land 5 8 of 9 and 2 more"
    )


@given(
    unread=st.booleans(), fallen=st.booleans(), losses=st.integers(0, 9), changed=st.integers(0, 60)
)
def test_the_gravest_finding_speaks(unread: bool, fallen: bool, losses: int, changed: int) -> None:
    fields = {
        "status": FieldCount(cards=100, filled=0, must=100, must_filled=0 if unread else 100),
        "retention_rate": FieldCount(cards=100, filled=0 if fallen else 90),
    }
    verdict = judged(
        fields=fields,
        baselines={"retention_rate": FieldCount(cards=100, filled=90)},
        pages_lost=lost(losses),
        known_seen=100,
        known_changed=changed,
    )
    grave = (
        "status was read" if unread else "",
        "retention_rate fell" if fallen else "",
        f"{losses} of {losses + 10} pages lost (limit" if losses > 2 else "",
        f"{changed} of 100 known partners changed" if changed > 25 else "",
    )
    expected = next(filter(None, grave), None)
    assert verdict.state == ("published" if expected is None else "quarantined")
    assert verdict.reason.startswith(expected or "")
    # A second run that sees the same heals no reading: only a mass change may be confirmed.
    assert verdict.confirmable == (expected == grave[3] != "")


# --- a recheck's profiles ------------------------------------------------------------------------


def looked(settled: int = 0, failed: int = 0, compared: int = 0, emptied: int = 0) -> Looks:
    how = [("timed out", "", failed)] if failed else []
    return Looks(settled=settled, failed=how, compared=compared, emptied=emptied)


NO_LIST: Mapping[str, Any] = {"pages_read": 0, "main_list_pages_read": 0}


@pytest.mark.parametrize(
    ("looks", "state", "reason"),
    [
        (looked(), "published", "nothing was flagged"),
        (looked(settled=4), "published", "all read"),
        (looked(settled=3, failed=1), "published", "1 of 4 profiles not read: timed out (1)"),
        (looked(failed=2), "failed", "nothing could be read: timed out (2)"),
    ],
)
def test_a_recheck_is_judged_by_the_profiles_it_read(looks: Looks, state: str, reason: str) -> None:
    assert judged(looks, **NO_LIST) == Verdict(state=state, reason=reason)


@given(compared=st.integers(0, 2000))
def test_three_or_a_quarter_of_the_profiles_may_lose_most_customers_and_no_more(
    compared: int,
) -> None:
    allowed = max(3, compared // 4)
    for emptied, state in ((allowed, "published"), (allowed + 1, "quarantined")):
        looks = looked(settled=max(compared, 4), compared=compared, emptied=emptied)
        assert judged(looks, **NO_LIST).state == state
