"""What all layouts share: escaping, addresses, pagers, and pages that are cached with holes for
what differs at each request (tokens, image hashes, the visitor's city).
"""

from __future__ import annotations

import random
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from urllib.parse import quote

# Holes in a rendered page. NUL never occurs in HTML, so splitting at it finds them all.
TOKEN = "\0t\0"
CITY = "\0c\0"
ASSET = "\0a\0"
UNIQUE = "\0u\0"
# A hole that stays empty: cuts a page where a part shared by many pages begins or ends.
SEAM = "\0\0"

_CITIES = ("Des Moines", "Omaha", "Boydton", "San José", "Ashburn", "Quincy")

ENGLISH = "en_US"
# Prefix: (hreflang, native name). English has no prefix.
LANGUAGES: dict[str, tuple[str, str]] = {
    "ar": ("ar", "الْعَرَبيّة"),
    "ca_ES": ("ca", "Català"),
    "zh_CN": ("zh", "简体中文"),
    "zh_TW": ("zh-tw", "繁體中文"),
    "cs_CZ": ("cs", "Čeština"),
    "da_DK": ("da", "Dansk"),
    "nl_NL": ("nl", "Nederlands"),
    "en_US": ("en", "English"),
    "fi_FI": ("fi", "Suomi"),
    "fr_FR": ("fr", "Français"),
    "de_DE": ("de", "Deutsch"),
    "hi_IN": ("hi", "हिंदी"),
    "id_ID": ("id", "Bahasa Indonesia"),
    "it_IT": ("it", "Italiano"),
    "ja_JP": ("ja", "日本語"),
    "ko_KR": ("ko", "한국어"),
    "lt_LT": ("lt", "Lietuvių kalba"),
    "pl_PL": ("pl", "Język polski"),
    "pt_BR": ("pt", "Português"),
    "ro_RO": ("ro", "română"),
    "ru_RU": ("ru", "русский язык"),
    "sk_SK": ("sk", "Slovenský jazyk"),
    "sl_SI": ("sl", "Slovenščina"),
    "es": ("es", "Español (América Latina)"),
    "es_ES": ("es-es", "Español"),
    "sv_SE": ("sv", "Svenska"),
    "th_TH": ("th", "ภาษาไทย"),
    "tr_TR": ("tr", "Türkçe"),
    "uk_UA": ("uk", "українська"),
    "vi_VN": ("vi", "Tiếng Việt"),
}


@dataclass(frozen=True, slots=True)
class Site:
    """How the site writes its own addresses, and which stock version it is (None: odoo.com).
    ``origin`` is used in canonical links only.
    """

    origin: str
    encode_hrefs: bool = False
    stock: int | None = None

    def href(self, path: str, language: str = ENGLISH) -> str:
        """An escaped address inside the site, prefixed by the language."""
        prefixed = path if language == ENGLISH else f"/{language}{path}"
        if self.encode_hrefs:
            prefixed = quote(prefixed, safe="/?&=%:+,~")
        return escape(prefixed)


def text(value: str) -> str:
    """Escaped text, also for attributes."""
    return escape(value.replace("\0", ""))


def join_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def page_path(base: str, page: int, query: str) -> str:
    """Page 1 is linked without its number."""
    return join_query(base if page == 1 else f"{base}/page/{page}", query)


def ellipsis_pager(page: int, last: int) -> list[int | None]:
    """The numbers Odoo 19 shows, None for an ellipsis: first, last and the neighbours."""
    if last <= 5:
        return list(range(1, last + 1))
    if page <= 3:
        return [1, 2, 3, 4, None, last]
    if page >= last - 2:
        return [1, None, *range(last - 3, last + 1)]
    return [1, None, page - 1, page, page + 1, None, last]


def window_pager(page: int, last: int, scope: int = 7) -> list[int | None]:
    """The window of numbers Odoo 18 shows; the last page is often not among them."""
    first = max(page - (scope - 1) // 2, 1)
    end = min(first + scope - 1, last)
    first = max(1, min(first, end - scope + 1))
    return list(range(first, end + 1))


class Noise:
    """What one request is given that another is not; seeded, so that a test can repeat it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._token = f"{rng.getrandbits(160):040x}o{rng.randrange(1_700_000_000, 1_900_000_000)}"
        self._city = rng.choice(_CITIES)

    def fill(self, hole: str) -> bytes:
        if hole == "t":
            return self._token.encode()
        if hole == "c":
            return self._city.encode()
        return f"{self._rng.getrandbits(28):07x}".encode() if hole else b""


class _Chunk:
    """A part of pages that never changes, kept deflated once it was asked for deflated."""

    __slots__ = ("_deflated", "raw")

    def __init__(self, content: str) -> None:
        self.raw = content.encode()
        self._deflated: bytes | None = None

    def deflated(self) -> bytes:
        if self._deflated is None:
            squeeze = zlib.compressobj(4, zlib.DEFLATED, -15)
            # A full flush ends on a byte and forgets what came before, so that chunks can be
            # joined in any order into one stream.
            self._deflated = squeeze.compress(self.raw) + squeeze.flush(zlib.Z_FULL_FLUSH)
        return self._deflated


@lru_cache(maxsize=4096)
def _chunk(content: str) -> _Chunk:
    return _Chunk(content)


class Template:
    """A rendered page with holes; filling them takes well under a millisecond."""

    def __init__(self, rendered: str) -> None:
        parts = rendered.split("\0")
        self._chunks = [_chunk(part) if len(part) > 2000 else _Chunk(part) for part in parts[::2]]
        self._holes = [*parts[1::2], ""]

    def plain(self, noise: Noise) -> bytes:
        pieces: list[bytes] = []
        for chunk, hole in zip(self._chunks, self._holes, strict=True):
            pieces += (chunk.raw, noise.fill(hole))
        return b"".join(pieces)

    def gzipped(self, noise: Noise) -> bytes:
        """One gzip member, joined from chunks deflated before and stored blocks for the holes."""
        pieces = [b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"]
        check, size = 0, 0
        for chunk, hole in zip(self._chunks, self._holes, strict=True):
            filling = noise.fill(hole)
            pieces.append(chunk.deflated())
            if filling:
                length = len(filling)
                pieces.append(struct.pack("<BHH", 0, length, length ^ 0xFFFF) + filling)
            check = zlib.crc32(filling, zlib.crc32(chunk.raw, check))
            size += len(chunk.raw) + len(filling)
        pieces.append(b"\x01\x00\x00\xff\xff" + struct.pack("<II", check, size & 0xFFFFFFFF))
        return b"".join(pieces)
