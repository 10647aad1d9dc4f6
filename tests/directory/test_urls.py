"""Addresses built and links read, as the site forms them."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_monitor.directory.urls import (
    canonical_path,
    country_url,
    directory_url,
    page_url,
    partner_link,
)

SITE = "https://www.odoo.com"


def test_the_whole_directory_is_asked_for_by_name_since_the_bare_list_is_by_ip() -> None:
    assert directory_url(SITE) == "https://www.odoo.com/partners?country_all=1"


def test_a_country_is_asked_for_by_slug_and_number_or_the_number_alone() -> None:
    assert country_url(SITE, "spain", 67) == "https://www.odoo.com/partners/country/spain-67"
    assert country_url(SITE, "", 67) == "https://www.odoo.com/partners/country/67"


@pytest.mark.parametrize(
    ("page_link", "first", "page", "url"),
    [
        (None, "/partners/country/spain-67", 1, "/partners/country/spain-67"),
        ("/x/page/{page}", "/partners?country_all=1", 1, "/partners?country_all=1"),
        ("/partners/page/{page}?country_all=True", "/x", 7, "/partners/page/7?country_all=True"),
        ("/partners?country_all=1&page={page}", "/x", 7, "/partners?country_all=1&page=7"),
        (None, "/partners/country/spain-67", 3, "/partners/country/spain-67/page/3"),
        (None, "/partners?country_all=1", 2, "/partners/page/2?country_all=True"),
        (None, "/partners/country/spain-67?a=b#c", 2, "/partners/country/spain-67/page/2?a=b"),
        ("/partners/%7Bx%7D/page/{page}", "/x", 2, "/partners/%7Bx%7D/page/2"),
    ],
)
def test_a_page_is_asked_for_as_the_pager_links_it(
    page_link: str | None, first: str, page: int, url: str
) -> None:
    assert page_url(SITE, page_link, SITE + first, page) == SITE + url


@pytest.mark.parametrize(
    ("path", "id"),
    [
        ("/partners/rufus-firefly-70001", 70001),
        ("/partners/50000002", 50000002),
        ("/es_ES/partners/rufus-70001?country_id=301#top", 70001),
        ("https://www.odoo.com/customers/pinky-800002", None),
        ("/partners/2010-sl-1394664", 1394664),
        ("/partners/big-9223372036854775807", 2**63 - 1),
        ("/partners/too-big-9223372036854775808", None),
        ("/partners/zero-0", None),
        ("/partners/negative--5", None),
        ("/partners/rufus", None),
        ("/partners/rufus70001", None),
        ("/partners/rufus-٧", None),
        ("/partners/page/2", None),
        ("/partners/country/spain-67", None),
        ("/partners/grade/gold-1", None),
        ("/partners", None),
        ("", None),
    ],
)
def test_the_trailing_number_is_the_identity(path: str, id: int | None) -> None:
    link = partner_link(path, SITE)
    assert (link.id if link else None) == id


@pytest.mark.parametrize(
    "href",
    [
        "/partners",
        "/partners/",
        "/partners?country_all=1",
        "/partners/page/2",
        "/partners/country/spain-67",
        "/partners/grade/gold-1",
        "/partners/grade/gold-1/country/spain-67",
        "/customers/pinky-800002",
        "/a/b/partners/rufus-70001",
        "/partners/rufus",
        "/google_map?partner_url=/partners/rufus-70001",
        "https://elsewhere.example/partners/rufus-70001",
        "//elsewhere.example/partners/rufus-70001",
        "http://www.odoo.com/partners/rufus-70001",
        "https://www.odoo.com:8443/partners/rufus-70001",
        "javascript:/partners/rufus-70001",
        "https://[/partners/rufus-70001",
        "",
        "#",
    ],
)
def test_only_a_profile_on_this_site_is_a_partner_link(href: str) -> None:
    assert partner_link(href, SITE + "/partners") is None


def test_a_partner_link_gives_number_slug_and_a_bare_address() -> None:
    link = partner_link("/es_ES/partners/rufus-sa-70001?country_id=301#x", SITE + "/partners")
    assert link is not None
    assert (link.id, link.slug) == (70001, "rufus-sa")
    assert link.profile_url == "https://www.odoo.com/es_ES/partners/rufus-sa-70001"


@pytest.mark.parametrize("slug", ["đau-tu-công", "블루스톤", "株式会社", "dương", "emoji-🚀"])
def test_raw_and_encoded_links_give_one_address(slug: str) -> None:
    raw = partner_link(f"/partners/{slug}-7", SITE + "/partners")
    encoded = partner_link(f"{SITE}/partners/{quote(slug).lower()}-7", SITE.upper() + "/partners")
    assert raw == encoded
    assert raw is not None
    assert raw.slug == slug
    assert raw.profile_url == f"{SITE}/partners/{slug}-7"


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/a%2fb", "/a%2Fb"),
        ("/100%", "/100%25"),
        ("/a b", "/a%20b"),
        ("/%ff%c4%91", "/%FFđ"),
        ("/%c4", "/%C4"),
        ("/\u00a0", "/%C2%A0"),
        ("/%c2%a0", "/%C2%A0"),
    ],
)
def test_ascii_escapes_and_blanks_stay_encoded(path: str, canonical: str) -> None:
    assert canonical_path(path) == canonical


@given(st.text())
def test_a_canonical_path_is_canonical(text: str) -> None:
    path = canonical_path(text)
    assert canonical_path(path) == path
    ascii_as_it_is = "".join(map(chr, range(128)))
    assert canonical_path(quote(path, safe=ascii_as_it_is, errors="surrogatepass")) == path


@given(st.text(), st.text())
def test_no_link_makes_the_reader_stumble(href: str, base: str) -> None:
    partner_link(href, base)
    partner_link("/partners/" + href, SITE)
