"""A million rows to a file of each format: rows a second, and the memory that it takes."""

from __future__ import annotations

import subprocess
import sys

from tests.bench.stores import Stores
from tests.crawling import ROOT, scrapy_environment

FORMATS = (".csv", ".jsonl", ".parquet", ".xlsx")

_MEASURED = """
import sys, time
from pathlib import Path
from partner_monitor.reports.files import export
from partner_monitor.store.engine import open_engine
url, name, target = sys.argv[1:]
begun = time.perf_counter()
rows = export(open_engine(url), name, Path(target), lambda rows: None).rows
took = time.perf_counter() - begun
# Not ru_maxrss, which begins with what the process that started this one had.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0]) / 1024
print(rows, took, peak, Path(target).stat().st_size / 2**20)
"""


def run(stores: Stores) -> str:
    """``partner_versions`` in each format from each database, each in a process of its own."""
    lines = [
        "| `partner_versions` to | from | rows | rows/s | peak memory, MB | file, MB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for ending in FORMATS:
        for name, url in stores.urls.items():
            target = stores.folder / f"versions{ending}"
            measured = subprocess.run(
                [sys.executable, "-c", _MEASURED, url, "partner_versions", str(target)],
                cwd=ROOT,
                env=scrapy_environment(),
                capture_output=True,
                text=True,
                check=True,
            )
            rows, took, peak, size = map(float, measured.stdout.split())
            lines.append(
                f"| {ending[1:]} | {name} | {rows:,.0f} | {rows / took:,.0f} | {peak:,.0f} "
                f"| {size:,.0f} |"
            )
    return "\n".join(lines)
