"""Names made to hurt: stored as text, bounded, and no event."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.crawling import crawl, rows, scrapy
from tests.replica import Customer, Replica, World

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)

HOSTILE = {
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "&lt;b&gt; &amp;amp; </h5></div>": "&lt;b&gt; &amp;amp; </h5></div>",
    '=HYPERLINK("http://evil.example","x")': '=HYPERLINK("http://evil.example","x")',
    "+41 @SUM(1)": "+41 @SUM(1)",
    "Robert'); DROP TABLE partners;--": "Robert'); DROP TABLE partners;--",
    "%s %n %(name)s {0.__class__} {{7*7}}": "%s %n %(name)s {0.__class__} {{7*7}}",
    "invoice\u202egpj.exe \u2066x\u2069": "invoicegpj.exe x",
    "red \x1b[31malert\x07 bell": "red [31malert bell",
    "two\nlines\u2028and three": "two lines and three",
    "x" * 10_000: "x" * 1_000,
    "شركة المسار 🏆 Ünï": "شركة المسار 🏆 Ünï",
}


@pytest.fixture
def world() -> World:
    world = World.generate(1, partners=60, countries=4)
    for partner, name in zip(world.listed(), HOSTILE, strict=False):
        world.put(replace(partner, name=name))
    # Their customers have the same names.
    used = [partner for partner in world.listed() if partner.customers][: len(HOSTILE)]
    for partner, name in zip(used, HOSTILE, strict=False):
        number = partner.customers[0]
        world.customers[number] = Customer(number, name, "NGO")
    return world


def test_hostile_names_are_text_and_nothing_else(
    world: World, database_url: str, tmp_path: Path
) -> None:
    feed = tmp_path / "partners.jsonl"
    settings = {"FEEDS": {str(feed): {"format": "jsonlines", "encoding": "utf-8"}}}
    with Replica(world) as site:
        assert crawl(site.url, database_url, NOON, settings).state == "published"
        assert crawl(site.url, database_url, NOON, spider="recheck").state == "published"
        later = NOON + timedelta(days=1)
        assert crawl(site.url, database_url, later).state == "published"
        assert crawl(site.url, database_url, later, spider="recheck").state == "published"
    names = {row.id: row.name for row in rows(database_url, "SELECT id, name FROM partners")}
    assert names == {one.id: HOSTILE.get(one.name, one.name) for one in world.listed()}
    customers = {row.id: row.name for row in rows(database_url, "SELECT id, name FROM customers")}
    seen = {number for one in world.listed() for number in one.customers}
    assert customers == {
        number: HOSTILE.get(world.customers[number].name, world.customers[number].name)
        for number in seen
    }
    # The same names on the next day are no change.
    versions = "SELECT count(*) AS n FROM partner_versions"
    assert rows(database_url, versions)[0].n == 60
    exported = [json.loads(line) for line in feed.read_text("utf-8").splitlines()]
    assert {one["name"] for one in exported if "references_count" in one} == set(names.values())
    for command in (["report", "--format", "md"], ["report"], ["runs"], ["db", "check"]):
        said = scrapy(*command, PARTNER_DATABASE_URL=database_url)
        assert said.returncode == 0, said.stderr
        assert not {"\x1b", "\x07", "\u202e"} & set(said.stdout)
