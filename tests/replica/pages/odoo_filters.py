"""What stands above the cards in the odoo.com layout: the dialog that matches visitors with
partners, the filter menus with their counts, and the same menus again for small screens.
"""

from __future__ import annotations

from functools import cache, lru_cache
from urllib.parse import quote

from tests.replica.countries import all_countries, name_in, slug_in
from tests.replica.lists import CountryCounts, Listing, Wanted
from tests.replica.model import GRADE_NUMBERS, INDUSTRIES, Country
from tests.replica.naming import slugify
from tests.replica.pages.common import CITY, SEAM, TOKEN, Site, join_query, text
from tests.replica.pages.texts import Texts, texts_in


def path_in(language: str, grade: str | None, country: Country | None) -> str:
    """A list's path in a language: country slugs are translated, Spanish drops grades' names."""
    path = "/partners"
    if grade:
        number = GRADE_NUMBERS[grade]
        path += f"/grade/{number}" if language == "es_ES" else f"/grade/{grade}-{number}"
    if country:
        path += f"/country/{slug_in(country, language)}-{country.id}"
    return path


# The banner with the dialog that matches a visitor with a partner


def banner(site: Site, language: str) -> str:
    deep = " " * 60
    industries, countries = _options(language)
    return f"""            <div class="oe_structure o_gradient" \
id="oe_structure_website_crm_partner_assign_layout_1">
                <section class="s_banner pt32 o_colored_level o_cc o_cc2 x_wd pb48">
                    <div class="container"><div class="row s_nb_column_fixed">
                        <div class="col-lg-12 pt8 pb16 text-center o_colored_level">
                            <h1 class="display-2 text-center mb-4">Implementation \
<span class="x_wd_yellow_highlight_03">Partners</span></h1>
                            <div class="btn btn-primary" data-bs-toggle="modal" \
data-bs-target="#matchBest">Find Best Match</div>
                            <div class="modal fade" id="matchBest" tabindex="-1">
                                <div class="modal-dialog"><div class="modal-content">
                                    <div class="modal-header">
                                        <h5 class="modal-title">Find Best Match</h5>
                                    </div>
                                    <form action="{site.href("/partners", language)}" method="POST">
                                        <div class="modal-body text-start">
                                            <input type="hidden" name="csrf_token" value="{TOKEN}"/>
                                            <input type="hidden" name="match" value="1"/>
                                            <select name="industry_id" id="industry">
{deep}<option value="" selected="True">Any Industry</option>
{industries}
                                            </select>
                                            <select name="size" id="company-size">
{deep}<option value="1">1-5</option>
{deep}<option value="50">50+</option>
                                            </select>
                                            <select name="country" id="country">
{SEAM}{countries}{SEAM}
                                            </select>
                                            <input name="geo_city" type="text" value="{CITY}"/>
                                        </div>
                                        <div class="modal-footer justify-content-start">
                                            <button type="submit">Find a partner</button>
                                        </div>
                                    </form>
                                </div></div>
                            </div>
                        </div>
                    </div></div>
                </section>
            </div>
"""


@cache
def _options(language: str) -> tuple[str, str]:
    """The industries, and all countries, with partners or without."""
    deep = " " * 60
    industries = "\n".join(
        f'{deep}<option value="{number}">{text(name)}</option>' for number, name in _industries()
    )
    named = sorted((name_in(country, language), country.id) for country in all_countries())
    countries = "\n".join(
        f'{deep}    <option value="{number}">\n{deep}        {text(name)}\n{deep}    </option>'
        for name, number in named
    )
    return industries, countries


def _industries() -> list[tuple[int, str]]:
    return sorted(INDUSTRIES.items(), key=lambda row: row[1])


# The filters on top, and the same again for small screens


def filters(site: Site, listing: Listing, words: Texts) -> str:
    wanted = listing.wanted
    language, country = wanted.language, wanted.country
    name = text(name_in(country, language)) if country else words.all_countries
    place = f" <span>{words.in_country.format(n=name)}</span>" if country else ""
    base = path_in(language, wanted.grade, country)
    pad = " " * 24
    industries = "\n".join(
        f'{pad}<a class="dropdown-item" href="{href}">{text(label)}</a>'
        for label, href in _industry_links(site, listing, base)
    )
    all_grades = sum(count for _, count in listing.grade_counts)
    grades = _item(
        site.href(join_query(path_in(language, None, country), wanted.query), language),
        words.all_categories,
        all_grades,
    ) + "".join(
        _item(
            site.href(join_query(path_in(language, grade, country), wanted.query), language),
            grade.capitalize(),
            count,
        )
        for grade, count in listing.grade_counts
    )
    countries = _country_menu(site, listing.country_counts, _key(wanted))
    current = str(country.id) if country else ""
    return f"""        <section class="o_wcrm_filters_top d-flex d-print-none align-items-center \
justify-content-lg-end flex-wrap gap-2 mt-4 mb-3">
            <h1 class="me-auto mb-0 h4 h2-fs">
                {words.find}{place}
            </h1>
            <div class="dropdown d-none d-lg-block">
                <a role="button" href="#" data-bs-toggle="dropdown" \
class="dropdown-toggle btn btn-light" aria-expanded="true" aria-label="Open industries dropdown">
                        <span>{text(wanted.industry or words.all_industries)}</span>
                </a>
                <div class="dropdown-menu">
{industries}
                </div>
            </div>
            <div class="dropdown d-none d-lg-block">
                <button type="button" class="dropdown-toggle btn btn-light" \
data-bs-toggle="dropdown" title="{words.category_filter}" aria-label="{words.category_filter}" \
aria-expanded="false">
                        <span>{(wanted.grade or "").capitalize() or words.all_categories}</span>
                </button>
                <div class="dropdown-menu">
{grades}                </div>
            </div>
            <div class="dropdown d-none d-lg-block">
                <button type="button" class="dropdown-toggle btn btn-light" \
data-bs-toggle="dropdown" title="{words.country_filter}" aria-label="{words.country_filter}" \
aria-expanded="false">
                        <span>{name}</span>
                </button>
                <div class="dropdown-menu">
{SEAM}{countries}{SEAM}                </div>
            </div>
            <div class="o_wcrm_search d-flex w-100 w-lg-25">
                <form class="flex-grow-1" action="" method="get">
                    <div class="input-group" role="search">
                        <input type="search" name="search" \
class="search-query form-control border-0 bg-light" placeholder="Search" \
value="{text(wanted.search)}"/>
                        <button type="submit" aria-label="Search" \
title="Search by name or address" class="oe_search_button btn btn-light">
                            <i class="oi oi-search"></i>
                        </button>
                    </div>
                </form>
                <button class="btn btn-light position-relative ms-2 d-lg-none" \
data-bs-toggle="offcanvas" data-bs-target="#o_wcrm_offcanvas">
                    <i class="fa fa-sliders"></i>
                </button>
                <div role="dialog" class="modal fade partner_map_modal" tabindex="-1">
                    <div class="modal-dialog modal-lg">
                        <div class="modal-content">
                            <header class="modal-header">
                                <h4 class="modal-title">World Map</h4>
                                <button type="button" class="btn-close" \
data-bs-dismiss="modal" aria-label="Close"></button>
                            </header>
                            <iframe loading="lazy" style="height:485px;" \
src="/google_map?height=485&amp;current_grade=&amp;current_country={current}\
&amp;partner_url=/partners/&amp;limit=1000"></iframe>
                        </div>
                    </div>
                </div>
                <div class="btn-group ms-2">
                    <button class="btn btn-light border-primary active">
                        <i class="fa fa-th-large"></i>
                    </button>
                    <button class="btn btn-light" data-bs-toggle="modal" \
data-bs-target=".partner_map_modal">
                        <i class="fa fa-map-marker" role="img" aria-label="Open map" \
title="Open map"></i>
                    </button>
                </div>
            </div>
        </section>
"""


def _item(href: str, name: str, count: int) -> str:
    pad = " " * 24
    return f"""{pad}<a class="dropdown-item d-flex justify-content-between" href="{href}">
{pad}    {text(name)}&nbsp;&nbsp;
{pad}    <span class="badge text-white bg-secondary rounded-pill px-2 py-1">{count}</span>
{pad}</a>
"""


def _industry_links(site: Site, listing: Listing, base: str) -> list[tuple[str, str]]:
    query = f"{listing.wanted.query}&" if listing.wanted.query else ""
    return [
        (
            name,
            site.href(f"{base}?{query}industry={slugify(name)}-{number}", listing.wanted.language),
        )
        for number, name in _industries()
    ]


def _key(wanted: Wanted) -> Wanted:
    """What the country menu depends on; the rest of what was asked for is left out."""
    return Wanted(language=wanted.language, grade=wanted.grade, search=wanted.search)


@lru_cache(maxsize=64)
def _country_menu(site: Site, counts: CountryCounts, wanted: Wanted) -> str:
    language = wanted.language
    kept = f"&search={quote(wanted.search)}" if wanted.search else ""
    everywhere = f"{path_in(language, wanted.grade, None)}?country_all=1{kept}"
    total = sum(count for _, count in counts)
    every = texts_in(language).all_countries
    return _item(site.href(everywhere, language), every, total) + "".join(
        _item(site.href(path, language), name, count)
        for name, count, path in _country_links(counts, wanted)
    )


@lru_cache(maxsize=64)
def _country_radios(site: Site, counts: CountryCounts, wanted: Wanted) -> str:
    language = wanted.language
    everywhere = f"{path_in(language, wanted.grade, None)}?&country_all=True"
    every = texts_in(language).all_countries
    return _radio("countries", site.href(everywhere, language), every, every) + "".join(
        _radio("countries", site.href(path, language), text(name), name)
        for name, _, path in _country_links(counts, wanted)
    )


def _country_links(counts: CountryCounts, wanted: Wanted) -> list[tuple[str, int, str]]:
    """Name, count and path of each country, in code-point order of the names shown."""
    query = f"search={quote(wanted.search)}" if wanted.search else ""
    return sorted(
        (
            name_in(country, wanted.language),
            count,
            join_query(path_in(wanted.language, wanted.grade, country), query),
        )
        for country, count in counts
    )


def offcanvas(site: Site, listing: Listing, words: Texts) -> str:
    wanted = listing.wanted
    language, country = wanted.language, wanted.country
    base = path_in(language, wanted.grade, country)
    industries = "".join(
        _radio("industries", href, "industry.id", label)
        for label, href in _industry_links(site, listing, base)
    )
    here = path_in(language, None, country)
    grades = _radio("categories", site.href(f"{here}?&", language), "", "", not wanted.grade)
    for grade, _ in listing.grade_counts:
        href = site.href(f"{path_in(language, grade, country)}?&", language)
        grades += _radio(
            "categories", href, grade.capitalize(), grade.capitalize(), wanted.grade == grade
        )
    countries = _country_radios(site, listing.country_counts, _key(wanted))
    # The served one is ticked here rather than in the menu that all countries' pages share.
    ticked = f'name="{text(name_in(country, language)) if country else words.all_countries}"'
    countries = countries.replace(f"{ticked}/>", f'{ticked} checked="True"/>', 1)
    return f"""        <div id="o_wcrm_offcanvas" class="o_website_offcanvas offcanvas \
offcanvas-end d-lg-none p-0 overflow-visible">
            <div class="offcanvas-header">
                <h5 class="offcanvas-title">Filters</h5>
                <button type="button" class="btn-close" data-bs-dismiss="offcanvas" \
aria-label="Close"></button>
            </div>
            <div class="offcanvas-body p-0">
                <div class="accordion accordion-flush">
{_accordion("industry", "Filter by industry", industries)}
{_accordion("grade", "", grades)}
{_accordion("country", words.country_filter, countries)}
                </div>
            </div>
        </div>
"""


def _accordion(kind: str, heading: str, items: str) -> str:
    header = f"""                        <h2 class="accordion-header">
                            <button class="accordion-button collapsed" type="button" \
data-bs-toggle="collapse" data-bs-target=".o_wcrm_offcanvas_{kind}" aria-expanded="false" \
aria-controls="o_wcrm_offcanvas_{kind}">
                                {heading}
                            </button>
                        </h2>
"""
    return f"""                    <div class="accordion-item">
{header if heading else ""}\
                        <div class="o_wcrm_offcanvas_{kind} accordion-collapse collapse">
                            <div class="accordion-body pt-0">
                                <ul class="list-group list-group-flush">
{SEAM}{items}{SEAM}                                </ul>
                            </div>
                        </div>
                    </div>"""


def _radio(kind: str, href: str, name: str, label: str, checked: bool = False) -> str:
    pad = " " * 40
    mark = ' checked="True"' if checked else ""
    return f"""{pad}<li class="list-group-item d-flex justify-content-between align-items-center \
ps-0 pb-0 border-0">
{pad}    <a class="text-reset" aria-label="See {kind} filters" href="{href}">
{pad}        <div class="form-check">
{pad}            <input class="form-check-input pe-none" type="radio" name="{name}"{mark}/>
{pad}            <label class="form-check-label" for="{text(label)}">{text(label)}</label>
{pad}        </div>
{pad}    </a>
{pad}</li>
"""
