"""Pages that a script fills, read through the system's browser, and only those."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.crawling import Crawled, crawl, rows, scrapy
from tests.replica import Fault, Replica, World
from tests.truth import expected_partners, stored_partners

pytestmark = pytest.mark.chromium

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
LISTS = r"^/partners(\?|/page|/country|$)"
PROFILES = r"^/partners/[^/?]+-\d+$"


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def visit(site: Replica, store: str, render: str, **more: Any) -> Crawled:
    settings = {"PARTNER_RENDER": render, "CONCURRENT_REQUESTS": 8}
    spider = more.pop("spider", "partners")
    return crawl(site.url, store, NOON, settings | more, spider=spider)


def asked(site: Replica, pattern: str) -> list[str]:
    return [path for path in site.paths() if re.search(pattern, path)]


def outcomes(store: str) -> dict[tuple[str, str], int]:
    query = "SELECT kind, outcome, pages FROM run_outcomes"
    return {(row.kind, row.outcome): row.pages for row in rows(store, query)}


def browsers() -> list[str]:
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in processes.stdout.splitlines() if "host-resolver-rules" in line]


def test_pages_that_a_script_fills_are_read_once_more_in_the_browser(
    store: str, chromium: str
) -> None:
    world = World.generate(1, partners=100, countries=5)
    with Replica(world) as site:
        site.faults.append(Fault("scripted", match=LISTS))
        assert visit(site, store, "auto").state == "published"
        # The shell, the shell in the browser, and what its script fetches.
        assert len(asked(site, LISTS)) == 5 * 3
        assert stored_partners(store) == expected_partners(world)
        site.faults[:] = [Fault("scripted", match=PROFILES)]
        del site.log[:]
        crawled = visit(site, store, "auto", spider="recheck", PARTNER_RECHECK_LIMIT="6")
        assert crawled.state == "published"
        assert len(asked(site, PROFILES)) == 6 * 3
        seen = list(site.log)
    assert outcomes(store)["profile", "read"] == 6
    assert {agent.split("/")[0] for agent in (one.user_agent for one in seen)} == {"PartnerMonitor"}
    assert not [one for one in seen if "Cookie" in one.headers and "robots" in one.path_qs]


def test_only_documents_scripts_and_what_they_fetch_are_loaded(store: str, chromium: str) -> None:
    with Replica(World.generate(1, partners=60, countries=4)) as site:
        site.faults.append(Fault("scripted", match=LISTS))
        assert visit(site, store, "auto").state == "published"
        others = {path for path in site.paths() if not path.startswith("/partners")}
    assert others == {"/robots.txt", "/web/assets/fill.js"}


def test_a_page_now_and_then_that_needs_it_is_read_in_one_browser(
    store: str, chromium: str
) -> None:
    world = World.generate(1, partners=300, countries=8)
    with Replica(world, latency=0.01) as site:
        site.faults.append(Fault("scripted", match=r"/page/(2|3|5|6|7|9|11|12)\b"))
        crawled = visit(site, store, "auto")
    assert crawled.state == "published"
    assert crawled.stats["playwright/browser_count"] == 1
    assert crawled.stats["playwright/page_count"] == 8
    assert stored_partners(store) == expected_partners(world)
    assert browsers() == []


def test_a_page_that_stays_hollow_in_the_browser_is_hollow(store: str, chromium: str) -> None:
    with Replica(World.generate(1, partners=200, countries=5)) as site:
        site.faults.append(Fault("hollow", match=r"/page/(4|6)\?country_all"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("partner_monitor.rendering.FILL_TIME", 200)
            crawled = visit(site, store, "auto")
    assert crawled.state == "published"
    assert outcomes(store)["listing", "hollow"] == 2
    assert crawled.stats["playwright/page_count"] <= 4


def test_never_starts_no_browser(store: str) -> None:
    with Replica(World.generate(1, partners=200, countries=5)) as site:
        site.faults.append(Fault("scripted", match=r"/page/4\?country_all"))
        crawled = visit(site, store, "never")
    assert "playwright/page_count" not in crawled.stats
    assert outcomes(store)["listing", "hollow"] == 1


def test_always_reads_every_page_in_the_browser(store: str, chromium: str) -> None:
    world = World.generate(1, partners=60, countries=4)
    with Replica(world) as site:
        crawled = visit(site, store, "always")
        agents = {seen.user_agent for seen in site.log}
        assert len(asked(site, LISTS)) == 3
    assert crawled.state == "published"
    assert crawled.stats["playwright/page_count"] == 3
    assert len(agents) == 1
    assert agents.pop().startswith("PartnerMonitor/")
    assert stored_partners(store) == expected_partners(world)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("403", "refused"),
        ("reset", "unreachable"),
        ("cut_clean", "cut short"),
    ],
)
def test_what_the_browser_is_refused_has_its_name(
    store: str, chromium: str, kind: str, outcome: str
) -> None:
    with Replica(World.generate(1, partners=200, countries=5)) as site:
        site.faults.append(Fault(kind, match=r"/page/4\?country_all"))
        assert visit(site, store, "always", RETRY_TIMES=1).state == "published"
        assert len(asked(site, r"/page/4\?country_all")) <= 16
    assert outcomes(store)["listing", outcome] == 1


@pytest.mark.parametrize("elsewhere", ["127.0.0.2", "127.0.0.1"])
def test_the_browser_does_not_follow_to_another_host(
    store: str, chromium: str, elsewhere: str
) -> None:
    world = World.generate(1, partners=200, countries=5)
    with Replica(world) as site, Replica(world, host=elsewhere) as other:
        to = f"{other.url}/partners/page/4?country_all=True"
        site.faults.append(Fault("redirect_host", match=r"/page/4\?country_all", to=to))
        visit(site, store, "always")
        if elsewhere != "127.0.0.1":
            assert other.log == []
    assert outcomes(store)["listing", "redirected to another host"] == 1


def test_a_missing_browser_is_one_line_and_the_pages_are_hollow(store: str) -> None:
    with Replica(World.generate(1, partners=300, countries=5)) as site:
        site.faults.append(Fault("scripted", match=r"/page/(4|6)\?country_all"))
        crawled = visit(site, store, "auto", PARTNER_BROWSER="/nowhere/chromium")
    lines = [line.getMessage() for line in crawled.log if "PARTNER_BROWSER" in line.getMessage()]
    assert lines == [
        "a page comes without its content: PARTNER_BROWSER '/nowhere/chromium' is no browser"
    ]
    assert outcomes(store)["listing", "hollow"] == 2
    refused = scrapy(
        *("crawl", "partners"),
        PARTNER_RENDER="always",
        PARTNER_BROWSER="/nowhere/chromium",
        PARTNER_DATABASE_URL=store,
    )
    assert refused.returncode == 2
    assert refused.stderr == (
        "PARTNER_RENDER is always: PARTNER_BROWSER '/nowhere/chromium' is no browser\n"
    )


def test_a_browser_that_does_not_start_is_one_line_and_the_pages_are_hollow(store: str) -> None:
    with Replica(World.generate(1, partners=300, countries=5)) as site:
        site.faults.append(Fault("scripted", match=r"/page/(4|6)\?country_all"))
        crawled = visit(site, store, "auto", PARTNER_BROWSER="/bin/false")
    assert sum(line.getMessage().startswith("the browser ") for line in crawled.log) == 1
    assert crawled.errors == []
    assert outcomes(store)["listing", "hollow"] == 2


def test_a_run_that_needs_no_browser_imports_none(store: str) -> None:
    with Replica(World.generate(1, partners=40, countries=3)) as site:
        program = (
            "import sys; from scrapy.cmdline import execute\n"
            "try: execute(['scrapy', 'crawl', 'partners'])\n"
            "except SystemExit as end: assert not end.code, end.code\n"
            "print([name for name in sys.modules if 'playwright' in name])"
        )
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env={
                "PATH": "/usr/bin:/bin",
                "SCRAPY_SETTINGS_MODULE": "partner_monitor.settings",
                "PARTNER_SITE_URL": site.url,
                "PARTNER_DATABASE_URL": store,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert ended.stdout == "[]\n", ended.stderr
