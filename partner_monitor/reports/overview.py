"""The overview: how many partners there are, what changed, and how old that knowledge is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from partner_monitor.reports.tables import print_table
from partner_monitor.store import reporting

CHANGES = (
    ("promoted", "Promoted"),
    ("demoted", "Demoted"),
    ("changed", "Changed status"),
    ("new", "New"),
    ("delisted", "Delisted"),
    ("relisted", "Relisted"),
    ("moved", "Moved to another country"),
    ("renamed", "Renamed"),
)


CUSTOMER_CHANGES = (
    ("won", "won", ("when", "partner", "country", "customer")),
    ("lost", "lost", ("when", "partner", "country", "customer")),
    ("moved", "moved", ("when", "customer", "before", "now")),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """All the report says, as values."""

    as_of: datetime | None
    """The instant of the last published run; None where there is none."""
    age_hours: float | None
    waiting: Sequence[int]
    """Quarantined runs that wait for a decision."""
    since: datetime
    statuses: Mapping[str, int]
    countries: Sequence[Mapping[str, Any]]
    changes: Mapping[str, Sequence[Mapping[str, Any]]]
    references: Sequence[Mapping[str, Any]]
    customers: Mapping[str, Sequence[Mapping[str, Any]]]
    missing: Sequence[Mapping[str, Any]]
    """Partners not found when last looked for, within their days of grace."""


def gather(engine: Engine, since: datetime, now: datetime, country_id: int | None) -> Overview:
    """Read the overview of changes in ``[since, now]``, of one country or of all."""
    as_of, waiting = reporting.freshness(engine)
    return Overview(
        as_of=as_of,
        age_hours=None if as_of is None else round((now - as_of).total_seconds() / 3600, 1),
        waiting=waiting,
        since=since,
        statuses=reporting.statuses(engine, country_id),
        countries=reporting.countries(engine, country_id),
        changes=reporting.changes(engine, since, country_id),
        references=reporting.reference_changes(engine, since, country_id),
        customers=reporting.customer_changes(engine, since, country_id),
        missing=reporting.missing(engine, country_id),
    )


def render(report: Overview, form: str) -> None:
    """Print ``report`` as ``text``, ``json`` or ``md``."""
    if form == "json":
        print(json.dumps(asdict(report), default=str, indent=2, ensure_ascii=False))
        return
    markdown = form == "md"
    _heading("Partners", markdown)
    if report.as_of is None:
        print("No run is published yet: scrapy crawl partners makes one.")
        return
    print(f"As of {report.as_of:%Y-%m-%d %H:%M} UTC ({report.age_hours:g} hours ago).")
    if report.waiting:
        runs = ", ".join(map(str, report.waiting))
        print(f"Waiting in quarantine: run {runs} (scrapy runs says why).")
    total = sum(report.statuses.values())
    by_status = ", ".join(f"{count} {status}" for status, count in report.statuses.items())
    print(f"{total} partners listed: {by_status or 'none'}.")
    _heading("By country", markdown)
    shown = report.countries if markdown else report.countries[:15]
    _table(
        ["country", "gold", "silver", "ready", "other", "total", "declared", "complete"],
        [
            [
                row["country"],
                row["gold"],
                row["silver"],
                row["ready"],
                row["other"],
                row["total"],
                row["listed_count"],
                {None: None, True: "yes", False: "no"}[row["complete"]],
            ]
            for row in shown
        ],
        (1, 2, 3, 4, 5, 6),
        markdown,
    )
    if len(report.countries) > len(shown):
        print(f"… and {len(report.countries) - len(shown)} more countries (--format md has all)")
    _heading(f"What changed since {report.since:%Y-%m-%d %H:%M} UTC", markdown)
    quiet = True
    for kind, title in CHANGES:
        rows = report.changes.get(kind, ())
        if rows:
            quiet = False
            _section(title, rows, ["when", "partner", "country", "before", "now"], markdown)
    if report.references:
        quiet = False
        _section(
            "References",
            report.references,
            ["when", "partner", "country", "before", "now"],
            markdown,
        )
    for kind, title, columns in CUSTOMER_CHANGES:
        rows = report.customers.get(kind, ())
        if rows:
            quiet = False
            _section(f"Customers {title}", rows, list(columns), markdown)
    if quiet:
        print("Nothing.")
    if report.missing:
        _heading(f"Missing, not delisted yet: {len(report.missing)}", markdown)
        _table(
            ["since", "partner", "country", "status"],
            [
                [f"{row['at']:%Y-%m-%d}", row["partner"], row["country"], row["before"]]
                for row in report.missing
            ],
            (),
            markdown,
        )


def _section(
    title: str, rows: Sequence[Mapping[str, Any]], columns: list[str], markdown: bool
) -> None:
    print(f"\n{'### ' if markdown else ''}{title}: {len(rows)}")
    shown = rows if markdown else rows[:20]
    _table(
        columns,
        [
            [f"{row['at']:%Y-%m-%d}" if name == "when" else row[name] for name in columns]
            for row in shown
        ],
        (),
        markdown,
    )
    if len(rows) > len(shown):
        print(f"… and {len(rows) - len(shown)} more (--format md or json has all)")


def _heading(text: str, markdown: bool) -> None:
    print(f"\n## {text}\n" if markdown else f"\n{text}\n{'-' * len(text)}")


def _table(
    headings: list[str], rows: list[list[Any]], right: Sequence[int], markdown: bool
) -> None:
    if not markdown:
        print_table(headings, rows, right)
        return
    print("| " + " | ".join(headings) + " |")
    print("|" + "|".join(" ---: " if i in right else " --- " for i in range(len(headings))) + "|")
    for row in rows:
        print("| " + " | ".join(_cell(value) for value in row) + " |")


def _cell(value: Any) -> str:
    """Text from pages must not become markup of the table."""
    text = "–" if value is None else str(value)
    for mark in ("\\", "|", "<", ">", "`", "*", "_", "[", "]"):
        text = text.replace(mark, f"\\{mark}")
    return text
