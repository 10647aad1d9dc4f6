"""``python -m tests.years DATABASE_URL``: fill an empty store with years of invented history."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date

from partner_monitor.store import check
from partner_monitor.store.engine import StoreError, open_engine
from tests.years.directory import Day
from tests.years.filling import END, build, publish_daily


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.years",
        description="Fill an empty store with years of daily runs over an invented directory, and "
        "check it. The same arguments give the same rows on SQLite and PostgreSQL.",
    )
    parser.add_argument("database_url", metavar="DATABASE_URL", help="SQLAlchemy URL of the store")
    parser.add_argument("--partners", type=int, default=4000, help="on day one (%(default)s)")
    parser.add_argument("--days", type=int, default=730, help="of history (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same rows (1)")
    parser.add_argument(
        "--end", type=date.fromisoformat, default=END, help="last day (%(default)s)"
    )
    parser.add_argument(
        "--publish",
        action="store_true",
        help="stage and publish each day as a crawl does it: the same history, in minutes",
    )
    options = parser.parse_args()
    what = {name: getattr(options, name) for name in ("partners", "days", "seed", "end")}
    begun = time.monotonic()
    engine = open_engine(options.database_url)
    try:
        if options.publish:
            publish_daily(engine, **what, progress=_Progress())
        else:
            build(engine, **what)
        print(f"filled in {time.monotonic() - begun:.1f} s", file=sys.stderr)
        violations = list(check.violations(engine))
    except StoreError as error:
        parser.error(str(error))
    finally:
        engine.dispose()
    for violation in violations:
        print(violation)
    return 1 if violations else 0


class _Progress:
    """A line every ten seconds."""

    def __init__(self) -> None:
        self._begun = self._told = time.monotonic()
        self._days = 0

    def __call__(self, day: Day) -> None:
        self._days += 1
        now = time.monotonic()
        if now - self._told >= 10:
            self._told = now
            each = (now - self._begun) / self._days
            print(f"{day.on}: {self._days} days, {each:.2f} s a day", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
