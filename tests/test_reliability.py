"""The figures of docs/reliability.md hold: samples of the faults and of the kill points.
``python -m tests.reliability`` makes them all.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.parts import POSTGRES, need
from tests.reliability.killing import Killing, evenly
from tests.reliability.matrix import cases, run_all
from tests.reliability.page import PAGE, shown

SAMPLE = 40
"""Of some 190 cases; which ones differs with the number of cases only."""


def test_the_page_shows_every_fault_on_every_kind_of_page() -> None:
    missing = [case for case in cases() if shown(case) is None]
    assert missing == []
    assert "0 false events or values, 0 that miss something" in PAGE.read_text(encoding="utf-8")


def test_faults_come_to_what_the_page_says_and_write_nothing_false(tmp_path: Path) -> None:
    # A site that hangs is waited for: test_politeness.py has that, in less time.
    quick = [case for case in cases() if case.kind != "timeout"]
    always = [case for case in quick if case.reach == "now and then"]
    sample = always + evenly([case for case in quick if case not in always], SAMPLE - len(always))
    cells = list(run_all(tmp_path, sample))
    assert [cell.trouble for cell in cells if cell.trouble] == []
    assert [(cell.case, cell.text) for cell in cells] == [(one, shown(one)) for one in sample]


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def test_a_killed_run_loses_and_doubles_nothing(database: str, tmp_path: Path) -> None:
    if database == "postgresql":
        need(POSTGRES)
    with ExitStack() as stack:
        killing = Killing(database, tmp_path, jobs=2)
        killing.prepare(stack)
        assert len(killing.points()) >= 200
        results = list(killing.strike(killing.sample(24)))
    assert [result.trouble for result in results if not result.sound] == []
    assert len(results) == 24
