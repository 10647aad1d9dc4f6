"""The report for paper: one page of HTML that asks for nothing else, made into a PDF by a browser.

Every word from the store is text here and never markup; scripts do not run, no host is asked.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from partner_monitor.history.ladder import RANK
from partner_monitor.reports import charts
from partner_monitor.reports.overview import CHANGES, Overview
from partner_monitor.store import reporting

TOP_COUNTRIES = 15
"""Countries that have a bar."""

MOST_COLUMNS = 60
"""Days that have a column; of a longer time, days at equal distances."""

MOST_CHANGES = 100
"""Changes that are told one by one; --format md has all."""

PRINT_TIME = 120_000
"""Milliseconds that the browser has to lay a report out; 4,000 partners take it some seconds."""

STYLE = """
    body { font: 9.5pt/1.35 "Noto Sans", "DejaVu Sans", Arial, sans-serif; color: #222; margin: 0;
        font-variant-ligatures: none /* so that a name can be searched for */ }
    h1 { font-size: 18pt; margin: 0 0 2pt }
    h2 { font-size: 12pt; margin: 16pt 0 5pt; break-after: avoid }
    p { margin: 0 0 4pt }
    .note { color: #555; font-size: 8.5pt }
    .chart { width: 100%; display: block; break-inside: avoid; font-size: 11px }
    .legend { margin-bottom: 7pt }
    .key { margin-right: 14pt }
    .swatch { margin-right: 4pt; vertical-align: -1px }
    table { width: 100%; border-collapse: collapse; table-layout: fixed; font-size: 8pt }
    th { text-align: left; border-bottom: 1pt solid #444; padding: 3pt 6pt 2pt 0 }
    td { border-bottom: .4pt solid #bbb; padding: 1.2pt 6pt 1.2pt 0; vertical-align: top;
        overflow-wrap: anywhere; unicode-bidi: isolate }
    tr { break-inside: avoid }
    col.day { width: 20mm } col.value { width: 33mm } col.country { width: 36mm }
"""

FOOTER = """<div style="font: 7.5pt sans-serif; color: #555; width: 100%; padding: 0 15mm;
    display: flex; justify-content: space-between"><span>Partner Monitor, {as_of}</span>
    <span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>"""


class NotPrinted(Exception):
    """The browser did not do it; the message is one line for the user."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Printable:
    """What is printed beside the overview."""

    overview: Overview
    place: str
    """The one country that it is about; empty: all."""
    partners: Sequence[Mapping[str, Any]]
    days: Mapping[date, Mapping[str, int]]
    """Partners by status on each day since the overview's."""


def gather(engine: Engine, report: Overview, country_id: int | None, place: str) -> Printable:
    """Read what ``report`` lacks for paper."""
    return Printable(
        overview=report,
        place=place,
        partners=reporting.listed(engine, country_id),
        days=reporting.daily(engine, report.since.date(), country_id),
    )


def html(printable: Printable) -> str:
    """The page, whole in itself."""
    report = printable.overview
    assert report.as_of is not None
    title = f"Odoo partners in {printable.place}" if printable.place else "Odoo partners"
    statuses = ", ".join(f"{count:,} {escape(name)}" for name, count in report.statuses.items())
    total = sum(report.statuses.values())
    return "".join(
        [
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
            '<meta http-equiv="Content-Security-Policy" ',
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            f"<p>As of {report.as_of:%Y-%m-%d %H:%M} UTC. ",
            f"{total:,} partners listed: {statuses or 'none'}.</p>",
            _by_country(report),
            _by_day(printable),
            _changes(report),
            _partners(printable.partners),
            "</body></html>",
        ]
    )


def write_pdf(page: str, as_of: str, file: Path, browser: str) -> None:
    """Print ``page`` to ``file`` with the browser at that path; raises NotPrinted or OSError.

    The file appears whole or not at all.
    """
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=browser,
                chromium_sandbox=os.geteuid() != 0,  # root cannot have it
                args=["--host-resolver-rules=MAP * ~NOTFOUND"],
            )
            try:
                context = chromium.new_context(java_script_enabled=False, offline=True)
                sheet = context.new_page()
                sheet.set_content(page, timeout=PRINT_TIME)
                printed = sheet.pdf(
                    format="A4",
                    margin={"top": "15mm", "bottom": "18mm", "left": "15mm", "right": "15mm"},
                    print_background=True,
                    display_header_footer=True,
                    header_template="<span></span>",
                    footer_template=FOOTER.format(as_of=escape(as_of)),
                )
            finally:
                chromium.close()
    except Error as error:
        cause = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise NotPrinted(f"the browser {browser} does not print: {cause}") from None
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        part.write_bytes(printed)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _by_country(report: Overview) -> str:
    there = [row for row in report.countries if row["total"]]
    rows = [
        (row["country"], {name: int(row[name]) for name in charts.SHADES})
        for row in there[:TOP_COUNTRIES]
    ]
    note = ""
    if len(there) > len(rows):
        rest = sum(row["total"] for row in there[TOP_COUNTRIES:])
        note = f"<p class='note'>{rest:,} more partners in {len(there) - len(rows)} more countries."
    return (
        "<h2>Partners by country and status</h2>"
        f"<p class='legend'>{charts.legend()}</p>{charts.bars(rows)}{note}"
    )


def _by_day(printable: Printable) -> str:
    days = sorted(printable.days)
    # Counted from the newest day, which is always there.
    shown = days[:: -max(1, -(-len(days) // MOST_COLUMNS))][::-1]
    columns = [(day, _classes(printable.days[day])) for day in shown]
    return f"<h2>Partners by day and status</h2>{charts.columns(columns)}" if columns else ""


def _classes(statuses: Mapping[str, int]) -> Mapping[str, int]:
    counts = dict.fromkeys(charts.SHADES, 0)
    for status, count in statuses.items():
        counts[status if status in counts else "other"] += count
    return counts


def _changes(report: Overview) -> str:
    told = [(title, row) for kind, title in CHANGES for row in report.changes.get(kind, ())]
    heading = f"<h2>What changed since {report.since:%Y-%m-%d %H:%M} UTC</h2>"
    if not told:
        return f"{heading}<p>Nothing.</p>"
    counts = ", ".join(
        f"{len(report.changes[kind]):,} {title.lower()}"
        for kind, title in CHANGES
        if report.changes.get(kind)
    )
    table = _table(
        {"When": "day", "What": "day", "Partner": "", "Country": "country", "Before": "value",
         "Now": "value"},
        [
            (f"{row['at']:%Y-%m-%d}", title, row["partner"], row["country"], row["before"],
             row["now"])
            for title, row in told[:MOST_CHANGES]
        ],
    )  # fmt: skip
    more = len(told) - MOST_CHANGES
    note = f'<p class="note">… and {more:,} more (--format md has all)</p>' if more > 0 else ""
    return f"{heading}<p>{counts}.</p>{table}{note}"


def _partners(partners: Sequence[Mapping[str, Any]]) -> str:
    def place(row: Mapping[str, Any]) -> tuple[bool, str, int, str, int]:
        country = row["country"]
        rank = -RANK.get(row["status"], -1)
        return country is None, (country or "").casefold(), rank, row["name"].casefold(), row["id"]

    rows = [
        (row["name"], row["country"], row["status"], f"{row['first_seen_on']:%Y-%m-%d}")
        for row in sorted(partners, key=place)
    ]
    table = _table({"Name": "", "Country": "country", "Status": "day", "First seen": "day"}, rows)
    return f"<h2>Partners: {len(rows):,}</h2>{table}"


def _table(headings: Mapping[str, str], rows: Sequence[Sequence[str | None]]) -> str:
    """``headings`` with the class of each column; None shows as a dash."""
    widths = "".join(f'<col class="{width}">' for width in headings.values())
    head = "".join(f"<th>{heading}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><colgroup>{widths}</colgroup><thead><tr>{head}</tr></thead>{body}</table>"


def _cell(value: str | None) -> str:
    if value is None:
        return "–"
    mark = charts.swatch(value) if value in charts.SHADES else ""
    return mark + escape(value)
