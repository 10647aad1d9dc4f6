"""Real publishes without a crawl: what a run read is staged and concluded at the store's door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from scrapy.utils.project import get_project_settings
from sqlalchemy import Connection, Engine

from partner_monitor.config import Config, Thresholds, from_settings
from partner_monitor.directory.countries import iso_code
from partner_monitor.items import CountryItem, Layout
from partner_monitor.store import migrate, profiles, publish, runs, staging
from partner_monitor.store.engine import open_engine, writing

SITE = "https://directory.example"
CARDS = 20
"""Cards a page."""

Stage = Callable[[Connection, int], None]


def settings(delist_after: timedelta = timedelta(days=7)) -> Config:
    """The defaults, but for an audit that lets pass whatever changed or could not be read."""
    project = get_project_settings()
    project.set("PARTNER_SITE_URL", SITE)
    return replace(
        from_settings(project, {"mode": "all"}),
        delist_after=delist_after,
        thresholds=Thresholds(changed=1.0, read_floor=0.0),
    )


def run(
    engine: Engine, config: Config, key: runs.RunKey, began: datetime, at: datetime, stage: Stage
) -> publish.Published:
    """A run that read at ``at`` what ``stage`` stages."""
    begun = runs.begin(engine, key, began, timedelta(hours=6))
    with writing(engine) as connection:
        stage(connection, begun.id)
        published = publish.conclude(connection, begun.id, replace(config, clock=lambda: at))
    begun.lock.release()
    return published


def key(spider: str, mode: str = "all") -> runs.RunKey:
    return runs.RunKey(spider=spider, mode=mode, country_id=None, page=None, site=SITE)


def stage_list(
    connection: Connection,
    run_id: int,
    at: datetime,
    cards: Sequence[Mapping[str, Any]],
    menu: Sequence[CountryItem],
) -> None:
    """The whole directory's list, ``CARDS`` a page, all read at one instant."""
    pages = -(-len(cards) // CARDS)
    for page in range(1, pages + 1):
        staging.stage_page(
            connection,
            run_id,
            {
                "list_country_id": None,
                "page": page,
                "url": f"{SITE}/partners/page/{page}",
                "fetched_at": at,
                "layout": Layout.ODOO_COM,
                "declared_count": len(cards),
                "last_page": pages,
                "has_next": page < pages,
                "page_link": f"{SITE}/partners/page/{{page}}",
            },
            cards[CARDS * (page - 1) : CARDS * page],
            rejected=(),
            menu=menu if page == 1 else (),
            menu_total=sum(country.listed_count or 0 for country in menu),
        )


def country(id_: int, name: str, slug: str, listed_count: int) -> CountryItem:
    code = iso_code(name, slug)
    return CountryItem(id=id_, name=name, slug=slug, iso_code=code, listed_count=listed_count)


# --- a directory small enough for answers worked out by hand -------------------------------------

NAMES = {301: "Freedonia", 302: "Sylvania", 303: "Osterlich", None: None}


def card(id_: int, status: str | None = "ready", country_id: int | None = 301, **more: Any) -> Any:
    """A partner's card; what is not given is as plain as can be."""
    return {
        "id": id_,
        "name": f"Rufus Firefly {id_} SA",
        "profile_url": f"{SITE}/partners/rufus-firefly-{id_}",
        "slug": "rufus-firefly",
        "status": status,
        "country_id": country_id,
        "address": NAMES[country_id],
        "references_count": 0,
        "retention_rate": None,
        "largest_project_size": 0,
        "average_project_size": 0,
        "certified_experts": 0,
        "layout": Layout.ODOO_COM,
        "unread": (),
    } | more


class Watch:
    """A store, and the runs that it is shown."""

    def __init__(self, engine: Engine, delist_after: timedelta) -> None:
        self._engine = engine
        self._config = settings(delist_after)

    def list(
        self,
        at: datetime,
        *cards: Mapping[str, Any],
        mode: str = "all",
        declared: Mapping[int, int] | None = None,
    ) -> None:
        """A crawl that sees ``cards``; ``declared``: what the menu says, where it is not that."""
        seen = Counter(one["country_id"] for one in cards if one["country_id"])
        menu = [
            country(id_, NAMES[id_] or "", f"country-{id_}", count)
            for id_, count in (seen | Counter(declared or {})).items()
        ]
        self._publish(
            key("partners", mode),
            at,
            lambda connection, run_id: stage_list(connection, run_id, at, cards, menu),
        )

    def look(self, at: datetime, shown_by: Mapping[int, Sequence[int]]) -> None:
        """A recheck that reads these partners' profiles, with these customers."""

        def stage(connection: Connection, run_id: int) -> None:
            for id_, customers in shown_by.items():
                shown = dict.fromkeys(("website", "industry", *profiles.COMPARED))
                shown |= {name: card(id_)[name] for name in ("id", "profile_url", "slug", "name")}
                shown |= {"url": shown["profile_url"], "fetched_at": at, "customers_shown": True}
                shown |= {"experts": {}, "references_by_industry": {}}
                shown["customers"] = [
                    {"id": one, "name": f"Customer {one}", "industry": None} for one in customers
                ]
                staging.stage_profile(connection, run_id, shown)

        self._publish(key("recheck"), at, stage)

    def _publish(self, which: runs.RunKey, at: datetime, stage: Stage) -> None:
        published = run(self._engine, self._config, which, at, at, stage)
        assert published.state == "published", published.reason


@contextmanager
def watching(store: str, delist_after: timedelta = timedelta(days=7)) -> Iterator[Watch]:
    """Runs of a store that is set up here."""
    engine = open_engine(store)
    migrate.upgrade(engine)
    try:
        yield Watch(engine, delist_after)
    finally:
        engine.dispose()
