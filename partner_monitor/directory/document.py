"""From the bytes of an answer to a parsed page, or to why it is none.

Knows pages of the site in general, but neither lists nor profiles.
"""

from __future__ import annotations

import re

from lxml import etree

from partner_monitor.directory.markup import Element, elements
from partner_monitor.items import Outcome

_END = re.compile(r"</html\s*>", re.IGNORECASE)
_BEGINNING = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!|html|head|body|$)",
    re.IGNORECASE | re.DOTALL,
)
_CHROME = etree.XPath(
    "//*[@id='wrapwrap' or @id='wrap' or @data-website-id]"
    " | //meta[@name='generator' and starts-with(@content, 'Odoo')]"
)
_SCRIPTS = etree.XPath("//script")
_SHOWN = etree.XPath(
    "descendant::*[not(self::script or self::style or self::noscript or self::template)]"
    "/text()[not(ancestor::head)]",
    smart_strings=False,
)
_SHELL_TEXT = 200
_TAIL = 10_000


class Unreadable(Exception):
    """The answer is no page, or not the whole of one."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(f"{outcome}: {detail}")
        self.outcome = outcome
        self.detail = detail


def parse(body: bytes, encoding: str) -> Element:
    """The page in ``body``; raises ``Unreadable`` for one that is empty, no HTML or cut short."""
    text = _decoded(body, encoding)
    if not text.strip():
        raise Unreadable(Outcome.HOLLOW, "an empty answer")
    if _BEGINNING.match(text) is None:
        raise Unreadable(Outcome.UNKNOWN_LAYOUT, f"no HTML, it begins {text.strip()[:80]!r}")
    if not _ends(text):
        raise Unreadable(Outcome.CUT_SHORT, f"{len(text)} characters, and no end of the page")
    try:
        root = etree.HTML(
            text.encode("utf-8", "replace"),
            etree.HTMLParser(encoding="utf-8", huge_tree=True),
        )
    except etree.LxmlError:
        root = None
    if root is None:
        raise Unreadable(Outcome.HOLLOW, "a page without any element")
    return root


def has_end(body: bytes) -> bool:
    """Whether the page in ``body`` is there to its end."""
    return _ends(body.decode("latin-1"))


def is_hollow(root: Element) -> bool:
    """Whether a page without the content asked for is a frame that a script would fill."""
    if elements(_CHROME, root):
        return True
    texts = _SHOWN(root)
    shown = len("".join(map(str, texts)).strip()) if isinstance(texts, list) else 0
    return not shown or (bool(elements(_SCRIPTS, root)) and shown < _SHELL_TEXT)


def _ends(text: str) -> bool:
    return _END.search(text, max(0, len(text) - _TAIL)) is not None


def _decoded(body: bytes, encoding: str) -> str:
    try:
        # What is UTF-8 throughout was written as UTF-8, whatever the answer declares: believing a
        # wrong declaration would rename every partner with an accent.
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        try:
            text = body.decode(encoding, "replace")
        except (LookupError, ValueError):  # no such encoding, or one that cannot replace
            text = body.decode("utf-8", "replace")
    return text.lstrip("\ufeff").replace("\x00", "\ufffd")
