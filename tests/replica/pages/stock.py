"""The listing page of stock Odoo 18 and 19: grades as headings above small cards, no figures.
Version 18 has a window pager, no counts in its menus and no country on its cards.
"""

from __future__ import annotations

from itertools import groupby
from urllib.parse import quote

from tests.replica.lists import Listing, list_path
from tests.replica.model import GRADE_NUMBERS, Country, Partner
from tests.replica.pages import stock_chrome
from tests.replica.pages.common import (
    SEAM,
    UNIQUE,
    Site,
    ellipsis_pager,
    join_query,
    page_path,
    text,
    window_pager,
)

_NO_PARTNER_HERE = (
    "There are no matching partners found for the selected country. "
    "Displaying results across all countries instead."
)


def render(site: Site, listing: Listing, countries: dict[int, Country]) -> str:
    """The whole page in the layout of Odoo 18 or 19."""
    version = site.stock or 19
    cards = "".join(
        _heading(grade, version)
        + "".join(_card(site, partner, listing, countries, version) for partner in partners)
        for grade, partners in groupby(listing.cards, key=lambda partner: partner.grade)
    )
    if not listing.cards:
        search = text(listing.wanted.search)
        cards = f"""            <div class="my-5 py-5 text-center">
                <h5>No results found for "<span>{search}</span>"</h5>
                <a href="{site.href("/partners")}">See all resellers</a>
            </div>
"""
    notice = ""
    if listing.fallback:
        notice = f"""            <div class="mt-4 alert alert-primary alert-dismissible fade show" \
role="alert">
                {_NO_PARTNER_HERE}
                <button type="button" class="btn-close" data-bs-dismiss="alert" \
aria-label="Close"></button>
            </div>
"""
    return "".join(
        (
            stock_chrome.start(site, listing.wanted.path, "Resellers"),
            f'            <div class="container {"my-4" if version == 18 else "mb-3"}">\n',
            _filters_18(site, listing) if version == 18 else _filters_19(site, listing),
            _offcanvas(site, listing, version),
            '        <div class="row mb-4">\n',
            notice,
            cards,
            _pager(site, listing, version),
            "        </div>\n            </div>\n",
            stock_chrome.end(),
        )
    )


# Filters


def _place(listing: Listing) -> tuple[str, str]:
    """The country button's text, and the words after the heading."""
    country = listing.wanted.country
    if country is None:
        return "All Countries", ""
    return text(country.name), f" <span>in {text(country.name)}</span>"


def _country_rows(listing: Listing) -> list[tuple[Country, int, str]]:
    wanted = listing.wanted
    query = f"search={quote(wanted.search)}" if wanted.search else ""
    return [
        (country, count, join_query(list_path(wanted.grade, country), query))
        for country, count in listing.country_counts
    ]


def _grade_rows(listing: Listing) -> list[tuple[str, int, str]]:
    wanted = listing.wanted
    every = sum(count for _, count in listing.grade_counts)
    rows: list[tuple[str, int, str | None]] = [("All Categories", every, None)]
    rows += [(grade.capitalize(), count, grade) for grade, count in listing.grade_counts]
    return [(name, count, list_path(grade, wanted.country)) for name, count, grade in rows]


def _filters_19(site: Site, listing: Listing) -> str:
    wanted = listing.wanted
    name, place = _place(listing)
    grades = "".join(
        _item_19(site.href(join_query(path, wanted.query)), label, count)
        for label, count, path in _grade_rows(listing)
    )
    kept = f"&search={quote(wanted.search)}" if wanted.search else ""
    everywhere = site.href(f"{list_path(wanted.grade, None)}?country_all=1{kept}")
    total = sum(count for _, count in listing.country_counts)
    countries = _item_19(everywhere, "All Countries", total) + "".join(
        _item_19(site.href(path), country.name, count)
        for country, count, path in _country_rows(listing)
    )
    category = (wanted.grade or "").capitalize() or "All Categories"
    return f"""        <section class="o_wcrm_filters_top d-flex d-print-none align-items-center \
justify-content-lg-end flex-wrap gap-2 mt-4 mb-3">
            <h1 class="me-auto mb-0 h4 h2-fs">
                Find a reseller{place}
            </h1>
{_dropdown_19("Filter by category", category, grades)}
{_dropdown_19("Filter by country", name, countries)}
{_search(listing, "search", "w-lg-25", "Search by name or address")}
        </section>
"""


def _dropdown_19(title: str, label: str, items: str) -> str:
    return f"""            <div class="dropdown d-none d-lg-block">
                <button type="button" class="dropdown-toggle btn btn-light" \
data-bs-toggle="dropdown" title="{title}" aria-label="{title}" aria-expanded="false">
                        <span>{label}</span>
                </button>
                <div class="dropdown-menu">
{SEAM}{items}{SEAM}                </div>
            </div>"""


def _item_19(href: str, name: str, count: int) -> str:
    pad = " " * 24
    return f"""{pad}<a class="dropdown-item d-flex justify-content-between" href="{href}">
{pad}    {text(name)}&nbsp;&nbsp;
{pad}    <span class="badge text-white bg-secondary rounded-pill px-2 py-1">{count}</span>
{pad}</a>
"""


def _filters_18(site: Site, listing: Listing) -> str:
    wanted = listing.wanted
    name, place = _place(listing)
    grades = "".join(
        _item_18(site.href(f"{path}?{wanted.query}&"), label)
        for label, _, path in _grade_rows(listing)
    )
    kept = f"search={quote(wanted.search)}" if wanted.search else ""
    everywhere = site.href(f"{list_path(wanted.grade, None)}?{kept}&country_all=True")
    countries = _item_18(everywhere, "All Countries") + "".join(
        _item_18(site.href(path), country.name) for country, _, path in _country_rows(listing)
    )
    category = (wanted.grade or "").capitalize() or "All Categories"
    return f"""        <div class="o_wcrm_filters_top d-flex d-print-none align-items-center \
justify-content-end flex-wrap gap-2 w-100">
            <h4 class="my-0 me-auto pe-sm-4">
                Find a reseller{place}
            </h4>
{_dropdown_18("Open categories dropdown", category, grades)}
{_dropdown_18("Open countries dropdown", name, countries)}
{_search(listing, "text", "w-lg-auto", "Search")}
        </div>
"""


def _dropdown_18(label: str, name: str, items: str) -> str:
    return f"""            <div class="dropdown d-none d-lg-block">
                <a role="button" href="#" data-bs-toggle="dropdown" \
class="dropdown-toggle btn btn-light" aria-expanded="true" aria-label="{label}">
                        <span>{name}</span>
                </a>
                <div class="dropdown-menu">
{SEAM}{items}{SEAM}                </div>
            </div>"""


def _item_18(href: str, name: str) -> str:
    return f'{" " * 24}<a class="dropdown-item" href="{href}">{text(name)}</a>\n'


def _search(listing: Listing, kind: str, width: str, title: str) -> str:
    return f"""            <div class="o_wcrm_search d-flex w-100 {width}">
                <form class="flex-grow-1" action="" method="get">
                    <div class="input-group" role="search">
                        <input type="{kind}" name="search" \
class="search-query form-control border-0 bg-light" placeholder="Search" \
value="{text(listing.wanted.search)}"/>
                        <button type="submit" aria-label="Search" \
title="{title}" class="oe_search_button btn btn-light">
                            <i class="oi oi-search"></i>
                        </button>
                    </div>
                </form>
                <button class="btn btn-light position-relative ms-2 d-lg-none" \
data-bs-toggle="offcanvas" data-bs-target="#o_wcrm_offcanvas">
                    <i class="fa fa-sliders"></i>
                </button>
            </div>"""


def _offcanvas(site: Site, listing: Listing, version: int) -> str:
    grades = ""
    for label, _, path in _grade_rows(listing):
        name = "" if label == "All Categories" and version == 19 else label
        current = (listing.wanted.grade or "").capitalize() or "All Categories"
        grades += _radio("categories", site.href(f"{path}?&"), name, label == current)
    everywhere = site.href(f"{list_path(listing.wanted.grade, None)}?&country_all=True")
    chosen = listing.wanted.country
    countries = _radio("countries", everywhere, "All Countries", chosen is None) + "".join(
        _radio("countries", site.href(path), country.name, country == chosen)
        for country, _, path in _country_rows(listing)
    )
    border = "border-top " if version == 18 else ""
    return f"""        <div id="o_wcrm_offcanvas" class="o_website_offcanvas offcanvas \
offcanvas-end d-lg-none p-0 overflow-visible">
            <div class="offcanvas-header">
                <h5 class="offcanvas-title">Filters</h5>
                <button type="button" class="btn-close" data-bs-dismiss="offcanvas" \
aria-label="Close"></button>
            </div>
            <div class="offcanvas-body p-0">
                <div class="accordion accordion-flush">
{_accordion("grade", "", "Filter by category", grades)}
{_accordion("country", border, "Filter by country", countries)}
                </div>
            </div>
        </div>
"""


def _accordion(kind: str, border: str, heading: str, items: str) -> str:
    return f"""                    <div class="accordion-item">
                        <h2 class="accordion-header">
                            <button class="accordion-button {border}collapsed" type="button" \
data-bs-toggle="collapse" data-bs-target=".o_wcrm_offcanvas_{kind}" aria-expanded="false" \
aria-controls="o_wcrm_offcanvas_{kind}">
                                {heading}
                            </button>
                        </h2>
                        <div class="o_wcrm_offcanvas_{kind} accordion-collapse collapse">
                            <div class="accordion-body pt-0">
                                <ul class="list-group list-group-flush">
{SEAM}{items}{SEAM}                                </ul>
                            </div>
                        </div>
                    </div>"""


def _radio(kind: str, href: str, name: str, checked: bool) -> str:
    pad = " " * 40
    label = text(name)
    mark = ' checked="True"' if checked else ""
    return f"""{pad}<li class="list-group-item d-flex justify-content-between align-items-center \
ps-0 pb-0 border-0">
{pad}    <a class="text-reset" aria-label="See {kind} filters" href="{href}">
{pad}        <div class="form-check">
{pad}            <input class="form-check-input pe-none" type="radio" name="{label}"{mark}/>
{pad}            <label class="form-check-label" for="{label}">{label}</label>
{pad}        </div>
{pad}    </a>
{pad}</li>
"""


# Cards and pager


def _heading(grade: str, version: int) -> str:
    tag, classes = ("h5", "mt-4 mb-2 col-12") if version == 18 else ("h2", "mt-3 mb-2 col-12 h5-fs")
    return f"""            <{tag} class="{classes}">
                <span>{grade.capitalize()}</span> Resellers
            </{tag}>
"""


def _card(
    site: Site, partner: Partner, listing: Listing, countries: dict[int, Country], version: int
) -> str:
    wanted = listing.wanted
    query = f"grade_id={GRADE_NUMBERS[wanted.grade]}&" if wanted.grade else ""
    query += f"country_id={wanted.country.id}" if wanted.country else ""
    href = site.href(join_query(partner.path, query))
    name = text(partner.name)
    tag, classes = ("h5", "card-title m-0") if version == 18 else ("h2", "card-title m-0 h5-fs")
    country = countries.get(partner.country_id or 0)
    place = ""
    if country and version == 19:
        place = f"""\
                                    <div class="d-flex align-items-baseline gap-1">
                                        <i class="fa fa-map-marker fa-fw" role="img" \
aria-label="Address" title="Address"></i>
                                        <span>
                                            <div>
                                                <span itemprop="addressCountry">\
{text(country.name)}</span>
                                            </div>
                                        </span>
                                    </div>
"""
    references = ""
    if partner.references:
        references = f"<b>\n{' ' * 28}{partner.references} references » </b>"
    # Free text by the partner, which must not be read for figures.
    about = "<span>Ready for you: 12 experts, retention 94 %</span>" if partner.id % 4 == 0 else ""
    image = f"/web/image/res.partner/{partner.id}/image_1920/{quote(partner.name, safe='')}"
    return f"""            <div class="col-md-4 col-xl-3 col-12 mb-4">
                <div class="card h-100 text-decoration-none">
                    <a class="text-decoration-none" aria-label="Go to reseller" href="{href}">
                        <div class="card-img-top border-bottom"><img src="{image}?unique={UNIQUE}" \
class="img img img-fluid h-100 w-100 mw-100" style="max-height: 208px; min-height: 208px; \
object-fit: cover" alt="{name}" loading="lazy"/></div>
                        <div class="card-body">
                            <{tag} class="{classes}" href="{href}">{name}</{tag}>
                            <small id="o_wcrm_partners_address">
                            <div class="py-2">
                            <address class="o_portal_address mb-0">
                                <div class="css_non_editable_mode_hidden">
                                    --<span class="text-muted">{name}</span>--
                                </div>
                                <div class="gap-2" itemscope="itemscope" \
itemtype="http://schema.org/PostalAddress">
{place}                                    <div itemprop="telephone"></div>
                                </div>
                            </address></div></small>
                            <small class="o_wcrm_short_description text-muted overflow-hidden">
                            {references}{about}
                            </small>
                        </div>
                    </a>
                </div>
            </div>
"""


def _pager(site: Site, listing: Listing, version: int) -> str:
    if listing.last_page == 1:
        return '        <div class="navbar">\n        </div>\n'
    show = window_pager if version == 18 else ellipsis_pager
    icon, gap = ("fa fa", "") if version == 18 else ("oi oi", " ")

    def href(page: int) -> str:
        return f'href="{site.href(page_path(listing.base, page, listing.wanted.query))}" '

    items = ""
    for number in show(listing.page, listing.last_page):
        state = f"active{gap}" if number == listing.page else gap
        link = href(number) if number else ""
        items += f"""                <li class="page-item {state if number else " disabled"}">
                    <a {link}class="page-link {gap}">{number or "…"}</a>
                </li>
"""
    before = href(listing.page - 1) if listing.page > 1 else ""
    after = href(listing.page + 1) if listing.page < listing.last_page else ""
    return f"""        <div class="navbar">
        <ul class="mx-auto pagination m-0 ">
{_arrow(before, icon, "left", "Previous")}
{items}{_arrow(after, icon, "right", "Next")}
        </ul>
        </div>
"""


def _arrow(href: str, icon: str, side: str, label: str) -> str:
    return f"""            <li class="page-item {"" if href else "disabled"}">
                <a {href}class="page-link ">
                    <span class="{icon}-chevron-{side}" role="img" aria-label="{label}" \
title="{label}"></span>
                </a>
            </li>"""
