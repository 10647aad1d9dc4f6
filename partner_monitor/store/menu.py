"""The country menu as the store knows it, for finding a country without asking the site."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select

from partner_monitor.store import migrate
from partner_monitor.store.engine import check_answers, reading
from partner_monitor.store.schema import countries, sqlite_file


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCountry:
    """A country of the menu as it was last published."""

    id: int
    slug: str
    name: str
    listed_count: int | None
    iso: str | None


def stored_menu(engine: Engine) -> list[StoredCountry]:
    """The stored countries; none where the store is yet to be made. Creates nothing."""
    if not exists(engine):
        return []
    check_answers(engine)
    with reading(engine) as connection:
        current = migrate.version(connection)
        if current is None:
            return []
        migrate.refuse_other_version(current)
        rows = connection.execute(select(countries).order_by(countries.c.name)).all()
    return [
        StoredCountry(
            id=row.id,
            slug=row.slug,
            name=row.name,
            listed_count=row.listed_count,
            iso=row.iso_code,
        )
        for row in rows
    ]


def exists(engine: Engine) -> bool:
    """Whether there is a database at all; connecting to a SQLite file would create it."""
    file = sqlite_file(engine)
    return file is None or Path(file).exists()
