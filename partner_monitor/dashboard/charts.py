"""What is drawn, as plain values, of which ``static/js/dashboard.js`` makes charts. No markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from partner_monitor.reports.charts import SHADES
from partner_monitor.store.dossiers import Version
from partner_monitor.store.figures import BUCKETS, STATUSES, CountryBar, Trends

STATUS_COLOURS = {status: SHADES[status].fill for status in STATUSES}

BUCKET_COLOURS = dict(zip(BUCKETS, ("#b2e2d3", "#66c2a4", "#2ca28b", "#13806f"), strict=True))
"""From light to dark, as the sizes go from small to large."""

INKS = {status: SHADES[status].ink for status in STATUSES} | {BUCKETS[-1]: "#fff"}
"""Of a number on a colour, where it is not black."""

FIELD_COLOURS = {
    "references_count": "#d55e00",
    "retention_rate": "#009e73",
    "average_project_size": "#56b4e9",
    "largest_project_size": "#cc79a7",
}
"""Of the lines on a partner's page."""

UP, DOWN, NET = "#2c7fb8", "#d95f0e", "#7f7f7f"


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Values of one colour, one for each category; None where there is none."""

    name: str
    colour: str
    data: Sequence[int | None]
    links: Sequence[str] = ()
    """Where a click on each leads."""
    line: bool = False
    ink: str = "#111"
    """Of a number on it."""
    right: bool = False
    """Whether it is measured on an axis of its own, on the right."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """``kind``: "bars" (lying, stacked), "columns" (stacked), "area" (stacked), "steps"."""

    kind: str
    title: str
    categories: Sequence[str]
    series: Sequence[Series]
    marks: Sequence[Mapping[str, str]] = ()
    """Instants worth a line across the chart: "at" and "text"."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def countries(
    title: str,
    bars: Sequence[CountryBar],
    colours: Mapping[str, str],
    link: Callable[[int, str], str],
) -> Chart:
    """A bar a country, its parts in the order of ``colours``; ``link`` of country and part."""
    return Chart(
        kind="bars",
        title=title,
        categories=[bar.country for bar in bars],
        series=[
            Series(
                name=part,
                colour=colour,
                ink=INKS.get(part, "#111"),
                data=[bar.counts[part] for bar in bars],
                links=[link(bar.country_id, part) for bar in bars],
            )
            for part, colour in colours.items()
            if any(bar.counts[part] for bar in bars)
        ],
    )


def over_time(trends: Trends) -> Chart:
    """Partners by status; the highest is on top."""
    return Chart(
        kind="area",
        title="Partners by status over time",
        categories=[day.isoformat() for day in trends.days],
        series=[
            Series(name=status, colour=STATUS_COLOURS[status], data=trends.partners[status])
            for status in reversed(STATUSES)
            if status in trends.partners
        ],
    )


def promotions(trends: Trends, link: Callable[[str, str], str]) -> Chart:
    """Promotions up, demotions down, what remains as a line; ``link`` of month and change type."""
    months = [f"{month.first_day:%Y-%m}" for month in trends.months]
    return Chart(
        kind="columns",
        title="Net promotions by month",
        categories=months,
        series=[
            Series(
                name="promoted",
                colour=UP,
                data=[month.promoted for month in trends.months],
                links=[link(month, "promoted") for month in months],
            ),
            Series(
                name="demoted",
                colour=DOWN,
                data=[-month.demoted for month in trends.months],
                links=[link(month, "demoted") for month in months],
            ),
            Series(
                name="net",
                colour=NET,
                data=[month.promoted - month.demoted for month in trends.months],
                line=True,
            ),
        ],
    )


def time_line(versions: Sequence[Version]) -> Chart:
    """A partner's figures, each holding until the next version; its statuses as marks."""
    shown = [version for version in versions for _ in _ends(version)]
    return Chart(
        kind="steps",
        title="Time line",
        categories=[end for version in versions for end in _ends(version)],
        series=[
            Series(
                name=field.replace("_", " "),
                colour=colour,
                data=[version.values[field] for version in shown],
                right=field == "largest_project_size",
            )
            for field, colour in FIELD_COLOURS.items()
            if any(version.values[field] is not None for version in shown)
        ],
        marks=[
            {"at": at.isoformat(), "text": text}
            for version, after in zip(versions, [*versions[1:], None], strict=True)
            for at, text in _marks(version, after)
        ],
    )


def _marks(version: Version, after: Version | None) -> Iterator[tuple[datetime, str]]:
    if not version.changed or "status" in version.changed:  # an arrival, a return, a step
        yield version.valid_from, version.values["status"] or "?"
    if version.valid_to is not None and (after is None or after.returned):
        yield version.valid_to, "gone"


def _ends(version: Version) -> Sequence[str]:
    begin = version.valid_from.isoformat()
    return (begin,) if version.valid_to is None else (begin, version.valid_to.isoformat())
