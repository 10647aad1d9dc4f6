"""Listing pages to read: invented ones in the markup of each layout, and the saved real ones."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

REAL_PAGES = Path(__file__).resolve().parents[3] / "shared" / "real_pages"
BASE = "https://www.odoo.com/partners/country/freedonia-301"

COUNTRIES = [("freedonia", 301, "Freedonia", 23), ("sylvania", 302, "Sylvania", 17)]


def real_page(folder: str, file: str) -> bytes:
    path = REAL_PAGES / folder / file
    if not path.is_file():
        pytest.skip(f"the saved real page {folder}/{file} is not beside this repository")
    return path.read_bytes()


def real_json(folder: str, file: str) -> Any:
    return json.loads(real_page(folder, file))


def badge(count: object) -> str:
    if count is None:
        return ""
    return f'&nbsp;&nbsp;<span class="badge text-white bg-secondary rounded-pill">{count}</span>'


def item(href: str, name: str, count: object = None) -> str:
    return (
        f'<a class="dropdown-item d-flex justify-content-between" href="{href}">\n  {name}'
        f"{badge(count)}\n</a>"
    )


def dropdown(button: str, items: Iterable[str]) -> str:
    return (
        '<div class="dropdown d-none d-lg-block"><button type="button" class="dropdown-toggle btn">'
        f'<span>{button}</span></button><div class="dropdown-menu">{"".join(items)}</div></div>'
    )


def filters(
    served: str | None = "Freedonia",
    *,
    countries: Iterable[tuple[str, int, str, object]] = COUNTRIES,
    total: object = 40,
    listed: object = 23,
    heading: str | None = None,
    lang: str = "",
    all_name: str = "All Countries",
) -> str:
    """The filter section: industries, grades, countries. ``served`` None: all countries."""
    places = {name: f"{lang}/partners/country/{slug}-{id}" for slug, id, name, _ in countries}
    here = places.get(served or "", f"{lang}/partners")
    grade = here.replace(f"{lang}/partners", f"{lang}/partners/grade/gold-1", 1)
    span = heading if heading is not None else f"<span>in {served}</span>" if served else ""
    industries = [item(f"{here}?industry=education-16", "Education")]
    grades = [item(here, "All Categories", listed), item(grade, "Gold", listed and 1)]
    menu = [item(f"{lang}/partners?country_all=1", all_name, total)]
    menu += [item(places[name], name, count) for _, _, name, count in countries]
    return (
        '<section class="o_wcrm_filters_top d-flex">'
        f'<h1 class="me-auto mb-0 h4">Find a reseller {span}</h1>'
        + dropdown("All Industries", industries)
        + dropdown("All Categories", grades)
        + dropdown(served or all_name, menu)
        + "</section>"
    )


def offcanvas(countries: Iterable[tuple[str, int, str, object]] = COUNTRIES) -> str:
    """The same filters again for small screens, without counts."""
    links = "".join(
        f'<a class="text-reset" aria-label="See countries filters" '
        f'href="/partners/country/{slug}-{id}">{name}</a>'
        for slug, id, name, _ in countries
    )
    return (
        '<div id="o_wcrm_offcanvas"><a class="text-reset" href="/partners?&amp;country_all=True">'
        f"All Countries</a>{links}</div>"
    )


def wide_card(
    slug: str = "rufus-firefly-sa",
    id: int = 70001,
    name: str = "Rufus Firefly SA",
    grade: str = "gold",
    references: str = "88 References",
    experts: str = "7 Certified Experts",
    rate: str | None = "93",
    average: str = "Average Project: 25 users",
    large: str = "Large Project: ~300 users",
    address: Iterable[str] = ("Freedonia", "North", "Glória", "04100"),
    query: str = "?country_id=301",
) -> str:
    """A card of odoo.com."""
    stars = '<i class="text-warning fa fa-star"></i>' * 4
    retention = (
        f'<div class="mb-2">{stars}<i class="text-warning fa fa-star-half-o"></i>\n'
        f"<small><span>{rate}</span> %</small><br/></div>"
    )
    spans = ",\n".join(f"<span>{part}</span>" for part in address)
    return f"""
<div class="col-12 mb-4"><div class="h-100 text-decoration-none">
  <a class="text-decoration-none row p-2 text-black" aria-label="Go to reseller"
     href="/partners/{slug}-{id}{query}">
    <div class="col-md-6">
      <div class="float-start"><img src="https://cdn.example/web/image/res.partner/{id}/image_128/x"
        alt="{name}"/></div>
      <h5 class="m-0">
        <span>{name}</span>
        <span class="badge align-text-top bg_{grade}">{grade.title()}</span>
      </h5>
      {retention if rate is not None else ""}
      <small id="o_wcrm_partners_address"><div class="mt-1 mb-1">{spans}</div></small>
      <small class="text-muted">{average}</small><br/>
      <small class="text-muted">{large}</small><br/>
    </div>
    <div class="col-md-3 col-sm-12 stat_ref">
      <div class="" style="font-size:1.5rem">{references}</div>
      16 <span class="text-muted">Manufacturing / Maintenance</span><br/>
    </div>
    <div class="col-md-3 col-sm-12 stat_cert">
      <div class="" style="font-size:1.5rem">{experts}</div>
      3 <span class="text-muted">Certified v19</span><br/>
    </div>
  </a></div></div>"""


def stock_card(
    slug: str = "rufus-firefly-sa",
    id: int = 70001,
    name: str = "Rufus Firefly SA",
    references: str | None = "39 references »",
    country: str | None = "Freedonia",
    words: str = "34 certified experts, retention 94 %",
    query: str = "?country_id=301",
) -> str:
    """A card of stock Odoo; ``country`` None: of Odoo 18."""
    bold = f"<b>\n {references} </b>" if references is not None else ""
    shown = f'<span><div><span itemprop="addressCountry">{country}</span></div></span>'
    return f"""
<div class="col-md-4 col-xl-3 col-12 mb-4"><div class="card h-100 text-decoration-none">
  <a class="text-decoration-none" aria-label="Go to reseller" href="/partners/{slug}-{id}{query}">
    <div class="card-img-top border-bottom"><img src="/web/image/res.partner/{id}/x"/></div>
    <div class="card-body">
      <h2 class="card-title m-0 h5-fs" href="/partners/{slug}-{id}{query}">{name}</h2>
      <small id="o_wcrm_partners_address"><div class="py-2"><address class="o_portal_address">
        <div class="css_non_editable_mode_hidden">--<span class="text-muted">{name}</span>--</div>
        <div itemscope="itemscope">{shown if country is not None else ""}
          <div itemprop="telephone">+301 555 0100</div>
          <span itemprop="email">hello@firefly.example</span></div>
      </address></div></small>
      <small class="o_wcrm_short_description text-muted">{bold}<span>{words}</span></small>
    </div></a></div></div>"""


def grade_heading(grade: str) -> str:
    return f'<h2 class="mt-3 mb-2 col-12 h5-fs"><span>{grade}</span> Resellers</h2>'


def pager(current: int, last: int, path: str = "/partners/country/freedonia-301") -> str:
    """A pager of Odoo 19 that shows every number."""

    def link(page: int) -> str:
        return path if page == 1 else f"{path}/page/{page}"

    def arrow(page: int, label: str) -> str:
        end = not 1 <= page <= last
        return (
            f'<li class="page-item {"disabled" if end else ""}"><a class="page-link" '
            f"{'' if end else f'href={chr(34)}{link(page)}{chr(34)}'}>"
            f'<span class="oi" aria-label="{label}"></span></a></li>'
        )

    numbers = "".join(
        f'<li class="page-item {"active" if page == current else ""} ">'
        f'<a href="{link(page)}" class="page-link">{page}</a></li>'
        for page in range(1, last + 1)
    )
    return (
        '<ul class="mx-auto pagination m-0 ">'
        f"{arrow(current - 1, 'Previous')}{numbers}{arrow(current + 1, 'Next')}</ul>"
    )


def page(
    *cards: str, top: str | None = None, bottom: str = "", before: str = "", after: str = ""
) -> str:
    """A whole listing page around its cards."""
    return f"""<!DOCTYPE html>
<html lang="en-US" data-website-id="1"><head><meta charset="utf-8"/>
<meta name="generator" content="Odoo"/><title> Odoo Official Partner  for Freedonia  | Odoo</title>
<link rel="canonical" href="https://www.odoo.com/partners/country/nowhere-999"/></head>
<body><div id="wrapwrap"><header><nav><a class="dropdown-item" href="/partners">Find a Partner</a>
<a class="dropdown-item" href="/partners/country/nowhere-999">Nowhere</a></nav></header>
<main><div id="wrap"><h1 class="display-2">Implementation <span>Partners</span></h1>
<div class="btn btn-primary" data-bs-target="#matchBest">Find Best Match</div>{before}
<div class="container mb-3">{filters() if top is None else top}{offcanvas()}
<iframe src="/google_map?current_country=301&amp;partner_url=/partners/&amp;limit=1000"></iframe>
<div class="row mb-4">{"".join(cards)}<div class="navbar">{bottom}</div></div></div>{after}
</div></main><footer id="bottom"><a href="/partners">Find a Partner</a></footer></div></body></html>
"""


def wide_page() -> str:
    """Three cards of odoo.com that differ in every field."""
    return page(
        wide_card(),
        wide_card(
            "chicolini-đ-ltd",
            70002,
            "CHICOLINI &amp; Đ LTD.",
            "silver",
            "1 Reference",
            "0 Certified Expert",
            None,
            "Average Project: 0 users",
            "Large Project: ~0 users",
            ("Freedonia", "Glória"),
        ),
        wide_card(
            "pinky-gold-partners",
            70003,
            "Pinky Gold Partners",
            "ready",
            "17 References",
            "4 Certified Experts",
            "100",
            "Average Project: 9 users",
            "Large Project: ~40 users",
            ("Freedonia",),
        ),
        bottom=pager(1, 3),
    )


def stock_page() -> str:
    """Three cards of stock Odoo 19 under two headings."""
    return page(
        grade_heading("Gold"),
        stock_card(),
        stock_card("chicolini-d-ltd", 70002, "CHICOLINI &amp; Đ LTD.", "1 reference »"),
        grade_heading("Ready"),
        stock_card("pinky-gold-partners", 70003, "Pinky Gold Partners", None, words="Gold!"),
        bottom=pager(1, 3),
    )
