"""Faults on demand: what the site may do wrong, when it strikes, and how a page's HTML is spoilt.
How a connection is broken is the server's business.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

# The answer is not the page at all, or comes with a broken connection.
TRANSPORT_KINDS = frozenset(
    {
        *("403", "404", "429", "500", "502", "503", "529"),
        *("timeout", "reset", "cut", "cut_clean", "hollow", "empty", "other_layout"),
        *("redirect_host", "redirect_loop", "huge", "endless", "gzip_bomb", "wrong_charset"),
        "scripted",
    }
)
# Another list or page is served than the one asked for.
LISTING_KINDS = frozenset({"fallback", "wrong_country", "repeat"})
# The page asked for, by way of its address in another language.
LANGUAGE_KINDS = frozenset({"language"})
# The page asked for, with its HTML spoilt.
HTML_KINDS = frozenset(
    {
        *("drift", "missing_menu", "menu_short"),
        *("card_without_href", "card_without_badge", "thousands", "reordered"),
    }
)
KINDS = TRANSPORT_KINDS | LISTING_KINDS | LANGUAGE_KINDS | HTML_KINDS

# Field: (pattern, replacement) as another version of the site might name things.
DRIFTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "stat_ref": ((r"\bstat_ref\b", "stat_references"),),
    "experts": ((r"\bstat_cert\b", "stat_experts"),),
    "badge": ((r'class="badge align-text-top bg_(\w+)"', r'class="label tier-\1"'),),
    "address": (
        (r'id="o_wcrm_partners_address"', 'class="o_partner_location"'),
        (r'<div class="mt-1 mb-1">', '<div class="my-1">'),
    ),
    "retention": (
        (r"text-warning fa fa-star", "rating-star star"),
        (r"<small><span>(\d+)</span> %</small>", r"<em><b>\1</b> percent</em>"),
    ),
    "sizes": (
        (r'<small class="text-muted">[^<:]*: (~?\d+)[^<]*</small>', r'<div class="size">\1</div>'),
    ),
    "name": ((r'<h5 class="m-0">(\s*)<span>([^<]*)</span>', r'<h6 class="title">\1<b>\2</b>'),),
    "cards": (
        (r'class="text-decoration-none row p-2 text-black" aria-label="[^"]*"', 'class="tile"'),
        (r'<div class="col-12 mb-4">', '<div class="tile-box">'),
        (r'<div class="col-md-4 col-xl-3 col-12 mb-4">', '<div class="tile-box">'),
        (r'<a class="text-decoration-none" aria-label="[^"]*"', '<a class="tile"'),
    ),
    "pager": (
        (r'class="mx-auto pagination m-0 "', 'class="pages"'),
        (r"page-(item|link)", r"p-\1"),
    ),
    "menu": (
        (r'title="[^"]*" aria-label="[^"]*" aria-expanded', "aria-expanded"),
        (r'class="dropdown-item d-flex justify-content-between"', 'class="filter-item"'),
        (r"badge text-white bg-secondary rounded-pill px-2 py-1", "count"),
    ),
    "heading": ((r'<h1 class="me-auto mb-0 h4 h2-fs">([^<]*<span>[^<]*</span>)?', "<h1>"),),
    "references gone": (
        (
            r'(?s)<div class="col-md-3 col-sm-12 stat_ref">.*?(?=<div class="col-md-3 [^"]*cert")',
            "",
        ),
    ),
    "experts gone": ((r'(?s)<div class="col-md-3 col-sm-12 stat_cert">.*?(?=</a>)', ""),),
    "badge gone": ((r'<span class="badge align-text-top[^<]*</span>', ""),),
    "retention gone": ((r'(?s)<div class="mb-2">\s*<i class="text-warning.*?</div>', ""),),
    "sizes gone": ((r'<small class="text-muted">[^<:]*: ~?\d+[^<]*</small><br/>', ""),),
    "address gone": ((r'(?s)<small id="o_wcrm_partners_address">.*?</small>', ""),),
    "name gone": ((r'(<h5 class="m-0">\s*)<span>[^<]*</span>', r"\1"),),
}

# The same of a partner's profile.
PROFILE_DRIFTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "heading of a profile": ((r'id="partner_name" itemprop="name"', 'class="partner-name"'),),
    "customers": (
        (r'id="right_column"', 'class="customer-list"'),
        (r'<(h\d) id="references">', r"<\1>"),
    ),
    "customers gone": (
        (r'(?s)<div id="right_column">.*?</div></div>\s*</div>(?=\s*</div>\s*</div>)', ""),
        (r'<div id="right_column"></div>', ""),
    ),
    "customer links": ((r"/customers/", "/references/"),),
    "figures": ((r'class="stat_(ref|cert|size)"', r'class="figure-\1"'),),
}

_SEPARATORS = {"en_US": ",", "es_ES": ".", "tr_TR": "."}


@dataclass
class Fault:
    """One thing going wrong, for requests whose path and query match a pattern.

    The first ``after`` matching requests are spared; then it strikes at most ``times`` times (None:
    for ever), each time with ``probability`` (seeded). ``matched`` and ``struck`` can be read.
    ``drift`` names the drifting field, ``country_id`` the wrong country, ``to`` the host
    redirected to, ``language`` the language redirected to, ``separator`` the thousands separator
    (default: the language's), ``chunked`` how a cut body is sent, ``length`` how many bytes are
    huge.
    """

    kind: str
    match: str = ""
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    after: int = 0
    retry_after: str | int | None = None
    drift: str = "stat_ref"
    country_id: int | None = None
    to: str = "http://other.invalid/partners"
    language: str = "es_ES"
    separator: str | None = None
    chunked: bool = False
    length: int = 50_000_000
    matched: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; one of {', '.join(sorted(KINDS))}")
        known = {**DRIFTS, **PROFILE_DRIFTS}
        if self.kind == "drift" and self.drift not in known:
            raise ValueError(f"unknown drift {self.drift!r}; one of {', '.join(sorted(known))}")
        self._pattern = re.compile(self.match)
        self._rng = random.Random(self.seed)

    def strikes(self, path_qs: str) -> bool:
        """Whether this request is struck; counts it."""
        if not self._pattern.search(path_qs):
            return False
        self.matched += 1
        if self.matched <= self.after or (self.times is not None and self.struck >= self.times):
            return False
        if self._rng.random() >= self.probability:
            return False
        self.struck += 1
        return True

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Fault:
        """A fault from a control request's fields; an unknown one is a TypeError."""
        return cls(**fields)


def spoil(html: str, fault: Fault, language: str) -> str:
    """The page's HTML after an HTML fault."""
    if fault.kind == "drift":
        for pattern, replacement in {**DRIFTS, **PROFILE_DRIFTS}[fault.drift]:
            html = re.sub(pattern, replacement, html)
        return html
    if fault.kind == "reordered":
        return _reordered(html)
    if fault.kind == "missing_menu":
        return _without_menu(html)
    if fault.kind == "menu_short":
        # One country's line goes missing, so that the lines no longer add up to the total.
        before, items, after = _split_menu(html)
        line = r'<a class="dropdown-item[^>]*/country/[^>]*>(?:[^<]|<(?!/a>))*</a>'
        return before + re.sub(line, "", items, count=1) + after
    if fault.kind == "card_without_href":
        return re.sub(r'(<a class="text-decoration-none[^>]*?) href="[^"]*"', r"\1", html, count=1)
    if fault.kind == "card_without_badge":
        return re.sub(r'<span class="badge align-text-top[^<]*</span>', "", html, count=1)
    return _with_thousands(html, fault.separator or _SEPARATORS.get(language, ","))


def _split_menu(html: str) -> tuple[str, str, str]:
    """Before, inside and after the country menu's items."""
    found = re.search(
        r'(?:title="[^"]*(?:country|país|Ülke)[^"]*"|Open countries dropdown)'
        r'(?:.|\n)*?<div class="dropdown-menu">',
        html,
    )
    if not found:
        return html, "", ""
    end = html.index("</div>", found.end())
    return html[: found.end()], html[found.end() : end], html[end:]


def _without_menu(html: str) -> str:
    """No country menu, neither on top nor for small screens."""
    before, _, after = _split_menu(html)
    html = before + after
    return re.sub(
        r'<li class="list-group-item[^>]*>\s*<a [^>]*aria-label="See countries[^>]*>'
        r"(?:.|\n)*?</li>",
        "",
        html,
    )


def _reordered(html: str) -> str:
    """The cards in another order, and in each card the parts: the experts first, the badge before
    the name, the large size before the average."""
    found = list(re.finditer(r'(?s)<div class="col-12 mb-4">.*?</a>\s*</div>\s*</div>\s*', html))
    if not found:
        return html
    between = [html[one.end() : other.start()] for one, other in pairwise(found)]
    cards = [_turned(card[0]) for card in reversed(found)]
    turned = "".join(card + after for card, after in zip(cards, [*between, ""], strict=True))
    return html[: found[0].start()] + turned + html[found[-1].end() :]


def _turned(card: str) -> str:
    size = r'<small class="text-muted">[^<]*</small><br/>'
    for pattern in (
        r'(?s)(<div class="col-md-6">.*?)(<div class="col-md-3 [^"]*stat_ref">.*?)'
        r'(<div class="col-md-3 [^"]*stat_cert">.*?)(?=</a>)',
        r'(?s)(<span>[^<]*</span>)(\s*)(<span class="badge align-text-top[^<]*</span>)',
        rf"({size})(\s*)({size})",
    ):
        card = re.sub(pattern, r"\3\2\1", card, count=1)
    return card


def _with_thousands(html: str, separator: str) -> str:
    def grouped(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]):,}".replace(",", separator) + found[3]

    html = re.sub(r"(: ~?)(\d{4,})( [^<]*</small>)", grouped, html)
    html = re.sub(r"(rounded-pill px-2 py-1\">)(\d{4,})(<)", grouped, html)
    html = re.sub(r"(font-size:1.5rem\">)(\d{4,})( )", grouped, html)
    return re.sub(r"(References - )(\d{4,})(<)", grouped, html)
