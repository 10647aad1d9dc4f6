"""When a job is due: days, time zones, summer time, missed times and jitter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from partner_monitor.schedule.plan import Plan, read
from partner_monitor.schedule.times import due, following, upcoming
from tests.schedule.keeping import ours

DAY = timedelta(days=1)


def plan(job: str, zone: str = "UTC", head: str = "") -> Plan:
    hosts = 'hosts = [{ name = "a", url = "http://127.0.0.1:6800" }]'
    text = f'timezone = "{zone}"\n{head}\n{hosts}\n[jobs.it]\nspider = "partners"\n{job}\n'
    return read(text, ours())


def times(found: Plan, first: datetime, count: int) -> list[str]:
    told = []
    moment: datetime | None = first
    for _ in range(count):
        assert moment is not None
        moment = following(found.jobs["it"], found, moment)
        assert moment is not None
        told.append(f"{moment.astimezone(found.zone):%a %m-%d %H:%M %z}")
    return told


def test_each_time_of_each_day_comes_once() -> None:
    found = plan('at = ["18:00", "05:30"]\ndays = ["mon", "wed"]')
    assert times(found, datetime(2026, 3, 2, 5, 30, tzinfo=UTC), 4) == [
        "Mon 03-02 18:00 +0000",
        "Wed 03-04 05:30 +0000",
        "Wed 03-04 18:00 +0000",
        "Mon 03-09 05:30 +0000",
    ]


@pytest.mark.parametrize("at", ["02:30", "05:30"])
@pytest.mark.parametrize("change", ["2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z"])
def test_a_job_runs_once_a_day_when_the_clocks_change(at: str, change: str) -> None:
    """On one of these nights 02:30 does not come in Brussels, on the other it comes twice."""
    found = plan(f'at = "{at}"', "Europe/Brussels")
    days = [one.split(" ")[1] for one in times(found, datetime.fromisoformat(change), 4)]
    assert len(set(days)) == 4, days


def test_the_time_of_day_stays_when_the_clocks_change() -> None:
    found = plan('at = "05:30"', "Europe/Brussels")
    assert times(found, datetime(2026, 3, 28, tzinfo=UTC), 2) == [
        "Sat 03-28 05:30 +0100",
        "Sun 03-29 05:30 +0200",
    ]


def test_missed_times_are_made_up_for_once_and_not_for_ever() -> None:
    found = plan('at = "05:30"', head="grace_hours = 12")
    job, last = found.jobs["it"], datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
    assert due(job, found, last, last + DAY - timedelta(seconds=1)) is None
    on_time = due(job, found, last, last + DAY)
    assert on_time is not None
    assert (on_time.at, on_time.missed, on_time.too_late) == (last + DAY, 0, False)
    late = due(job, found, last, last + 3 * DAY + timedelta(hours=12))
    assert late is not None
    assert (late.at, late.missed, late.too_late) == (last + 3 * DAY, 2, False)
    too_late = due(job, found, last, last + 3 * DAY + timedelta(hours=12, seconds=1))
    assert too_late is not None
    assert (too_late.at, too_late.too_late) == (last + 3 * DAY, True)


def test_a_job_is_put_off_by_another_bit_each_day_which_stays_when_it_is_asked_again() -> None:
    found = plan('at = "05:30"', head="jitter_seconds = 600")
    job, first = found.jobs["it"], datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
    bits = []
    for day in range(1, 15):
        at = upcoming(job, found, first + (day - 1) * DAY)
        assert at == upcoming(job, found, first + (day - 1) * DAY)
        assert at is not None
        bits.append(at - first - day * DAY)
        assert due(job, found, first + (day - 1) * DAY, at - timedelta(seconds=1)) is None
        assert due(job, found, first + (day - 1) * DAY, at) is not None
    assert len(set(bits)) > 10
    assert all(timedelta(0) <= bit <= timedelta(minutes=10) for bit in bits)
