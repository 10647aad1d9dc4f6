"""A good guest: what the site asks for is heeded, what it refuses is not asked for again and again,
and whatever it sends is bounded and named.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.crawling import FAST, Crawled, crawl, rows
from tests.replica import Fault, Replica, Seen, World
from tests.truth import expected_partners, stored_partners

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)

SMALL = {"DOWNLOAD_MAXSIZE": 1_000_000, "DOWNLOAD_WARNSIZE": 0}
"""Sizes at which a flood is a flood, smaller than the real ones to be quick."""


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def visit(site: Replica, store: str, mode: str = "all", **settings: Any) -> Crawled:
    return crawl(site.url, store, NOON, settings, mode=mode)


def ledger(store: str) -> tuple[str, str]:
    run = rows(store, "SELECT state, reason FROM crawl_runs ORDER BY id DESC LIMIT 1")[0]
    return run.state, run.reason


def outcomes(store: str) -> dict[int, str]:
    """What came of each page of the whole directory that was not read."""
    query = """SELECT page, outcome FROM staged_pages
        WHERE list_country_id = 0 AND outcome <> 'read' ORDER BY page"""
    return {row.page: row.outcome for row in rows(store, query)}


def listings(site: Replica) -> list[Seen]:
    return [seen for seen in site.log if seen.path_qs.startswith("/partners")]


# --- what the site asks for ----------------------------------------------------------------------


@pytest.mark.parametrize("agent", ["*", "PartnerMonitor"])
def test_what_robots_txt_forbids_is_not_fetched(store: str, agent: str) -> None:
    with Replica(World.generate(1, partners=60, countries=5)) as site:
        site.robots = f"User-agent: {agent}\nDisallow: /partners\n"
        assert visit(site, store).state == "failed"
        assert site.paths() == ["/robots.txt"]
    state, reason = ledger(store)
    assert state == "failed"
    assert "forbidden by robots.txt" in reason


def test_what_robots_txt_forbids_others_is_fetched(store: str) -> None:
    with Replica(World.generate(1, partners=60, countries=5)) as site:
        site.robots = "User-agent: Greedy\nDisallow: /\n\nUser-agent: *\nDisallow: /shop\n"
        assert visit(site, store).state == "published"


def test_the_crawl_delay_of_robots_txt_lies_between_the_requests(store: str) -> None:
    with Replica(World.generate(1, partners=120, countries=5), crawl_delay=0.2) as site:
        assert visit(site, store).state == "published"
        asked = [seen.time_monotonic for seen in listings(site)]
    assert len(asked) == 6
    # The log has when each was answered: what a slow first answer takes away is given back here.
    assert asked[-1] - asked[1] >= 0.2 * (len(asked) - 2) - 0.1


def test_a_pace_slower_than_the_crawl_delay_stays_as_it_is(store: str) -> None:
    with Replica(World.generate(1, partners=60, countries=5), crawl_delay=0.01) as site:
        settings: dict[str, Any] = {"DOWNLOAD_DELAY": 0.2, "DOWNLOAD_DELAY_JITTER": 0}
        assert visit(site, store, **settings).state == "published"
        asked = [seen.time_monotonic for seen in site.log]
    assert asked[-1] - asked[1] >= 0.2 * (len(asked) - 2) - 0.1


def test_every_request_says_who_asks_and_in_which_language(store: str) -> None:
    with Replica(World.generate(1, partners=120, countries=5)) as site:
        site.faults.append(Fault("500", match=r"/page/2\?", times=1))
        visit(site, store)
        log = list(site.log)
    assert len(log) == 1 + 6 + 1
    for seen in log:
        assert seen.user_agent.startswith("PartnerMonitor/")
        assert "(+https://" in seen.user_agent
        assert seen.headers["Accept-Language"] == "en"
        assert "Cookie" not in seen.headers


def test_retry_after_is_waited_for_by_the_whole_site(store: str) -> None:
    with Replica(World.generate(1, partners=300, countries=5)) as site:
        site.faults.append(Fault("429", match="/page/", after=2, times=1, retry_after=1))
        settings: dict[str, Any] = {"CONCURRENT_REQUESTS_PER_DOMAIN": 2, "DOWNLOAD_DELAY": 0.02}
        assert visit(site, store, **settings).state == "published"
        log = listings(site)
    refused = next(seen for seen in log if seen.status == 429)
    after = [seen for seen in log if seen.time_monotonic > refused.time_monotonic]
    early = [seen for seen in after if seen.time_monotonic < refused.time_monotonic + 0.95]
    # What was under way already could not be called back; nothing else was asked meanwhile, what
    # waited in the downloader's queue included.
    assert len(early) <= 3
    assert len(after) > 8


@pytest.mark.parametrize("retry_after", ["soon", "-5", "", "Thu, 05 Mar 2026 06:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_the_usual_wait(store: str, retry_after: str) -> None:
    with Replica(World.generate(1, partners=60, countries=5)) as site:
        site.faults.append(Fault("429", match="/partners", times=1, retry_after=retry_after))
        assert visit(site, store).state == "published"


def test_a_site_that_asks_to_stay_away_for_long_is_left_alone(store: str) -> None:
    with Replica(World.generate(1, partners=60, countries=5)) as site:
        site.faults.append(Fault("429", match="/partners", retry_after=86_400))
        crawled = visit(site, store)
        assert len(listings(site)) == 1
    assert crawled.state == "failed"
    assert "giving up: the site asks to stay away for 86400 s" in crawled.errors


def test_each_further_refusal_doubles_the_wait_of_the_whole_site(store: str) -> None:
    with Replica(World.generate(1, partners=200, countries=5)) as site:
        site.faults.append(Fault("529", match=r"/page/", times=3))
        settings: dict[str, Any] = {
            "CONCURRENT_REQUESTS": 1,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
            "PARTNER_BACKOFF_SECONDS": "0.1",
        }
        crawled = visit(site, store, **settings)
        log = listings(site)
    assert crawled.state == "published"
    refused = [index for index, seen in enumerate(log) if seen.status == 529]
    assert refused == [1, 2, 3]
    gaps = [log[i + 1].time_monotonic - log[i].time_monotonic for i in refused]
    for gap, wait in zip(gaps, (0.1, 0.2, 0.4), strict=True):
        assert gap >= wait - 0.02
    waits = [record.getMessage() for record in crawled.log if "waiting" in record.getMessage()]
    assert [line.rpartition(": ")[2] for line in waits] == [
        "waiting 0.1 s",
        "waiting 0.2 s",
        "waiting 0.4 s",
    ]


def test_one_good_answer_ends_the_doubling(store: str) -> None:
    with Replica(World.generate(1, partners=100, countries=5)) as site:
        site.faults += [Fault("503", match=rf"/page/{page}\?", times=1) for page in (2, 3, 4)]
        settings: dict[str, Any] = {"CONCURRENT_REQUESTS": 1, "CONCURRENT_REQUESTS_PER_DOMAIN": 1}
        crawled = visit(site, store, **settings)
    assert crawled.state == "published"
    waits = [record.getMessage() for record in crawled.log if "waiting" in record.getMessage()]
    assert [line.rpartition(": ")[2] for line in waits] == ["waiting 0.001 s"] * 3


# --- what the site refuses -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        *("403", "429", "500", "502", "503", "529"),
        *("reset", "hollow", "empty", "other_layout", "cut", "cut_clean"),
    ],
)
def test_a_page_that_fails_for_a_while_is_read_later_and_the_run_is_exact(
    store: str, kind: str
) -> None:
    world = World.generate(1, partners=100, countries=5)
    with Replica(world) as site:
        site.faults.append(Fault(kind, match=r"/page/3\?", times=2))
        assert visit(site, store).state == "published"
        assert site.faults[0].struck == 2
    assert ledger(store) == ("published", "all read, all counts met")
    assert stored_partners(store) == expected_partners(world)


def test_a_site_that_hangs_for_a_while_is_asked_again(store: str) -> None:
    world = World.generate(1, partners=60, countries=5)
    with Replica(world) as site:
        site.faults.append(Fault("timeout", match=r"/page/2\?", times=1))
        assert visit(site, store, DOWNLOAD_TIMEOUT=1).state == "published"
        assert site.faults[0].struck == 1
    assert stored_partners(store) == expected_partners(world)


def test_every_fault_now_and_then_leaves_the_history_exact(store: str) -> None:
    world = World.generate(1, partners=400, countries=12)
    kinds = ("403", "429", "500", "reset", "hollow", "cut", "repeat", "wrong_country", "fallback")
    with Replica(world) as site:
        site.faults += [
            Fault(kind, match="/page/", probability=0.04, seed=number)
            for number, kind in enumerate(kinds)
        ]
        assert visit(site, store).state == "published"
        assert sum(fault.struck for fault in site.faults) >= 3
    assert ledger(store) == ("published", "all read, all counts met")
    assert stored_partners(store) == expected_partners(world)


@pytest.mark.parametrize("kind", ["403", "500", "reset", "hollow"])
def test_a_site_that_refuses_everything_is_given_up_soon_and_with_a_reason(
    store: str, kind: str
) -> None:
    with Replica(World.generate(1, partners=300, countries=5)) as site:
        site.faults.append(Fault(kind, match="/partners"))
        assert visit(site, store).state == "failed"
        assert len(site.log) <= 20
    state, reason = ledger(store)
    assert state == "failed"
    assert reason.startswith("no listing page could be read: ")


def test_a_site_that_begins_to_refuse_is_given_up_within_a_bound(store: str) -> None:
    with Replica(World.generate(1, partners=2000, countries=20)) as site:
        site.faults.append(Fault("403", match="/partners", after=10))
        crawled = visit(site, store, DOWNLOAD_DELAY=0.005)
        refused = [seen for seen in site.log if seen.status == 403]
    assert crawled.state == "quarantined"
    # Seven refusals, each of all that was on its way to the site when the first answer came.
    assert len(refused) <= 7 * FAST["CONCURRENT_REQUESTS"]
    assert any("giving up: 7 refusals in a row" in error for error in crawled.errors)
    assert "pages lost" in ledger(store)[1]
    assert rows(store, "SELECT id FROM partners") == []


# --- what the site sends -------------------------------------------------------------------------


@pytest.mark.parametrize("elsewhere", ["another address", "another port"])
def test_a_redirect_to_another_host_is_refused_and_recorded(store: str, elsewhere: str) -> None:
    host = "127.0.0.2" if elsewhere == "another address" else "127.0.0.1"
    world = World.generate(1, partners=300, countries=5)
    with Replica(world) as site, Replica(world, host=host) as other:
        to = f"{other.url}/partners/page/3?country_all=True"
        site.faults.append(Fault("redirect_host", match=r"/page/3\?", to=to))
        assert visit(site, store).state == "published"
        assert other.log == []
    assert outcomes(store) == {3: "redirected to another host"}
    stored = rows(store, "SELECT detail FROM staged_pages WHERE page = 3 AND list_country_id = 0")
    assert to in stored[0].detail


def test_not_even_robots_txt_is_fetched_from_another_host(store: str) -> None:
    world = World.generate(1, partners=60, countries=5)
    with Replica(world) as site, Replica(world, host="127.0.0.2") as other:
        site.faults.append(Fault("redirect_host", to=f"{other.url}/robots.txt"))
        assert visit(site, store).state == "failed"
        assert other.log == []
    assert "redirected to another host" in ledger(store)[1]


@pytest.mark.parametrize(
    ("kind", "outcome", "settings"),
    [
        ("redirect_loop", "redirected in a loop", {}),
        ("huge", "too large", SMALL),
        ("endless", "too large", SMALL),
        ("gzip_bomb", "too large", SMALL),
        ("cut", "cut short", {}),
        ("timeout", "timed out", {"DOWNLOAD_TIMEOUT": 0.1}),
        ("hollow", "hollow", {}),
        ("other_layout", "layout not known", {}),
        ("repeat", "repeated page", {}),
        ("429", "throttled", {}),
        ("403", "refused", {}),
        ("529", "server error", {}),
        ("reset", "unreachable", {}),
    ],
)
def test_a_page_that_stays_broken_is_lost_alone_bounded_and_named(
    store: str, kind: str, outcome: str, settings: dict[str, Any]
) -> None:
    with Replica(World.generate(1, partners=200, countries=5)) as site:
        site.faults.append(Fault(kind, match=r"/page/4\b"))
        assert visit(site, store, **settings).state == "published"
        # Six tries, and six when lost pages are asked for anew; the downloader itself asks once
        # more where a connection that had served before is dropped.
        assert site.faults[0].struck <= (24 if kind == "reset" else 12)
        assert len(site.log) <= 60
    assert outcomes(store) == {4: outcome}


def test_a_robots_txt_that_cannot_be_read_forbids_everything(store: str) -> None:
    with Replica(World.generate(1, partners=60, countries=5)) as site:
        site.faults.append(Fault("500", match="^/robots.txt"))
        assert visit(site, store).state == "failed"
        assert set(site.paths()) == {"/robots.txt"}
    assert "robots.txt cannot be read (HTTP 500)" in ledger(store)[1]
