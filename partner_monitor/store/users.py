"""Who may log in to the dashboard. Keeps hashes of passwords; knows not how they are made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, insert, select, update

from partner_monitor.store.engine import StoreError, reading, serialize_publishes, writing
from partner_monitor.store.schema import users

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


class Role(StrEnum):
    """What a user may do: read, or also flag, publish and discard."""

    VIEWER = "viewer"
    ADMIN = "admin"


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """One who may log in, unless disabled."""

    id: int
    name: str
    role: Role
    password_hash: str
    password_set_at: datetime
    """A session that began earlier is over."""
    created_at: datetime
    disabled: bool


def normalized(name: str) -> str:
    """The name as it is kept, in lower case; raises StoreError if it cannot be one."""
    lower = name.strip().lower()
    if not NAME.fullmatch(lower):
        raise StoreError(
            f"{name!r} cannot be a user's name: letters a to z, digits and . _ @ + -, 64 at most"
        )
    return lower


def add(
    engine: Engine,
    name: str,
    role: Role,
    password_hash: str,
    now: datetime,
    *,
    only_as_first: bool = False,
) -> User:
    """Add a user; raises StoreError if the name is taken, or the first one is wanted and is not."""
    name = normalized(name)
    with writing(engine) as connection:
        # On PostgreSQL two that come at the same time must not both find nobody.
        serialize_publishes(connection)
        there = set(connection.scalars(select(users.c.name)))
        if only_as_first and there:
            raise StoreError("there are users already: an admin adds more (scrapy users add)")
        if name in there:
            raise StoreError(f"there is a user {name} already")
        row = connection.execute(
            insert(users)
            .values(
                name=name,
                role=role,
                password_hash=password_hash,
                password_set_at=now,
                created_at=now,
                disabled=False,
            )
            .returning(users)
        ).one()
    return _user(row)


def everybody(engine: Engine) -> Sequence[User]:
    """All users by name, those disabled too."""
    with reading(engine) as connection:
        return [_user(row) for row in connection.execute(select(users).order_by(users.c.name))]


def by_id(engine: Engine, user_id: int) -> User | None:
    """The user of a session."""
    return _one(engine, users.c.id == user_id)


def by_name(engine: Engine, name: str) -> User | None:
    """The user who logs in; any letter case."""
    lower = name.strip().lower()
    return _one(engine, users.c.name == lower) if NAME.fullmatch(lower) else None


def disable(engine: Engine, name: str, *, disabled: bool = True) -> None:
    """Shut a user out at once, or let one in again; raises StoreError if there is none."""
    _change(engine, name, disabled=disabled)


def set_password(engine: Engine, name: str, password_hash: str, now: datetime) -> None:
    """A new password ends every session of the user; raises StoreError if there is none."""
    _change(engine, name, password_hash=password_hash, password_set_at=now)


def _change(engine: Engine, name: str, **values: Any) -> None:
    with writing(engine) as connection:
        changed = connection.execute(
            update(users).where(users.c.name == normalized(name)).values(values)
        )
    if not changed.rowcount:
        raise StoreError(f"there is no user {name}: scrapy users list names them")


def _one(engine: Engine, condition: ColumnElement[bool]) -> User | None:
    with reading(engine) as connection:
        row = connection.execute(select(users).where(condition)).one_or_none()
        return None if row is None else _user(row)


def _user(row: Row[Any]) -> User:
    return User(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        password_hash=row.password_hash,
        password_set_at=row.password_set_at,
        created_at=row.created_at,
        disabled=row.disabled,
    )
