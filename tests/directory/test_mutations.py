"""Damaged pages: a value is the right one or none, and no damage is an exception of its own."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from partner_monitor.directory.listing import Card, ListingPage, NotAListing, read_listing
from tests.directory.pages import BASE, stock_page, wide_page

PAGES = {"odoo.com": wide_page(), "stock": stock_page()}
TOKENS = {name: re.findall(r"<[^>]*>|[^<]+", html) for name, html in PAGES.items()}
VALUES = [field for field in Card.__slots__ if field != "unread"]
DAMAGES: dict[str, Callable[[str], str]] = {
    "lost": lambda tag: "",
    "doubled": lambda tag: tag + tag,
    "renamed": lambda tag: re.sub(r"^<(/?)\w+", r"<\1xq", tag),
    "made a division": lambda tag: re.sub(r"^<(/?)\w+", r"<\1div", tag),
    "bare": lambda tag: re.sub(r"^<(/?\w+)[^>]*>", r"<\1>", tag),
    "other class": lambda tag: re.sub(r'class="', 'class="zz', tag),
    "other id": lambda tag: re.sub(r' id="', ' id="zz', tag),
}


def read(html: str) -> ListingPage | None:
    try:
        return read_listing(html.encode("utf-8", "replace"), BASE)
    except NotAListing:
        return None


WHOLE = {name: read(html) for name, html in PAGES.items()}


def changed_values(name: str, page: ListingPage) -> list[tuple[int, str]]:
    """Values read that are not the undamaged page's."""
    whole = WHOLE[name]
    assert whole is not None
    cards = {card.id: card for card in whole.cards}
    return [
        (card.id, field)
        for card in page.cards
        for field in VALUES
        if getattr(card, field) not in (None, getattr(cards.get(card.id, card), field))
    ]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", PAGES)
def test_no_single_damaged_tag_makes_a_wrong_value(name: str, damage: str) -> None:
    tokens, whole = TOKENS[name], WHOLE[name]
    assert whole is not None
    for position, token in enumerate(tokens):
        damaged = DAMAGES[damage](token)
        if not token.startswith("<") or damaged == token:
            continue
        page = read("".join([*tokens[:position], damaged, *tokens[position + 1 :]]))
        if page is None:
            continue
        assert changed_values(name, page) == [], (position, token)
        assert page.country_id == whole.country_id, (position, token)
        assert page.declared_count in (None, whole.declared_count), (position, token)
        assert page.menu == whole.menu or not page.menu.adds_up, (position, token)
        assert page.pager.current == whole.pager.current, (position, token)
        assert page.pager.has_next, (position, token)


@pytest.mark.parametrize("name", PAGES)
@given(data=st.data(), text=st.text(alphabet=st.characters(exclude_characters="<>&\r")))
def test_a_text_that_changes_changes_no_other_value(
    name: str, data: st.DataObject, text: str
) -> None:
    tokens = TOKENS[name]
    first = next(i for i, token in enumerate(tokens) if "row mb-4" in token)
    texts = [
        i for i, token in enumerate(tokens) if i > first and token.strip() and "<" not in token
    ]
    position = data.draw(st.sampled_from(texts))
    page = read("".join([*tokens[:position], text, *tokens[position + 1 :]]))
    assume(page is not None)
    assert page is not None
    fields = {field for _, field in changed_values(name, page)}
    # The country is part of the address, and a grade heading stands above more than one card.
    assert fields <= {"address", "country_id"} or len(fields) == 1


@pytest.mark.parametrize("name", PAGES)
@given(data=st.data())
def test_whole_cards_lost_or_doubled_change_no_other_card(name: str, data: st.DataObject) -> None:
    cards = re.split(r'(?=<div class="col-(?:12|md-4 col-xl-3 col-12) mb-4">)', PAGES[name])
    order = data.draw(st.lists(st.integers(1, len(cards) - 2), max_size=6))
    tail = cards[-1][cards[-1].index('<div class="navbar">') :]
    page = read(cards[0] + "".join(cards[i] for i in order) + tail)
    if page is not None and name == "odoo.com":
        assert changed_values(name, page) == []
        assert len(page.cards) == len(order)


@pytest.mark.parametrize("name", PAGES)
@given(data=st.data())
def test_a_page_cut_anywhere_is_no_listing(name: str, data: st.DataObject) -> None:
    html = PAGES[name].rstrip()
    assert read(html[: data.draw(st.integers(0, len(html) - 1))]) is None


@pytest.mark.parametrize("name", PAGES)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, 20_000), st.integers(0, 60), st.text(max_size=20)), max_size=8
    )
)
def test_no_damage_at_all_is_an_exception_of_its_own(
    name: str, edits: list[tuple[int, int, str]]
) -> None:
    html = PAGES[name]
    for start, length, text in edits:
        html = html[:start] + text + html[start + length :]
    read(html)
    read(html + "</html>")


@given(body=st.binary(max_size=400), encoding=st.text(max_size=8), base=st.text(max_size=30))
def test_any_bytes_are_a_listing_or_none(body: bytes, encoding: str, base: str) -> None:
    for whole in (body, b"<html>" + body + b"</html>"):
        with pytest.raises(NotAListing):
            read_listing(whole, base, encoding)
