"""What the site is asked for: pages and bytes of a first run, a steady day, and their rechecks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from tests.bench.stores import Stores
from tests.crawling import Crawled, crawl
from tests.replica import Replica, World

PARTNERS = 4_000

BEGAN = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)

_LIST = re.compile(r"/partners(?:/country/[^/?]*)?(?:/page/\d+)?(?:\?.*)?")


def run(stores: Stores) -> str:
    """A row a run, with what it asked for."""
    url = f"sqlite:///{stores.folder / 'asked.db'}"
    world = World.generate(1, PARTNERS)
    lines = [
        f"{PARTNERS:,} partners; rechecks without a limit. On the wire the pages are compressed.",
        "",
        "| | robots.txt | listing pages | profiles | MB on the wire |",
        f"|{' --- |' * 5}",
    ]
    with Replica(world) as site:

        def measure(name: str, crawled: Crawled) -> None:
            assert crawled.state == "published", crawled.errors
            paths = [unquote(path) for path in site.paths()]
            robots = paths.count("/robots.txt")
            lists = sum(_LIST.fullmatch(path) is not None for path in paths)
            lines.append(
                f"| {name} | {robots} | {lists:,} | {len(paths) - robots - lists:,} "
                f"| {sum(seen.size for seen in site.log) / 1e6:.1f} |"
            )
            del site.log[:]

        for day, name in enumerate(("first run", "unchanged day", "steady day")):
            told = ""
            if name == "steady day":
                with site.lock:
                    changes = world.drift()
                told = f", {len({change.partner_id for change in changes}):,} partners changed"
            now = BEGAN + day * timedelta(days=1)
            measure(name + told, crawl(site.url, url, now, mode="all"))
            later = now + timedelta(hours=1)
            measure("its recheck", crawl(site.url, url, later, spider="recheck", limit="10000"))
    return "\n".join(lines)
