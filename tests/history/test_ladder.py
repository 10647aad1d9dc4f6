"""What a change of status is called, for every pair of statuses there can be."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from partner_monitor.history.ladder import LADDER, ChangeType, change_type

ranked = st.sampled_from(LADDER)
unranked = st.text(max_size=12).filter(lambda status: status not in LADDER)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("learning", "ready", "promoted"),
        ("ready", "silver", "promoted"),
        ("silver", "gold", "promoted"),
        ("learning", "gold", "promoted"),
        ("ready", "learning", "demoted"),
        ("silver", "ready", "demoted"),
        ("gold", "silver", "demoted"),
        ("gold", "learning", "demoted"),
        ("gold", "platinum", "changed"),
        ("platinum", "gold", "changed"),
        ("platinum", "diamond", "changed"),
        ("gold", "Gold", "changed"),  # stored as shown: another word is another status
    ],
)
def test_a_step_is_called_by_its_direction(old: str, new: str, word: str) -> None:
    assert change_type(old, new) == word


@given(old=ranked, new=ranked)
def test_the_way_back_of_a_promotion_is_a_demotion(old: str, new: str) -> None:
    if old != new:
        there_and_back = {change_type(old, new), change_type(new, old)}
        assert there_and_back == {ChangeType.PROMOTED, ChangeType.DEMOTED}


@given(low=ranked, middle=ranked, high=ranked)
def test_two_promotions_are_one(low: str, middle: str, high: str) -> None:
    if len({low, middle, high}) == 3:
        steps = {change_type(low, middle), change_type(middle, high)}
        if len(steps) == 1:
            assert change_type(low, high) in steps


@given(known=ranked, unknown=unranked, other=unranked)
def test_a_status_off_the_ladder_is_ranked_nowhere(known: str, unknown: str, other: str) -> None:
    assert change_type(known, unknown) is ChangeType.CHANGED
    assert change_type(unknown, known) is ChangeType.CHANGED
    assert change_type(unknown, other) is ChangeType.CHANGED
