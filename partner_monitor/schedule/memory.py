"""What the calendar must still know when it has been stopped and started again: a JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from partner_monitor.config import ConfigurationError


@dataclass(kw_only=True, slots=True)
class Errand:
    """One crawl that a scrapyd is to do, until the store has its verdict."""

    label: str
    """For people: a country's name, or the job's."""
    spider: str
    arguments: dict[str, str]
    country_id: int | None = None
    size: int = 0
    """What it costs, in partners, where it is one of many."""
    before: int = 0
    """The newest run of its kind that was over when the errand was made."""
    host: str = ""
    """Who has it; empty while nobody has."""
    job: str = ""
    """Its name there."""
    given: int = 0
    """How often it was given to somebody."""
    failed: int = 0
    """How often it ended there without a verdict."""
    rests_until: datetime | None = None
    """When it may be given to somebody again."""


@dataclass(kw_only=True, slots=True)
class Round:
    """A job under way."""

    job: str
    at: datetime
    errands: list[Errand]
    done: dict[str, int] = field(default_factory=dict)
    """How many came to which end."""


@dataclass(kw_only=True, slots=True)
class Memory:
    """All of it."""

    last: dict[str, datetime] = field(default_factory=dict)
    """The time of each job that was seen to last."""
    told_until: datetime | None = None
    """The instant up to which a digest has told of what was published."""
    rounds: list[Round] = field(default_factory=list)
    strays: dict[str, list[str]] = field(default_factory=dict)
    """By host, jobs that others have now; called back once it answers."""


def load(file: Path) -> Memory:
    """What ``save`` wrote; nothing where it never did."""
    if not file.exists():
        return Memory()
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return Memory(
            last={name: datetime.fromisoformat(at) for name, at in kept["last"].items()},
            told_until=_moment(kept["told_until"]),
            rounds=[
                Round(
                    job=one["job"],
                    at=datetime.fromisoformat(one["at"]),
                    errands=[
                        Errand(**errand | {"rests_until": _moment(errand["rests_until"])})
                        for errand in one["errands"]
                    ],
                    done=one["done"],
                )
                for one in kept["rounds"]
            ],
            strays=kept["strays"],
        )
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ConfigurationError(
            f"{file} cannot be read ({error}): remove it, and the calendar begins anew"
        ) from None


def save(memory: Memory, file: Path) -> None:
    """Write it whole or not at all."""
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(asdict(memory), default=datetime.isoformat), encoding="utf-8")
    draft.replace(file)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
