"""``schedule.toml``, checked and typed: the one place that says what a bad value in it is.

Text in, a plan out; knows neither the time nor a scrapyd.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from partner_monitor.config import ConfigurationError, from_settings, recheck
from partner_monitor.service.scrapyd import Host, host

DEFAULT_URL = "http://127.0.0.1:6800"
TASKS = ("digest", "health")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Something to be done: a spider to be run, or a task of the calendar's own."""

    name: str
    spider: str
    """Empty for a task."""
    task: str
    """Empty for a spider."""
    arguments: Mapping[str, str]
    settings: Mapping[str, str]
    at: Sequence[time]
    """The times of day; none where it comes after another job."""
    days: Sequence[str]
    after: str
    """The job whose end it waits for; empty where it has times."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The whole file."""

    zone: ZoneInfo
    jitter: timedelta
    """By how much a job is put off at most, another bit each time."""
    grace: timedelta
    """How late a missed time is still made up for."""
    hosts: Sequence[Host]
    jobs: Mapping[str, Job]

    @property
    def spreads(self) -> bool:
        """Whether the countries are spread over hosts."""
        return len(self.hosts) > 1


def read(text: str, settings: Mapping[str, Any]) -> Plan:
    """The plan in ``text``; raises ConfigurationError for the first value that cannot be used."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(error)) from None
    _known(table, "the file", "timezone", "jitter_seconds", "grace_hours", "hosts", "jobs")
    here = {"name": "here", "url": settings["PARTNER_SCRAPYD_URL"] or DEFAULT_URL}
    hosts = [
        _host(entry, place, settings)
        for place, entry in enumerate(_tables(table.get("hosts", [here]), "hosts"), 1)
    ]
    if doubled := _first_double([one.name for one in hosts]):
        raise ConfigurationError(f"two hosts are called {doubled!r}")
    entries = table.get("jobs")
    if not isinstance(entries, dict) or not entries:
        raise ConfigurationError("no jobs: name one at least, as [jobs.partners]")
    jobs = {name: _job(name, entry, settings) for name, entry in entries.items()}
    for job in jobs.values():
        _check_after(job, jobs)
    return Plan(
        zone=_zone(table.get("timezone")),
        jitter=timedelta(seconds=_number(table, "jitter_seconds", 3600)),
        grace=timedelta(hours=_number(table, "grace_hours", 24)),
        hosts=hosts,
        jobs=jobs,
    )


def _host(entry: Mapping[str, Any], place: int, settings: Mapping[str, Any]) -> Host:
    _known(entry, f"host {place}", "name", "url")
    name, url = _text(entry, "name", f"host {place}"), _text(entry, "url", f"host {place}")
    return host(name, url, settings)


def _job(name: str, entry: Any, settings: Mapping[str, Any]) -> Job:
    where = f"job {name}"
    if not isinstance(entry, dict):
        raise ConfigurationError(f"{where} is no table, as [jobs.{name}]")
    _known(entry, where, "spider", "task", "arguments", "settings", "at", "days", "after")
    if ("spider" in entry) == ("task" in entry):
        raise ConfigurationError(f"{where} needs one of spider and task")
    if ("at" in entry) == ("after" in entry):
        raise ConfigurationError(f"{where} needs one of at and after")
    if "days" in entry and "after" in entry:
        raise ConfigurationError(f"{where}: days go with at, not with after")
    arguments = _texts(entry, "arguments", where)
    spider = _text(entry, "spider", where) if "spider" in entry else ""
    task = _text(entry, "task", where) if "task" in entry else ""
    if task and task not in TASKS:
        raise ConfigurationError(f"{where}: unknown task {task!r}, known are {', '.join(TASKS)}")
    if task and ("arguments" in entry or "settings" in entry):
        raise ConfigurationError(f"{where}: arguments and settings go with a spider")
    try:
        if spider == "partners":
            from_settings(settings, arguments)
        elif spider == "recheck":
            recheck(settings, arguments)
        elif spider:
            raise ConfigurationError(f"unknown spider {spider!r}, known are partners and recheck")
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    return Job(
        name=name,
        spider=spider,
        task=task,
        arguments=arguments,
        settings=_texts(entry, "settings", where),
        at=[_time(one, where) for one in _list(entry.get("at", []))],
        days=[_day(one, where) for one in _list(entry.get("days", list(DAYS)))],
        after=_text(entry, "after", where) if "after" in entry else "",
    )


def _check_after(job: Job, jobs: Mapping[str, Job]) -> None:
    """Every chain of ``after`` ends at a job that has times."""
    seen = [job.name]
    while job.after:
        if job.after not in jobs:
            raise ConfigurationError(f"job {job.name}: after {job.after!r}, which is no job")
        job = jobs[job.after]
        if job.name in seen:
            raise ConfigurationError(f"job {job.name} comes after itself")
        seen.append(job.name)


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, TypeError, AttributeError, OSError, LookupError):
        said = "no timezone" if name is None else f"unknown timezone {name!r}"
        raise ConfigurationError(f"{said}: name one, such as UTC or Europe/Brussels") from None


def _number(table: Mapping[str, Any], key: str, most: int) -> float:
    value = table.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ConfigurationError(f"{key} {value!r} is no number from 0 to {most}")
    return float(value)


def _time(value: Any, where: str) -> time:
    if not isinstance(value, str) or not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ConfigurationError(
            f"{where}: at {value!r} is no time of day, such as 05:30 in quotes"
        )
    return time.fromisoformat(value)


def _day(value: Any, where: str) -> str:
    if value not in DAYS:
        raise ConfigurationError(f"{where}: {value!r} is no day, they are {', '.join(DAYS)}")
    return str(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{where} has no {key}")
    return value.strip()


def _texts(entry: Mapping[str, Any], key: str, where: str) -> dict[str, str]:
    value = entry.get(key, {})
    if not isinstance(value, dict) or not all(
        isinstance(one, str | int | float) and not isinstance(one, bool) for one in value.values()
    ):
        raise ConfigurationError(f"{where}: {key} is no table of texts and numbers")
    return {name: str(one) for name, one in value.items()}


def _tables(value: Any, key: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise ConfigurationError(f"{key} {value!r} are no tables, as [[{key}]]")
    return value


def _known(table: Mapping[str, Any], where: str, *keys: str) -> None:
    for key in table:
        if key not in keys:
            raise ConfigurationError(f"{where} has an unknown {key!r}: known are {', '.join(keys)}")


def _first_double(names: Sequence[str]) -> str | None:
    return next((name for place, name in enumerate(names) if name in names[:place]), None)
