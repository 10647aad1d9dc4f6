"""What a run should read once more before it closes: lost pages, and counts that do not agree."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, select

from partner_monitor.history.completeness import assess
from partner_monitor.items import PageKey
from partner_monitor.store.engine import join_at_once, reading
from partner_monitor.store.schema import countries, staged_countries
from partner_monitor.store.staging import read_so_far

MAX_COUNTRIES = 20
"""How many countries' own lists a run reads to reconcile its counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gaps:
    """Pages to ask for again, and countries (id, slug) whose own list is to be read."""

    pages: tuple[PageKey, ...] = ()
    countries: tuple[tuple[int, str], ...] = ()


def gaps(engine: Engine, run_id: int, *, ask_pages: bool) -> Gaps:
    """The gaps in what ``run_id`` has read so far: first its lost pages, then its countries.

    ``ask_pages``: whether lost pages may be asked for; they are once, and may close the rest.
    """
    with reading(engine) as connection:
        join_at_once(connection)
        so_far = read_so_far(connection, run_id)
        known = frozenset(connection.execute(select(countries.c.id)).scalars())
        slugs = {
            row.country_id: row.slug
            for row in connection.execute(
                select(staged_countries).where(staged_countries.c.run_id == run_id)
            )
        }
    pages = tuple(
        PageKey(country_id=country_id, page=page)
        for country_id, list_reading in so_far.lists
        for page in sorted(list_reading.missing)
    )
    if pages and ask_pages:
        return Gaps(pages=pages)
    short = [
        country
        for country in assess(so_far, known).short
        if country.declared is not None and country.country_id in slugs
    ]
    short.sort(key=lambda country: (-abs((country.declared or 0) - country.seen), country.name))
    return Gaps(
        countries=tuple(
            (country.country_id, slugs[country.country_id]) for country in short[:MAX_COUNTRIES]
        ),
    )
