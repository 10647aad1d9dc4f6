"""The saved real profiles of stock Odoo, against what was stored in their server."""

from __future__ import annotations

from typing import Any

import pytest

from partner_monitor.directory.profile import NotAProfile, Profile, read_profile
from partner_monitor.history.ladder import LADDER
from partner_monitor.items import Outcome
from tests.directory.pages import real_json, real_page

STOCK_18, STOCK_19 = "stock-odoo-18.0", "stock-odoo-19.0"


def entries(folder: str) -> list[dict[str, Any]]:
    return [entry for entry in real_json(folder, "index.json")["files"] if entry["file"]]


def read(folder: str, entry: dict[str, Any]) -> Profile:
    base = real_json(folder, "index.json")["base_url"]
    return read_profile(real_page(folder, entry["file"]), base + entry["path"])


def saved_profiles(folder: str) -> list[tuple[Profile, dict[str, Any]]]:
    partners = {partner["id"]: partner for partner in real_json(folder, "truth.json")["partners"]}
    pages = [
        read(folder, entry)
        for entry in entries(folder)
        if "profile_" in entry["file"] and entry["status"] == 200
    ]
    assert len(pages) == {STOCK_18: 19, STOCK_19: 21}[folder]
    return [(page, partners[page.id]) for page in pages]


@pytest.mark.parametrize("folder", [STOCK_18, STOCK_19])
def test_every_saved_profile_is_read_right(folder: str) -> None:
    for page, partner in saved_profiles(folder):
        grade = (partner["grade"] or "").casefold()
        assert page.name == partner["display_name"]
        assert page.profile_url.endswith(partner["path"])
        assert page.website == partner["website"]
        assert page.country_name in (partner["country"], "Islandia")
        # A grade that is not published is not shown.
        assert page.status == (grade if grade in LADDER[1:] else None)
        assert page.industry is None
        assert (page.references_count, page.certified_experts, page.experts) == (None, None, ())
        for personal in ("street", "zip", "city", "phone", "email"):
            assert not partner[personal] or partner[personal] not in repr(page)


def test_every_customer_of_every_saved_profile_of_stock_19_is_read() -> None:
    total = 0
    for page, partner in saved_profiles(STOCK_19):
        assert sorted(found.name for found in page.customers) == sorted(partner["customers"])
        assert len({found.id for found in page.customers}) == partner["references_shown_count"]
        assert not {hidden["name"] for hidden in partner["hidden_customers"]} & {
            found.name for found in page.customers
        }
        assert page.whole
        total += len(page.customers)
    assert total == 409


def test_customers_without_a_link_are_nobody_and_leave_a_profile_of_stock_18_not_whole() -> None:
    for page, partner in saved_profiles(STOCK_18):
        assert page.customers == ()
        assert page.whole == (partner["references_shown_count"] == 0)


@pytest.mark.parametrize("folder", [STOCK_18, STOCK_19])
def test_no_other_saved_page_passes_for_a_profile(folder: str) -> None:
    others = [
        entry
        for entry in entries(folder)
        if entry["file"].endswith(".html")
        and ("profile_" not in entry["file"] or entry["status"] == 404)
    ]
    assert others
    for entry in others:
        with pytest.raises(NotAProfile) as refusal:
            read(folder, entry)
        assert refusal.value.outcome in {Outcome.HOLLOW, Outcome.UNKNOWN_LAYOUT}, entry["file"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_real_profile_that_ends_early_is_cut_short(share: float) -> None:
    body = real_page(STOCK_19, "profile_rich_938517.html")
    with pytest.raises(NotAProfile) as refusal:
        read_profile(body[: int(len(body) * share)], "https://www.odoo.com/partners/x-938517")
    assert refusal.value.outcome is Outcome.CUT_SHORT
