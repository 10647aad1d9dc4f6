"""``scrapy report --pdf``: every partner on paper, and nothing asked of anybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader

from partner_monitor.reports import charts
from tests.crawling import crawl, scrapy
from tests.replica import Replica, World

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Directory:
    site: Replica
    world: World
    store: str
    hostile: tuple[str, ...]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    """Two days of 400 partners, some of whose names would like to be markup."""
    store = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}"
    world = World.generate(7, partners=400, countries=20)
    with Replica(world) as site:
        hostile = (
            f'<img src="{site.url}/stolen">',
            f"</style></td><script src={site.url}/stolen></script>",
            f"<iframe src='{site.url}/stolen'>",
            f"<style>@import url({site.url}/stolen)</style>",
            "&lt;b&gt; &amp;amp; <!-- ]]>",
        )
        for partner, name in zip(world.listed(), hostile, strict=False):
            world.put(replace(partner, name=name))
        assert crawl(site.url, store, NOON).state == "published"
        with site.lock:
            world.promote(next(one.id for one in world.listed() if one.grade == "ready"))
        assert crawl(site.url, store, NOON + DAY).state == "published"
        yield Directory(site, world, store, hostile)


def report(store: str, *arguments: str, status: int = 0, **settings: Any) -> str:
    """What a report that goes as it should prints, or the one line of one that does not."""
    now = (NOON + 2 * DAY).isoformat()
    done = scrapy("report", *arguments, PARTNER_DATABASE_URL=store, PARTNER_NOW=now, **settings)
    assert done.returncode == status, done.stderr or done.stdout
    if status == 0:
        assert done.stderr == ""
        return done.stdout
    assert (done.stdout, done.stderr.count("\n")) == ("", 1), done.stderr
    return done.stderr.rstrip("\n")


def pages(file: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(file).pages]


def squeezed(text: str) -> str:
    """Without the breaks that a narrow column makes."""
    return "".join(text.split())


@pytest.mark.chromium
def test_every_partner_is_printed_under_headings_on_numbered_pages(
    directory: Directory, chromium: str, tmp_path: Path
) -> None:
    file = tmp_path / "partners.pdf"
    asked = len(directory.site.log)
    said = report(directory.store, "--pdf", str(file))
    listed = directory.world.listed()
    assert said == f"{file}: {len(listed)} partners\n"
    assert list(tmp_path.iterdir()) == [file]
    # A hostile name is text, and what it names was never asked for.
    assert len(directory.site.log) == asked
    found = pages(file)
    whole = squeezed("".join(found))
    for partner in listed:
        if max(partner.name) < "\u0590":  # from right to left the reader's order is its own
            assert squeezed(partner.name) in whole, partner.name
    assert set(directory.hostile) <= {partner.name for partner in listed}
    for status, count in Counter(partner.grade for partner in listed).items():
        assert f"{count} {status}" in found[0]
    assert "As of 2026-03-06 12:00 UTC. 400 partners listed" in found[0]
    assert "1promoted." in whole
    begins = next(number for number, page in enumerate(found) if "Partners: 400" in page)
    assert len(found) > begins + 3
    for number, page in enumerate(found):
        assert f"{number + 1} / {len(found)}" in page
        if number >= begins:
            assert page.count("First seen") == 1, number
    assert sum(page.count("2026-03-05") for page in found[begins:]) >= 400
    width, height = PdfReader(file).pages[0].mediabox[2:]
    assert (round(width), round(height)) == (596, 843)  # A4


@pytest.mark.chromium
def test_a_country_and_a_day_are_heeded_and_an_old_file_is_replaced(
    directory: Directory, chromium: str, tmp_path: Path
) -> None:
    file = tmp_path / "partners.pdf"
    file.write_text("last month's")
    country = directory.world.countries[directory.world.listed()[0].country_id or 0]
    there = [one for one in directory.world.listed() if one.country_id == country.id]
    asked = ("--country", country.name, "--since", "2026-03-07", "--pdf", str(file))
    assert report(directory.store, *asked) == f"{file}: {len(there)} partners\n"
    whole = " ".join(pages(file))
    assert f"Odoo partners in {country.name}" in whole
    assert f"Partners: {len(there)}" in whole
    assert "What changed since 2026-03-07 00:00 UTC" in whole
    assert "Nothing." in whole
    assert "Partners by day" not in whole


def test_without_a_browser_one_line_says_so_and_nothing_is_written(
    directory: Directory, tmp_path: Path
) -> None:
    file = tmp_path / "partners.pdf"
    asked = ("--pdf", str(file))
    said = report(directory.store, *asked, status=2, PATH="/nonexistent")
    assert said == (
        "--pdf needs a browser to print (Debian: apt install chromium), or set PARTNER_BROWSER"
    )
    said = report(directory.store, *asked, status=2, PARTNER_BROWSER="/no/browser")
    assert said == "PARTNER_BROWSER '/no/browser' is no browser"
    said = report(directory.store, *asked, status=2, PARTNER_BROWSER="/bin/false")
    assert said.startswith("the browser /bin/false does not print: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pdf", "/no/such/folder/a.pdf"), "--pdf: there is no folder /no/such/folder"),
        (("--pdf", "/"), "--pdf '/' is no file's name"),
        (("--pdf", "docs"), "--pdf 'docs' is no file's name"),
        (("--pdf", ""), "--pdf '' is no file's name"),
        (("--pdf", "a.pdf", "--format", "md"), "--pdf is a format of its own: leave --format out"),
    ],
)
def test_a_file_that_cannot_be_is_one_line(
    directory: Directory, arguments: tuple[str, ...], said: str
) -> None:
    assert report(directory.store, *arguments, status=2) == said


@pytest.mark.chromium
def test_before_the_first_run_there_is_nothing_to_print(chromium: str, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    assert scrapy("db", "upgrade", PARTNER_DATABASE_URL=store).returncode == 0
    said = report(store, "--pdf", str(tmp_path / "a.pdf"), status=2)
    assert said == "no run is published yet, there is nothing to print: scrapy crawl partners"
    assert not (tmp_path / "a.pdf").exists()


# --- the charts ----------------------------------------------------------------------------------


def counts(gold: int, silver: int, ready: int, other: int = 0) -> dict[str, int]:
    return {"gold": gold, "silver": silver, "ready": ready, "other": other}


def widths(svg: str, side: str) -> list[float]:
    return [float(rect.attrib[side]) for rect in ElementTree.fromstring(svg).iter("rect")]


def test_bars_are_as_long_as_their_numbers_and_names_are_text() -> None:
    svg = charts.bars([("A & <b>", counts(10, 20, 30)), ("B", counts(0, 0, 15))])
    gold, silver, ready, alone = widths(svg, "width")
    assert (silver, ready) == pytest.approx((2 * gold, 3 * gold), abs=0.2)
    assert alone == pytest.approx(ready / 2, abs=0.2)
    texts = [text.text for text in ElementTree.fromstring(svg).iter("text")]
    assert {"A & <b>", "60", "15"} <= set(texts)


@pytest.mark.parametrize("most", [0, 1, 4, 7, 60, 99, 3_800, 123_456])
def test_columns_stay_below_the_top_line_with_a_handful_of_round_numbers(most: int) -> None:
    svg = charts.columns([(date(2026, 3, 5), counts(0, 0, most))])
    lines = ElementTree.fromstring(svg).findall("line")
    assert 2 <= len(lines) <= 6
    assert all(height <= charts.PLOT for height in widths(svg, "height"))


def test_shades_differ_without_their_colours() -> None:
    def grey(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
        red, green, blue = (int(digits[at : at + 2], 16) for at in (0, 2, 4))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    light = sorted(grey(shade.fill) for shade in charts.SHADES.values())
    assert min(b - a for a, b in pairwise(light)) > 40
