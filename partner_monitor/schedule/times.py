"""When a job is due. Pure: the present time is an argument.

APScheduler's triggers know the calendar: time zones, summer time, days of the week.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from apscheduler.triggers.cron import CronTrigger

from partner_monitor.schedule.plan import Job, Plan

_NEXT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """The newest time of a job that has come."""

    at: datetime
    missed: int
    """How many times before it have come as well; they are not made up for."""
    too_late: bool
    """It came longer ago than is made up for."""


def due(job: Job, plan: Plan, last: datetime, now: datetime) -> Due | None:
    """What of the times after ``last`` has come by ``now``; None where nothing has."""
    found: datetime | None = None
    count = 0
    time = following(job, plan, last)
    while time is not None and put_off(job, plan, time) <= now:
        found, count = time, count + 1
        time = following(job, plan, time)
    if found is None:
        return None
    return Due(at=found, missed=count - 1, too_late=now - put_off(job, plan, found) > plan.grace)


def upcoming(job: Job, plan: Plan, last: datetime) -> datetime | None:
    """When the job is begun next, put off as it will be; None for one that has no times."""
    time = following(job, plan, last)
    return None if time is None else put_off(job, plan, time)


def following(job: Job, plan: Plan, moment: datetime) -> datetime | None:
    """The first time after ``moment`` that the plan names, UTC."""
    days = ",".join(job.days)
    found = []
    for at in job.at:
        trigger = CronTrigger(hour=at.hour, minute=at.minute, day_of_week=days, timezone=plan.zone)
        time = trigger.get_next_fire_time(None, moment + _NEXT)
        while time.astimezone(plan.zone).fold:
            # The hour that comes twice when summer time ends: the first time was meant.
            time = trigger.get_next_fire_time(None, time.astimezone(UTC) + _NEXT)
        found.append(time.astimezone(UTC))
    return min(found, default=None)


def put_off(job: Job, plan: Plan, time: datetime) -> datetime:
    """``time`` with its jitter, which is the same whenever it is asked for."""
    lot = Random(f"{job.name} {time.isoformat()}").random()
    return time + timedelta(seconds=round(lot * plan.jitter.total_seconds()))
