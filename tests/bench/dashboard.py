"""How soon the dashboard's pages answer, also while runs are published."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median, quantiles

from partner_monitor.store.users import Role
from tests.bench.stores import Stores
from tests.crawling import ROOT, rows
from tests.dashboard.serving import Visitor, add_user, started
from tests.years.filling import END

PARTNERS, DAYS = 4_000, 730

VISITS = 40
"""Of each page, one after the other."""

READERS = 8
"""Who visit at once, beside a publish; each a fifth as often."""


CROWDED = ("start page", "customer moves", "customers, searched")
"""The pages that they visit: the first one, and the heaviest lists."""


def run(stores: Stores) -> str:
    """A row a page: median and 95th percentile, alone and while runs are published."""
    found = {name: _measure(url) for name, url in stores.years(PARTNERS, DAYS).items()}
    pages = next(iter(found.values()))
    when = ("alone", "during publishes", f"{READERS} readers, too")
    columns = [f"{name}, {each}" for name in found for each in when]
    lines = [
        f"{PARTNERS:,} partners, {DAYS} days; {VISITS} visits. Median, 95th percentile.",
        "",
        f"| ms | {' | '.join(columns)} |",
        f"| --- |{' --- |' * len(columns)}",
    ]
    for page in pages:
        cells = [times for each in found.values() for times in each[page]]
        told = " | ".join(
            f"{median(times):.0f}, {quantiles(times, n=20)[-1]:.0f}" if times else ""
            for times in cells
        )
        lines.append(f"| {page} | {told} |")
    return "\n".join(lines)


def _measure(url: str) -> dict[str, tuple[list[float], list[float], list[float]]]:
    add_user(url, "anna", Role.ADMIN)
    partner, country = (
        rows(url, f"SELECT {column} FROM partners GROUP BY 1 ORDER BY COUNT(*) DESC, 1 LIMIT 1")[0][
            0
        ]
        for column in ("id", "country_id")
    )
    busy = rows(
        url, "SELECT partner_id FROM partner_versions GROUP BY 1 ORDER BY COUNT(*) DESC, 1 LIMIT 1"
    )[0][0]
    run_id = rows(url, "SELECT MAX(id) FROM crawl_runs")[0][0]
    pages = {
        "start page": "/",
        "start page, one country": f"/?country={country}",
        "start page, one status and year": f"/?status=ready&year={END.year}",
        "partners": "/partners/list",
        "partners, searched": "/partners/list?q=data",
        "countries": "/countries/list",
        "status history": "/status-history/list",
        "references": "/references/list",
        "customers": "/customers/list",
        "customers, searched": "/customers/list?q=mills",
        "customer moves": "/moves/list",
        "runs": "/runs/list",
        "a partner": f"/partners/detail?pk={partner}",
        "the partner with most versions": f"/partners/detail?pk={busy}",
        "a country": f"/countries/detail?pk={country}",
        "a run": f"/runs/detail?pk={run_id}",
    }
    with started(url, PARTNER_NOW=f"{END}T12:00:00Z") as dashboard:
        visitor = Visitor(dashboard.url)
        visitor.log_in("anna")
        for path in pages.values():  # templates are read once
            assert visitor.get(path).status_code == 200, path
        alone = {page: _visits(visitor, path) for page, path in pages.items()}
        with _publishing(url):
            during = {page: _visits(visitor, path) for page, path in pages.items()}
            crowd = {page: _visits_at_once(dashboard.url, pages[page]) for page in CROWDED}
    return {page: (alone[page], during[page], crowd.get(page, [])) for page in pages}


def _visits(visitor: Visitor, path: str, visits: int = VISITS) -> list[float]:
    """Milliseconds of each visit."""
    times = []
    for _ in range(visits):
        begun = time.perf_counter()
        answer = visitor.get(path)
        times.append((time.perf_counter() - begun) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    return times


def _visits_at_once(url: str, path: str) -> list[float]:
    """Milliseconds of each visit of eight readers."""
    readers = [Visitor(url) for _ in range(READERS)]
    for reader in readers:
        reader.log_in("anna")
    with ThreadPoolExecutor(READERS) as pool:
        each = pool.map(lambda reader: _visits(reader, path, VISITS // 5), readers)
        return [taken for times in each for taken in times]


@contextmanager
def _publishing(url: str) -> Iterator[None]:
    """One run after the other is staged and published by another process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.publishing", url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()  # the first is published
        yield
        assert process.poll() is None, "nothing was published at the end"
    finally:
        process.terminate()
        process.wait(60)
