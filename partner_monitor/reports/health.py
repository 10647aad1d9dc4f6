"""Whether the monitor does its work: how old its last whole look is, and what waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from partner_monitor.store import reporting


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """What a monitoring system asks for."""

    run: int | None
    """The last published run; None where there is none."""
    started_at: datetime | None
    age: timedelta | None
    limit: timedelta
    quarantined: list[int]

    @property
    def problems(self) -> list[str]:
        """A line for each thing that is wrong."""
        found = []
        if self.age is None:
            found.append("no run is published yet: scrapy runs says what came of those there were")
        elif self.age > self.limit:
            found.append(
                f"the last published run ({self.run}) began {_hours(self.age):g} hours ago, more "
                f"than {_hours(self.limit):g}: scrapy runs says what came of those since"
            )
        found += [
            f"run {run} waits in quarantine: scrapy publish {run} releases it, "
            f"scrapy discard {run} drops it"
            for run in self.quarantined
        ]
        return found

    @property
    def healthy(self) -> bool:
        return not self.problems

    def lines(self) -> list[str]:
        """For people, and for monitoring systems that show what was printed."""
        if self.age is None or self.problems:
            return self.problems
        return [
            f"healthy: the last published run ({self.run}) began {_hours(self.age):g} hours ago, "
            "nothing waits in quarantine"
        ]

    def as_json(self) -> dict[str, Any]:
        last = None
        if self.age is not None and self.started_at is not None:
            last = {
                "run": self.run,
                "started_at": self.started_at.isoformat(),
                "age_hours": _hours(self.age),
                "limit_hours": _hours(self.limit),
            }
        return {
            "healthy": self.healthy,
            "problems": self.problems,
            "last_published": last,
            "quarantined": self.quarantined,
        }


def gather(engine: Engine, now: datetime, limit: timedelta) -> Health:
    """Read it from the store. The age counts from a run's beginning: nothing it saw is older."""
    run, started_at = reporting.last_look(engine) or (None, None)
    _, waiting = reporting.freshness(engine)
    return Health(
        run=run,
        started_at=started_at,
        age=now - started_at if started_at else None,
        limit=limit,
        quarantined=waiting,
    )


def _hours(span: timedelta) -> float:
    return round(span.total_seconds() / 3600, 1)
