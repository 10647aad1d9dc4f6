"""``schedule.toml``: what it says, and one clear line for each way of saying it wrong."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from partner_monitor.config import ConfigurationError
from partner_monitor.schedule.plan import read
from tests.crawling import ROOT
from tests.schedule.keeping import ours

EXAMPLE = (ROOT / "schedule.example.toml").read_text(encoding="utf-8")

HOST = '[[hosts]]\nname = "a"\nurl = "http://127.0.0.1:6800"\n'
JOB = '[jobs.partners]\nspider = "partners"\nat = "05:30"\n'


def refusal(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(text, ours())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_defaults_crawl_daily_look_again_twice_and_tell_of_it() -> None:
    plan = read(EXAMPLE, ours())
    assert (plan.zone.key, plan.jitter, plan.grace) == (
        "UTC",
        timedelta(minutes=10),
        timedelta(hours=12),
    )
    assert [(host.name, host.url) for host in plan.hosts] == [("here", "http://127.0.0.1:6800")]
    assert not plan.spreads
    elsewhere = read(EXAMPLE, ours(PARTNER_SCRAPYD_URL="http://10.0.0.9:6800"))
    assert [host.url for host in elsewhere.hosts] == ["http://10.0.0.9:6800"]
    jobs = plan.jobs
    assert {
        name: (job.spider or job.task, list(job.at), job.after) for name, job in jobs.items()
    } == {
        "partners": ("partners", [time(5, 30)], ""),
        "recheck": ("recheck", [], "partners"),
        "recheck-evening": ("recheck", [time(18)], ""),
        "digest": ("digest", [time(8)], ""),
        "health": ("health", [time(12)], ""),
    }


def test_several_times_days_arguments_and_settings_are_read() -> None:
    job = """[jobs.belgium]
        spider = "partners"
        at = ["06:00", "18:30"]
        days = ["mon", "thu"]
        arguments = { mode = "specific_c", country = 20 }
        settings = { DOWNLOAD_DELAY = 2.5 }"""
    found = read(f'timezone = "Europe/Brussels"\n{HOST}{job}', ours()).jobs["belgium"]
    assert list(found.at) == [time(6), time(18, 30)]
    assert list(found.days) == ["mon", "thu"]
    assert found.arguments == {"mode": "specific_c", "country": "20"}
    assert found.settings == {"DOWNLOAD_DELAY": "2.5"}


def test_a_hosts_password_comes_from_its_url_or_else_from_the_settings() -> None:
    hosts = """[[hosts]]
        name = "a"
        url = "https://a.example/scrapyd/"
        [[hosts]]
        name = "b"
        url = "http://me:p%40ss@10.0.0.2:6800"
        """
    text = f'timezone = "UTC"\n{hosts}{JOB}'
    known = ours(PARTNER_SCRAPYD_USERNAME="us", PARTNER_SCRAPYD_PASSWORD="common")
    plan = read(text, known)
    assert [(one.url, one.username, one.password) for one in plan.hosts] == [
        ("https://a.example/scrapyd", "us", "common"),
        ("http://10.0.0.2:6800", "me", "p@ss"),
    ]
    assert "p@ss" not in repr(plan)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timezone = ", "Invalid value (at "),
        (HOST + JOB, "no timezone: name one, such as UTC or Europe/Brussels"),
        (f'timezone = "Mars"\n{HOST}{JOB}', "unknown timezone 'Mars': name one, such as UTC"),
        (f'timezone = "../etc"\n{HOST}{JOB}', "unknown timezone '../etc'"),
        (f"timezone = 1\n{HOST}{JOB}", "unknown timezone 1"),
        (f'timezone = "UTC"\nzone = 1\n{HOST}{JOB}', "the file has an unknown 'zone'"),
        (
            f'timezone = "UTC"\njitter_seconds = -1\n{HOST}{JOB}',
            "jitter_seconds -1 is no number from 0 to 3600",
        ),
        (
            f'timezone = "UTC"\ngrace_hours = "long"\n{HOST}{JOB}',
            "grace_hours 'long' is no number from 0 to 24",
        ),
        (f'timezone = "UTC"\nhosts = []\n{JOB}', "hosts [] are no tables, as [[hosts]]"),
        (f'timezone = "UTC"\nhosts = "a"\n{JOB}', "hosts 'a' are no tables, as [[hosts]]"),
        (f'timezone = "UTC"\n{HOST}', "no jobs: name one at least, as [jobs.partners]"),
        (f'timezone = "UTC"\n{HOST}{HOST}{JOB}', "two hosts are called 'a'"),
        (f'timezone = "UTC"\n[[hosts]]\nurl = "http://a"\n{JOB}', "host 1 has no name"),
        (
            f'timezone = "UTC"\n[[hosts]]\nname = "a"\nurl = "a:6800"\n{JOB}',
            "host a: its url is no scrapyd's, as http://127.0.0.1:6800",
        ),
        (
            f'timezone = "UTC"\n{HOST}port = 1\n{JOB}',
            "host 1 has an unknown 'port': known are name, url",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(text: str, said: str) -> None:
    assert refusal(text).startswith(said)


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ('spider = "partners"', "needs one of at and after"),
        ('spider = "partners"\nat = "05:30"\nafter = "x"', "needs one of at and after"),
        ('at = "05:30"', "needs one of spider and task"),
        ('spider = "partners"\ntask = "digest"\nat = "05:30"', "needs one of spider and task"),
        ('spider = "partner"\nat = "05:30"', ": unknown spider 'partner', known are partners"),
        ('task = "mail"\nat = "05:30"', ": unknown task 'mail', known are digest, health"),
        ('spider = "partners"\nat = "5:30"', ": at '5:30' is no time of day, such as 05:30"),
        ('spider = "partners"\nat = "24:00"', ": at '24:00' is no time of day"),
        ('spider = "partners"\nat = 05:30:00', ": at datetime.time(5, 30) is no time of day"),
        ('spider = "partners"\nat = "05:30"\ndays = ["monday"]', ": 'monday' is no day, they are"),
        ('spider = "partners"\nafter = "x"\ndays = ["mon"]', ": days go with at, not with after"),
        ('spider = "partners"\nafter = "x"', ": after 'x', which is no job"),
        ('spider = "partners"\nafter = "it"', " comes after itself"),
        ('spider = "partners"\nat = "05:30"\ncron = 1', " has an unknown 'cron': known are spider"),
        (
            'spider = "partners"\nat = "05:30"\narguments = { mode = "some" }',
            ": unknown mode 'some': one of all, first, specific, specific_c",
        ),
        (
            'spider = "recheck"\nat = "05:30"\narguments = { limit = 0 }',
            ": limit '0' is no number of 1 or more",
        ),
        (
            'spider = "partners"\nat = "05:30"\narguments = ["all"]',
            ": arguments is no table of texts and numbers",
        ),
        ('task = "health"\nat = "05:30"\narguments = {}', ": arguments and settings go with a"),
    ],
)
def test_a_job_that_cannot_be_done_is_refused_by_its_name(job: str, said: str) -> None:
    text = f'timezone = "UTC"\n{HOST}[jobs.it]\n{job}\n'
    assert refusal(text).startswith(f"job it{said}" if said[0] in ": " else f"job it {said}")
