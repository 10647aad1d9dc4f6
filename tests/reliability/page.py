"""docs/reliability.md: the tables between its markers, written and read again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from tests.crawling import ROOT
from tests.reliability.killing import Result
from tests.reliability.matrix import Case, Cell, PageKind, Reach

PAGE = ROOT / "docs" / "reliability.md"

_TITLES: Mapping[PageKind, str] = {
    "listing": "Listing pages",
    "profile": "Profiles",
    "robots": "robots.txt",
}
_REACHES: Mapping[PageKind, Sequence[Reach]] = {
    "listing": ("one page", "every page", "now and then"),
    "profile": ("one page", "every page", "now and then"),
    "robots": ("every page",),
}


def faults_table(cells: Iterable[Cell]) -> str:
    """The faults by kind of page, and what all of them come to."""
    found = list(cells)
    text = ""
    for on, title in _TITLES.items():
        here = {(one.case.name, one.case.reach): one for one in found if one.case.on == on}
        text += f"### {title}\n\n"
        text += _line("fault", *_REACHES[on]) + _line(*["---"] * (1 + len(_REACHES[on])))
        for name in dict.fromkeys(name for name, _ in here):
            row = [here.get((name, reach)) for reach in _REACHES[on]]
            text += _line(f"`{name}`", *(one.text if one else "–" for one in row))
        text += "\n"
    false = sum(len(one.false) for one in found)
    unexplained = sum(one.unexplained for one in found)
    return (
        f"{text}{len(found)} crawls: {false} false events or values, "
        f"{unexplained} that miss something and do not say so.\n"
    )


def shown(case: Case) -> str | None:
    """The cell of ``case`` that the page shows now; None where it shows none."""
    section = PAGE.read_text(encoding="utf-8").partition(f"### {_TITLES[case.on]}\n")[2]
    row = re.search(rf"^\| `{re.escape(case.name)}` \| (.*) \|$", section, re.MULTILINE)
    if row is None:
        return None
    cells = row[1].split(" | ")
    return cells[_REACHES[case.on].index(case.reach)]


def kills_table(results: Mapping[str, Sequence[Result]], at_stake: Mapping[str, int]) -> str:
    """The kill points of each database, and what they came to."""
    text = _line("kills", *results) + _line(*["---"] * (1 + len(results)))
    lines = {
        "points": [len(of) for of in results.values()],
        "… beside a commit": [_at(of, "commit") for of in results.values()],
        "… inside a publish": [_at(of, "statement") for of in results.values()],
        "events in the history at the end": list(at_stake.values()),
        "events lost": [sum(one.lost for one in of) for of in results.values()],
        "events doubled": [sum(one.doubled for one in of) for of in results.values()],
        "histories that differ in anything, pages fetched twice, violations": [
            sum(len(one.faults) for one in of) for of in results.values()
        ],
    }
    return text + "".join(_line(what, *map(str, counts)) for what, counts in lines.items())


def replace(name: str, table: str) -> None:
    """Put ``table`` between the page's markers ``name``."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    assert rest, f"{PAGE.name} has no marker {begin}"
    PAGE.write_text(f"{before}{begin}\n{table}{end}{after}", encoding="utf-8")


def _at(results: Sequence[Result], what: str) -> int:
    return sum(one.point.strike.what == what for one in results)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"
