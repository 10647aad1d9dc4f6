"""Reads of a profile's contact block what belongs to a company: its country and its website.

E-mail addresses, telephone numbers and streets are personal data and are never returned.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from partner_monitor.directory.markup import Element, lines_of, verbatim
from partner_monitor.directory.profile_parts import ProfileParts

MAX_WEBSITE = 255

_MAX_COUNTRY = 80
_NO_COUNTRY = re.compile(r"[\d@/:;+]")
_MAIL = re.compile(r"[^\s/@?=&#]@[^\s/@]+\.[^\s/@]")
_PHONE = re.compile(r"(?<![^\W_])\d(?:[\s().+_-]{0,3}\d){6,}(?![^\W_])")
_HOST = re.compile(r"(?:[\w-]{1,63}\.)+(?=[\w-]*[^\W\d_])[\w-]{2,63}\.?")
_UNFIT = re.compile(r"[\s\x00-\x20\x7f<>\"\\]")


def read_country(parts: ProfileParts) -> str | None:
    """The country: of its own where it is shown so, else the last line of the address.

    Partners without a country end their address with a town, so the name is one that looks like
    a country's; whether it is one, only the site's own menu can tell.
    """
    own = parts.only("addressCountry")
    if own is not None:
        return _country(verbatim(own))
    street = parts.only("streetAddress")
    # Lines are kept apart by breaks alone; anything else has swallowed what follows.
    if street is None or any(child.tag != "br" for child in street):
        return None
    lines = lines_of(street)
    return _country(lines[-1]) if lines else None


def read_website(parts: ProfileParts) -> str | None:
    """The address as shown, or else where its link leads; a mail address there is no website."""
    shown = parts.only("website")
    if shown is None:
        return None
    text = verbatim(shown) or ""
    if _MAIL.search(_unquoted(text)):
        return None
    return _website(text) or _website(_linked(shown))


def _country(name: str | None) -> str | None:
    if name is None or len(name) > _MAX_COUNTRY or _NO_COUNTRY.search(name):
        return None
    return name


def _linked(node: Element) -> str:
    links = [link for link in (node, *node.iterancestors("a")) if link.get("href")]
    return (links[0].get("href") or "").strip() if links else ""


def _website(url: str) -> str | None:
    """``url`` if it is an http address of a named host that holds no mail address or number."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return None
    plain = _unquoted(url)
    if (
        parts.scheme not in ("http", "https")
        or len(url) > MAX_WEBSITE
        or "@" in parts.netloc
        or not _HOST.fullmatch(host)
        or _UNFIT.search(url)
        or _MAIL.search(plain)
        or _PHONE.search(_unquoted(url.partition("//")[2].partition(parts.netloc)[2]))
    ):
        return None
    return url


def _unquoted(url: str) -> str:
    return unquote(unquote(url))
