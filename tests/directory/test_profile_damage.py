"""Damaged profiles and answers that are none: a value is the right one or none, and no damage is
an exception of its own."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from partner_monitor.directory.profile import NotAProfile, Profile, read_profile
from partner_monitor.items import Outcome
from tests.directory import profiles
from tests.directory.pages import stock_page, wide_page
from tests.directory.profiles import BASE, profile
from tests.directory.test_mutations import DAMAGES

HTML = profile()
TOKENS = re.findall(r"<[^>]*>|[^<]+", HTML)
TEXTS = [i for i, token in enumerate(TOKENS) if token.strip() and "<" not in token]
PARTS = [
    profiles.NAME,
    profiles.GRADE,
    profiles.IMAGE,
    profiles.STREET,
    profiles.WEBSITE,
    profiles.SECTOR,
    profiles.REFERENCES,
    profiles.EXPERTS,
    profiles.SIZES,
    profiles.ABOUT,
    profiles.CUSTOMERS,
    profiles.RECORD,
    profiles.FOOTER,
]
LISTS = {"experts", "references_by_industry", "customers"}


def read(html: str, base: str = BASE) -> Profile | None:
    try:
        return read_profile(html.encode("utf-8", "replace"), base)
    except NotAProfile:
        return None


def whole() -> Profile:
    page = read(HTML)
    assert page is not None
    return page


WHOLE = whole()


def wrong_values(page: Profile) -> list[str]:
    """Fields that say something else than the undamaged page; a customer may lose its badge."""
    wrong = [
        field.name
        for field in fields(page)
        if field.name not in LISTS | {"whole"}
        and getattr(page, field.name) not in (None, getattr(WHOLE, field.name))
    ]
    wrong += [
        name
        for name in LISTS - {"customers"}
        if set(getattr(page, name)) - set(getattr(WHOLE, name))
    ]
    known = {found.id: found for found in WHOLE.customers}
    for found in page.customers:
        right = known.get(found.id)
        if (
            right is None
            or found.name != right.name
            or found.industry not in (None, right.industry)
        ):
            wrong.append("customers")
    if page.whole and len(page.customers) != len(WHOLE.customers):
        wrong.append("whole")
    return wrong


@pytest.mark.parametrize("damage", DAMAGES)
def test_no_single_damaged_tag_makes_a_wrong_value(damage: str) -> None:
    for position, token in enumerate(TOKENS):
        damaged = DAMAGES[damage](token)
        if not token.startswith("<") or damaged == token:
            continue
        page = read("".join([*TOKENS[:position], damaged, *TOKENS[position + 1 :]]))
        if page is not None:
            assert wrong_values(page) == [], (position, token)


@given(position=st.sampled_from(TEXTS), text=st.text(st.characters(exclude_characters="<>&\r")))
def test_a_text_that_changes_changes_no_other_value(position: int, text: str) -> None:
    page = read("".join([*TOKENS[:position], text, *TOKENS[position + 1 :]]))
    assume(page is not None)
    assert page is not None
    assert len(set(wrong_values(page))) <= 1


@given(lost=st.sets(st.sampled_from(PARTS)))
def test_whole_parts_that_are_lost_change_no_other_value(lost: set[str]) -> None:
    html = HTML
    for part in lost:
        html = html.replace(part, "")
    page = read(html)
    assert (page is None) == (profiles.NAME in lost)
    assert page is None or wrong_values(page) == []
    assert page is None or page.whole == lost.isdisjoint({profiles.CUSTOMERS, profiles.FOOTER})


@given(start=st.integers(0, len(HTML)), length=st.integers(0, 3000))
def test_a_page_with_a_hole_is_of_no_other_partner(start: int, length: int) -> None:
    page = read(HTML[:start] + HTML[start + length :])
    assert page is None or page.id == WHOLE.id


@given(position=st.integers(0, len(HTML.rstrip()) - 1))
def test_a_page_cut_anywhere_is_no_profile(position: int) -> None:
    assert read(HTML.rstrip()[:position]) is None


@given(
    edits=st.lists(
        st.tuples(st.integers(0, 6_000), st.integers(0, 60), st.text(max_size=20)), max_size=8
    )
)
def test_no_damage_at_all_is_an_exception_of_its_own(edits: list[tuple[int, int, str]]) -> None:
    html = HTML
    for start, length, text in edits:
        html = html[:start] + text + html[start + length :]
    read(html)
    read(html + "</html>")


@given(body=st.binary(max_size=400), encoding=st.text(max_size=8), base=st.text(max_size=30))
def test_any_bytes_are_a_profile_or_none(body: bytes, encoding: str, base: str) -> None:
    marked = b'<html><h1 id="partner_name">' + body + b"</h1></html>"
    for page in (body, b"<html>" + body + b"</html>", marked):
        with pytest.raises(NotAProfile):
            read_profile(page, base, encoding)


@pytest.mark.parametrize(
    ("html", "outcome"),
    [
        ("", Outcome.HOLLOW),
        ("<html><body></body></html>", Outcome.HOLLOW),
        ('<html><body><script src="/a.js"></script>Loading</body></html>', Outcome.HOLLOW),
        ('<html><body id="wrapwrap"><h1>Error 404</h1></body></html>', Outcome.HOLLOW),
        ("<html><body><h1>403 Forbidden</h1></body></html>", Outcome.UNKNOWN_LAYOUT),
        ('{"id": 70001}', Outcome.UNKNOWN_LAYOUT),
        (wide_page(), Outcome.UNKNOWN_LAYOUT),
        (stock_page(), Outcome.UNKNOWN_LAYOUT),
        (profile()[:-20], Outcome.CUT_SHORT),
        (profile()[:800], Outcome.CUT_SHORT),
    ],
)
def test_each_way_of_failing_to_look_has_its_name(html: str, outcome: Outcome) -> None:
    with pytest.raises(NotAProfile) as refusal:
        read_profile(html.encode(), BASE)
    assert refusal.value.outcome is outcome
    assert refusal.value.detail
