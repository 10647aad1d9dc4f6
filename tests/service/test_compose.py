"""deploy/compose.yaml: each of its commands, run on this machine with the settings it names."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from sqlalchemy.engine import make_url

from partner_monitor.service.scrapyd import Refused, Scrapyd, host
from tests.crawling import ROOT
from tests.schedule.keeping import ours
from tests.service.hosts import Checkout, free_port, reaches, wait_for
from tests.service.test_scripts import running

pytestmark = pytest.mark.postgres

SERVICES: dict[str, Any] = yaml.safe_load(
    (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
)["services"]

SECRETS = {
    "POSTGRES_PASSWORD": "one",
    "PARTNER_SCRAPYD_PASSWORD": "two",
    "PARTNER_DASHBOARD_SECRET": "three",
    "PARTNER_ALERT_URLS": "",
}
PROGRAMS = {"python": [sys.executable], "scrapy": [sys.executable, "-m", "scrapy"]}


def command(service: str) -> list[str]:
    program, *arguments = SERVICES[service]["command"]
    return [*PROGRAMS[program], *arguments]


def environment(service: str, database_url: str) -> dict[str, str]:
    """What compose gives the service; its database is the test's."""
    given = {
        name: re.sub(r"\$\{(\w+)[^}]*\}", lambda found: SECRETS[found[1]], str(value))
        for name, value in SERVICES[service]["environment"].items()
    }
    assert given["PARTNER_DATABASE_URL"] == "postgresql+psycopg://partners:one@postgres/partners"
    return given | {"PARTNER_DATABASE_URL": database_url}


def test_scrapyd_and_the_calendar_find_each_other(
    postgres_database_url: str, tmp_path: Path
) -> None:
    checkout = Checkout(tmp_path)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    scrapyd = environment("scrapyd", postgres_database_url) | {"SCRAPYD_HTTP_PORT": str(port)}
    with running(checkout, command("scrapyd"), "Loaded", **scrapyd):
        wait_for(lambda: reaches(url))
        with pytest.raises(Refused, match="project 'partner_monitor' not found"):
            Scrapyd(host("a", url, ours(PARTNER_SCRAPYD_PASSWORD="two"))).jobs()
    calendar = environment("calendar", postgres_database_url)
    assert calendar["PARTNER_SCRAPYD_URL"] == "http://scrapyd:6800"
    with running(checkout, command("calendar"), "health: next at ", **calendar) as said:
        wait_for((checkout.folder / "serve" / "calendar.json").exists)
    assert "the calendar is stopped" in said[-1]


def test_the_dashboard_answers(postgres_database_url: str, tmp_path: Path) -> None:
    asked = command("dashboard")
    assert asked[-2:] == ["--port", "8000"]
    port = str(free_port())  # another may be using that one on this machine
    settings = environment("dashboard", postgres_database_url)
    with running(Checkout(tmp_path), [*asked[:-1], port], "Partner Monitor: http://", **settings):
        url = f"http://127.0.0.1:{port}/login"
        wait_for(lambda: reaches(url))
        assert "Sign in" in requests.get(url, timeout=30).text


def test_postgres_is_asked_whether_it_is_ready(postgres_database_url: str) -> None:
    program, *arguments = SERVICES["postgres"]["healthcheck"]["test"][1:]
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on the path: it comes with PostgreSQL's own programs")
    url = make_url(postgres_database_url)
    where = {"PGHOST": url.host or "", "PGPORT": str(url.port or 5432)}
    assert subprocess.run([program, *arguments], env=where, check=False).returncode == 0


def test_nothing_is_offered_but_to_the_machine_itself() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)
