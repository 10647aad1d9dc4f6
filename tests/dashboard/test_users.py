"""``scrapy users``: passwords come by standard input or a terminal, never as an argument."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from partner_monitor.store import migrate
from partner_monitor.store.engine import open_engine
from partner_monitor.store.users import Role
from tests.crawling import ROOT, rows, scrapy_environment
from tests.dashboard.serving import PASSWORD, add_user


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def users(store: str, *arguments: str, password: str | None = None) -> tuple[int, str]:
    """Exit status, and what was printed."""
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", "users", *arguments],
        cwd=ROOT,
        env=scrapy_environment(PARTNER_DATABASE_URL=store),
        input="" if password is None else f"{password}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_users_are_added_listed_and_shut_out_and_their_passwords_hashed(store: str) -> None:
    added = users(store, "add", "Anna", "--role", "admin", password=PASSWORD)
    assert added == (0, "anna may log in as admin\n")
    assert users(store, "add", "vera", password=PASSWORD) == (0, "vera may log in as viewer\n")
    assert users(store, "disable", "vera") == (0, "vera may not log in any more\n")
    status, listed = users(store, "list")
    assert status == 0
    lines = [line.split()[:2] + line.split()[3:] for line in listed.splitlines()[2:]]
    assert lines == [["anna", "admin", "may", "log", "in"], ["vera", "viewer", "disabled"]]

    hashes = [row.password_hash for row in rows(store, "SELECT password_hash FROM users")]
    assert all(one.startswith("$argon2id$") for one in hashes)
    assert len(set(hashes)) == 2
    assert PASSWORD not in "".join(hashes)


@pytest.mark.parametrize(
    ("arguments", "password", "said"),
    [
        (("ad",), None, "scrapy users 'ad': one of add, list, disable, enable, passwd"),
        (("add", "anna", PASSWORD), None, "scrapy users add takes one name"),
        (("add", "<b>"), PASSWORD, "'<b>' cannot be a user's name"),
        (("add", "anna"), "short", "a password has 10 characters or more"),
        (("add", "anna", "--role", "king"), PASSWORD, "--role 'king': one of viewer, admin"),
        (("passwd", "nobody"), PASSWORD, "there is no user nobody: scrapy users list names them"),
        (("add", "KNOWN"), PASSWORD, "there is a user known already"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    store: str, arguments: tuple[str, ...], password: str | None, said: str
) -> None:
    engine = open_engine(store)
    migrate.upgrade(engine)
    engine.dispose()
    add_user(store, "known", Role.VIEWER)
    before = rows(store, "SELECT * FROM users")
    status, printed = users(store, *arguments, password=password)
    assert (status, printed.count("\n")) == (2, 1), printed
    assert printed.startswith(said)
    assert rows(store, "SELECT * FROM users") == before


def on_a_terminal(store: str, *typed: str) -> str:
    """Add a user as a person does who types these lines; gives what the terminal showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "scrapy", "users", "add", "anna"],
        cwd=ROOT,
        env=scrapy_environment(PARTNER_DATABASE_URL=store),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    answers = [f"{line}\n".encode() for line in typed]
    while True:
        try:
            block = os.read(ours, 1024)
        except OSError:
            break
        if not block:
            break
        shown += block
        if block.rstrip().endswith(b":") and answers:
            os.write(ours, answers.pop(0))
    process.wait(60)
    os.close(ours)
    return shown.decode()


def test_on_a_terminal_a_password_is_asked_for_twice_and_not_shown(store: str) -> None:
    shown = on_a_terminal(store, PASSWORD, PASSWORD)
    assert "Password: " in shown
    assert "Once more: " in shown
    assert "anna may log in as viewer" in shown
    assert PASSWORD not in shown


def test_two_passwords_that_differ_are_refused(store: str) -> None:
    assert "the two passwords differ" in on_a_terminal(store, PASSWORD, f"{PASSWORD}!")
    assert rows(store, "SELECT * FROM users") == []
