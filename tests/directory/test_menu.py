"""The country menu, the list's own length, and which country was served."""

from __future__ import annotations

import pytest

from partner_monitor.directory.listing import ListingPage, MenuEntry, NotAListing, read_listing
from partner_monitor.items import Outcome
from tests.directory.pages import BASE, COUNTRIES, filters, page, wide_card


def read(top: str, query: str = "?country_id=301") -> ListingPage:
    return read_listing(page(wide_card(query=query), top=top).encode(), BASE)


def refused(top: str, query: str = "?country_id=301") -> Outcome:
    with pytest.raises(NotAListing) as refusal:
        read(top, query)
    return refusal.value.outcome


def test_the_menu_is_read_with_its_counts() -> None:
    menu = read(filters()).menu
    assert menu.entries == (
        MenuEntry(id=301, slug="freedonia", name="Freedonia", listed_count=23),
        MenuEntry(id=302, slug="sylvania", name="Sylvania", listed_count=17),
    )
    assert (menu.total, menu.adds_up, menu.declares_counts) == (40, True, True)


@pytest.mark.parametrize("served", ["Freedonia", None])
def test_a_directory_of_one_country_has_a_menu_of_one(served: str | None) -> None:
    top = filters(served, countries=COUNTRIES[:1], total=23)
    result = read(top, "?country_id=301" if served else "")
    assert [entry.id for entry in result.menu.entries] == [301]
    assert result.menu.adds_up
    assert result.country_id == (301 if served else None)


@pytest.mark.parametrize(
    ("total", "count"), [(41, 17), (40, 16), (40, "?"), (40, None), ("?", 17), (None, 17)]
)
def test_a_menu_that_does_not_add_up_says_so(total: object, count: object) -> None:
    countries = [COUNTRIES[0], ("sylvania", 302, "Sylvania", count)]
    menu = read(filters(countries=countries, total=total)).menu
    assert not menu.adds_up
    assert menu.declares_counts


def test_a_badge_that_is_no_badge_any_more_is_not_part_of_the_name() -> None:
    menu = read(filters().replace('class="badge', 'class="pill')).menu
    assert [entry.name for entry in menu.entries] == ["Freedonia", "Sylvania"]
    assert not menu.declares_counts


def test_a_menu_of_another_language_is_read_by_its_links() -> None:
    result = read(filters(lang="/es_ES", all_name="Todos los países"))
    assert [entry.id for entry in result.menu.entries] == [301, 302]
    assert (result.country_id, result.declared_count) == (301, 23)


def test_the_length_of_the_list_is_the_count_of_all_its_grades() -> None:
    assert read(filters(listed=23)).declared_count == 23
    assert read(filters(None, listed=41), "").declared_count == 41
    assert read(filters(listed=None)).declared_count is None


@pytest.mark.parametrize(
    "change",
    [
        ("dropdown-item", "menu-entry"),
        ("o_wcrm_filters_top", "o_filters"),
        ("/partners/country/", "/partners/land/"),
    ],
)
def test_a_page_without_its_country_menu_is_no_listing(change: tuple[str, str]) -> None:
    assert refused(filters().replace(*change)) is Outcome.UNKNOWN_LAYOUT


def test_the_country_served_is_the_one_of_the_button_not_of_the_canonical_link() -> None:
    assert read(filters("Sylvania"), "?country_id=302").country_id == 302
    assert read(filters("Sylvania"), "").country_name == "Sylvania"
    assert read(filters(None), "").country_id is None


def test_without_a_button_the_cards_tell_the_country() -> None:
    top = filters().replace("<span>Freedonia</span>", "")
    assert read(top).country_id == 301
    assert refused(top, "") is Outcome.UNKNOWN_LAYOUT
    assert refused(top, "?country_id=999") is Outcome.UNKNOWN_LAYOUT


@pytest.mark.parametrize(
    ("served", "heading", "query"),
    [
        ("Freedonia", None, "?country_id=302"),
        ("Freedonia", "<span>in Sylvania</span>", "?country_id=301"),
        ("Freedonia", "<span>in Sylvania</span>", ""),
        (None, None, "?country_id=302"),
        (None, "<span>in Sylvania</span>", ""),
    ],
)
def test_a_page_that_contradicts_itself_on_the_country_is_no_listing(
    served: str | None, heading: str | None, query: str
) -> None:
    assert refused(filters(served, heading=heading), query) is Outcome.UNKNOWN_LAYOUT


def test_the_end_of_a_longer_name_is_not_another_country() -> None:
    countries = [("sylvania", 302, "Sylvania", 1), ("new-sylvania", 303, "New Sylvania", 1)]
    top = filters("New Sylvania", countries=countries)
    assert read(top, "?country_id=303").country_id == 303


def test_a_heading_in_other_words_denies_nothing() -> None:
    assert read(filters(heading="<span>Freedonia'da</span>")).country_id == 301
