"""``scripts/schedule``: the calendar as a process, and its next times."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine

from partner_monitor import alerts, settings
from partner_monitor.command import fail
from partner_monitor.config import ConfigurationError, from_settings
from partner_monitor.reports.tables import print_table
from partner_monitor.schedule import memory
from partner_monitor.schedule.keeper import Keeper
from partner_monitor.schedule.plan import Plan, read
from partner_monitor.schedule.times import upcoming
from partner_monitor.service.scrapyd import PASSWORD_FILE, Scrapyd
from partner_monitor.store.engine import StoreError, open_engine
from partner_monitor.store.runs import refuse_foreign_site

LOOKS = 15
"""Seconds between two looks at what there is to be done."""


def main() -> int:
    """Keep the calendar until a signal ends it, or say what is next."""
    if sys.argv[1:] not in ([], ["status"]):
        return fail("scripts/schedule takes status or nothing: see --help")
    assert settings.PROJECT_FOLDER is not None
    project = Path(settings.PROJECT_FOLDER)
    file = project / PASSWORD_FILE.parent / "calendar.json"
    logging.basicConfig(format=settings.LOG_FORMAT, datefmt="%Y-%m-%d %H:%M:%S", level=logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        plan = read_plan(project)
        if sys.argv[1:]:
            show(plan, memory.load(file))
            if not _kept(file):
                print("no calendar is kept here now: ./scripts/schedule keeps it")
            return 0
        engine = store_of(plan)
        file.parent.mkdir(mode=0o700, exist_ok=True)
        with FileLock(file.with_suffix(".lock"), timeout=0):
            keep(plan, engine, file)
    except Timeout:
        return fail(f"a calendar is kept here already: {file.with_suffix('.lock')} is held")
    except (ConfigurationError, StoreError) as error:
        return fail(str(error))
    return 0


def read_plan(project: Path) -> Plan:
    """The plan in ``schedule.toml``; where there is none, the example's, which is the default."""
    file = project / "schedule.toml"
    if not file.exists():
        file = project / "schedule.example.toml"
    try:
        return read(file.read_text(encoding="utf-8"), vars(settings))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file.name} cannot be read: {error}") from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{file.name}: {error}") from None


def store_of(plan: Plan) -> Engine:
    """The store's engine; raises ConfigurationError where the plan does not go with it."""
    config = from_settings(vars(settings), {"mode": "all"})
    alerts.check(config.alert_urls)
    engine = open_engine(config.database_url)
    if plan.spreads and engine.dialect.name == "sqlite":
        raise ConfigurationError(
            f"{len(plan.hosts)} hosts need one PostgreSQL: PARTNER_DATABASE_URL is a SQLite file, "
            "which other machines cannot reach, and which keeps no common pace"
        )
    refuse_foreign_site(engine, config.site)
    return engine


def keep(plan: Plan, engine: Engine, file: Path) -> None:
    """Look every few seconds until a signal comes."""
    logger = logging.getLogger("partner_monitor.schedule")
    hosts = {host.name: host for host in plan.hosts}
    keeper = Keeper(plan, engine, vars(settings), file, lambda name: Scrapyd(hosts[name]))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    where = ", ".join(f"{host.name} ({host.url})" for host in plan.hosts)
    logger.info("the calendar is kept; it has crawls done at %s", where)
    known = memory.load(file)
    for job in plan.jobs.values():
        if (at := upcoming(job, plan, known.last.get(job.name, datetime.now(UTC)))) is not None:
            logger.info("%s: next at %s", job.name, f"{at.astimezone(plan.zone):%Y-%m-%d %H:%M %Z}")
    while not stop.is_set():
        keeper.look(datetime.now(UTC))
        stop.wait(LOOKS)
    logger.info("the calendar is stopped; crawls under way go on")


def show(plan: Plan, known: memory.Memory) -> None:
    """Print every job with its next time, and what is under way."""
    under_way = {one.job: one for one in known.rounds}
    rows = []
    for job in plan.jobs.values():
        at = upcoming(job, plan, known.last.get(job.name, datetime.now(UTC)))
        round_ = under_way.get(job.name)
        state = ""
        if round_ is not None:
            done = sum(round_.done.values())
            state = f"under way, {done} of {done + len(round_.errands)} done"
        rows.append(
            [
                job.name,
                job.spider or job.task,
                f"{at.astimezone(plan.zone):%a %Y-%m-%d %H:%M:%S}" if at else f"after {job.after}",
                state,
            ]
        )
    print_table(["job", "runs", f"next ({plan.zone.key})", "now"], rows)


def _kept(file: Path) -> bool:
    """Whether a calendar is at work in the project's folder."""
    try:
        with FileLock(file.with_suffix(".lock"), timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False  # its folder is yet to be made


if __name__ == "__main__":
    sys.exit(main())
