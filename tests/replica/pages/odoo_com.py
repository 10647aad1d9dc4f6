"""The listing page as www.odoo.com shows it: one wide link a card, figures on the card, counts in
the menus. Takes a listing, returns a page with holes.
"""

from __future__ import annotations

from urllib.parse import quote

from tests.replica.countries import name_in
from tests.replica.lists import Listing
from tests.replica.model import GRADE_NUMBERS, Country, Partner
from tests.replica.pages import chrome
from tests.replica.pages.common import LANGUAGES, UNIQUE, Site, ellipsis_pager, page_path, text
from tests.replica.pages.odoo_filters import banner, filters, offcanvas, path_in
from tests.replica.pages.texts import Texts, texts_in

CDN = "https://odoocdn.com"


def render(site: Site, listing: Listing, countries: dict[int, Country]) -> str:
    """The whole page. Nothing found gives the page of an empty search, which looks normal."""
    wanted = listing.wanted
    language, country = wanted.language, wanted.country
    words = texts_in(language)
    where = f"  for {text(name_in(country, language))} \n    " if country else " "
    title = f"\n        Odoo Official Partner{where}\n        | Odoo"
    own = {name: path_in(name, wanted.grade, country) for name in LANGUAGES}
    notice = _notice(words) if listing.fallback else ""
    cards = "".join(card(site, partner, listing, countries) for partner in listing.cards)
    if not listing.cards:
        cards = _nothing(site, words, wanted.search)
    return "".join(
        (
            chrome.head(site, language, wanted.path, own, title),
            chrome.start(language, "o_website_crm_partner_assign_index"),
            banner(site, language),
            '            <div class="container mb-3">\n',
            filters(site, listing, words),
            offcanvas(site, listing, words),
            '        <div class="row mb-4">\n',
            notice,
            cards,
            _pager(site, listing, words),
            "        </div>\n            </div>\n",
            '            <div class="oe_structure oe_empty" '
            'id="oe_structure_website_crm_partner_assign_layout_2"></div>\n',
            chrome.end(site, language, own),
        )
    )


# Cards and pager


def _notice(words: Texts) -> str:
    return f"""            <div class="mt-4 alert alert-primary alert-dismissible fade show" \
role="alert">
                {words.no_partner_here}
                <button type="button" class="btn-close" aria-label="Close"></button>
            </div>
"""


def _nothing(site: Site, words: Texts, search: str) -> str:
    return f"""            <div class="my-5 py-5 text-center">
                <h5>{words.nothing_found} "<span>{text(search)}</span>"</h5>
                <a href="{site.href("/partners")}">See all resellers</a>
            </div>
"""


def card_query(partner: Partner, listing: Listing) -> str:
    """The query that feeds the profile's link back: none, or a bare `?`, on the whole list."""
    wanted = listing.wanted
    grade = f"grade_id={GRADE_NUMBERS[wanted.grade]}&" if wanted.grade else ""
    if wanted.country:
        return f"?{grade}country_id={wanted.country.id}"
    if grade:
        return f"?{grade}"
    return "?" if partner.id % 2 else ""


def card(site: Site, partner: Partner, listing: Listing, countries: dict[int, Country]) -> str:
    language = listing.wanted.language
    words = texts_in(language)
    name = text(partner.name)
    href = site.href(partner.path + card_query(partner, listing), language)
    image = f"{CDN}/web/image/res.partner/{partner.id}/image_128/{quote(partner.name, safe='')}"
    grade = partner.grade
    lines = "".join(_line(count, label) for count, label in partner.reference_industries[:3])
    versions = "".join(
        _line(count, words.certified.format(n=version))
        for version, count in partner.experts.items()
    )
    return f"""                <div class="col-12 mb-4">
                    <div class="h-100 text-decoration-none">
                        <a class="text-decoration-none row p-2 text-black" \
aria-label="{words.card_label}" href="{href}">
                              <div class="col-md-6">
                            <div class="float-start h-100 me-3 d-flex flex-column" \
style="width: calc(128px + var(--gutter-x))"><img src="{image}?unique={UNIQUE}" \
class="img img-fluid" alt="{name}" loading="lazy"/></div>
                                <h5 class="m-0">
                                    <span>{name}</span>
                                    <span class="badge align-text-top bg_{grade}">\
{grade.capitalize()}</span>
                                </h5>

{_stars(partner.retention)}
                                <small id="o_wcrm_partners_address">
            <div class="mt-1 mb-1">
{_address(partner, countries, language)}
            </div>
         </small>

                                <small class="text-muted">\
{words.average.format(n=partner.average_project_size)}</small><br/>
                                <small class="text-muted">\
{words.large.format(n=partner.largest_project_size)}</small><br/>
                              </div>

                            <div class="col-md-3 col-sm-12 stat_ref">
                                <div class="" style="font-family: &#39;Caveat&#39;; \
font-size:1.5rem">{references(partner, words)}</div>
{lines}                            </div>
                            <div class="col-md-3 col-sm-12 stat_cert">
                                <div class="" style="font-family: &#39;Caveat&#39;; \
font-size:1.5rem">{experts(partner, words)}</div>
{versions}                            </div>
                        </a>
                    </div>
                </div>
"""


def references(partner: Partner, words: Texts) -> str:
    form = words.reference if partner.references == 1 else words.references
    return form.format(n=partner.references)


def experts(partner: Partner, words: Texts) -> str:
    """`0 Certified Expert` has no plural on the site."""
    form = words.experts if partner.expert_count > 1 else words.expert
    return form.format(n=partner.expert_count)


def _line(count: int, label: str) -> str:
    pad = " " * 36
    return f'{pad}{count} <span class="text-muted">{text(label)}</span><br/>\n'


def _stars(retention: int | None) -> str:
    if retention is None:
        return ""
    pad = " " * 36
    full, rest = divmod(retention, 20)
    kinds = ["fa-star"] * full
    if full < 5:
        kinds += ["fa-star-half-o" if rest > 10 else "fa-star-o"]
        kinds += ["fa-star-o"] * (5 - len(kinds))
    stars = "\n".join(f'{pad}<i class="text-warning fa {kind}"></i>' for kind in kinds)
    return f"""                                <div class="mb-2">
{stars}
{pad}<small><span>{retention}</span> %</small><br/>
                                </div>
"""


def _address(partner: Partner, countries: dict[int, Country], language: str) -> str:
    """Country, state, city and zip; the comma after the last but one stays where no zip follows."""
    country = countries.get(partner.country_id or 0)
    parts = [name_in(country, language) if country else "", partner.state, partner.city]
    lines = [f"<span>{text(part)}</span>, " for part in parts if part]
    if partner.zip:
        lines.append(f"<span>{text(partner.zip)}</span>")
    return "\n".join(" " * 20 + line for line in lines)


def _pager(site: Site, listing: Listing, words: Texts) -> str:
    if listing.last_page == 1:
        return '        <div class="navbar">\n        </div>\n'
    wanted = listing.wanted
    base = path_in(wanted.language, wanted.grade, wanted.country)

    def href(page: int) -> str:
        return site.href(page_path(base, page, wanted.query), wanted.language)

    items = ""
    for number in ellipsis_pager(listing.page, listing.last_page):
        if number is None:
            items += _page_item("", " disabled", "…")
        else:
            state = "active " if number == listing.page else " "
            items += _page_item(f'href="{href(number)}" ', state, str(number))
    before = f'href="{href(listing.page - 1)}" ' if listing.page > 1 else ""
    after = f'href="{href(listing.page + 1)}" ' if listing.page < listing.last_page else ""
    return f"""        <div class="navbar">
        <ul class="mx-auto pagination m-0 ">
{_arrow(before, "left", words.previous)}
{items}{_arrow(after, "right", words.next)}
        </ul>
        </div>
"""


def _page_item(href: str, state: str, label: str) -> str:
    return f"""                <li class="page-item {state}">
                    <a {href}class="page-link  ">{label}</a>
                </li>
"""


def _arrow(href: str, side: str, label: str) -> str:
    return f"""            <li class="page-item {"" if href else "disabled"}">
                <a {href}class="page-link ">
                    <span class="oi oi-chevron-{side}" role="img" aria-label="{label}" \
title="{label}"></span>
                </a>
            </li>"""
