"""A crawl from start to publish, beside what the site's latency and a bare parse would take.

The replica waits as long as the site does before each answer. A reader of the usual kind
(``tests.bench.reference``) reads the same site.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import requests
from lxml import etree

from tests.bench.stores import Stores
from tests.crawling import ROOT, rows, scrapy_environment
from tests.replica import Replica, World

PARTNERS, LATENCY, AT_ONCE = 4_000, 0.15, 12

PROFILES = 1_000

CHANGED = 0.05
"""The share of the partners with one more reference before the third run."""


_COMMON = "SELECT id, status, {}, certified_experts FROM {} ORDER BY id"


@dataclass(frozen=True)
class Measured:
    """What a process took: seconds by the clock and of CPU, MB at its peak; and what it asked."""

    wall: float
    cpu: float
    peak: float
    pages: int


def run(stores: Stores) -> str:
    """A row a run: its pages, time against the latency limit, CPU a page, memory."""
    world = World.generate(1, PARTNERS)
    with Replica(world, latency=LATENCY) as site:
        bodies = _pages(site)
        parse, size = _bare_parse(bodies), sum(map(len, bodies)) / len(bodies)
        measured: dict[str, Measured] = {}
        ours = f"sqlite:///{stores.folder / 'whole_run.db'}"
        theirs = f"sqlite:///{stores.folder / 'reference.db'}"
        for name in ("first run", "unchanged"):
            measured[name] = _crawl(site, ours, stores.folder)
        _change(site)
        measured[f"{CHANGED:.0%} changed"] = _crawl(site, ours, stores.folder)
        measured[f"recheck of {PROFILES:,}"] = _crawl(
            site, ours, stores.folder, "recheck", f"limit={PROFILES}"
        )
        for name in ("reference reader, first run", "reference reader, unchanged"):
            arguments = ("tests.bench.reference", site.url, theirs)
            measured[name] = _measure(site, stores.folder, arguments)
        # Both have read the same, and all of it.
        known = rows(ours, _COMMON.format("references_count", "partners"))
        assert len(known) == PARTNERS
        assert known == rows(theirs, _COMMON.format('"references"', "partner"))
    lines = [
        f"{PARTNERS:,} partners, pages of {size / 1000:.0f} kB, {LATENCY * 1000:.0f} ms of latency,"
        f" {AT_ONCE} requests at once. A bare lxml parse of a page takes {parse * 1000:.1f} ms.",
        "",
        "| | pages | wall, s | latency limit, s | CPU, s | CPU a page, ms | of a bare parse "
        "| of the reference | peak memory, MB |",
        f"|{' --- |' * 9}",
    ]
    reference = measured["reference reader, first run"]
    for name, one in measured.items():
        share = f"1/{reference.cpu / one.cpu:.1f}" if one.pages == reference.pages else ""
        a_page = one.cpu / one.pages
        lines.append(
            f"| {name} | {one.pages} | {one.wall:.1f} | {one.pages * LATENCY / AT_ONCE:.1f} "
            f"| {one.cpu:.1f} | {a_page * 1000:.1f} | {a_page / parse:.1f} | {share} "
            f"| {one.peak:.0f} |"
        )
    return "\n".join(lines)


def _crawl(
    site: Replica,
    database_url: str,
    folder: Path,
    spider: str = "partners",
    argument: str = "mode=all",
) -> Measured:
    wanted = {
        "DOWNLOAD_DELAY": 0,
        "CONCURRENT_REQUESTS": AT_ONCE,
        "CONCURRENT_REQUESTS_PER_DOMAIN": AT_ONCE,
        "PARTNER_SITE_URL": site.url,
        "PARTNER_DATABASE_URL": database_url,
    }
    settings = [word for name, value in wanted.items() for word in ("-s", f"{name}={value}")]
    return _measure(site, folder, ("scrapy", "crawl", spider, "-a", argument, *settings))


def _measure(site: Replica, folder: Path, arguments: Sequence[str]) -> Measured:
    """What ``python -m`` with these arguments takes."""
    del site.log[:]
    report = folder / "measured.json"
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("measured.py")), str(report), *arguments],
        cwd=ROOT,
        env=scrapy_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(done.stderr)
    pages = sum("/partners" in seen.path_qs for seen in site.log)
    return Measured(wall=wall, pages=pages, **json.loads(report.read_text(encoding="utf-8")))


def _pages(site: Replica) -> list[bytes]:
    """Every page as served; from then on the replica has them made, and no work to do."""
    site.latency = 0.0
    with requests.Session() as session:
        urls = (
            f"{site.url}/partners/page/{page}?country_all=True"
            for page in range(1, PARTNERS // 20 + 1)
        )
        bodies = [session.get(url, timeout=60).content for url in urls]
        session.get(f"{site.url}/partners?country_all=1", timeout=60)
    site.latency = LATENCY
    return bodies


def _bare_parse(bodies: Sequence[bytes]) -> float:
    """CPU seconds that lxml takes to parse one of these pages."""
    begun = time.process_time()
    for body in bodies:
        etree.HTML(body)
    return (time.process_time() - begun) / len(bodies)


def _change(site: Replica) -> None:
    with site.lock:
        every = round(1 / CHANGED)
        for partner in site.world.listed()[::every]:
            site.world.set_references(partner.id, partner.references + 1)
    _pages(site)
