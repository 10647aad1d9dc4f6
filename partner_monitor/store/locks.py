"""A run's lock, which dies with its process: so a living run and a killed one are told apart.

SQLite: a file lock beside the store. PostgreSQL: an advisory lock of a session kept for it.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, text

from partner_monitor.store.engine import StoreGone
from partner_monitor.store.schema import sqlite_file


class RunLock(Protocol):
    """A lock held until ``release``, or until the process ends."""

    def renew(self) -> None:
        """Make sure that it is still held; raises StoreGone where it cannot be told, or is not."""

    def release(self) -> None: ...


class _SessionLock:
    def __init__(self, engine: Engine, key: int) -> None:
        self._engine = engine
        self._key = key
        self._connection = self._connect()

    def _connect(self) -> Connection:
        # A connection of its own, in no transaction: idle transactions hold back vacuum.
        return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def acquire(self) -> bool:
        got = self._connection.execute(
            text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}
        ).scalar_one()
        if not got:
            self._connection.close()
        return bool(got)

    def renew(self) -> None:
        """The lock went with its session if the server did: then it is taken anew."""
        if not self._connection.closed:
            try:
                self._connection.exec_driver_sql("SELECT 1")
                return
            except StoreGone:
                self._connection.close()
        self._connection = self._connect()
        if not self.acquire():
            raise StoreGone("another process has the run, or the server has not missed ours yet")

    def release(self) -> None:
        if self._connection.closed:
            return
        # Told, the server frees it at once: it takes a moment to notice that a session has gone.
        with suppress(StoreGone):
            self._connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": self._key})
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

    def renew(self) -> None:
        """Nothing takes a file's lock from a living process."""

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
