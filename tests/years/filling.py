"""Years of history into an empty store: in bulk, or day by day by real publishes."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache, partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select, text

from partner_monitor.history.fields import TRACKED
from partner_monitor.items import Layout, Outcome
from partner_monitor.store import flags, migrate, runs, staging
from partner_monitor.store.engine import StoreError, open_engine, writing
from partner_monitor.store.schema import crawl_runs
from tests.publishing import SITE, country, key, run, settings, stage_list
from tests.years.directory import Day, Directory, Shown, calendar
from tests.years.history import CRAWL, GRACE, RECHECK, STALE, History, Row, live

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
        _tend(engine)


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
    config = settings()
    with _empty(store) as engine:
        directory = Directory(partners, seed)
        for day, profiles in live(History(directory), calendar(days, seed, end)):
            if at := day.failed_at:
                run(engine, config, key("partners"), at - CRAWL, at, _failure(at))
            if at := day.crawled_at:
                runs.claim_site(engine, SITE, at - CRAWL)
                cards = partial(_stage_list, directory, day)
                run(engine, config, key("partners"), at - CRAWL, at, cards)
                looks = partial(_stage_profiles, directory, profiles, at + RECHECK)
                run(engine, config, key("recheck"), at + CRAWL, at + RECHECK, looks)
            if day.on.day % 10 == 1:
                _tend(engine)
            progress(day)
        _tend(engine)


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


def _tend(engine: Engine) -> None:
    """What autovacuum does for a PostgreSQL store that grows by the day, also where it is off."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


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


def _stage_list(directory: Directory, day: Day, connection: Connection, run_id: int) -> None:
    assert day.crawled_at is not None
    counts = Counter(one.country_id for one in directory.listed if one.country_id is not None)
    if day.miscounts:  # the largest declares one that nobody can see
        counts[max(counts, key=lambda id_: (counts[id_], id_))] += 1
    menu = [
        country(id_, where.name, where.slug, count)
        for id_, count in counts.items()
        for where in (directory.countries[id_],)
    ]
    cards = [_card(one) for one in directory.listed]
    stage_list(connection, run_id, day.crawled_at, cards, menu)


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
