"""The page that figures are written to, each benchmark's in its own place."""

from __future__ import annotations

import re
from pathlib import Path

from tests.crawling import ROOT

PAGE = ROOT / "docs" / "performance.md"


def write(name: str, text: str, page: Path = PAGE) -> None:
    """Put ``text`` between ``<!-- name -->`` and ``<!-- /name -->``, which the page must have."""
    place = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)
    written, times = place.subn(lambda _: f"\n{text}\n\n", page.read_text(encoding="utf-8"))
    if times != 1:
        raise ValueError(f"{page} has {times} places for {name}")
    page.write_text(written, encoding="utf-8")
