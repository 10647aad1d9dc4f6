"""The ledger of runs: beginning one, continuing a killed one, ending it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, insert, select, update

from partner_monitor.store import locks
from partner_monitor.store.engine import StoreError, reading, upsert, writing
from partner_monitor.store.menu import exists
from partner_monitor.store.migrate import version
from partner_monitor.store.schema import (
    SCHEMA_VERSION,
    countries,
    crawl_runs,
    run_outcomes,
    staged_cards,
    staged_countries,
    staged_profile_counts,
    staged_profile_customers,
    staged_profiles,
    store,
)


class State(StrEnum):
    """The states of a run."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    PUBLISHED = "published"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    DISCARDED = "discarded"


UNFINISHED = (State.RUNNING, State.INTERRUPTED)


class AlreadyRunning(StoreError):
    """The same crawl is under way in another process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunKey:
    """What makes two runs "the same": spider, arguments and site (and the schema's version)."""

    spider: str
    mode: str
    country_id: int | None
    page: int | None
    site: str

    def __str__(self) -> str:
        extra = f" country {self.country_id}" if self.country_id is not None else ""
        extra += f" page {self.page}" if self.page is not None else ""
        return f"{self.spider} {self.mode}{extra}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run under way, and the lock that shows it is alive."""

    id: int
    key: RunKey
    continued: bool
    lock: locks.RunLock


def refuse_foreign_site(engine: Engine, site: str) -> None:
    """Raise StoreError if the store holds another site's partners. Writes nothing."""
    if not exists(engine):
        return
    with reading(engine) as connection:
        known = connection.execute(select(store.c.site)).scalar() if version(connection) else None
    if known is not None and known != site:
        raise StoreError(
            f"this store holds the partners of {known}, not of {site}: "
            "set PARTNER_DATABASE_URL to another one"
        )


def claim_site(engine: Engine, site: str, now: datetime) -> None:
    """Record ``site`` as the one this store is about; raise StoreError if it holds another's."""
    refuse_foreign_site(engine, site)
    with writing(engine) as connection:
        statement = upsert(connection, store).values(id=1, site=site, created_at=now)
        connection.execute(statement.on_conflict_do_nothing())
    refuse_foreign_site(engine, site)


def begin(
    engine: Engine, key: RunKey, now: datetime, max_age: timedelta, *, new_run: bool = False
) -> Run:
    """Begin the run ``key``, or continue the one a killed process left behind.

    A run left behind that is older than ``max_age``, or not wanted (``new_run``), is closed as
    failed. Raises AlreadyRunning while another process runs the same.
    """
    lock = locks.take(engine, _lock_name(key))
    if lock is None:
        raise AlreadyRunning(f"the crawl {key} is already running")
    try:
        with writing(engine) as connection:
            left_behind = connection.execute(
                select(crawl_runs)
                .where(_same(key), crawl_runs.c.state.in_(UNFINISHED))
                .order_by(crawl_runs.c.id.desc())
            ).all()
            young = [
                run
                for run in left_behind
                if run.schema_version == SCHEMA_VERSION and now - run.started_at < max_age
            ]
            continued = young[0].id if young and not new_run else None
            for run in left_behind:
                if run.id != continued:
                    why = "too old to continue" if run not in young else "a new run was asked for"
                    connection.execute(
                        update(crawl_runs)
                        .where(crawl_runs.c.id == run.id)
                        .values(state=State.FAILED, finished_at=now, reason=f"left behind, {why}")
                    )
                    drop_staged(connection, run.id)
            if continued is not None:
                connection.execute(
                    update(crawl_runs)
                    .where(crawl_runs.c.id == continued)
                    .values(state=State.RUNNING, finished_at=None, reason=None)
                )
                return Run(id=continued, key=key, continued=True, lock=lock)
            run_id = connection.execute(
                insert(crawl_runs)
                .values(
                    spider=key.spider,
                    mode=key.mode,
                    country_id=key.country_id,
                    page=key.page,
                    site=key.site,
                    schema_version=SCHEMA_VERSION,
                    state=State.RUNNING,
                    started_at=now,
                )
                .returning(crawl_runs.c.id)
            ).scalar_one()
            return Run(id=run_id, key=key, continued=False, lock=lock)
    except BaseException:
        lock.release()
        raise


def refuse_while_running(engine: Engine) -> None:
    """Raise StoreError if a run of the store is under way in a living process."""
    with reading(engine) as connection:
        unfinished = connection.execute(
            select(crawl_runs).where(
                crawl_runs.c.state.in_(UNFINISHED), crawl_runs.c.schema_version == SCHEMA_VERSION
            )
        ).all()
    for run in unfinished:
        key = RunKey(
            spider=run.spider,
            mode=run.mode,
            country_id=run.country_id,
            page=run.page,
            site=run.site,
        )
        lock = locks.take(engine, _lock_name(key))
        if lock is None:
            raise StoreError(f"run {run.id} is under way ({key}): wait for its end, or stop it")
        lock.release()


def interrupt(connection: Connection, run_id: int, reason: str, now: datetime) -> None:
    """Close a run that has not come to its end; what it staged is kept, for it may go on."""
    connection.execute(
        update(crawl_runs)
        .where(crawl_runs.c.id == run_id)
        .values(state=State.INTERRUPTED, reason=reason, finished_at=now)
    )


def reopen(connection: Connection, run: Row[Any]) -> None:
    """Make an ended run ready to be staged anew; raises StoreError if its state changed since."""
    reopened = connection.execute(
        update(crawl_runs)
        .where(crawl_runs.c.id == run.id, crawl_runs.c.state == run.state)
        .values(menu_at=None, menu_total=None)
        .returning(crawl_runs.c.id)
    ).all()
    if not reopened:
        raise StoreError(f"run {run.id} was {run.state} and is no more: look at scrapy runs")


def discard(engine: Engine, run_id: int, now: datetime) -> None:
    """Drop a quarantined run; raise StoreError if it is not one."""
    run = get(engine, run_id)
    with writing(engine) as connection:
        dropped = connection.execute(
            update(crawl_runs)
            .where(crawl_runs.c.id == run_id, crawl_runs.c.state == State.QUARANTINED)
            .values(
                state=State.DISCARDED,
                reason=f"discarded by hand; was: {run.reason}",
                finished_at=now,
            )
            .returning(crawl_runs.c.id)
        ).all()
        if not dropped:
            raise StoreError(
                f"run {run_id} is {run.state}: only a quarantined run can be discarded"
            )
        drop_staged(connection, run_id)


def get(engine: Engine, run_id: int) -> Row[Any]:
    """The ledger's row of a run; raise StoreError if there is none."""
    with reading(engine) as connection:
        run = connection.execute(select(crawl_runs).where(crawl_runs.c.id == run_id)).one_or_none()
    if run is None:
        raise StoreError(f"there is no run {run_id}: scrapy runs lists them")
    return run


def latest(engine: Engine, limit: int) -> Sequence[Row[Any]]:
    """The newest ``limit`` runs, newest first."""
    with reading(engine) as connection:
        return connection.execute(
            select(crawl_runs, countries.c.name.label("country"))
            .outerjoin(countries, countries.c.id == crawl_runs.c.country_id)
            .order_by(crawl_runs.c.id.desc())
            .limit(limit)
        ).all()


def newest(engine: Engine, key: RunKey) -> Row[Any] | None:
    """The newest run that is the same as ``key``; None where there is none, or no store yet."""
    if not exists(engine):
        return None
    with reading(engine) as connection:
        if version(connection) is None:
            return None
        return connection.execute(
            select(crawl_runs).where(_same(key)).order_by(crawl_runs.c.id.desc()).limit(1)
        ).one_or_none()


def outcomes(engine: Engine, run_ids: Sequence[int]) -> dict[int, dict[str, dict[str, int]]]:
    """What came of the pages of ended runs: by run, kind of page and outcome."""
    found: dict[int, dict[str, dict[str, int]]] = {run_id: {} for run_id in run_ids}
    with reading(engine) as connection:
        for row in connection.execute(
            select(run_outcomes)
            .where(run_outcomes.c.run_id.in_(run_ids))
            .order_by(run_outcomes.c.kind, run_outcomes.c.outcome)
        ):
            found[row.run_id].setdefault(row.kind, {})[row.outcome] = row.pages
    return found


def drop_staged(connection: Connection, run_id: int) -> None:
    """Forget what a run staged; its listing pages stay in the ledger."""
    for table in (
        staged_cards,
        staged_countries,
        staged_profile_customers,
        staged_profile_counts,
        staged_profiles,
    ):
        connection.execute(table.delete().where(table.c.run_id == run_id))


def _same(key: RunKey) -> ColumnElement[bool]:
    return and_(
        crawl_runs.c.spider == key.spider,
        crawl_runs.c.mode == key.mode,
        crawl_runs.c.country_id.is_not_distinct_from(key.country_id),
        crawl_runs.c.page.is_not_distinct_from(key.page),
        crawl_runs.c.site == key.site,
    )


def _lock_name(key: RunKey) -> str:
    return f"{key} {key.site} {SCHEMA_VERSION}"
