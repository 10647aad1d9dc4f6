"""A profile's fields, each as the site shows it, and what is no profile."""

from __future__ import annotations

from dataclasses import fields
from itertools import permutations

import pytest

from partner_monitor.directory.profile import Customer, NotAProfile, Profile, read_profile
from partner_monitor.items import Outcome
from tests.directory import profiles
from tests.directory.profiles import BASE, customer, customers, line, profile, stat


def read(html: str, base: str = BASE) -> Profile:
    return read_profile(html.encode(), base)


def refused(html: str, base: str = BASE) -> Outcome:
    with pytest.raises(NotAProfile) as refusal:
        read(html, base)
    assert refusal.value.detail
    return refusal.value.outcome


def test_every_field_of_a_profile_is_read() -> None:
    assert read(profile()) == Profile(
        id=70001,
        name="Rufus Firefly SA",
        slug="rufus-firefly-sa",
        profile_url=BASE,
        country_name="Freedonia",
        website="http://firefly.example",
        industry="IT / Communication / Marketing",
        status="gold",
        references_count=88,
        retention_rate=93,
        largest_project_size=300,
        average_project_size=25,
        certified_experts=7,
        experts=(("19", 3), ("18", 4)),
        references_by_industry=(("Manufacturing / Maintenance", 16), ("Education", 13)),
        customers=(
            Customer(800001, "Trentino Peanuts", "Food / Hospitality"),
            Customer(800002, "Pinky", None),
        ),
        whole=True,
    )


PARTS = (profiles.REFERENCES, profiles.EXPERTS, profiles.SIZES, profiles.ABOUT)


@pytest.mark.parametrize("order", list(permutations(PARTS)))
def test_the_order_of_the_blocks_and_the_about_text_does_not_matter(order: tuple[str]) -> None:
    assert read(profile(figures="".join(order), about="")) == read(profile())


def test_an_empty_profile_shows_nothing_and_is_whole() -> None:
    bare = profile(
        grade="", street=None, website="", sector="", image="", figures="", about="",
        customers=customers(),
    )  # fmt: skip
    page = read(bare)
    shown = {field.name: getattr(page, field.name) for field in fields(page)}
    assert {name for name, value in shown.items() if value not in (None, ())} == {
        "id", "name", "slug", "profile_url", "whole",
    }  # fmt: skip


# Whose profile it is


@pytest.mark.parametrize(
    "parts",
    [
        {"address": "", "record": "", "image": ""},
        {"address": "", "record": ""},
        {"address": '<meta property="og:url" content="/partners/rufus-firefly-sa-70001"/>'},
        {"address": '<link rel="canonical" href="https://elsewhere.example/partners/x-9"/>'},
        {"record": ' data-main-object="ir.ui.view(2901,)"'},
    ],
)
def test_the_address_asked_for_names_the_partner_where_the_page_does_not(
    parts: dict[str, str],
) -> None:
    page = read(profile(**parts), BASE + "?country_id=301")
    assert (page.id, page.slug, page.profile_url) == (70001, "rufus-firefly-sa", BASE)


@pytest.mark.parametrize(
    "parts",
    [
        {"image": '<img itemprop="image" src="/web/image/res.partner/70002/x"/>'},
        {"record": ' data-main-object="res.partner(70002,)"'},
        {"address": '<link rel="canonical" href="https://www.odoo.com/partners/rufus-70002"/>'},
        {"address": '<meta property="og:url" content="https://www.odoo.com/partners/70002"/>'},
        {"address": '<link rel="canonical" href="/customers/rufus-70001"/>'},
    ],
)
def test_another_partners_profile_is_refused(parts: dict[str, str]) -> None:
    assert refused(profile(**parts)) is Outcome.UNKNOWN_LAYOUT


def test_a_page_that_nothing_names_is_refused() -> None:
    html = profile(address="", record="", image="")
    assert refused(html, "https://www.odoo.com/partners") is Outcome.UNKNOWN_LAYOUT


def test_the_page_knows_its_own_slug_better_than_the_address_asked_for() -> None:
    page = read(profile(), "https://www.odoo.com/partners/old-name-70001")
    assert (page.slug, page.profile_url) == ("rufus-firefly-sa", BASE)


def test_a_name_stands_in_a_span_or_not() -> None:
    plain = '<h1 id="partner_name" itemprop="name">CHICOLINI   &amp; Đ LTD.</h1>'
    assert read(profile(name=plain)).name == "CHICOLINI   & Đ LTD."
    beside = '<h1 id="partner_name"><span>Pinky</span> <span class="badge bg_gold">Gold</span></h1>'
    assert read(profile(name=beside)).name == "Pinky"


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ('<span class="col-lg-12 text-muted"> <span>Silver</span> </span>', "", "silver"),
        ('<span class="text-muted"><span>Ready</span> Partner</span>', "", "ready"),
        ("", '<h3 class="col-lg-12 text-center text-muted">Learning</h3>', "learning"),
        ("", '<span class="badge align-text-top bg_gold">Oro</span>', "gold"),
        ('<span class="badge">Ready</span>', "", "ready"),
        ('<span class="text-muted">Official Partner</span>', "", None),
        ('<span class="badge bg_gold">Gold</span>', '<span class="badge">Ready</span>', None),
        ("", "", None),
    ],
)
def test_a_grade_is_one_known_word_or_badge_beside_the_name(
    before: str, after: str, status: str | None
) -> None:
    assert read(profile(grade=before, name=profiles.NAME + after)).status == status


def test_a_grade_in_the_name_is_none() -> None:
    name = '<h1 id="partner_name"><span>Gold</span></h1>'
    page = read(profile(name=name, grade=""))
    assert (page.name, page.status) == ("Gold", None)


# Contact


@pytest.mark.parametrize(
    ("street", "country"),
    [
        ("Freedonia", "Freedonia"),
        ("1 Duck Street<br/>Côte d'Ivoire", "Côte d'Ivoire"),
        ("1 Duck Street<br/>04100 Glória", None),
        ("1 Duck Street<br/>hello@firefly.example", None),
        ("1 Duck Street<br/>Freedonia<div>x</div>", None),
        ("", None),
        (None, None),
    ],
)
def test_the_country_is_the_last_line_of_the_address(
    street: str | None, country: str | None
) -> None:
    assert read(profile(street=street)).country_name == country


def test_a_country_may_have_a_place_of_its_own() -> None:
    own = '<span itemprop="addressCountry">Sylvania</span>'
    assert read(profile(street="1 Duck Street", website=own)).country_name == "Sylvania"


def website(shown: str, href: str) -> str:
    return f'<a href="{href}"><span itemprop="website">{shown}</span></a>'


@pytest.mark.parametrize(
    ("shown", "href", "read_as"),
    [
        ("https://firefly.example/es?a=1", "/x", "https://firefly.example/es?a=1"),
        ("http://đuôi.example", "/x", "http://đuôi.example"),
        ("firefly.example", "http://firefly.example", "http://firefly.example"),
        ("https://video.example/@firefly", "/x", "https://video.example/@firefly"),
        ("hello@firefly.example", "http://hello@firefly.example", None),
        ("hello@firefly.example", "http://firefly.example", None),
        ("http://firefly.example?to=hello%40firefly.example", "mailto:hello@firefly.example", None),
        ("http://+3015550100", "http://+3015550100", None),
        ("https://chat.example/3015550100", "https://chat.example/301-555-0100", None),
        ("http://555.0100.200", "/x", None),
        ("http://partner26703461.example", "/x", "http://partner26703461.example"),
        ("https://chat.example/send?phone=%2B301%20555%200100", "/x", None),
        ("http://a.example b.example", "javascript:go()", None),
        ("ftp://firefly.example", "http://[", None),
        (f"http://firefly.example/{'a' * 300}", "", None),
        (".", "http://.", None),
    ],
)
def test_a_website_is_an_http_address_and_never_a_mail_address_or_number(
    shown: str, href: str, read_as: str | None
) -> None:
    assert read(profile(website=website(shown, href))).website == read_as


def test_nothing_personal_is_in_a_profile() -> None:
    words = repr(read(profile()))
    for personal in ("Duck", "04100", "555", "@"):
        assert personal not in words


def test_a_partner_without_a_sector_has_none_of_its_customers() -> None:
    assert read(profile(sector="")).industry is None
    assert read(profile(sector=profiles.SECTOR * 2)).industry is None


# Figures


@pytest.mark.parametrize(
    ("heading", "count"),
    [
        ("References - 88", 88),
        ("Reference - 1", 1),
        ("1 Reference", 1),
        ("0 References", 0),
        ("<span>References</span> - <span>413</span>", 413),
        ("Referencias - 1.300", 1300),
        ("88 Referans", 88),
        ("Reference", None),
        ("References - 88 of 90", None),
        ("", None),
    ],
)
def test_the_heading_of_the_references_may_have_any_form(heading: str, count: int | None) -> None:
    page = read(profile(figures=stat("ref", heading, line(2, "Education"))))
    assert page.references_count == count
    if "of 90" not in heading:
        assert page.references_by_industry == (("Education", 2),)


def test_at_most_ten_industries_are_read() -> None:
    lines = [line(30 - number, f"Industry {number}") for number in range(12)]
    industries = read(profile(figures=stat("ref", "References - 9", *lines)))
    assert len(industries.references_by_industry) == 10


def test_a_count_may_stand_without_a_span_and_a_label_hold_a_number() -> None:
    lines = '16 <span class="text-muted">ECO liable to pay GST u/s 9(5)</span><br/>'
    page = read(profile(figures=stat("ref", "1 Reference", lines)))
    assert page.references_by_industry == (("ECO liable to pay GST u/s 9(5)", 16),)


@pytest.mark.parametrize(
    ("heading", "lines", "count", "experts"),
    [
        ("0 Certified Expert", (), 0, ()),
        ("1 Certified Expert", (line(1, "Certified v19"),), 1, (("19", 1),)),
        ("3 Sertifikalı Uzman", (line(3, "Sertifikalı19"),), 3, (("19", 3),)),
        ("Certified Experts", (line(3, "Certified v19"),), None, (("19", 3),)),
        ("7 Certified Experts", (line(3, "Certified v19"),), None, ()),
        ("3 Certified Experts", (line(3, "Certified"),), 3, ()),
    ],
)
def test_experts_are_read_where_the_versions_add_up(
    heading: str,
    lines: tuple[str, ...],
    count: int | None,
    experts: tuple[tuple[str, int], ...],
) -> None:
    page = read(profile(figures=stat("cert", heading, *lines)))
    assert (page.certified_experts, page.experts) == (count, experts)


@pytest.mark.parametrize(
    ("block", "largest", "average", "retention"),
    [
        ("<div>Largest: ~300 users</div><div>Average: 25 users</div>", 300, 25, None),
        ("<div>Largest:</div><div>~300 users</div><p>25 users</p><p>93 %</p>", 300, 25, 93),
        ("<b>Average:</b> <b>25</b> users <b>Largest:</b> ~<b>300</b> users", 300, 25, None),
        ("<small><span>93</span> %</small> <b>25</b> users <b>~300</b> users", 300, 25, 93),
        ("~0 users<br/>0 users<h4>Customer Retention: 100%</h4>", 0, 0, 100),
        ("Proyecto más grande: ~1.300 usuarios<br/>25 usuarios<br/>93 %", 1300, 25, 93),
        ("Largest: 300 users<br/>Average: 25 users<br/>93 %", None, None, 93),
        ("~300 users<br/>25 users<br/>93", 300, None, None),
        ("~300 users<br/>25 users<br/>193 %", 300, 25, None),
        ("~300 users<br/>~25 users", None, None, None),
        ("", None, None, None),
    ],
)
def test_sizes_and_retention_are_told_by_their_signs_whatever_wraps_them(
    block: str, largest: int | None, average: int | None, retention: int | None
) -> None:
    page = read(profile(figures=f'<div class="stat_size"><h4>References Sizes</h4>{block}</div>'))
    assert page.largest_project_size == largest
    assert page.average_project_size == average
    assert page.retention_rate == retention


def test_the_about_text_is_never_read() -> None:
    spoof = (
        '<div class="mb-5"><img itemprop="image" src="/res.partner/5/x"/><h1 id="partner_name">X'
        f"</h1>{profiles.WEBSITE}{profiles.SECTOR}{profiles.REFERENCES}{profiles.EXPERTS}"
        f'{profiles.SIZES}<span class="badge bg_silver">Silver</span>'
        f"{customers(customer(800009, 'Groucho'))}<footer></footer></div>"
    )
    assert read(profile(about=spoof)) == read(profile())
    assert read(profile(about=spoof, figures="", footer="")) == read(profile(figures="", footer=""))


# Customers


def test_a_customer_is_its_number_whatever_its_name() -> None:
    cards = [customer(800001, "Acme", slug="acme"), customer(800002, "Acme", slug="acme")]
    cards.append(customer(800001, "ACME Ltd.", "Education", slug="other"))
    page = read(profile(customers=customers(*cards)))
    assert [(found.id, found.name) for found in page.customers] == [
        (800001, "Acme"),
        (800002, "Acme"),
    ]
    assert page.whole


def test_customers_are_linked_with_a_language_a_slug_in_any_letters_or_a_number() -> None:
    cards = [customer(800001, lang="/es_ES"), customer(800002, slug="þorskur-블루")]
    cards += [customer(800003).replace("some-customer-", "")]
    page = read(profile(customers=customers(*cards)))
    assert [found.id for found in page.customers] == [800001, 800002, 800003]
    assert page.whole


def test_a_page_with_1050_customers_is_read_in_order() -> None:
    ids = range(800001, 801051)
    cards = [customer(id, f"Customer & {id}".replace("&", "&amp;")) for id in ids]
    page = read(profile(customers=customers(*cards)))
    assert [found.id for found in page.customers] == list(ids)
    assert page.customers[-1] == Customer(801050, "Customer & 801050", "Food / Hospitality")
    assert page.whole


@pytest.mark.parametrize(
    "place",
    [
        profiles.CUSTOMERS.replace("h3", "h4"),
        profiles.CUSTOMERS.replace(' id="right_column"', ""),
        profiles.CUSTOMERS.replace(' id="references"', ""),
    ],
)
def test_the_place_of_the_customers_is_their_column_or_their_heading(place: str) -> None:
    assert read(profile(customers=place)) == read(profile())


@pytest.mark.parametrize(
    "parts",
    [
        {"customers": ""},
        {"customers": customers("<p></p>")},
        {"customers": customers(customer()) + customer(800002)},
        {"customers": customers(customer(), customer(800002).replace("<a ", "<b "))},
        {"customers": customers(customer(name=""))},
        {"customers": profiles.CUSTOMERS * 2},
        {"figures": "", "customers": ""},
        {"footer": ""},
    ],
)
def test_a_page_that_may_lack_customers_is_not_whole(parts: dict[str, str]) -> None:
    assert not read(profile(**parts)).whole


def test_an_empty_list_is_whole_since_only_published_customers_are_shown() -> None:
    page = read(profile(customers=customers()))
    assert (page.references_count, page.customers, page.whole) == (88, (), True)


def test_a_partner_without_references_is_whole_without_a_list() -> None:
    assert read(profile(figures=stat("ref", "0 References"), customers="")).whole
    assert read(profile(figures=stat("ref", "No reference yet"), customers="")).whole


def test_an_encoding_that_does_not_exist_is_taken_for_utf_8() -> None:
    page = read_profile(profile(street="Curaçao").encode(), BASE, "nonsense")
    assert page.country_name == "Curaçao"
