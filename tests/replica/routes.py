"""Which answer an address gets, by the rules of the site: lists, profiles, customers, redirects,
error pages. Knows nothing of connections.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode

from tests.replica.faults import HTML_KINDS, Fault, spoil
from tests.replica.lists import Listing, Wanted, make_listing
from tests.replica.model import GRADE_NUMBERS, INDUSTRIES, Country
from tests.replica.naming import slugify
from tests.replica.pages import odoo_com, profile, stock
from tests.replica.pages.common import ENGLISH, LANGUAGES, Site, Template
from tests.replica.pages.odoo_filters import path_in
from tests.replica.pages.scripted import FILL_SCRIPT
from tests.replica.world import World

Layout = Literal["odoo.com", "stock18", "stock19"]

_ENDS_IN_NUMBER = re.compile(r"(?:(.*)-)?(\d+)")
_PAGE = re.compile(r"^(.*)/page/([^/]*)$")
_LIST = re.compile(r"^/partners(?:/grade/([^/]+))?(?:/country/([^/]+))?$")


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a page or none, and where a redirect leads."""

    status: int
    body: Template | None = None
    location: str | None = None
    content_type: str = "text/html; charset=utf-8"


class Served(Protocol):
    """What the router needs to know of the server."""

    @property
    def world(self) -> World: ...
    @property
    def layout(self) -> Layout: ...
    @property
    def page_size(self) -> int: ...
    @property
    def visitor_country(self) -> int | None: ...
    @property
    def encode_hrefs(self) -> bool: ...
    @property
    def robots(self) -> str: ...
    @property
    def url(self) -> str: ...


@dataclass
class Router:
    """Finds the answer to a path; keeps what it made for as long as the world stays as it is."""

    _kept: dict[object, Answer] = field(default_factory=dict)
    _kept_for: tuple[object, ...] = ()

    def answer(self, served: Served, raw_path: str, faults: Sequence[Fault] = ()) -> Answer:
        world = served.world
        state = (
            world,
            world.version,
            served.layout,
            served.page_size,
            served.visitor_country,
            served.encode_hrefs,
            served.robots,
        )
        if state != self._kept_for:
            self._kept, self._kept_for = {}, state
        if faults:
            return _Visit(served, faults).answer(raw_path)
        if raw_path not in self._kept:
            if len(self._kept) > 1500:
                self._kept.clear()
            self._kept[raw_path] = _Visit(served, ()).answer(raw_path)
        return self._kept[raw_path]


def decode(raw_path: str) -> str:
    """Letters come raw or percent-encoded; both mean the same page."""
    raw = raw_path.encode("utf-8", "surrogateescape")
    return unquote_to_bytes(raw).decode("utf-8", "replace")


@dataclass(frozen=True)
class _Visit:
    served: Served
    faults: Sequence[Fault]

    @property
    def world(self) -> World:
        return self.served.world

    @property
    def site(self) -> Site:
        stock_version = {"odoo.com": None, "stock18": 18, "stock19": 19}[self.served.layout]
        return Site(self.served.url, self.served.encode_hrefs, stock_version)

    def answer(self, raw_path: str) -> Answer:
        raw, _, query = raw_path.partition("?")
        path = decode(raw).rstrip("/") or "/"
        if path == "/robots.txt":
            robots = self.served.robots.replace("{origin}", self.served.url)
            return Answer(200, Template(robots), content_type="text/plain; charset=utf-8")
        if path == "/web/assets/fill.js":
            return Answer(200, Template(FILL_SCRIPT), content_type="text/javascript; charset=utf-8")
        language = path.split("/")[1]
        if language in LANGUAGES and language != ENGLISH:
            path = path[len(language) + 1 :] or "/"
        else:
            language = ENGLISH
            for fault in self.faults:
                if fault.kind == "language":
                    return Answer(303, location=f"/{fault.language}{raw_path}")
        if path == "/partners" or path.startswith(
            ("/partners/page/", "/partners/grade/", "/partners/country/")
        ):
            return self._list(language, path, query)
        for prefix, show in (("/partners/", self._profile), ("/customers/", self._customer)):
            if path.startswith(prefix):
                return show(language, path.removeprefix(prefix), query)
        if path == "/":
            return self._page(200, profile.home(self.site), language)
        return self._not_found(language)

    # Lists

    def _list(self, language: str, path: str, query: str) -> Answer:
        fields = dict(parse_qsl(query, keep_blank_values=True))
        number = fields.pop("page", "1")
        if paged := _PAGE.match(path):
            path, number = paged[1], paged[2]
        parts = _LIST.match(path)
        if not parts:
            return self._not_found(language)
        grade = self._grade(parts[1])
        country = self._country(parts[2])
        if (parts[1] and grade is None) or (parts[2] and country is None):
            return self._not_found(language)
        right = path_in(language, grade, country)
        if country and parts[2] != right.rsplit("/", 1)[1]:
            return self._moved(301, language, right, number, query)
        everywhere = fields.get("country_all", "") not in ("", "0", "False")
        search = fields.get("search", "")
        if not (country or grade or everywhere or search):
            country = self.world.countries.get(self.served.visitor_country or 0)
        kept = [(k, v) for k, v in fields.items() if k in ("country_all", "search", "industry")]
        industry = _ENDS_IN_NUMBER.fullmatch(fields.get("industry", ""))
        wanted = Wanted(
            language=language,
            country=country,
            grade=grade,
            industry=INDUSTRIES.get(int(industry[2])) if industry else None,
            search=search,
            page=int(number) if number.isascii() and number.isdecimal() and len(number) < 9 else 1,
            path=path if number == "1" else f"{path}/page/{number}",
            query=urlencode(kept),
        )
        listing = self._listing(wanted)
        render = odoo_com.render if self.served.layout == "odoo.com" else stock.render
        html = render(self.site, listing, self.world.countries)
        return self._page(200 if listing.cards else 404, html, language)

    def _listing(self, wanted: Wanted) -> Listing:
        """The list asked for, or another one where a fault says so."""
        for fault in self.faults:
            if fault.kind == "repeat":
                wanted = replace(wanted, page=1)
            elif fault.kind == "wrong_country":
                other = self._other_country(wanted.country, fault.country_id)
                wanted = replace(wanted, country=other)
            elif fault.kind == "fallback":
                found = make_listing(
                    self.world, replace(wanted, country=None), self.served.page_size
                )
                return replace(found, fallback=True)
        return make_listing(self.world, wanted, self.served.page_size)

    def _other_country(self, asked: Country | None, country_id: int | None) -> Country | None:
        if country_id is not None:
            return self.world.countries[country_id]
        homes = (partner.country_id for partner in self.world.listed())
        other = next((home for home in homes if home and (not asked or home != asked.id)), None)
        return self.world.countries.get(other or 0)

    def _grade(self, part: str | None) -> str | None:
        found = _ENDS_IN_NUMBER.fullmatch(part or "")
        by_number = {number: grade for grade, number in GRADE_NUMBERS.items()}
        return by_number.get(int(found[2])) if found else None

    def _country(self, part: str | None) -> Country | None:
        found = _ENDS_IN_NUMBER.fullmatch(part or "")
        return self.world.countries.get(int(found[2])) if found else None

    # Profiles and customers

    def _profile(self, language: str, part: str, query: str) -> Answer:
        found = _ENDS_IN_NUMBER.fullmatch(part)
        partner = self.world.partners.get(int(found[2])) if found else None
        if partner is None:
            return self._not_found(language)
        if f"/partners/{part}" != partner.path:
            return self._moved(303, language, partner.path)
        back = dict(parse_qsl(query)).get("country_id", "")
        country = self.world.countries.get(int(back)) if back.isdecimal() else None
        page = profile.render_stock if self.served.layout != "odoo.com" else profile.render
        return self._page(200, page(self.site, self.world, partner, language, country), language)

    def _customer(self, language: str, part: str, query: str) -> Answer:
        found = _ENDS_IN_NUMBER.fullmatch(part)
        customer = self.world.customers.get(int(found[2])) if found else None
        if customer is None:
            return self._not_found(language)
        right = f"{slugify(customer.name)}-{customer.id}"
        if part != right:
            return self._moved(301, language, f"/customers/{right}")
        return self._page(200, profile.customer_page(self.site, self.world, customer), language)

    # Answers

    def _moved(
        self, status: int, language: str, path: str, number: str = "1", query: str = ""
    ) -> Answer:
        prefix = "" if language == ENGLISH else f"/{language}"
        page = "" if number == "1" or "page=" in query else f"/page/{number}"
        location = quote(f"{prefix}{path}{page}") + (f"?{query}" if query else "")
        return Answer(status, location=location)

    def _not_found(self, language: str) -> Answer:
        return self._page(404, profile.not_found(self.site), language)

    def _page(self, status: int, html: str, language: str) -> Answer:
        for fault in self.faults:
            if fault.kind in HTML_KINDS:
                html = spoil(html, fault, language)
        return Answer(status, Template(html))
