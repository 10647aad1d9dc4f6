"""Each field of a card, in the markup of each layout."""

from __future__ import annotations

from typing import Any

import pytest

from partner_monitor.directory.listing import Card, ListingPage, NotAListing, read_listing
from partner_monitor.items import Layout, Outcome
from tests.directory.pages import (
    BASE,
    filters,
    grade_heading,
    page,
    stock_card,
    stock_page,
    wide_card,
    wide_page,
)


def read(html: str) -> ListingPage:
    return read_listing(html.encode(), BASE)


def wide(change: tuple[str, str] = ("", ""), **parts: Any) -> Card:
    """The only card of a page of odoo.com, with a change to its markup."""
    return read(page(wide_card(**parts).replace(*change))).cards[0]


def stock(change: tuple[str, str] = ("", ""), **parts: Any) -> Card:
    return read(page(grade_heading("Gold"), stock_card(**parts).replace(*change))).cards[0]


def test_a_card_of_odoo_com_is_read_whole() -> None:
    card = wide()
    assert card == Card(
        id=70001,
        name="Rufus Firefly SA",
        slug="rufus-firefly-sa",
        profile_url="https://www.odoo.com/partners/rufus-firefly-sa-70001",
        status="gold",
        country_id=301,
        address="Freedonia, North, Glória, 04100",
        references_count=88,
        retention_rate=93,
        largest_project_size=300,
        average_project_size=25,
        certified_experts=7,
        unread=(),
    )


@pytest.mark.parametrize("status", ["gold", "silver", "ready", "learning", "platinum"])
def test_the_class_of_the_badge_decides_the_status_not_its_word(status: str) -> None:
    assert wide((f">{status.title()}<", ">Oro<"), grade=status).status == status


def test_a_grade_in_a_name_is_no_grade() -> None:
    card = wide(name="Pinky Gold Partners", grade="ready")
    assert (card.name, card.status) == ("Pinky Gold Partners", "ready")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("\n   Rufus\n      Firefly\t SA  ", "Rufus Firefly SA"),
        ("Spaces   Inside", "Spaces   Inside"),
        ("NBSP\u00a0Partner\u200b S.A.", "NBSP\u00a0Partner\u200b S.A."),
        ("K?ta Yaz?l?m", "K?ta Yaz?l?m"),
        ("&lt;b&gt;Bold&lt;/b&gt; &amp; Co.", "<b>Bold</b> & Co."),
        ("12345", "12345"),
    ],
)
def test_a_name_is_read_as_typed(written: str, name: str) -> None:
    assert wide(name=written).name == name
    assert stock(name=written).name == name


@pytest.mark.parametrize(
    ("change", "unread"),
    [
        (("bg_gold", "bg-gold"), ["status"]),
        (('<span class="badge align-text-top bg_gold">Gold</span>', ""), ["status"]),
        (("<span>Rufus Firefly SA</span>", ""), ["name"]),
        (("h5", "h4"), ["name", "status"]),
        (("stat_ref", "stats_references"), ["references_count"]),
        (("stat_cert", "stats_experts"), ["certified_experts"]),
        (("88 References", "many References"), ["references_count"]),
        (("88 References", "88 of 90 References"), ["references_count"]),
        (("93</span> %", "n/a</span> %"), ["retention_rate"]),
        (("93</span> %", "193</span> %"), ["retention_rate"]),
        (("93</span> %", "93</span>"), ["retention_rate"]),
        (("<small><span>93</span> %</small>", ""), ["retention_rate"]),
        (("~300 users", "~many users"), ["largest_project_size"]),
        (("25 users", "2.5 users"), ["average_project_size"]),
        (("25 users", "~25 users"), ["average_project_size", "largest_project_size"]),
        (
            ('class="text-muted"', 'class="text-dim"'),
            ["average_project_size", "largest_project_size"],
        ),
        (('<small class="text-muted">Average Project: 25 users</small>', ""), ["average_project"]),
        (("<span>Freedonia</span>", "<em>Freedonia</em>"), ["address"]),
    ],
)
def test_a_field_whose_mark_or_number_is_gone_is_unread_and_the_rest_stays(
    change: tuple[str, str], unread: list[str]
) -> None:
    usual, card = wide(), wide(change)
    assert [name.removesuffix("_size") for name in card.unread] == [
        name.removesuffix("_size") for name in unread
    ]
    for field in Card.__slots__:
        if field not in {*card.unread, "unread"}:
            assert getattr(card, field) == getattr(usual, field), field
    assert all(getattr(card, field) is None for field in card.unread)


def test_a_card_without_retention_rightly_has_none() -> None:
    card = wide(rate=None)
    assert (card.retention_rate, card.unread) == (None, ())


@pytest.mark.parametrize(("rate", "shown"), [("0", 0), ("100", 100), ("٨٤", 84)])
def test_a_rate_is_from_0_to_100_per_cent(rate: str, shown: int) -> None:
    assert wide(rate=rate).retention_rate == shown


def test_zeros_are_read_as_zeros() -> None:
    card = wide(
        references="0 Reference",
        experts="0 Certified Expert",
        average="Average Project: 0 users",
        large="Large Project: ~0 users",
    )
    assert (card.references_count, card.certified_experts) == (0, 0)
    assert (card.average_project_size, card.largest_project_size) == (0, 0)


@pytest.mark.parametrize(
    ("average", "large"),
    [
        ("Proyecto medio: 25 usuarios", "Proyecto más grande: ~1.300 usuarios"),
        ("Proyecto más grande: ~1.300 usuarios", "Proyecto medio: 25 usuarios"),
        ("Ortalama Proje 25 kullanıcı", "Büyük Proje 1300+ kullanıcı"),
    ],
)
def test_the_tilde_marks_the_largest_size_and_else_the_order_decides(
    average: str, large: str
) -> None:
    card = wide(average=average, large=large)
    assert (card.average_project_size, card.largest_project_size) == (25, 1300)


@pytest.mark.parametrize(
    ("address", "shown", "country"),
    [
        (("Sylvania", "Glória"), "Sylvania, Glória", 302),
        (("Glória", "04100"), "Glória, 04100", 301),
        (("Freedonia", "hello@firefly.example"), "Freedonia", 301),
        (("Freedonia", "+301 555 0100"), "Freedonia, +301 555 0100", 301),
        ((), None, 301),
    ],
)
def test_the_country_is_the_first_part_of_the_address_or_the_pages_own(
    address: tuple[str, ...], shown: str | None, country: int
) -> None:
    card = wide(address=address)
    assert (card.address, card.country_id, card.unread) == (shown, country, ())


def test_a_comma_where_the_zip_is_missing_is_not_shown() -> None:
    assert wide(("<span>04100</span>", "")).address == "Freedonia, North, Glória"


def test_on_the_whole_directory_a_card_without_a_known_country_has_none() -> None:
    cards = read(
        page(
            wide_card(query="", address=("Sylvania",)),
            wide_card(id=70002, query="?", address=("Nowhere",)),
            top=filters(None),
        )
    ).cards
    assert [card.country_id for card in cards] == [302, None]


def test_a_card_of_stock_odoo_is_read_whole() -> None:
    card = stock()
    assert (card.name, card.status, card.references_count) == ("Rufus Firefly SA", "gold", 39)
    assert (card.address, card.country_id, card.unread) == ("Freedonia", 301, ())
    assert (card.retention_rate, card.certified_experts) == (None, None)
    assert (card.largest_project_size, card.average_project_size) == (None, None)


@pytest.mark.parametrize(
    ("references", "count", "unread"),
    [
        (None, 0, ()),
        ("1 reference »", 1, ()),
        ("1050 referencias »", 1050, ()),
        ("references »", None, ("references_count",)),
    ],
)
def test_stock_odoo_writes_no_line_for_0_references(
    references: str | None, count: int | None, unread: tuple[str, ...]
) -> None:
    card = stock(references=references)
    assert (card.references_count, card.unread) == (count, unread)


@pytest.mark.parametrize("change", [("<b>", "<i>"), ("o_wcrm_short_description", "o_words")])
def test_a_reference_line_in_other_markup_is_not_0_references(change: tuple[str, str]) -> None:
    card = stock(change)
    assert (card.references_count, card.unread) == (None, ("references_count",))


def test_neither_mail_nor_phone_of_stock_odoo_is_read() -> None:
    assert "555" not in repr(stock())
    assert "@" not in repr(stock())


def test_the_heading_above_the_cards_is_their_status() -> None:
    assert [card.status for card in read(stock_page()).cards] == ["gold", "gold", "ready"]


@pytest.mark.parametrize(
    ("change", "statuses"),
    [
        ((grade_heading("Gold"), ""), [None, None, "ready"]),
        (("<span>Ready</span>", "Ready"), ["gold", "gold", None]),
        (("<span>Ready</span>", "<span>Platinum</span>"), ["gold", "gold", "platinum"]),
        (("<span>Ready</span> Resellers</h2>", "</h2>"), ["gold", "gold", None]),
    ],
)
def test_cards_without_a_readable_heading_have_no_status(
    change: tuple[str, str], statuses: list[str | None]
) -> None:
    cards = read(stock_page().replace(*change)).cards
    assert [card.status for card in cards] == statuses
    assert all(("status" in card.unread) == (card.status is None) for card in cards)


def test_stock_18_has_neither_counts_nor_countries() -> None:
    top = filters(total=None, listed=None, countries=[("freedonia", 301, "Freedonia", None)])
    read_page = read(page(grade_heading("Gold"), stock_card(country=None), top=top))
    assert read_page.layout is Layout.STOCK_18
    assert (read_page.cards[0].address, read_page.cards[0].unread) == (None, ())


@pytest.mark.parametrize("href", ["", "/partners", "/partners/country/x-1", "//x.example/p-1"])
def test_a_card_without_a_usable_link_is_rejected_and_the_others_are_read(href: str) -> None:
    for whole in (wide_page(), stock_page()):
        start = whole.index('href="/partners/chicolini')
        end = whole.index('"', start + 6) + 1
        result = read(whole[:start] + (f'href="{href}"' if href else "") + whole[end:])
        assert [card.id for card in result.cards] == [70001, 70003]
        assert len(result.rejected) == 1
        assert "CHICOLINI" in result.rejected[0].payload
        assert len(result.rejected[0].payload) <= 500


def test_a_link_without_any_mark_among_the_cards_is_rejected() -> None:
    bare = '<div class="col"><div><a href="/partners/odd-70009">Odd</a></div></div>'
    result = read(page(wide_card(), bare, wide_card(id=70002)))
    assert [card.id for card in result.cards] == [70001, 70002]
    assert [card.payload for card in result.rejected] == ["Odd"]


def test_a_card_shown_twice_is_read_twice() -> None:
    assert [card.id for card in read(page(wide_card(), wide_card())).cards] == [70001, 70001]


def test_links_of_menus_filters_and_maps_are_no_cards() -> None:
    result = read(page(wide_card(), before='<a href="/partners/odd-70009">Partner of the week</a>'))
    assert [card.id for card in result.cards] == [70001]
    assert result.rejected == ()


def test_a_page_whose_cards_mostly_bear_no_known_mark_is_no_listing() -> None:
    bare = '<div class="col"><div><a href="/partners/odd-{}">Odd</a></div></div>'
    cards = [bare.format(id) for id in range(70010, 70014)]
    for some in ([], [wide_card()]):
        with pytest.raises(NotAListing) as refusal:
            read(page(*some, *cards))
        assert refusal.value.outcome is Outcome.UNKNOWN_LAYOUT
