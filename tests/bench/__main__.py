"""``python -m tests.bench NAME``: run a benchmark and print its table."""

from __future__ import annotations

import argparse
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.bench import export, views
from tests.bench.stores import Stores
from tests.parts import POSTGRES, postgres_url

BENCHMARKS: dict[str, Callable[[Stores], str]] = {"views": views.run, "export": export.run}
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
    with tempfile.TemporaryDirectory() as folder, _database() as database:
        stores = Stores(Path(folder), database, options.versions)
        print(_machine())
        for name in options.name or BENCHMARKS:
            print(f"\n{BENCHMARKS[name](stores)}", flush=True)
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


@contextmanager
def _database() -> Iterator[str]:
    """URL of an empty PostgreSQL database that lives as long as the benchmarks."""
    name = "partner_bench"
    engine = create_engine(postgres_url(), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"drop database if exists {name} with (force)"))
            connection.execute(text(f"create database {name} template template0"))
        yield postgres_url().set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.execute(text(f"drop database {name} with (force)"))
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
