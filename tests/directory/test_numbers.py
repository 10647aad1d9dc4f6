"""What is a number on a card, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_monitor.directory.numbers import MAX_COUNT, read_count

COUNTS = st.integers(min_value=0, max_value=MAX_COUNT)
SEPARATORS = st.sampled_from([",", ".", "'", "’", " ", "\u00a0", "\u202f"])
ZEROS = st.sampled_from([0x30, 0x660, 0x6F0, 0x966, 0xE50, 0xFF10])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("88 References", 88),
        ("1 Reference", 1),
        ("0 Certified Expert", 0),
        ("Large Project: ~300 users", 300),
        ("Large Project: ~ 1,300+ users", 1300),
        ("Proyecto más grande: ~1.300 usuarios", 1300),
        ("1\u202f300 références", 1300),
        ("1 300", 1300),
        ("1'300 Referenzen", 1300),
        ("٨٨ مرجع", 88),
        ("平均项目：36位用户", 36),
        ("References - 88", 88),
        ("39 references » ", 39),
        ("10,000,000", 10_000_000),
    ],
)
def test_the_one_number_of_a_text_is_read(text: str, count: int) -> None:
    assert read_count(text) == count


@pytest.mark.parametrize(
    "text",
    [
        "",
        "References",
        "12,5",
        "1.2",
        "1.23",
        "0.123",
        "7 of 9",
        "7/9",
        "7-9",
        "-5",
        "−5",
        "- 5",
        "1,2345",
        "1,234.567",
        "12,34,567",
        "1234,567",
        "9" * 25,
        "10,000,001",
        "v19",
        "3k users",
        "3 k users",
        "5 тыс",
        "3万",
        "$5",
        "#5",
        "5²",
        "5½",
        "007",
        "1٢",
        "12.",
    ],
)
def test_what_can_be_taken_in_two_ways_is_no_number(text: str) -> None:
    assert read_count(text) is None


@given(COUNTS, SEPARATORS, ZEROS, st.sampled_from(["", "~", "Large: ", "Large: ~"]))
def test_a_number_is_read_in_any_script_grouped_or_not(
    count: int, separator: str, zero: int, before: str
) -> None:
    digits = str.maketrans({str(digit): chr(zero + digit) for digit in range(10)})
    for written in (str(count), f"{count:,}".replace(",", separator)):
        assert read_count(f"{before}{written.translate(digits)}+ users") == count


@given(st.integers(min_value=MAX_COUNT + 1))
def test_what_no_partner_can_have_is_not_read(count: int) -> None:
    assert read_count(str(count)) is None


@given(COUNTS, COUNTS, st.sampled_from([" of ", " / ", "; ", " - ", " a 1 b "]))
def test_two_numbers_are_none(one: int, other: int, between: str) -> None:
    assert read_count(f"{one}{between}{other}") is None


@given(st.text())
def test_any_text_gives_a_count_or_nothing(text: str) -> None:
    count = read_count(text)
    assert count is None or 0 <= count <= MAX_COUNT
