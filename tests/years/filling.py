"""Years of history into an empty store: in bulk, or day by day by real publishes."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache, partial
from itertools import islice
from typing import Any

from scrapy.utils.project import get_project_settings
from sqlalchemy import Connection, Engine, Table, func, select, text

from partner_monitor.config import Config, Thresholds, from_settings
from partner_monitor.directory.countries import iso_code
from partner_monitor.history.fields import TRACKED
from partner_monitor.items import CountryItem, Layout, Outcome
from partner_monitor.store import flags, migrate, publish, runs, staging
from partner_monitor.store.engine import StoreError, open_engine, writing
from partner_monitor.store.schema import crawl_runs
from tests.years.directory import SITE, Day, Directory, Shown, calendar
from tests.years.history import CARDS, CRAWL, GRACE, RECHECK, STALE, History, Row, live

END = date(2026, 11, 24)

_BATCH = 20_000


def build(
    store: Engine | str,
    *,
    partners: int = 4000,
    days: int = 730,
    seed: int = 1,
    end: date = END,
) -> None:
    """Fill an empty store with ``days`` days up to ``end``, in bulk: what daily runs would leave.

    ``partners`` are listed on the first day. The same arguments give the same rows on both
    databases. Raises StoreError for a store that holds something.
    """
    with _empty(store) as engine, _uncollected():
        history = History(Directory(partners, seed))
        for day, _ in live(history, calendar(days, seed, end)):
            last = day
        assert last.crawled_at is not None
        with writing(engine) as connection:
            for table, columns, rows in history.tables():
                _insert(connection, table, columns, rows)
            flags.recompute(connection, last.crawled_at + RECHECK, STALE, GRACE)
            if connection.dialect.name == "postgresql":  # the runs' ids were given, not made
                connection.execute(
                    text("SELECT setval(pg_get_serial_sequence('crawl_runs', 'id'), :last)"),
                    {"last": history.runs},
                )
        _analyze(engine)


def publish_daily(
    store: Engine | str,
    *,
    partners: int = 4000,
    days: int = 365,
    seed: int = 1,
    end: date = END,
    progress: Callable[[Day], object] = id,
) -> None:
    """Fill an empty store with the same days, each staged and published as a crawl would.

    Takes minutes where ``build`` takes seconds; ``progress`` is told of each day.
    """
    settings = get_project_settings()
    settings.set("PARTNER_SITE_URL", SITE)
    config = replace(
        from_settings(settings, {"mode": "all"}),
        # After a missed day more partners have moved than the audit lets pass at once.
        thresholds=Thresholds(changed=1.0),
    )
    with _empty(store) as engine:
        directory = Directory(partners, seed)
        for day, profiles in live(History(directory), calendar(days, seed, end)):
            if day.failed_at:
                failure = _failure(day.failed_at)
                _run(engine, config, "partners", day.failed_at - CRAWL, day.failed_at, failure)
            if day.crawled_at:
                runs.claim_site(engine, SITE, day.crawled_at - CRAWL)
                pages = partial(_stage_pages, directory, day)
                _run(engine, config, "partners", day.crawled_at - CRAWL, day.crawled_at, pages)
                read_at = day.crawled_at + RECHECK
                looks = partial(_stage_profiles, directory, profiles, read_at)
                _run(engine, config, "recheck", day.crawled_at + CRAWL, read_at, looks)
            progress(day)
        _analyze(engine)


@contextmanager
def _empty(store: Engine | str) -> Iterator[Engine]:
    engine = open_engine(store) if isinstance(store, str) else store
    try:
        migrate.upgrade(engine)
        with engine.connect() as connection:
            if connection.execute(select(func.count()).select_from(crawl_runs)).scalar_one():
                raise StoreError(f"{engine.url} holds a history already: name an empty one")
        yield engine
    finally:
        if isinstance(store, str):
            engine.dispose()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Millions of rows and no rubbish: looking for some would take half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _analyze(engine: Engine) -> None:
    """What autovacuum does in time for a PostgreSQL store that grows by the day."""
    if engine.dialect.name == "postgresql":
        with writing(engine) as connection:
            connection.exec_driver_sql("ANALYZE")


def _insert(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]
) -> None:
    """Rows by the driver itself: SQLAlchemy's inserts would take three times as long."""
    names = ", ".join(columns)
    if connection.dialect.name == "postgresql":
        cursor = connection.connection.cursor()
        with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    # The same few instants over and over.
    binds = [bind and cache(bind) for bind in (_bind(table, name, connection) for name in columns)]
    marks = ", ".join("?" * len(columns))
    remaining = iter(rows)
    while batch := list(islice(remaining, _BATCH)):
        bound = zip(
            *(
                [bind(value) for value in column] if bind else column
                for bind, column in zip(binds, zip(*batch, strict=True), strict=True)
            ),
            strict=True,
        )
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({names}) VALUES ({marks})", list(bound)
        )


def _bind(table: Table, name: str, connection: Connection) -> Callable[[Any], Any] | None:
    kind = table.c[name].type.dialect_impl(connection.dialect)
    bind: Callable[[Any], Any] | None = kind.bind_processor(connection.dialect)
    return bind


def _run(
    engine: Engine,
    config: Config,
    spider: str,
    started_at: datetime,
    at: datetime,
    stage: Callable[[Connection, int], None],
) -> None:
    key = runs.RunKey(spider=spider, mode="all", country_id=None, page=None, site=SITE)
    run = runs.begin(engine, key, started_at, timedelta(hours=6))
    with writing(engine) as connection:
        stage(connection, run.id)
        publish.conclude(connection, run.id, replace(config, clock=lambda: at))
    run.lock.release()


def _failure(at: datetime) -> Callable[[Connection, int], None]:
    failure = {
        "list_country_id": None,
        "page": 1,
        "url": f"{SITE}/partners/page/1",
        "fetched_at": at,
        "outcome": Outcome.SERVER_ERROR,
        "detail": "HTTP 502",
    }
    return lambda connection, run_id: staging.stage_failure(connection, run_id, failure)


def _stage_pages(directory: Directory, day: Day, connection: Connection, run_id: int) -> None:
    cards = directory.listed
    menu = _menu(directory, miscounts=day.miscounts)
    pages = -(-len(cards) // CARDS)
    for page in range(1, pages + 1):
        staging.stage_page(
            connection,
            run_id,
            {
                "list_country_id": None,
                "page": page,
                "url": f"{SITE}/partners/page/{page}",
                "fetched_at": day.crawled_at,
                "layout": Layout.ODOO_COM,
                "declared_count": len(cards),
                "last_page": pages,
                "has_next": page < pages,
                "page_link": f"{SITE}/partners/page/{{page}}",
            },
            [_card(one) for one in cards[CARDS * (page - 1) : CARDS * page]],
            rejected=(),
            menu=menu if page == 1 else (),
            menu_total=sum(country.listed_count or 0 for country in menu),
        )


def _menu(directory: Directory, *, miscounts: bool) -> list[CountryItem]:
    counts: dict[int, int] = {}
    for one in directory.listed:
        if one.country_id is not None:
            counts[one.country_id] = counts.get(one.country_id, 0) + 1
    if miscounts:  # the largest declares one that nobody can see
        counts[max(counts, key=lambda id_: (counts[id_], id_))] += 1
    return [
        CountryItem(
            id=id_,
            name=directory.countries[id_].name,
            slug=directory.countries[id_].slug,
            iso_code=iso_code(directory.countries[id_].name, directory.countries[id_].slug),
            listed_count=count,
        )
        for id_, count in counts.items()
    ]


def _card(one: Shown) -> dict[str, Any]:
    return dict(zip(TRACKED, one.tracked, strict=True)) | {
        "id": one.id,
        "profile_url": one.profile_url,
        "slug": one.slug,
        "address": one.address,
        "layout": Layout.ODOO_COM,
        "unread": (),
    }


def _stage_profiles(
    directory: Directory,
    profiles: Sequence[Shown],
    at: datetime,
    connection: Connection,
    run_id: int,
) -> None:
    for one in profiles:
        tracked = dict(zip(TRACKED, one.tracked, strict=True))
        staging.stage_profile(
            connection,
            run_id,
            tracked
            | {
                "id": one.id,
                "references_count": one.references + one.ahead,
                "profile_url": one.profile_url,
                "slug": one.slug,
                "url": one.profile_url,
                "website": one.website,
                "industry": one.industry,
                "fetched_at": at,
                "experts": one.experts,
                "references_by_industry": one.industries,
                "customers": [
                    {"id": id_, "name": known.name, "industry": known.industry}
                    for id_ in one.customers
                    for known in (directory.customers[id_],)
                ],
                "customers_shown": True,
            },
        )
