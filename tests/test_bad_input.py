"""Bad input on the real command line: one clear line, a status that is not 0, nothing written."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import inspect

from partner_monitor.store.engine import open_engine
from tests.crawling import FAST, ROOT, crawl, rows, scrapy, scrapy_environment
from tests.replica import Replica, World

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)

PACE = [part for name, value in FAST.items() for part in ("-s", f"{name}={value}")]


class Ground(NamedTuple):
    """A site, and a folder with a store of it and nothing else that matters."""

    site: Replica
    folder: Path
    store: str


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("store")
    store = f"sqlite:///{folder / 'store.db'}"
    with Replica(World.generate(1, partners=60, countries=5)) as site:
        assert crawl(site.url, store, NOON, mode="all").state == "published"
        yield Ground(site, folder, store)


def held(store: str) -> dict[str, list[str]]:
    """Every row of every table."""
    engine = open_engine(store)
    names = inspect(engine).get_table_names()
    engine.dispose()
    return {name: sorted(map(str, rows(store, f"SELECT * FROM {name}"))) for name in names}


def files(folder: Path) -> list[str]:
    """The files of a folder, without those that SQLite has while it reads."""
    return sorted(
        path.name for path in folder.iterdir() if not path.name.endswith(("-wal", "-shm"))
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a refused command says: one line, and nothing on its standard output."""
    assert done.returncode not in (0, None)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


class Case(NamedTuple):
    name: str
    arguments: str
    said: str
    """What the line has to say."""
    settings: dict[str, Any] = {}
    spider: str = "partners"


CASES = (
    Case("an unknown mode", "mode=some", "unknown mode 'some': one of all, first, specific"),
    Case("page 0", "mode=specific page=0", "page '0' is no page number: 1 or more"),
    Case("page -1", "mode=specific page=-1", "page '-1' is no page number"),
    Case("a page in words", "mode=specific page=abc", "page 'abc' is no page number"),
    Case("a page with mode all", "mode=all page=2", "page goes with mode=specific"),
    Case(
        "a page with a country", "mode=specific_c country=EG page=2", "page goes with mode=specific"
    ),
    Case("specific_c without a country", "mode=specific_c", "mode=specific_c needs a country"),
    Case("a blank country", "mode=specific_c country=", "mode=specific_c needs a country"),
    Case("a country with mode all", "mode=all country=EG", "country goes with mode=specific_c"),
    Case(
        "a mistyped country",
        "mode=specific_c country=Vietnm",
        'no country "Vietnm": did you mean Vietnam',
    ),
    Case("no country at all", "mode=specific_c country=Qqqxz", 'no country "Qqqxz": give an id'),
    Case("an unknown argument", "mode=all pages=3", "unknown argument 'pages': known are mode"),
    Case("an unknown spider", "mode=all", "there is no spider 'partner'", spider="partner"),
    Case(
        "a page 0 in the settings",
        "mode=specific",
        "page '0' is no page number",
        {"PARTNER_FETCH_PAGE": "0"},
    ),
    Case(
        "a kind of alerts that is none",
        "mode=all",
        "PARTNER_ALERTS 'some': one of all, trouble",
        {"PARTNER_ALERTS": "some"},
    ),
    Case("a mode in the settings", "", "unknown mode 'x'", {"PARTNER_FETCH_MODE": "x"}),
    Case(
        "a site that is no URL",
        "mode=all",
        "PARTNER_SITE_URL 'www.odoo.com' is no site's origin",
        {"PARTNER_SITE_URL": "www.odoo.com"},
    ),
    Case(
        "a site with a broken port",
        "mode=all",
        "PARTNER_SITE_URL 'http://127.0.0.1:99999' is no",
        {"PARTNER_SITE_URL": "http://127.0.0.1:99999"},
    ),
    Case(
        "a database URL that is none",
        "mode=all",
        "PARTNER_DATABASE_URL 'store.db' is no database URL",
        {"PARTNER_DATABASE_URL": "store.db"},
    ),
    Case(
        "another kind of database",
        "mode=all",
        "PARTNER_DATABASE_URL names mysql",
        {"PARTNER_DATABASE_URL": "mysql://user:secret@127.0.0.1/name"},
    ),
    Case(
        "a folder that is not there",
        "mode=all",
        "PARTNER_DATABASE_URL: there is no folder /nowhere",
        {"PARTNER_DATABASE_URL": "sqlite:////nowhere/store.db"},
    ),
    Case("no instant", "mode=all", "PARTNER_NOW 'noon' is no ISO", {"PARTNER_NOW": "noon"}),
    Case(
        "an instant before the calendar's first",
        "mode=all",
        "PARTNER_NOW '0001-01-01T00:00:00+05:00' is no ISO",
        {"PARTNER_NOW": "0001-01-01T00:00:00+05:00"},
    ),
    Case(
        "negative days",
        "mode=all",
        "PARTNER_DELIST_AFTER_DAYS '-1' is no number of 0 or more",
        {"PARTNER_DELIST_AFTER_DAYS": "-1"},
    ),
    Case(
        "another site's store",
        "mode=all",
        "not of http://127.0.0.9:1: set PARTNER_DATABASE_URL",
        {"PARTNER_SITE_URL": "http://127.0.0.9:1"},
    ),
)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_is_one_line_before_any_request(ground: Ground, case: Case) -> None:
    before = len(ground.site.log), files(ground.folder), held(ground.store)
    arguments = [part for pair in case.arguments.split() for part in ("-a", pair)]
    settings: dict[str, Any] = {
        "PARTNER_SITE_URL": ground.site.url,
        "PARTNER_DATABASE_URL": ground.store,
    }
    done = scrapy("crawl", case.spider, *arguments, **settings | case.settings)
    line = one_line(done)
    assert case.said in line
    assert "secret" not in line
    assert (len(ground.site.log), files(ground.folder), held(ground.store)) == before


def test_refused_input_makes_no_store_and_stands_in_the_log_of_a_scrapyd(
    ground: Ground, tmp_path: Path
) -> None:
    requests = len(ground.site.log)
    log = ground.folder.parent / "job.log"
    scrapyds = ("-a", "_job=7", "-s", f"LOG_FILE={log}")
    settings: dict[str, Any] = {
        "PARTNER_SITE_URL": ground.site.url,
        "PARTNER_DATABASE_URL": f"sqlite:///{tmp_path / 'store.db'}",
    }
    for arguments in (("mode=specific", "page=0"), ("mode=specific_c", "country=Vietnm")):
        given = [f"-a{pair}" for pair in arguments]
        line = one_line(scrapy("crawl", "partners", *given, *scrapyds, **settings))
        assert log.read_text("utf-8").splitlines()[-1].endswith(f" ERROR {line}")
    assert list(tmp_path.iterdir()) == []
    assert len(ground.site.log) == requests


def test_a_database_that_does_not_answer_is_named_without_its_password(ground: Ground) -> None:
    with socket.socket() as taken:  # bound but not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{taken.getsockname()[1]}/name"
        requests = len(ground.site.log)
        done = scrapy(
            "crawl",
            "partners",
            PARTNER_SITE_URL=ground.site.url,
            PARTNER_DATABASE_URL=f"postgresql://user:secret@{where}",
        )
    line = one_line(done)
    assert f"@{where} does not answer: " in line
    assert "secret" not in line
    assert len(ground.site.log) == requests


def test_a_file_that_is_no_database_is_left_alone(ground: Ground, tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    file.write_text("a list of shopping\n" * 100)
    requests = len(ground.site.log)
    done = scrapy(
        "crawl",
        "partners",
        PARTNER_SITE_URL=ground.site.url,
        PARTNER_DATABASE_URL=f"sqlite:///{file}",
    )
    assert "store.db does not answer: file is not a database" in one_line(done)
    assert file.read_text() == "a list of shopping\n" * 100
    assert len(ground.site.log) == requests


def last_error(done: subprocess.CompletedProcess[str]) -> str:
    """The only ERROR line of a crawl's log, which is its last."""
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert [line for line in lines if " ERROR " in line] == lines[-1:], done.stderr
    return lines[-1].partition(" ERROR ")[2]


@pytest.mark.parametrize("country", ["TV", "999"])
def test_a_country_that_is_not_in_the_menu_is_looked_up_on_one_page_and_nothing_is_written(
    ground: Ground, tmp_path: Path, country: str
) -> None:
    requests = len(ground.site.log)
    done = scrapy(
        "crawl",
        "partners",
        *("-a", "mode=specific_c", "-a", f"country={country}", *PACE),
        PARTNER_SITE_URL=ground.site.url,
        PARTNER_DATABASE_URL=f"sqlite:///{tmp_path / 'store.db'}",
    )
    said = f"nothing done: country '{country}' is not in the menu of {ground.site.url}"
    assert last_error(done) == said
    assert ground.site.paths()[requests:] == ["/robots.txt", "/partners?country_all=1"]
    assert list(tmp_path.iterdir()) == []


def test_a_page_beyond_the_last_fails_and_changes_nothing(ground: Ground) -> None:
    before = held(ground.store)
    done = scrapy(
        "crawl",
        "partners",
        *("-a", "mode=specific", "-a", "page=500", *PACE),
        PARTNER_SITE_URL=ground.site.url,
        PARTNER_DATABASE_URL=ground.store,
    )
    assert last_error(done).endswith("failed: page 500 is beyond the last (3)")
    after = held(ground.store)
    changed = {name for name in after if after[name] != before[name]}
    ledger = {"crawl_runs", "run_fields", "run_outcomes", "staged_pages", "kept_pages"}
    assert changed <= ledger | {"sqlite_sequence"}
    run = rows(ground.store, "SELECT state, reason FROM crawl_runs ORDER BY id DESC LIMIT 1")[0]
    assert tuple(run) == ("failed", "page 500 is beyond the last (3)")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's folder, with a ``.env`` of its own."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "scrapy.cfg", folder)
    for package in ("partner_monitor", "spiders", "pipelines"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    (folder / ".env").write_text(
        "# the site of this machine\n\nexport PARTNER_FETCH_MODE='first'\nPARTNER_COUNTRY = VN\n"
    )
    return folder


@pytest.mark.parametrize(
    ("name", "environment", "option", "value"),
    [
        ("PARTNER_FETCH_MODE", "specific", "specific_c", "specific_c"),
        ("PARTNER_FETCH_MODE", "specific", None, "specific"),
        ("PARTNER_FETCH_MODE", None, None, "first"),
        ("PARTNER_COUNTRY", None, None, "VN"),
        ("PARTNER_FETCH_PAGE", None, None, "1"),
    ],
)
def test_an_option_beats_the_environment_beats_the_env_file_beats_the_default(
    project: Path, name: str, environment: str | None, option: str | None, value: str
) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "scrapy", "settings", "--get", name),
            *(("-s", f"{name}={option}") if option else ()),
        ],
        cwd=project,
        env=scrapy_environment(**({name: environment} if environment else {})),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == value


def test_a_bad_value_of_the_env_file_is_refused_like_any_other(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", "crawl", "partners", "-a", "mode=specific"],
        cwd=project,
        env=scrapy_environment(PARTNER_FETCH_PAGE="none"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert one_line(done) == "page 'none' is no page number: 1 or more"
    assert not (project / "partner_monitor.db").exists()


def test_a_site_that_is_not_there_is_told_without_a_traceback(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        site = f"http://127.0.0.1:{taken.getsockname()[1]}"
        done = scrapy(
            *("crawl", "partners", "-a", "mode=first", *PACE),
            PARTNER_SITE_URL=site,
            PARTNER_DATABASE_URL=f"sqlite:///{tmp_path / 'store.db'}",
        )
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if " ERROR " in line]
    assert errors[-1].endswith("; gave up: robots.txt cannot be read (unreachable)")
    assert "run 1 failed: no listing page could be read: " in errors[-1]


def test_a_store_of_another_version_is_refused_in_one_line(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    assert scrapy("db", "upgrade", PARTNER_DATABASE_URL=store).returncode == 0
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    for command in (("crawl", "partners"), ("report",), ("runs",)):
        refused = scrapy(*command, PARTNER_DATABASE_URL=store)
        assert refused.returncode == 2
        assert refused.stderr.startswith("the store has schema 0000, this version needs ")
        assert refused.stderr.endswith(": run scrapy db upgrade\n")
