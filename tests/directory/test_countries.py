"""Countries as users name them, and as the menu does."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_monitor.directory.countries import (
    CountryQuery,
    UnknownCountry,
    find_country,
    iso_code,
    parse_country,
)
from partner_monitor.directory.page import MenuEntry
from tests.directory.pages import real_json


@dataclass(frozen=True)
class Stored:
    id: int
    slug: str
    name: str
    iso: str | None


STORED = [
    Stored(232, "vietnam", "Vietnam", "VN"),
    Stored(44, "cote-d-ivoire", "Côte d'Ivoire", "CI"),
    Stored(67, "espana", "España", "ES"),
    Stored(301, "freedonia", "Freedonia", None),
]
MENU = [
    MenuEntry(id=entry.id, slug=entry.slug, name=entry.name, listed_count=1) for entry in STORED
]


def test_every_country_of_the_real_menu_has_its_own_code() -> None:
    countries = real_json("odoo-com-2026-03-05", "truth.json")["countries"].values()
    codes = {iso_code(country["name"]) for country in countries}
    assert None not in codes
    assert len(codes) == len(countries) == 164
    assert codes == {iso_code("", country["slug"]) for country in countries}


@pytest.mark.parametrize("version", ["18.0", "19.0"])
def test_every_country_of_stock_odoo_has_the_code_stored_there(version: str) -> None:
    partners = real_json(f"stock-odoo-{version}", "truth.json")["partners"]
    placed = [partner for partner in partners if partner["country"]]
    assert all(iso_code(partner["country"]) == partner["country_code"] for partner in placed)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Kosovo", "XK"),
        ("Congo", "CG"),
        ("Congo (DRC)", "CD"),
        ("Democratic Republic of the Congo", "CD"),
        ("Virgin Islands (British)", "VG"),
        ("Virgin Islands (USA)", "VI"),
        ("State of Palestine", "PS"),
        ("Bonaire, Sint Eustatius and Saba", "BQ"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("Viet Nam", "VN"),
        ("Macau", "MO"),
        ("Saint Martin", "MF"),
        ("Sint Maarten", "SX"),
        ("Holy See (Vatican City State)", "VA"),
        ("Eswatini", "SZ"),
        ("Cape Verde", "CV"),
        ("Micronesia", "FM"),
        ("Curaçao", "CW"),
        ("Réunion", "RE"),
        ("Freedonia", None),
        ("", None),
        ("Vietnm", None),
    ],
)
def test_names_in_use_have_their_codes_and_nothing_is_guessed(name: str, code: str | None) -> None:
    assert iso_code(name) == code


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("232", 232),
        ("vietnam", 232),
        ("viet-nam", 232),
        ("vietnam-232", 232),
        ("Viet Nam", 232),
        ("VN", 232),
        ("vnm", 232),
        ("cote d'ivoire", 44),
        ("IVORY COAST", 44),
        ("Spain", 67),
        ("españa", 67),
        ("freedonia", 301),
        ("7", 7),
        ("france", None),
    ],
)
def test_a_country_is_known_by_id_slug_code_and_name(text: str, id: int | None) -> None:
    assert parse_country(text, STORED).id == id


@pytest.mark.parametrize("text", ["", "  ", "0", "-5", "Atlantis", "xx", "9" * 30])
def test_what_is_no_country_is_refused(text: str) -> None:
    with pytest.raises(UnknownCountry, match="no country"):
        parse_country(text, STORED)


def test_a_refusal_names_the_nearest_countries() -> None:
    with pytest.raises(UnknownCountry, match='no country "Vietnm": did you mean Vietnam'):
        parse_country("Vietnm", [])


@pytest.mark.parametrize(
    ("text", "id"),
    [("vn", 232), ("viet nam", 232), ("ivory coast", 44), ("es", None), ("232", 232), ("5", None)],
)
def test_a_query_finds_its_entry_in_a_menu_by_name_or_code(text: str, id: int | None) -> None:
    found = find_country(parse_country(text, []), MENU)
    assert (found and found.id) == id


def test_a_query_that_two_entries_answer_finds_none() -> None:
    twice = [*MENU, MenuEntry(id=9, slug="viet-nam", name="Viet Nam", listed_count=None)]
    assert find_country(CountryQuery("VN", iso="VN"), twice) is None


@given(st.text())
def test_any_text_is_a_country_or_refused(text: str) -> None:
    try:
        query = parse_country(text, STORED)
    except UnknownCountry:
        return
    assert query.text == text.strip()
    assert query.id is not None or query.iso is not None
