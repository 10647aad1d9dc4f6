"""``scrapy users``: who may log in to the dashboard."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from partner_monitor.command import StoreCommand
from partner_monitor.config import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from partner_monitor.config import Config

ACTIONS = ("add", "list", "disable", "enable", "passwd")


class Command(StoreCommand):
    """Adds, lists and shuts out users of the dashboard."""

    empty_store_is_fine = True

    def syntax(self) -> str:
        return "add|list|disable|enable|passwd [NAME]"

    def short_desc(self) -> str:
        return "Who may log in to the dashboard: add, list, disable, enable, passwd"

    def long_desc(self) -> str:
        return (
            "A password is asked for on a terminal, and read from standard input otherwise: never "
            "an argument. A viewer reads; an admin may also flag for a recheck, and publish or "
            "discard quarantined runs. A new password, or disable, ends the user's sessions."
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--role", metavar="viewer|admin", help="of a new user (viewer)")

    def work(
        self, engine: Engine, config: Config, args: list[str], opts: argparse.Namespace
    ) -> int:
        from datetime import UTC, datetime

        from partner_monitor.store import migrate, users

        action, *names = args or [""]
        if action not in ACTIONS:
            raise ConfigurationError(f"scrapy users {action!r}: one of {', '.join(ACTIONS)}")
        if len(names) != (action != "list"):
            wanted = "takes no name" if action == "list" else "takes one name"
            raise ConfigurationError(f"scrapy users {action} {wanted}")
        if opts.role is not None and action != "add":
            raise ConfigurationError("--role goes with add")
        if opts.role is not None and opts.role not in tuple(users.Role):
            raise ConfigurationError(f"--role {opts.role!r}: one of {', '.join(users.Role)}")
        migrate.prepare(engine)
        now = datetime.now(UTC)
        match action:
            case "list":
                _list(engine)
            case "add":
                name = users.normalized(names[0])
                role = users.Role(opts.role or users.Role.VIEWER)
                users.add(engine, name, role, _password_hash(), now)
                print(f"{name} may log in as {role}")
            case "passwd":
                name = users.normalized(names[0])
                users.set_password(engine, name, _password_hash(), now)
                print(f"{name} has a new password; sessions with the old one are over")
            case _:
                name = users.normalized(names[0])
                users.disable(engine, name, disabled=action == "disable")
                print(f"{name} may {'not log in any more' if action == 'disable' else 'log in'}")
        return 0


def _list(engine: Engine) -> None:
    from partner_monitor.reports.tables import print_table
    from partner_monitor.store import users

    everybody = users.everybody(engine)
    if not everybody:
        print("No user yet: scrapy users add NAME --role admin")
        return
    print_table(
        ["name", "role", "added", "state"],
        [
            [
                user.name,
                user.role,
                f"{user.created_at:%Y-%m-%d}",
                "disabled" if user.disabled else "may log in",
            ]
            for user in everybody
        ],
    )


def _password_hash() -> str:
    from partner_monitor.dashboard import passwords

    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise ConfigurationError("the two passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\n")
    if fault := passwords.fault(password):
        raise ConfigurationError(fault)
    return passwords.hashed(password)
