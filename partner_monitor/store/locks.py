"""A run's lock, which dies with its process: so a living run and a killed one are told apart.

SQLite: a file lock beside the store. PostgreSQL: an advisory lock of a session kept for it.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Engine, text

from partner_monitor.store.schema import sqlite_file


class RunLock(Protocol):
    """A lock held until ``release``, or until the process ends."""

    def release(self) -> None: ...


class _SessionLock:
    def __init__(self, engine: Engine, key: int) -> None:
        # A connection of its own, in no transaction: idle transactions hold back vacuum.
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._key = key

    def acquire(self) -> bool:
        got = self._connection.execute(
            text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}
        ).scalar_one()
        if not got:
            self._connection.close()
        return bool(got)

    def release(self) -> None:
        # Closing the session, not returning it to the pool, is what frees the lock for certain.
        self._connection.invalidate()
        self._connection.close()


class _FileLock:
    def __init__(self, path: str) -> None:
        self._lock = FileLock(path, timeout=0)

    def acquire(self) -> bool:
        try:
            self._lock.acquire()
        except Timeout:
            return False
        return True

    def release(self) -> None:
        self._lock.release()


def take(engine: Engine, name: str) -> RunLock | None:
    """The lock called ``name`` in this store, or None while another process holds it."""
    digest = hashlib.sha256(name.encode()).digest()
    file = sqlite_file(engine)
    lock: _FileLock | _SessionLock
    if file is not None:
        lock = _FileLock(f"{file}.{digest[:6].hex()}.lock")
    else:
        lock = _SessionLock(engine, int.from_bytes(digest[:8], signed=True))
    return lock if lock.acquire() else None
