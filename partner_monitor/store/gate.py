"""The gate before the site: a row in PostgreSQL that gives each request of every machine its turn.

By the server's clock alone, so that the machines' own need not agree. SQLite has no such gate: a
store in a file is one machine's.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, text

_PACE = "make_interval(secs => greatest(:delay, request_gate.crawl_delay))"

_TAKE = text(
    f"""INSERT INTO request_gate (id, next_at, closed_until, closures, crawl_delay)
    VALUES (1, clock_timestamp() + make_interval(secs => :delay), clock_timestamp(), 0, 0)
    ON CONFLICT (id) DO UPDATE
        SET next_at = greatest(request_gate.next_at, clock_timestamp()) + {_PACE}
    RETURNING extract(epoch FROM next_at - {_PACE} - clock_timestamp())::float8 AS wait, closures"""
)
_CLOSURES = text("SELECT closures FROM request_gate")
_CLOSE = text(
    """UPDATE request_gate
    SET closures = closures + 1,
        closed_until = greatest(closed_until, clock_timestamp() + make_interval(secs => :wait)),
        next_at = greatest(closed_until, clock_timestamp() + make_interval(secs => :wait))"""
)
_HEED = text("UPDATE request_gate SET crawl_delay = :delay WHERE crawl_delay <> :delay")


@dataclass(frozen=True, slots=True)
class Turn:
    """When a request may be sent."""

    wait: float
    """Seconds from when the turn was taken; 0 or less: at once."""
    closures: int
    """How often the site had refused by then."""


def take(engine: Engine, delay: float) -> Turn:
    """The next turn, at least ``delay`` seconds after the one before, or robots.txt's delay."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        row = connection.execute(_TAKE, {"delay": delay}).one()
    return Turn(row.wait, row.closures)


def stands(engine: Engine, turn: Turn) -> bool:
    """Whether the site has not refused anybody since ``turn`` was taken."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return bool(connection.execute(_CLOSURES).scalar_one() == turn.closures)


def close(engine: Engine, wait: float) -> None:
    """Let nothing through for ``wait`` seconds; turns that were taken before are void."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(_CLOSE, {"wait": wait})


def heed(engine: Engine, crawl_delay: float) -> None:
    """Let no two requests through in less than ``crawl_delay`` seconds; 0: as each asks for."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(_HEED, {"delay": crawl_delay})
