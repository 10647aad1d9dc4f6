"""The profile page, the customer page, the front page and the page of an unknown address.

What is not known of the real profile (order of the blocks, the grade's markup, the heading for 0
and 1 references, logos) differs from partner to partner, always the same for one partner.
"""

from __future__ import annotations

from itertools import permutations
from urllib.parse import quote

from tests.replica.countries import name_in
from tests.replica.model import Country, Customer, Partner
from tests.replica.naming import slugify
from tests.replica.pages import chrome, odoo_com, stock_chrome
from tests.replica.pages.common import ENGLISH, LANGUAGES, UNIQUE, Site, text
from tests.replica.pages.odoo_filters import path_in
from tests.replica.pages.texts import Texts, texts_in
from tests.replica.world import World

_ORDERS = tuple(permutations(("ref", "cert", "size")))
_ABOUTS = (
    "We have been a Gold Partner since day one. 100 References speak for themselves.",
    "Somos un equipo de Ready to go: <b>Silver</b> service, 93 % satisfaction.",
    '<a href="/partners/country/spain-67">All partners in Spain</a> and '
    '<a href="/customers/">our customers</a> know us.',
    "",
)


def shows_contact(partner: Partner) -> bool:
    """Whether the profile has a contact block at all: some on the site have none."""
    return partner.id % 23 != 0


def render(
    site: Site, world: World, partner: Partner, language: str, country: Country | None
) -> str:
    """The profile in the odoo.com layout; ``country`` is where the link back leads."""
    words = texts_in(language)
    own = dict.fromkeys(LANGUAGES, partner.path)
    name = text(partner.name)
    title_name = f"<span>{name}</span>" if partner.id % 2 else name
    before, after = _grade(partner)
    blocks = {
        "ref": _references(partner, words),
        "cert": _experts(partner, words),
        "size": _sizes(partner, words),
    }
    stats = "".join(blocks[part] for part in _ORDERS[partner.id % len(_ORDERS)])
    about = f'                    <div class="mb-5"><p>{_ABOUTS[partner.id % 4]}</p></div>\n'
    main = about + stats if partner.id % 3 == 0 else stats + about
    return "".join(
        (
            chrome.head(site, language, partner.path, own, f"{name} | Odoo"),
            chrome.start(language, "o_website_crm_partner_assign_partner"),
            f"""            <div class="container mb-3">
                <div class="mt-4 mb-3"><a aria-label="{words.back}" \
href="{_back(site, language, country)}"><i class="oi oi-chevron-left me-2"></i>{words.back}</a>
                </div>
                <div class="row mt-3" itemscope="itemscope" \
itemtype="http://schema.org/Organization">
                <div class="col-lg-3 col-md-4">
                    <div><img src="{odoo_com.CDN}/web/image/res.partner/{partner.id}/avatar_1920/\
{quote(partner.name, safe="")}?unique={UNIQUE}" itemprop="image" class="img img-fluid" \
alt="{name}"/></div>
{_contact(world, partner, language)}
                </div>
                <div class="col-lg-9 col-md-8">
                    <div class="d-flex align-items-center flex-wrap mb-4">
                        <div class="flex-grow-1">
                            {before}
                            <h1 id="partner_name" itemprop="name">{title_name}</h1>
                            {after}
                        </div>
                    </div>
{main}{_implemented_by(site, world, partner, language)}{_customers(site, world, partner, language)}
                </div>
                </div>
            </div>
""",
            chrome.end(site, language, own),
        )
    )


def render_stock(
    site: Site, world: World, partner: Partner, language: str, country: Country | None
) -> str:
    """The profile of stock Odoo: no figures, otherwise the same parts."""
    name = text(partner.name)
    return plain_page(
        site,
        name,
        partner.path,
        f"""            <div class="container mb-3">
                <div class="mt-4 mb-3"><a aria-label="Back to resellers list" \
href="{_back(site, language, country)}"><i class="oi oi-chevron-left me-2"></i>Back to resellers</a>
                </div>
                <div class="row mt-3" itemscope="itemscope" \
itemtype="http://schema.org/Organization">
                <div class="col-lg-3 col-md-4">
{_contact(world, partner, language)}
                </div>
                <div class="col-lg-9 col-md-8">
                    <div class="d-flex align-items-center flex-wrap mb-4">
                        <div class="flex-grow-1">
                            <span class="col-lg-12 text-muted">\
<span>{partner.grade.capitalize()}</span></span>
                            <h1 id="partner_name" itemprop="name">{name}</h1>
                        </div>
                    </div>
{_customers(site, world, partner, language)}
                </div>
                </div>
            </div>
""",
    )


def customer_page(site: Site, world: World, customer: Customer) -> str:
    """A customer's own page, with the partners that list it."""
    links = "".join(
        f'<a href="{site.href(partner.path)}">{text(partner.name)}</a>\n'
        for partner in world.listed()
        if customer.id in partner.customers
    )
    path = f"/customers/{slugify(customer.name)}-{customer.id}"
    return plain_page(
        site,
        text(customer.name),
        path,
        f"""            <div class="container"><h1 id="partner_name">{text(customer.name)}</h1>
                <span class="badge text-bg-secondary">{text(customer.industry or "")}</span>
                <h3>Implemented by</h3>
{links}            </div>
""",
    )


def home(site: Site) -> str:
    return plain_page(site, "Home", "/", '<div class="container"><h1>Welcome</h1></div>\n')


def not_found(site: Site) -> str:
    """The page of an unknown address: menus and footer like any other."""
    return plain_page(
        site,
        "404",
        "/404",
        """            <div class="oe_structure oe_empty"><section class="s_text_image pt104 pb104">
                <div class="container"><div class="row align-items-center">
                    <h1 class="visually-hidden">Error 404</h1>
                    <h2>This page could not be found.</h2>
                    <p><b>No need to worry.</b> Tell us through
                        <a href="/contactus">this page</a> if you expected something here.</p>
                    <ul class="list-inline text-center">
                        <li><a href="/" class="btn btn-primary">Home</a></li>
                    </ul>
                </div></div>
            </section></div>
""",
    )


def plain_page(site: Site, title: str, path: str, content: str) -> str:
    """Any content between the usual menus of the layout."""
    if site.stock:
        return stock_chrome.start(site, path, title) + content + stock_chrome.end()
    own = dict.fromkeys(LANGUAGES, path)
    return "".join(
        (
            chrome.head(site, ENGLISH, path, own, f"{title} | Odoo"),
            chrome.start(ENGLISH, ""),
            content,
            chrome.end(site, ENGLISH, own),
        )
    )


def _back(site: Site, language: str, country: Country | None) -> str:
    return site.href(path_in(language, None, country), language)


def _grade(partner: Partner) -> tuple[str, str]:
    """The grade before or after the name, in one of the forms seen over the years."""
    grade = partner.grade.capitalize()
    form = partner.id % 4
    if form == 0:
        return "", f'<h3 class="col-lg-12 text-center text-muted">{grade}</h3>'
    if form == 1:
        return f'<span class="badge bg_{partner.grade}">{grade}</span>', ""
    if form == 2:
        return f'<span class="text-muted"><span>{grade}</span></span>', ""
    return f'<span class="col-lg-12 text-muted"><span>{grade}</span> Partner</span>', ""


def _contact(world: World, partner: Partner, language: str) -> str:
    """The address block; some partners have none."""
    if not shows_contact(partner):
        return '                    <div class="o_wcrm_contact_details"></div>'
    country = world.countries.get(partner.country_id or 0)
    town = f"{partner.zip} {partner.city}".strip()
    lines = [f"{partner.id % 200} Duck Street", partner.state, town]
    lines.append(name_in(country, language) if country else "")
    street = "<br/>".join(text(line) for line in lines if line)
    parts = [f'<span itemprop="streetAddress">{street}</span>']
    phone = "." if partner.id % 29 == 0 else f"+{partner.id % 90 + 1} 555 {partner.id % 10000:04}"
    parts.append(f'<span itemprop="telephone">{phone}</span>')
    if partner.website:
        url = text(partner.website)
        parts.append(f'<a href="{url}"><span itemprop="website">{url}</span></a>')
    if partner.id % 3:
        mail = f"info@partner{partner.id}.example"
        both = f"{mail}; sales@partner{partner.id}.example" if partner.id % 31 == 0 else mail
        parts.append(f'<span itemprop="email">{both}</span>')
    sector = ""
    if partner.sector:
        sector = f'<span class="badge text-bg-secondary">{text(partner.sector)}</span>'
    block = "\n                        ".join(parts)
    return f"""                    <div class="o_wcrm_contact_details">
                        <address class="o_portal_address mb-0">
                        {block}
                        </address>
                        {sector}
                    </div>"""


def _references(partner: Partner, words: Texts) -> str:
    """At most ten lines, counts in a span. The heading for 0 and 1 is not known: two forms each."""
    many = f"{words.references.format(n='').strip()} - {partner.references}"
    one = f"{words.reference.format(n='').strip()} - {partner.references}"
    heading = many if partner.references > 1 else one
    if partner.references < 2 and partner.id % 2:
        heading = odoo_com.references(partner, words)
    lines = "".join(_line(count, label) for count, label in partner.reference_industries[:10])
    return _stat("ref", heading, lines)


def _experts(partner: Partner, words: Texts) -> str:
    lines = "".join(
        _line(count, words.certified.format(n=version))
        for version, count in partner.experts.items()
    )
    return _stat("cert", odoo_com.experts(partner, words), lines)


def _sizes(partner: Partner, words: Texts) -> str:
    unit = words.average.rsplit(" ", 1)[1]
    pad = " " * 24
    wrap = ("<div>", "</div>") if partner.id % 2 else ("", "<br/>")
    lines = (
        f"{pad}{wrap[0]}<span>Largest:</span> ~{partner.largest_project_size} {unit}{wrap[1]}\n"
        f"{pad}{wrap[0]}<span>Average:</span> {partner.average_project_size} {unit}{wrap[1]}\n"
    )
    if partner.retention is not None:
        lines += f'{pad}<div class="mt-3">Customer Retention</div>\n{pad}{partner.retention} %\n'
    return _stat("size", "References Sizes", lines)


def _stat(kind: str, heading: str, lines: str) -> str:
    return f"""                    <div class="stat_{kind}">
                        <div class="mt-3">{heading}</div>
{lines}                    </div>
"""


def _line(count: int, label: str) -> str:
    pad = " " * 24
    return f'{pad}<span>{count}</span> <span class="text-muted">{text(label)}</span><br/>\n'


def _implemented_by(site: Site, world: World, partner: Partner, language: str) -> str:
    """A partner that is somebody's customer links to another partner."""
    if partner.id % 17:
        return ""
    other = world.listed()[0]
    href = site.href(other.path, language)
    return (
        f'<div><b>Implemented by</b> <a href="{href}"><span>{text(other.name)}</span></a></div>\n'
    )


def _customers(site: Site, world: World, partner: Partner, language: str) -> str:
    """All of them, on the one page. A logo is a second link to the same customer, an image without
    a link, or missing."""
    if not partner.customers:
        return '                    <div id="right_column"></div>'
    tag = "h3" if partner.id % 2 else "h4"
    cards = "".join(
        _customer(site, world.customers[number], language)
        for number in partner.customers
        if number in world.customers
    )
    return f"""                    <div id="right_column">
                        <{tag} id="references">References</{tag}>
{cards}                    </div>"""


def _customer(site: Site, customer: Customer, language: str) -> str:
    name = text(customer.name)
    href = site.href(f"/customers/{slugify(customer.name)}-{customer.id}", language)
    image = (
        f'<img src="/web/image/res.partner/{customer.id}/avatar_128?unique={UNIQUE}" '
        f'class="img img-fluid" alt="{name}"/>'
    )
    logo = "" if customer.id % 7 == 0 else image
    if customer.id % 5:
        logo = f'<a href="{href}"><span class="d-flex">{logo}</span></a>' if logo else ""
    badge = ""
    if customer.industry:
        label = text(customer.industry)
        badge = f'<span class="badge ms-1 text-bg-secondary">{label}</span>'
    about = "Uses the software since 2019" if customer.id % 3 == 0 else ""
    return f"""                        <div class="card mt-3 border-0"><div class="row">
                            <div class="col-md-2">{logo}</div>
                            <div class="card-body col-md-10">
                                <a href="{href}"><span>{name}</span></a>
                                {badge}<div>{about}</div></div>
                        </div></div>
"""
