"""Fetched pages, kept as they came, so that a repaired reader can read them again.

Written during a crawl and never answered from; forgotten after PARTNER_KEEP_PAGES_DAYS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Exists, and_, delete, exists, func, insert, select

from partner_monitor.items import Outcome, PageKey
from partner_monitor.store.engine import StoreError
from partner_monitor.store.schema import (
    ALL_COUNTRIES,
    kept_pages,
    rejected_items,
    run_outcomes,
    staged_cards,
    staged_countries,
    staged_pages,
    staged_profile_counts,
    staged_profile_customers,
    staged_profiles,
)
from partner_monitor.store.staging import page_key


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptPage:
    """An answer of the site: ``key`` says which page of a list was asked for, or ``partner_id``
    whose profile. ``body`` is compressed by gzip."""

    key: PageKey | None
    partner_id: int | None
    url: str
    fetched_at: datetime
    content_type: str
    body: bytes


def keep(connection: Connection, run_id: int, page: KeptPage) -> None:
    """Keep one more answer; what the same page answered before is kept, too."""
    of_list = page.key is not None
    connection.execute(
        insert(kept_pages).values(
            run_id=run_id,
            list_country_id=(page.key.country_id or ALL_COUNTRIES) if page.key else None,
            page=page.key.page if page.key else None,
            partner_id=None if of_list else page.partner_id,
            url=page.url,
            fetched_at=page.fetched_at,
            content_type=page.content_type,
            body=page.body,
        )
    )


def pages(connection: Connection, run_id: int) -> Iterator[KeptPage]:
    """The kept answers of a run, in the order in which they came; one at a time in memory."""
    query = select(kept_pages).where(kept_pages.c.run_id == run_id).order_by(kept_pages.c.id)
    for row in connection.execution_options(yield_per=20).execute(query):
        yield KeptPage(
            key=None if row.page is None else page_key(row.list_country_id, row.page),
            partner_id=row.partner_id,
            url=row.url,
            fetched_at=row.fetched_at,
            content_type=row.content_type,
            body=row.body,
        )


def count(connection: Connection, run_id: int) -> int:
    """How many answers of a run are kept; raises StoreError if it read pages that are not."""
    kept = int(
        connection.execute(select(func.count()).where(kept_pages.c.run_id == run_id)).scalar_one()
    )
    if not kept:
        raise StoreError(
            f"no page of run {run_id} is kept: it read none, or PARTNER_KEEP_PAGES_DAYS have passed"
        )
    lost = connection.execute(
        select(func.count())
        .select_from(staged_pages)
        .where(staged_pages.c.run_id == run_id, staged_pages.c.outcome == Outcome.READ, ~_is_kept())
    ).scalar_one()
    looked = connection.execute(
        select(func.coalesce(func.sum(run_outcomes.c.pages), 0)).where(
            run_outcomes.c.run_id == run_id,
            run_outcomes.c.kind == "profile",
            run_outcomes.c.outcome == Outcome.READ,
        )
    ).scalar_one()
    profiles = connection.execute(
        select(func.count(kept_pages.c.partner_id.distinct())).where(kept_pages.c.run_id == run_id)
    ).scalar_one()
    lost += max(0, looked - profiles)
    if lost:
        raise StoreError(
            f"{lost} of the pages that run {run_id} read are not kept any more "
            "(PARTNER_KEEP_PAGES_DAYS): it cannot be read anew"
        )
    return kept


def forget_readings(connection: Connection, run_id: int) -> None:
    """Drop what was made of the kept answers; a failure that brought no answer stays noted."""
    for table in (staged_cards, staged_countries, rejected_items):
        connection.execute(delete(table).where(table.c.run_id == run_id))
    connection.execute(delete(staged_pages).where(staged_pages.c.run_id == run_id, _is_kept()))
    kept = select(kept_pages.c.partner_id).where(
        kept_pages.c.run_id == run_id, kept_pages.c.partner_id.is_not(None)
    )
    for table in (staged_profile_customers, staged_profile_counts, staged_profiles):
        connection.execute(
            delete(table).where(table.c.run_id == run_id, table.c.partner_id.in_(kept))
        )


def prune(connection: Connection, before: datetime) -> None:
    """Forget the pages that were fetched earlier."""
    connection.execute(delete(kept_pages).where(kept_pages.c.fetched_at < before))


def _is_kept() -> Exists:
    return exists().where(
        and_(
            kept_pages.c.run_id == staged_pages.c.run_id,
            kept_pages.c.list_country_id == staged_pages.c.list_country_id,
            kept_pages.c.page == staged_pages.c.page,
        )
    )
