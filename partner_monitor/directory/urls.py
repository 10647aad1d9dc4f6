"""The site's addresses: which page to ask for, and what a link on a page points at.

Pure strings. The number that ends a link is the identity; slugs and languages come and go.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

MAX_ID = 2**63 - 1

_LANG = r"(?:/[a-z]{2,3}(?:[_-][A-Za-z0-9]{2,8})*(?:@[a-z]+)?)?"
_ENDING = re.compile(r"(?:(?P<slug>.*[^-])-)?(?P<id>[1-9][0-9]{0,18})")
_PARTNER = re.compile(rf"{_LANG}/partners/(?P<ending>[^/]+)")
_COUNTRY = re.compile(rf"{_LANG}/partners(?:/grade/[^/]+)?/country/(?P<ending>[^/]+)/?")
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_PLAIN = re.compile(r"/(?!/)(?!.*/\.)[^\t\r\n\\]*\Z")
_CANONICAL = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@-]*\Z")
_UNSAFE = re.compile(r"""[\x00-\x20"<>\\^`{|}\x7f]|%(?![0-9A-Fa-f]{2})""")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class PartnerLink(NamedTuple):
    """A link to a partner's profile. ``profile_url`` has neither query nor fragment."""

    id: int
    slug: str
    profile_url: str


class Link(NamedTuple):
    """An address on the site: its origin, its canonical path, and its query as written."""

    origin: str
    path: str
    query: str


class CountryLink(NamedTuple):
    """A link to a country's list."""

    id: int
    slug: str


def directory_url(site: str) -> str:
    """The whole directory; the bare ``/partners`` is the visitor's country by IP address."""
    return f"{site.rstrip('/')}/partners?country_all=1"


def country_url(site: str, slug: str, id: int) -> str:
    """A country's list. The number alone will do where the slug is not known."""
    ending = f"{slug}-{id}" if slug else str(id)
    return f"{site.rstrip('/')}/partners/country/{ending}"


def page_url(site: str, page_link: str | None, first_url: str, page: int) -> str:
    """Page ``page`` of the list that starts at ``first_url``.

    ``page_link`` is the pager's own link form, a path and query with ``{page}`` for the number.
    """
    if page == 1:
        return first_url
    if page_link is not None:
        return site.rstrip("/") + page_link.replace("{page}", str(page))
    path, _, query = first_url.partition("#")[0].partition("?")
    # The site itself links further pages of the whole directory with "True", the first with "1".
    query = re.sub(r"(?<![^&])country_all=[^&]*", "country_all=True", query)
    return f"{path.rstrip('/')}/page/{page}" + (f"?{query}" if query else "")


def read_ending(segment: str) -> tuple[int, str] | None:
    """Number and slug of ``<slug>-<id>`` or ``<id>``; None if it is neither."""
    match = _ENDING.fullmatch(segment)
    if match is None or int(match["id"]) > MAX_ID:
        return None
    return int(match["id"]), match["slug"] or ""


def partner_link(href: str, base: str) -> PartnerLink | None:
    """What ``href`` on the page ``base`` says of a partner, if it links to one on this site."""
    link = resolve(href, base)
    match = _PARTNER.fullmatch(link.path) if link else None
    ending = read_ending(match["ending"]) if match else None
    if link is None or ending is None:
        return None
    return PartnerLink(ending[0], ending[1], link.origin + link.path)


def country_of(path: str) -> CountryLink | None:
    """The country whose list a canonical path is, with or without a grade."""
    match = _COUNTRY.fullmatch(path)
    ending = read_ending(match["ending"]) if match else None
    return CountryLink(*ending) if ending else None


def resolve(href: str, base: str) -> Link | None:
    """Where ``href`` on the page ``base`` leads, with a canonical path; None if off the site."""
    href = href.strip()
    try:
        origin = _origin_of(base)
        if not _PLAIN.match(href):
            parts = urlsplit(urljoin(base, href))
            if _origin(parts) != _origin(urlsplit(base)) or parts.scheme not in _DEFAULT_PORTS:
                return None
            return Link(origin, canonical_path(parts.path), parts.query)
    except ValueError:  # a broken host or port
        return None
    path, _, query = href.partition("#")[0].partition("?")
    return Link(origin, canonical_path(path), query)


@lru_cache(maxsize=8)
def _origin_of(base: str) -> str:
    scheme, host, port = _origin(urlsplit(base))
    if scheme not in _DEFAULT_PORTS or not host:
        raise ValueError(f"not the address of a page: {base!r}")
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" + (f":{port}" if port != _DEFAULT_PORTS[scheme] else "")


def canonical_path(path: str) -> str:
    """One spelling for one path: non-ASCII shown as such, ASCII escapes kept, in upper case.

    Pages write the same slug raw or percent-encoded. Blanks and controls stay encoded.
    """
    if _CANONICAL.match(path):
        return path
    shown = _ESCAPES.sub(lambda match: _decode(match.group()), path)
    shown = _UNSAFE.sub(lambda match: _encode(match.group()), shown)
    if shown.isascii():
        return shown
    return "".join(char if char.isascii() or _is_shown(char) else _encode(char) for char in shown)


def _decode(escapes: str) -> str:
    raw, shown, position = bytes.fromhex(escapes.replace("%", "")), "", 0
    while position < len(raw):
        for length in (2, 3, 4) if raw[position] >= 0x80 else ():
            try:
                shown += raw[position : position + length].decode()
            except UnicodeDecodeError:
                continue
            position += length
            break
        else:
            shown += f"%{raw[position]:02X}"
            position += 1
    return shown


def _is_shown(char: str) -> bool:
    return not char.isspace() and not 0x80 <= ord(char) < 0xA0 and not 0xD800 <= ord(char) < 0xE000


def _encode(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
