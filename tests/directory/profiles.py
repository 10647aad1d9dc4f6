"""Invented profile pages, built of parts that a test may leave out, move or replace."""

from __future__ import annotations

BASE = "https://www.odoo.com/partners/rufus-firefly-sa-70001"

IMAGE = (
    '<img itemprop="image" src="https://cdn.example/web/image/res.partner/70001/avatar_1920/x"/>'
)
STREET = "1 Duck Street<br/>04100 Glória<br/>Freedonia"
WEBSITE = (
    '<a href="http://firefly.example"><span itemprop="website">http://firefly.example</span></a>'
)
SECTOR = '<span class="badge text-bg-secondary">IT / Communication / Marketing</span>'
GRADE = '<span class="text-muted"><span>Gold</span></span>'
NAME = '<h1 id="partner_name" itemprop="name"><span>Rufus Firefly SA</span></h1>'
ABOUT = (
    '<div class="mb-5"><p>We have been a Gold Partner since 2009, with 100 References.</p>'
    '<p>See <a href="/partners/sylvania-soft-70002">our friends</a>,'
    ' <a href="/customers/groucho-800009"><span>Groucho</span></a></p></div>'
)
BACK = '<a href="/partners/country/freedonia-301" aria-label="Back to resellers list">Back</a>'
IMPLEMENTED_BY = (
    '<div><b>Implemented by</b> <a href="/partners/sylvania-soft-70002">Sylvania Soft</a></div>'
)
ADDRESS_OF_PAGE = (
    '<link rel="canonical" href="https://www.odoo.com/partners/rufus-firefly-sa-70001"/>'
)
RECORD = ' data-main-object="res.partner(70001,)"'
FOOTER = '<footer id="bottom"><a href="/customers/chico-800008">Chico</a> 99 References</footer>'


def line(count: object, label: str) -> str:
    return f'<span>{count}</span> <span class="text-muted">{label}</span><br/>\n'


def stat(kind: str, heading: str, *lines: str) -> str:
    return (
        f'<div class="stat_{kind}"><div class="mt-3">{heading}</div>\n  {"  ".join(lines)}</div>\n'
    )


REFERENCES = stat(
    "ref", "References - 88", line(16, "Manufacturing / Maintenance"), line(13, "Education")
)
EXPERTS = stat("cert", "7 Certified Experts", line(3, "Certified v19"), line(4, "Certified v18"))
SIZES = stat(
    "size",
    "References Sizes",
    "<span>Largest:</span> ~300 users<br/>\n",
    "<span>Average:</span> 25 users<br/>\n",
    "<div>Customer Retention</div> 93 %\n",
)


def customer(
    id: int = 800001,
    name: str = "Trentino Peanuts",
    industry: str | None = "Food / Hospitality",
    *,
    logo: bool = True,
    slug: str = "some-customer",
    lang: str = "",
    words: str = "Uses Odoo since 2010",
) -> str:
    """One card, with or without a logo, which is a second link to the same address."""
    href = f"{lang}/customers/{slug}-{id}"
    image = f'<a href="{href}"><span><img src="/res.partner/{id}/avatar_128/x"/></span>\n</a>'
    badge = f'<span class="badge ms-1 text-bg-secondary">{industry}</span>' if industry else ""
    return (
        f'<div class="card mt-3 border-0"><div class="row"><div class="col-md-2">'
        f'{image if logo else ""}</div>\n<div class="card-body col-md-10"><a href="{href}">'
        f"<span>{name}</span>\n</a>{badge}<div>{words}</div></div></div></div>\n"
    )


def customers(*cards: str, heading: str = '<h3 id="references">References</h3>') -> str:
    return f'<div id="right_column">{heading if cards else ""}{"".join(cards)}</div>'


CUSTOMERS = customers(customer(), customer(800002, "Pinky", None, logo=False))


def profile(
    *,
    name: str = NAME,
    grade: str = GRADE,
    street: str | None = STREET,
    website: str = WEBSITE,
    sector: str = SECTOR,
    image: str = IMAGE,
    figures: str = REFERENCES + EXPERTS + SIZES,
    about: str = ABOUT,
    customers: str = CUSTOMERS,
    address: str = ADDRESS_OF_PAGE,
    record: str = RECORD,
    footer: str = FOOTER,
) -> str:
    shown = f'<span itemprop="streetAddress">{street}</span>' if street is not None else ""
    return f"""<!DOCTYPE html>
<html lang="en-US" data-website-id="1"{record}><head><meta charset="utf-8"/>{address}
<title>Rufus Firefly SA | Odoo</title></head>
<body><div id="wrapwrap"><header id="top"><nav><a href="/partners">Find a Partner</a>
<span class="badge text-bg-secondary">New</span></nav></header><main><div id="wrap">
<div class="mt-4 mb-3">{BACK}</div>
<div class="row mt-3" itemscope="itemscope" itemtype="http://schema.org/Organization">
  <div class="col-lg-3 col-md-4">{image}<div class="o_wcrm_contact_details"><address>
      {shown} <span itemprop="telephone">+301 555 0100</span> {website}
      <span itemprop="email">hello@firefly.example</span></address>{sector}</div></div>
  <div class="col-lg-9 col-md-8">
    <div class="d-flex align-items-center flex-wrap mb-4"><div class="flex-grow-1">
      {grade}{name}</div></div>
    {figures}{about}{IMPLEMENTED_BY}{customers}
  </div></div></div></main>{footer}</div></body></html>
"""
