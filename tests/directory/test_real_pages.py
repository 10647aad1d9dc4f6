"""The saved real pages, against what was read off them or stored in their server."""

from __future__ import annotations

from typing import Any

import pytest

from partner_monitor.directory.listing import ListingPage, NotAListing, read_listing
from partner_monitor.items import Layout, Outcome
from tests.directory.pages import real_json, real_page

ODOO_COM, STOCK_18, STOCK_19 = "odoo-com-2026-03-05", "stock-odoo-18.0", "stock-odoo-19.0"
VIETNAM = "https://www.odoo.com/partners/country/vietnam-232"
ALL_PAGES = [f"all_p{page:02}.html" for page in range(1, 15)]
SPAIN_PAGES = [f"country_spain_p{page}.html" for page in range(1, 6)]


def index(folder: str) -> dict[str, dict[str, Any]]:
    files = real_json(folder, "index.json")["files"]
    return {entry["file"]: entry for entry in files if entry["file"]}


def stock(folder: str, file: str) -> ListingPage:
    base = real_json(folder, "index.json")["base_url"]
    return read_listing(real_page(folder, file), base + index(folder)[file]["path"])


def partners(folder: str) -> dict[int, dict[str, Any]]:
    return {partner["id"]: partner for partner in real_json(folder, "truth.json")["partners"]}


def test_every_field_of_every_card_of_odoo_com_is_right() -> None:
    page = read_listing(real_page(ODOO_COM, "country_vietnam_p1.html"), VIETNAM)
    truth = real_json(ODOO_COM, "truth.json")["partners"]
    assert page.layout is Layout.ODOO_COM
    assert not page.rejected
    assert len(page.cards) == len(truth) == 20
    for card, partner in zip(page.cards, truth, strict=True):
        assert card.profile_url == "https://www.odoo.com" + partner["path"]
        assert card.address == ", ".join(partner["address"])
        assert (card.country_id, card.unread) == (232, ())
        for field in (
            "id",
            "name",
            "status",
            "references_count",
            "retention_rate",
            "largest_project_size",
            "average_project_size",
            "certified_experts",
        ):
            assert getattr(card, field) == partner[field], (card.id, field)


def test_the_menu_and_the_pager_of_odoo_com_are_right() -> None:
    page = read_listing(real_page(ODOO_COM, "country_vietnam_p1.html"), VIETNAM)
    truth = real_json(ODOO_COM, "truth.json")["countries"]
    assert {
        str(entry.id): {"slug": entry.slug, "name": entry.name, "listed_count": entry.listed_count}
        for entry in page.menu.entries
    } == truth
    assert (page.menu.total, page.menu.adds_up) == (3833, True)
    assert (page.country_id, page.country_name, page.declared_count) == (232, "Vietnam", 25)
    assert (page.pager.current, page.pager.last, page.pager.has_next) == (1, 2, True)
    assert page.pager.page_link == "/partners/country/vietnam-232/page/{page}"


@pytest.mark.parametrize(("folder", "layout"), [(STOCK_18, "stock 18"), (STOCK_19, "stock 19")])
def test_every_card_of_every_saved_listing_page_is_right(folder: str, layout: str) -> None:
    known, seen = partners(folder), set()
    for file, entry in index(folder).items():
        if entry["status"] != 200 or not entry.get("partner_ids_on_page"):
            continue
        page = stock(folder, file)
        assert page.layout == layout
        assert [card.id for card in page.cards] == entry["partner_ids_on_page"]
        for card in page.cards:
            partner = known[card.id]
            assert card.name == partner["display_name"]
            assert card.status == partner["grade"].casefold()
            assert card.references_count == partner["references_shown_count"]
            assert card.profile_url.endswith(partner["path"])
            assert card.unread == ()
            assert (card.retention_rate, card.certified_experts) == (None, None)
            if folder == STOCK_19:
                assert (card.country_id, card.address) == (
                    partner["country_id"],
                    partner["country"],
                )
            seen.add(card.id)
    listed = {id for id, partner in known.items() if partner["listed"]}
    assert seen == listed if folder == STOCK_19 else seen < listed


def test_the_whole_directory_of_stock_19_is_263_partners_on_14_pages() -> None:
    pages = [stock(STOCK_19, file) for file in ALL_PAGES]
    ids = [card.id for page in pages for card in page.cards]
    assert len(ids) == len(set(ids)) == 263
    assert [page.pager.current for page in pages] == list(range(1, 15))
    assert {page.pager.last for page in pages} == {14}
    assert [page.pager.has_next for page in pages] == [True] * 13 + [False]
    assert {page.pager.page_link for page in pages} == {"/partners/page/{page}?country_all=True"}
    assert {page.country_id for page in pages} == {None}


def test_partners_without_a_country_are_in_the_list_but_not_in_the_menus_total() -> None:
    page = stock(STOCK_19, "all_p01.html")
    assert (page.declared_count, page.menu.total, page.menu.adds_up) == (263, 262, True)
    placed = {
        name: count
        for name, count in real_json(STOCK_19, "truth.json")["by_country"].items()
        if name != "(none)"
    }
    assert {entry.name: entry.listed_count for entry in page.menu.entries} == placed


def test_a_country_declares_its_length_on_each_of_its_pages() -> None:
    pages = [stock(STOCK_19, file) for file in SPAIN_PAGES]
    assert {(page.country_id, page.country_name, page.declared_count) for page in pages} == {
        (68, "Spain", 96)
    }
    assert sum(len(page.cards) for page in pages) == 96


def test_stock_18_declares_nothing_and_shows_seven_page_numbers() -> None:
    page = stock(STOCK_18, "all_p01.html")
    assert (page.declared_count, page.menu.total) == (None, None)
    assert not page.menu.declares_counts
    assert not page.menu.adds_up
    assert len(page.menu.entries) == 60
    assert (page.pager.current, page.pager.last, page.pager.has_next) == (1, 7, True)


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        (STOCK_18, "country_fallback_antarctica.html"),
        (STOCK_19, "country_fallback_antarctica.html"),
        (STOCK_19, "es_country_fallback.html"),
        (STOCK_19, "root_no_geoip.html"),
    ],
)
def test_a_page_that_fell_back_to_all_countries_says_so(folder: str, file: str) -> None:
    assert stock(folder, file).country_id is None


def test_a_bare_list_is_of_the_visitors_country() -> None:
    page = stock(STOCK_19, "root_geoip_ES.html")
    assert (page.country_id, page.declared_count) == (68, 96)


def test_a_page_beyond_the_last_is_the_last_again() -> None:
    page = stock(STOCK_19, "all_outofrange_p99.html")
    assert (page.pager.current, page.pager.has_next) == (14, False)


def test_a_translated_page_reads_the_same() -> None:
    english = stock(STOCK_19, "country_iceland_one_partner.html").cards[0]
    page = stock(STOCK_19, "es_country_iceland.html")
    spanish = page.cards[0]
    assert (page.country_id, page.country_name, page.declared_count) == (108, "Islandia", 1)
    assert (spanish.id, spanish.name, spanish.status) == (english.id, english.name, english.status)
    assert spanish.references_count == english.references_count == 1
    assert spanish.country_id == english.country_id


def test_a_list_of_one_grade_declares_its_own_length() -> None:
    page = stock(STOCK_19, "grade_gold_country_spain.html")
    assert (page.country_id, page.declared_count, len(page.cards)) == (68, 9, 9)


@pytest.mark.parametrize("folder", [STOCK_18, STOCK_19])
def test_no_other_saved_page_passes_for_a_listing(folder: str) -> None:
    others = {
        file: entry
        for file, entry in index(folder).items()
        if entry["status"] == 404 or not file.startswith(("all", "country", "grade", "root", "es_"))
    }
    for file in others.keys() - {"search_twin.html"}:
        with pytest.raises(NotAListing) as refusal:
            stock(folder, file)
        assert refusal.value.outcome in {Outcome.HOLLOW, Outcome.UNKNOWN_LAYOUT}, file
        if file.startswith("profile") and others[file]["status"] == 200:
            assert refusal.value.outcome is Outcome.UNKNOWN_LAYOUT, file


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_real_page_that_ends_early_is_cut_short(share: float) -> None:
    body = real_page(ODOO_COM, "country_vietnam_p1.html")
    with pytest.raises(NotAListing) as refusal:
        read_listing(body[: int(len(body) * share)], VIETNAM)
    assert refusal.value.outcome is Outcome.CUT_SHORT
