"""Publishing profiles, at the store's door: what a crawl of a healthy site seldom brings about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scrapy.utils.project import get_project_settings

from partner_monitor.config import from_settings
from partner_monitor.store import publish, runs, staging
from partner_monitor.store.engine import open_engine, writing
from tests.crawling import crawl, rows
from tests.replica import Replica, World

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def look(database_url: str, site: str, now: datetime, *profiles: dict[str, Any]) -> None:
    """A recheck that read these profiles, without any days of grace."""
    settings = get_project_settings()
    settings.set("PARTNER_NOW", now.isoformat())
    settings.set("PARTNER_DELIST_AFTER_DAYS", "0")
    settings.set("PARTNER_DATABASE_URL", database_url)
    config = from_settings(settings, {"mode": "all"})
    engine = open_engine(database_url)
    try:
        key = runs.RunKey(spider="recheck", mode="all", country_id=None, page=None, site=site)
        run = runs.begin(engine, key, now, HOUR)
        with writing(engine) as connection:
            for profile in profiles:
                staging.stage_profile(connection, run.id, profile | {"fetched_at": now})
            published = publish.conclude(connection, run.id, config)
        run.lock.release()
        assert published.state == "published", published.reason
    finally:
        engine.dispose()


def profile(partner_id: int, customers: list[int], *, shown: bool) -> dict[str, Any]:
    """A profile with these customers, of which it shows all or not."""
    nothing = (
        "website",
        "industry",
        "status",
        "country_id",
        "references_count",
        "retention_rate",
        "largest_project_size",
        "average_project_size",
        "certified_experts",
    )
    return dict.fromkeys(nothing) | {
        "id": partner_id,
        "name": "Rufus Firefly SA",
        "profile_url": f"http://127.0.0.1/partners/rufus-{partner_id}",
        "slug": "rufus",
        "url": f"http://127.0.0.1/partners/rufus-{partner_id}",
        "experts": {},
        "references_by_industry": {},
        "customers": [{"id": id_, "name": f"No. {id_}", "industry": None} for id_ in customers],
        "customers_shown": shown,
    }


def test_the_baseline_is_the_first_profile_that_shows_every_customer(database_url: str) -> None:
    world = World.generate(1, partners=20, countries=2)
    one = world.listed()[0].id
    with Replica(world) as site:
        crawl(site.url, database_url, NOON, mode="all")
    look(database_url, site.url, NOON + HOUR, profile(one, [], shown=False))
    assert rows(database_url, "SELECT * FROM partner_customers") == []
    look(database_url, site.url, NOON + 2 * HOUR, profile(one, [7, 8], shown=True))
    look(database_url, site.url, NOON + 3 * HOUR, profile(one, [7, 8, 9], shown=True))
    found = rows(database_url, "SELECT customer_id, baseline FROM partner_customers ORDER BY 1")
    assert [(row.customer_id, bool(row.baseline)) for row in found] == [
        (7, True),
        (8, True),
        (9, False),
    ]


def test_a_delisted_partner_gets_no_customers_by_its_profile(database_url: str) -> None:
    world = World.generate(1, partners=20, countries=2)
    one = world.listed()[0].id
    with Replica(world) as site:
        crawl(site.url, database_url, NOON, mode="all")
        look(database_url, site.url, NOON + HOUR / 2, profile(one, [6, 7, 8], shown=True))
        look(database_url, site.url, NOON + HOUR, profile(one, [7, 8], shown=True))  # 6 is lost
        with site.lock:
            world.depart(one)
        at_once = {"PARTNER_DELIST_AFTER_DAYS": "0"}
        crawl(site.url, database_url, NOON + 2 * HOUR, at_once, mode="all")
        look(database_url, site.url, NOON + 3 * HOUR, profile(one, [7, 8], shown=True))
        open_rows = "SELECT customer_id FROM partner_customers WHERE ended_at IS NULL"
        assert rows(database_url, open_rows) == []
        with site.lock:
            world.come_back(one)
        crawl(site.url, database_url, NOON + 4 * HOUR, at_once, mode="all")
        look(database_url, site.url, NOON + 5 * HOUR, profile(one, [7, 8, 9], shown=True))
    told = rows(
        database_url,
        "SELECT customer_id, baseline FROM partner_customers WHERE ended_at IS NULL ORDER BY 1",
    )
    # What ended with the partner came back with it; only the third was won.
    assert [(row.customer_id, bool(row.baseline)) for row in told] == [
        (7, True),
        (8, True),
        (9, False),
    ]
