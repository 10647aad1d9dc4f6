"""Countries: the menu's names as ISO codes, and what a user may type for one of them.

Ids are each site's own, so there is no table of ids here. Nothing is ever guessed: a name that
is nearly a country's is refused with the nearest ones.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar

from partner_monitor.directory.urls import read_ending

_NAMES = {
    "BO": ("Bolivia",),
    "BN": ("Brunei",),
    "BQ": ("Bonaire", "Caribbean Netherlands"),
    "CD": ("DR Congo", "Congo (DRC)", "Congo-Kinshasa", "Democratic Republic of the Congo"),
    "CG": ("Congo", "Congo-Brazzaville", "Republic of the Congo", "Congo, Republic of the"),
    "CI": ("Ivory Coast",),
    "CV": ("Cape Verde",),
    "CZ": ("Czech Republic",),
    "FK": ("Falkland Islands", "Islas Malvinas"),
    "FM": ("Micronesia",),
    "GB": ("Great Britain", "UK"),
    "GS": ("S. Georgia & S. Sandwich Isls.",),
    "HM": ("Heard Island & McDonald Islands",),
    "IR": ("Iran",),
    "KP": ("North Korea",),
    "KR": ("South Korea",),
    "LA": ("Laos",),
    "LY": ("Libyan Arab Jamahiriya",),
    "MD": ("Moldova",),
    "MF": ("Saint Martin",),
    "MK": ("Macedonia", "FYROM"),
    "MM": ("Burma",),
    "MO": ("Macau",),
    "PN": ("Pitcairn Islands",),
    "PS": ("Palestine", "State of Palestine", "Palestinian Territory", "Palestinian Territories"),
    "RU": ("Russia",),
    "SH": ("Saint Helena",),
    "ST": ("São Tomé and Príncipe",),
    "SJ": ("Svalbard and Jan Mayen Islands",),
    "SX": ("Sint Maarten",),
    "SY": ("Syria",),
    "SZ": ("Swaziland",),
    "TL": ("East Timor",),
    "TR": ("Turkey",),
    "TW": ("Taiwan",),
    "TZ": ("Tanzania",),
    "UM": ("USA Minor Outlying Islands",),
    "US": ("USA", "United States of America"),
    "VA": ("Vatican", "Vatican City", "Holy See (Vatican City State)"),
    "VE": ("Venezuela",),
    "VG": ("British Virgin Islands", "Virgin Islands (British)"),
    "VI": ("US Virgin Islands", "Virgin Islands (USA)", "Virgin Islands (U.S.)"),
    "VN": ("Vietnam",),
    "XK": ("Kosovo",),
}
"""English names in use, on the site's menu among others, beside those of ISO 3166."""

_CODES = {"XK": ("XKX", "XKV")}
"""Codes in use that ISO 3166 leaves to its users."""

_SUGGESTIONS = 3
_LIKENESS = 70


class UnknownCountry(ValueError):
    """What was given is no country at all."""


class ListedCountry(Protocol):
    """A country of a menu."""

    @property
    def id(self) -> int: ...
    @property
    def slug(self) -> str: ...
    @property
    def name(self) -> str: ...


class StoredCountry(ListedCountry, Protocol):
    """A country known from an earlier menu, with its ISO code."""

    @property
    def iso(self) -> str | None: ...


Listed = TypeVar("Listed", bound=ListedCountry)


@dataclass(frozen=True, slots=True)
class CountryQuery:
    """The country somebody asked for, as far as it is known without a page of the site."""

    text: str
    id: int | None = None
    iso: str | None = None


def iso_code(name: str, slug: str = "") -> str | None:
    """The ISO 3166 alpha-2 code of an English name, or else of the slug made from one."""
    return _codes_by_name().get(_key(name)) or _codes_by_name().get(_key(slug))


def parse_country(text: str, stored: Sequence[StoredCountry]) -> CountryQuery:
    """What ``text`` means: a site's id, a slug with or without its id, an ISO code or a name.

    Raises ``UnknownCountry`` for what is no country. A number is always a site's id.
    """
    text = text.strip()
    if ending := read_ending(text):
        return CountryQuery(text, id=ending[0])
    wanted = _key(text)
    # A stored name may be in the site's language, or one that ISO 3166 does not know.
    found = {entry.id: entry for entry in stored if wanted in (_key(entry.name), _key(entry.slug))}
    if wanted and len(found) == 1:
        entry = next(iter(found.values()))
        return CountryQuery(text, id=entry.id, iso=entry.iso)
    iso = _codes().get(text.upper()) or _codes_by_name().get(wanted)
    if iso is None:
        raise UnknownCountry(_refusal(text, stored))
    of_iso = [entry.id for entry in stored if entry.iso == iso]
    return CountryQuery(text, id=of_iso[0] if len(of_iso) == 1 else None, iso=iso)


def find_country(query: CountryQuery, entries: Sequence[Listed]) -> Listed | None:
    """The entry of a menu that ``query`` means, if the menu has exactly one."""
    if query.id is not None:
        found = [entry for entry in entries if entry.id == query.id]
    else:
        wanted = _key(query.text)
        found = [entry for entry in entries if wanted in (_key(entry.name), _key(entry.slug))]
        if not found and query.iso is not None:
            found = [entry for entry in entries if iso_code(entry.name, entry.slug) == query.iso]
    return found[0] if len(found) == 1 else None


def _refusal(text: str, stored: Sequence[StoredCountry]) -> str:
    from rapidfuzz import fuzz, process  # only a mistake needs it

    names = dict.fromkeys([entry.name for entry in stored] + [name for name, _ in _named()])
    keys = {name: _key(name) for name in names}
    nearest = process.extract(
        _key(text), keys, scorer=fuzz.ratio, limit=_SUGGESTIONS, score_cutoff=_LIKENESS
    )
    if not nearest:
        return f'no country "{text}": give an id, slug, ISO 3166 code or English name'
    return f'no country "{text}": did you mean {", ".join(name for _, _, name in nearest)}?'


def _key(name: str) -> str:
    """A name without case, accents and punctuation, so that a slug has its name's key."""
    name = name.casefold().replace("&", " and ")
    return "".join(char for char in unicodedata.normalize("NFKD", name) if char.isalnum())


@lru_cache(maxsize=1)
def _codes_by_name() -> dict[str, str]:
    """Code by key; a key that two countries share belongs to the first that claims it here."""
    codes: dict[str, str] = {}
    for name, code in _named():
        codes.setdefault(_key(name), code)
    return codes


def _named() -> Iterator[tuple[str, str]]:
    yield from ((name, code) for code, names in _NAMES.items() for name in names)
    for country in _iso_3166():
        for attribute in ("name", "common_name", "official_name"):
            name = getattr(country, attribute, None)
            if isinstance(name, str):
                yield name, country.alpha_2


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    """Alpha-2 by alpha-2 and alpha-3, in upper case."""
    codes = {code: alpha_2 for alpha_2, others in _CODES.items() for code in (alpha_2, *others)}
    for country in _iso_3166():
        codes[country.alpha_2] = codes[country.alpha_3] = country.alpha_2
    return codes


class _IsoCountry(Protocol):
    alpha_2: str
    alpha_3: str


def _iso_3166() -> Iterable[_IsoCountry]:
    import pycountry  # reading its tables takes longer than starting a command

    return pycountry.countries
