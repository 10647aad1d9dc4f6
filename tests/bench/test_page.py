"""Where a benchmark's figures go."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import page
from tests.bench.__main__ import BENCHMARKS


def test_figures_replace_those_before_and_nothing_else(tmp_path: Path) -> None:
    here = tmp_path / "page.md"
    here.write_text("one\n<!-- a -->\nold\n<!-- /a -->\n<!-- b -->\n<!-- /b -->\nend\n")
    page.write("a", r"| \1 | new |", here)
    page.write("a", r"| \1 | newer |", here)
    assert here.read_text() == (
        "one\n<!-- a -->\n\n| \\1 | newer |\n\n<!-- /a -->\n<!-- b -->\n<!-- /b -->\nend\n"
    )
    with pytest.raises(ValueError, match="0 places for c"):
        page.write("c", "", here)


def test_every_benchmark_has_its_place(tmp_path: Path) -> None:
    copy = tmp_path / "performance.md"
    copy.write_text(page.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    for name in BENCHMARKS:
        page.write(name, f"figures of {name}", copy)
    assert [name for name in BENCHMARKS if f"figures of {name}" not in copy.read_text()] == []
