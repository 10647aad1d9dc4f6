"""``python -m tests.bench NAME``: run a benchmark and print its table."""

from __future__ import annotations

import argparse
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.bench import dashboard, export, publish, views, whole_run
from tests.bench.stores import Stores
from tests.parts import POSTGRES, postgres_url

BENCHMARKS: dict[str, Callable[[Stores], str]] = {
    "run": whole_run.run,
    "publish": publish.run,
    "views": views.run,
    "export": export.run,
    "dashboard": dashboard.run,
}
"""Name and function of each benchmark; a function takes the stores and gives a Markdown table."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./scripts/bench",
        description="Measure, and print a table with the machine and the versions.",
    )
    parser.add_argument("name", nargs="*", choices=[*BENCHMARKS, []], help="default: all of them")
    parser.add_argument(
        "--versions", type=int, default=1_000_000, help="rows of history (%(default)s)"
    )
    options = parser.parse_args()
    if fault := POSTGRES.fault():
        parser.error(f"PostgreSQL is missing ({fault}): {POSTGRES.remedy}")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as held:
        stores = Stores(Path(folder), held, options.versions)
        print(_machine())
        for benchmark in options.name or BENCHMARKS:
            print(f"\n{BENCHMARKS[benchmark](stores)}", flush=True)
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
    return (
        f"{model}; Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"PostgreSQL {server}, SQLAlchemy {version('SQLAlchemy')}"
    )


if __name__ == "__main__":
    sys.exit(main())
