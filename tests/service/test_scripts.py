"""The scripts as a user runs them, in a checkout: what they say, ask for, keep and leave behind."""

from __future__ import annotations

import signal
import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from partner_monitor import settings
from partner_monitor.config import ConfigurationError
from partner_monitor.schedule.__main__ import read_plan, store_of
from partner_monitor.service.scrapyd import NotLetIn, Refused, Scrapyd, host
from tests.crawling import scrapy_environment
from tests.replica import Replica, World
from tests.schedule.keeping import ours
from tests.service.hosts import Checkout, free_port, reaches, wait_for

SEVERAL = """
timezone = "UTC"
hosts = [{ name = "a", url = "http://10.0.0.1" }, { name = "b", url = "http://10.0.0.2" }]
[jobs.partners]
spider = "partners"
at = "05:30"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@contextmanager
def running(
    checkout: Checkout, command: Sequence[str], says: str, **environment: str
) -> Iterator[list[str]]:
    """A process from the moment it says ``says`` until SIGTERM; what it said by its end."""
    log = checkout.folder.parent / "output.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=checkout.folder,
            env=scrapy_environment(**environment),
            stdout=output,
            stderr=output,
        )
    said: list[str] = []
    try:
        wait_for(lambda: says in log.read_text("utf-8") or process.poll() is not None)
        assert process.poll() is None, log.read_text("utf-8")
        yield said
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        said += log.read_text("utf-8").splitlines()
    assert process.returncode in (0, -signal.SIGTERM), said  # scrapyd passes a signal on


def test_a_scrapyd_of_our_own_has_a_password_and_listens_on_this_machine_alone(
    checkout: Checkout,
) -> None:
    port = free_port()
    serve = [str(checkout.folder / "scripts" / "serve")]
    with running(checkout, serve, "Loaded", SCRAPYD_HTTP_PORT=str(port)) as said:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: reaches(url))
        here = ours(PROJECT_FOLDER=str(checkout.folder))
        with pytest.raises(Refused, match="project 'partner_monitor' not found"):
            Scrapyd(host("a", url, here)).jobs()
        with pytest.raises(NotLetIn):
            Scrapyd(host("a", url, here | {"PARTNER_SCRAPYD_PASSWORD": "guess"})).jobs()
        assert not reaches(f"http://127.0.0.2:{port}")
        status, refused = checkout.script("serve", SCRAPYD_HTTP_PORT=str(port))
        assert status == 2
        assert refused.startswith(f"scrapyd cannot listen at 127.0.0.1:{port}: ")
    password = checkout.folder / "serve" / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert len(password.read_text("utf-8").strip()) >= 32
    assert password.read_text("utf-8").strip() not in "\n".join(said)
    written = (checkout.folder / "serve" / "scrapy.cfg").read_text("utf-8")
    for safe in ("max_proc = 1", "SqliteJobStorage", "jobs_to_keep = 1000"):
        assert safe in written
    assert checkout.git("status", "--porcelain") == ""


def test_the_calendar_is_kept_once_and_tells_its_next_times(checkout: Checkout) -> None:
    schedule = [str(checkout.folder / "scripts" / "schedule")]
    status, said = checkout.script("schedule", "status")
    assert status == 0
    jobs = [line.split()[0] for line in said.splitlines()[2:-1]]
    assert jobs == ["partners", "recheck", "recheck-evening", "digest", "health"]
    assert said.splitlines()[-1] == "no calendar is kept here now: ./scripts/schedule keeps it"
    with running(checkout, schedule, "health: next at ") as lines:
        wait_for((checkout.folder / "serve" / "calendar.json").exists)
        status, said = checkout.script("schedule")
        assert (status, said.count("\n")) == (2, 1)
        assert said.startswith("a calendar is kept here already")
    assert lines[-1].endswith("the calendar is stopped; crawls under way go on")
    assert len(lines) == 6
    assert checkout.git("status", "--porcelain") == ""


def test_a_calendar_that_cannot_be_kept_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PARTNER_DATABASE_URL", f"sqlite:///{tmp_path / 'store.db'}")
    file = tmp_path / "schedule.toml"
    file.write_text(SEVERAL, "utf-8")
    with pytest.raises(ConfigurationError) as refused:
        store_of(read_plan(tmp_path))
    assert str(refused.value) == (
        "2 hosts need one PostgreSQL: PARTNER_DATABASE_URL is a SQLite file, which other machines "
        "cannot reach, and which keeps no common pace"
    )
    file.write_text("timezone = 3", "utf-8")
    with pytest.raises(ConfigurationError, match=r"^schedule\.toml: no jobs: name one at least"):
        read_plan(tmp_path)


def test_a_crawl_leaves_nothing_that_git_would_take(checkout: Checkout) -> None:
    with Replica(World.generate(1, partners=20, countries=2)) as site:
        status, said = checkout.script("run", "-a", "mode=first", PARTNER_SITE_URL=site.url)
    assert status == 0, said
    assert checkout.git("status", "--porcelain") == ""
