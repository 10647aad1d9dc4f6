"""``python -m tests.bench NAME``: run a benchmark and print its table."""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.bench import asked, dashboard, export, page, publish, views, whole_run
from tests.bench.stores import Stores
from tests.parts import POSTGRES, postgres_url

BENCHMARKS: dict[str, Callable[[Stores], str]] = {
    "run": whole_run.run,
    "requests": asked.run,
    "publish": publish.run,
    "views": views.run,
    "export": export.run,
    "dashboard": dashboard.run,
}
"""Name and function of each benchmark; a function takes the stores and gives a Markdown table."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./scripts/bench",
        description="Measure, and write a table with the machine and the versions.",
    )
    parser.add_argument("name", nargs="*", metavar="NAME", help="default: all of them")
    parser.add_argument(
        "--versions", type=int, default=1_000_000, help="rows of history (%(default)s)"
    )
    parser.add_argument(
        "--print", action="store_true", help="print only, and leave docs/performance.md as it is"
    )
    options = parser.parse_args()
    if unknown := set(options.name) - BENCHMARKS.keys():
        known = ", ".join(BENCHMARKS)
        parser.error(f"there is no benchmark {sorted(unknown)[0]!r}: there are {known}")
    if fault := POSTGRES.fault():
        parser.error(f"PostgreSQL is missing ({fault}): {POSTGRES.remedy}")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as held:
        stores = Stores(Path(folder), held, options.versions)
        where = f"{date.today()}: {_machine()}"
        for name in options.name or BENCHMARKS:
            figures = f"{BENCHMARKS[name](stores)}\n\n{where}"
            print(f"\n{name}\n\n{figures}", flush=True)
            if not options.print:
                page.write(name, figures)
    return 0


def _machine() -> str:
    engine = create_engine(postgres_url())
    with engine.connect() as connection:
        server = connection.execute(text("SHOW server_version")).scalar_one().split()[0]
    engine.dispose()
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    versions = {
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "PostgreSQL": server,
    } | {name: version(name) for name in ("SQLAlchemy", "Scrapy", "lxml")}
    told = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f"{os.cpu_count()} cores of {model}; {told}"


if __name__ == "__main__":
    sys.exit(main())
