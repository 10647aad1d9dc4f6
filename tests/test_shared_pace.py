"""One pace for all that crawl into one PostgreSQL store, read off the site's own log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests.crawling import Crawled, crawl, rows
from tests.pace import keeps, stretches
from tests.replica import Fault, Replica, World
from tests.test_outage import Server, at_request, server
from tests.truth import expected_partners, stored_partners

__all__ = ["server"]

pytestmark = pytest.mark.postgres

PACE = 0.1
TOGETHER: dict[str, Any] = {"DOWNLOAD_DELAY": PACE, "PARTNER_BACKOFF_SECONDS": "0.5"}


@pytest.fixture
def world() -> World:
    return World.generate(5, partners=240, countries=4)


def homes(world: World) -> list[int]:
    return sorted({one.country_id for one in world.listed() if one.country_id is not None})


@contextmanager
def known(site: Replica, store: str) -> Iterator[None]:
    """The store knows the site's countries, and the site's log begins anew."""
    assert crawl(site.url, store, mode="first").state == "published"
    del site.log[:]
    yield


def crawl_at_once(site: Replica, store: str, countries: Sequence[int], **settings: Any) -> None:
    """A crawl for each country, all at once, as on as many machines."""

    def one(country: int) -> Crawled:
        return crawl(
            site.url, store, settings=TOGETHER | settings, mode="specific_c", country=str(country)
        )

    with ThreadPoolExecutor(len(countries)) as pool:
        assert [done.state for done in pool.map(one, countries)] == ["published"] * len(countries)


def test_several_crawls_together_keep_the_pace_of_one(
    world: World, postgres_database_url: str
) -> None:
    with Replica(world) as site, known(site, postgres_database_url):
        crawl_at_once(site, postgres_database_url, homes(world))
        times = [seen.time_monotonic for seen in site.log]
    assert len(times) >= 4 + 12
    assert keeps(times, PACE)
    assert stored_partners(postgres_database_url) == expected_partners(world)


def test_a_refusal_to_one_is_a_wait_for_all(world: World, postgres_database_url: str) -> None:
    with Replica(world) as site, known(site, postgres_database_url):
        for after in (2, 6, 10):
            refusal = Fault("429", match="/partners", after=after, times=1, retry_after=1)
            site.faults.append(refusal)
        crawl_at_once(site, postgres_database_url, homes(world))
        times = [seen.time_monotonic for seen in site.log]
        assert [seen.status for seen in site.log].count(429) == 3
    # Nobody asks while one was told to wait, from when it has told the others.
    _, *after_waits = stretches(times, 0.95)
    assert len(after_waits) >= 2  # of three: two refusals may fall into one wait
    # And turns that were taken before are taken anew: when the wait is over, those that waited do
    # not ask all at once. If they seem to, once, it may be the site that was held up.
    assert any(len(some) > 3 and some[3] - some[0] >= PACE for some in after_waits)
    assert stored_partners(postgres_database_url) == expected_partners(world)


def test_the_crawl_delay_of_robots_txt_is_the_pace_of_all(
    world: World, postgres_database_url: str
) -> None:
    with Replica(world, crawl_delay=0.15) as site, known(site, postgres_database_url):
        crawl_at_once(site, postgres_database_url, homes(world)[:2])
        # Once one has read it, those that have not wait as long.
        crawl_at_once(site, postgres_database_url, homes(world)[2:])
        times = [seen.time_monotonic for seen in site.log][3:]
    assert len(times) > 8
    assert keeps(times, 0.15)
    kept = rows(postgres_database_url, "SELECT crawl_delay FROM request_gate")
    assert [row.crawl_delay for row in kept] == [0.15]


def test_a_crawl_alone_has_its_pace_and_no_more_than_it(
    world: World, postgres_database_url: str
) -> None:
    with Replica(world) as site:
        crawl(site.url, postgres_database_url, settings=TOGETHER, mode="all")
        times = [seen.time_monotonic for seen in site.log]
    assert keeps(times, PACE)
    assert not keeps(times, 4 * PACE)


def test_a_server_that_is_away_is_waited_for_at_the_gate_too(
    world: World, postgres_database_url: str, server: Server
) -> None:
    with Replica(world) as site:
        at_request(site, 3, server.drop_sessions)
        crawled = crawl(site.url, postgres_database_url, settings=TOGETHER, mode="all")
        assert [seen.status for seen in site.log] == [200] * 13
    assert crawled.state == "published"
    assert stored_partners(postgres_database_url) == expected_partners(world)


def test_a_crawl_that_the_server_leaves_for_good_ends_without_a_verdict(
    world: World, postgres_database_url: str, server: Server
) -> None:
    with Replica(world) as site:
        at_request(site, 3, server.close)
        impatient = TOGETHER | {"PARTNER_DATABASE_PATIENCE_SECONDS": "0.2"}
        crawled = crawl(site.url, postgres_database_url, settings=impatient, mode="all")
        server.open()
        assert crawled.state is None
        assert [error for error in crawled.errors if "without a verdict" not in error] == []
        assert len(site.log) < 13
        assert crawl(site.url, postgres_database_url, mode="all").state == "published"
    assert stored_partners(postgres_database_url) == expected_partners(world)
