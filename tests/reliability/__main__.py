"""``python -m tests.reliability``: measure, and write the figures into docs/reliability.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, TypeVar

from tests.parts import POSTGRES
from tests.reliability import page
from tests.reliability.killing import Killing, Result
from tests.reliability.matrix import cases, run_all


class Measured(Protocol):
    @property
    def trouble(self) -> str: ...


One = TypeVar("One", bound=Measured)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.reliability",
        description="Crawl the replica with every fault on every kind of page, and kill crawls at "
        "200 points on each database; write what came of it into docs/reliability.md. Takes some "
        "five minutes, and ends with 1 if anything was false, lost or doubled.",
    )
    parser.add_argument("--print", action="store_true", help="print the tables, write nothing")
    parser.add_argument(
        "--only", choices=("faults", "kills"), help="one of the two tables (default: both)"
    )
    parser.add_argument("--jobs", type=int, default=2, help="kills at once (default: 2)")
    options = parser.parse_args()
    if options.only != "faults" and (fault := POSTGRES.fault()):
        parser.error(f"PostgreSQL is missing ({fault}): {POSTGRES.remedy}")
    tables: dict[str, str] = {}
    sound = True
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "kills":
            wanted = cases()
            cells = list(_told(run_all(Path(folder), wanted), len(wanted), "crawls"))
            tables["faults"] = page.faults_table(cells)
            sound = not any(cell.trouble for cell in cells)
        if options.only != "faults":
            tables["kills"], all_sound = _kill(Path(folder), options.jobs)
            sound = sound and all_sound
    for name, table in tables.items():
        if options.print:
            print(table)
        else:
            page.replace(name, table)
    return 0 if sound else 1


def _kill(folder: Path, jobs: int) -> tuple[str, bool]:
    results: dict[str, list[Result]] = {}
    at_stake: dict[str, int] = {}
    names = {"SQLite": "sqlite", "PostgreSQL": "postgresql"}
    for title, database in names.items():
        with ExitStack() as stack:
            killing = Killing(database, folder, jobs)
            killing.prepare(stack)
            points = killing.points()
            results[title] = list(_told(killing.strike(points), len(points), f"kills on {title}"))
            at_stake[title] = killing.at_stake
    all_sound = all(one.sound for of in results.values() for one in of)
    return page.kills_table(results, at_stake), all_sound


def _told(results: Iterable[One], count: int, what: str) -> Iterator[One]:
    """``results`` as they come, with a line on each that is not sound and now and then a count."""
    begun = told = time.monotonic()
    for number, one in enumerate(results, start=1):
        if one.trouble:
            print(f"NOT SOUND: {one.trouble}", file=sys.stderr)
        if number == count or time.monotonic() - told >= 10:
            told = time.monotonic()
            print(f"{number} of {count} {what}, {told - begun:.0f} s", file=sys.stderr)
        yield one


if __name__ == "__main__":
    sys.exit(main())
