"""Parts of the machine that some tests need, and the fixtures that rest on them.

A part that is missing skips its tests with a line that says how to start it; with
``PARTNER_TEST_REQUIRE_ALL=1`` (``./scripts/test --require-all``) it fails them.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError


@dataclass(frozen=True)
class Part:
    name: str
    fault: Callable[[], str]
    """What is wrong with it, in a few words; empty where it is there."""
    remedy: str


def need(part: Part) -> None:
    """Skip the test, or fail it where all parts are required, if ``part`` is missing."""
    fault = part.fault()
    if not fault:
        return
    message = f"{part.name} is missing ({fault}): {part.remedy}"
    if os.environ.get("PARTNER_TEST_REQUIRE_ALL") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def postgres_url() -> URL:
    """The database from which the tests' own are created and dropped."""
    default = "postgresql+psycopg://postgres@127.0.0.1:5432/test"
    return make_url(os.environ.get("PARTNER_TEST_POSTGRES_URL", default))


def _server() -> Engine:
    return create_engine(
        postgres_url(), isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 5}
    )


@cache
def _postgres_fault() -> str:
    engine = _server()
    try:
        with engine.connect() as connection:
            may_create = connection.scalar(
                text("select rolcreatedb or rolsuper from pg_roles where rolname = current_user")
            )
    except DBAPIError as error:
        return str(error.orig).strip().splitlines()[0]
    finally:
        engine.dispose()
    return "" if may_create else f"{postgres_url().username} may not create databases"


POSTGRES = Part(
    "PostgreSQL",
    _postgres_fault,
    "start it (Debian: apt install postgresql, then pg_ctlcluster VERSION main start) or set "
    "PARTNER_TEST_POSTGRES_URL to a server where the user may create databases",
)


def _chromium_fault() -> str:
    return "" if shutil.which("chromium") else "no chromium on the path"


CHROMIUM = Part("Chromium", _chromium_fault, "install it (Debian: apt install chromium)")


@pytest.fixture
def chromium() -> str:
    """Path of the system's browser."""
    need(CHROMIUM)
    return shutil.which("chromium") or ""


@contextmanager
def postgres_database(name: str) -> Iterator[str]:
    """URL of an empty PostgreSQL database that is made here and dropped at the end."""
    engine = _server()
    try:
        with engine.connect() as connection:
            # template0 has no visitors: another worker creating from template1 would be in the way.
            connection.execute(text(f"create database {name} template template0"))
        yield postgres_url().set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.execute(text(f"drop database {name} with (force)"))
    finally:
        engine.dispose()


@pytest.fixture
def postgres_database_url() -> Iterator[str]:
    """URL of an empty PostgreSQL database that lives as long as the test."""
    need(POSTGRES)
    with postgres_database(f"partner_test_{uuid.uuid4().hex}") as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty store that lives as long as the test: one on SQLite, one on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    url: str = request.getfixturevalue("postgres_database_url")
    return url
