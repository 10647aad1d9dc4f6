"""The staging area: what a run has read so far, page by page, each in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Engine,
    FromClause,
    Select,
    Table,
    case,
    delete,
    exists,
    func,
    insert,
    select,
    tuple_,
    update,
)

from partner_monitor.history.completeness import Declared, ListReading, Reading
from partner_monitor.items import CountryItem, Outcome, PageKey
from partner_monitor.store.engine import reading, upsert
from partner_monitor.store.schema import (
    ALL_COUNTRIES,
    crawl_runs,
    rejected_items,
    staged_cards,
    staged_countries,
    staged_pages,
    staged_profile_counts,
    staged_profile_customers,
    staged_profiles,
)

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedPage:
    """A page of the ledger, as the spider and the audit need it."""

    key: PageKey
    url: str
    outcome: Outcome
    last_page: int
    has_next: bool
    page_link: str | None


def page_key(list_country_id: int, page: int) -> PageKey:
    """The key of a page from its columns."""
    country_id = None if list_country_id == ALL_COUNTRIES else list_country_id
    return PageKey(country_id=country_id, page=page)


def stage_page(
    connection: Connection,
    run_id: int,
    page: Values,
    cards: Sequence[Values],
    rejected: Sequence[Values],
    menu: Sequence[CountryItem],
    menu_total: int | None,
) -> None:
    """Stage one page whole: its row, its cards, what was rejected, and its country menu.

    ``page``, ``cards`` and ``rejected`` are the values of the items of these kinds. A page that
    was staged before is replaced: the later reading counts. ``menu`` may be left empty where it
    is known to be the one staged last.
    """
    key = {
        "run_id": run_id,
        "list_country_id": page["list_country_id"] or ALL_COUNTRIES,
        "page": page["page"],
    }
    before = connection.execute(_of(staged_pages, key))
    if before.rowcount:
        for table in (staged_cards, rejected_items):
            connection.execute(_of(table, key))
    connection.execute(
        insert(staged_pages).values(
            key
            | {
                "url": page["url"],
                "fetched_at": page["fetched_at"],
                "outcome": Outcome.READ,
                "layout": page["layout"],
                "cards": len(cards),
                "rejected": len(rejected),
                "declared_count": page["declared_count"],
                "last_page": page["last_page"],
                "has_next": page["has_next"],
                "page_link": page["page_link"],
            }
        )
    )
    if cards:
        connection.execute(
            insert(staged_cards),
            [_card(card) | key | {"fetched_at": page["fetched_at"]} for card in cards],
        )
    if rejected:
        connection.execute(
            insert(rejected_items),
            [
                {name: item[name] for name in ("url", "reason", "payload")} | key
                for item in rejected
            ],
        )
    if menu:
        _stage_menu(connection, run_id, menu, menu_total, page["fetched_at"])


def stage_failure(connection: Connection, run_id: int, failure: Values) -> None:
    """Note a page that could not be looked at, unless it was read before."""
    key = {
        "run_id": run_id,
        "list_country_id": failure["list_country_id"] or ALL_COUNTRIES,
        "page": failure["page"],
    }
    noted = {
        "url": failure["url"],
        "fetched_at": failure["fetched_at"],
        "outcome": failure["outcome"],
        "detail": failure["detail"],
    }
    statement = upsert(connection, staged_pages).values(key | noted)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(key),
            set_=noted,
            where=staged_pages.c.outcome != Outcome.READ,
        )
    )


def staged(engine: Engine, run_id: int) -> list[StagedPage]:
    """Every page of the run that was asked for, read or not."""
    with reading(engine) as connection:
        rows = connection.execute(
            select(staged_pages)
            .where(staged_pages.c.run_id == run_id)
            .order_by(staged_pages.c.list_country_id, staged_pages.c.page)
        ).all()
    return [
        StagedPage(
            key=page_key(row.list_country_id, row.page),
            url=row.url,
            outcome=Outcome(row.outcome),
            last_page=row.last_page or 0,
            has_next=row.has_next,
            page_link=row.page_link,
        )
        for row in rows
    ]


def picked(run_id: int) -> Select[Any]:
    """The card that counts for each partner of a run: the latest of those read whole."""
    card, better = staged_cards, staged_cards.alias("better")

    def rank(of: FromClause) -> ColumnElement[Any]:
        return tuple_(case((of.c.unread == "", 1), else_=0), of.c.fetched_at, of.c.id)

    # Asked for each card by the index, since nearly every partner has but one.
    surpassed = exists().where(
        better.c.run_id == run_id,
        better.c.partner_id == card.c.partner_id,
        better.c.id != card.c.id,
        rank(better) > rank(card),
    )
    return select(card).where(card.c.run_id == run_id, ~surpassed)


def read_so_far(connection: Connection, run_id: int) -> Reading:
    """What the run has read, reduced to what completeness depends on."""
    run = connection.execute(select(crawl_runs).where(crawl_runs.c.id == run_id)).one()
    menu = {
        row.country_id: Declared(name=row.name, count=row.listed_count, varied=row.varied)
        for row in connection.execute(
            select(staged_countries).where(
                staged_countries.c.run_id == run_id,
                # Without a menu that adds up nothing is declared, but the names are known.
                (staged_countries.c.listed_count != 0) | staged_countries.c.listed_count.is_(None),
            )
        )
    }
    cards = picked(run_id).subquery()
    seen = {
        row.country_id: row.partners
        for row in connection.execute(
            select(cards.c.country_id, func.count().label("partners")).group_by(cards.c.country_id)
        )
    }
    lists = _list_readings(connection, run_id)
    return Reading(
        menu_adds_up=run.menu_at is not None,
        menu=menu,
        seen=seen,
        directory=lists.pop(ALL_COUNTRIES, None),
        countries=lists,
    )


def _list_readings(connection: Connection, run_id: int) -> dict[int, ListReading]:
    pages: dict[int, list[Any]] = {}
    for row in connection.execute(
        select(staged_pages)
        .where(staged_pages.c.run_id == run_id, staged_pages.c.outcome != Outcome.BEYOND_LAST)
        .order_by(staged_pages.c.fetched_at, staged_pages.c.page)
    ):
        pages.setdefault(row.list_country_id, []).append(row)
    distinct = {
        row.list_country_id: row.partners
        for row in connection.execute(
            select(
                staged_cards.c.list_country_id,
                func.count(staged_cards.c.partner_id.distinct()).label("partners"),
            )
            .where(staged_cards.c.run_id == run_id)
            .group_by(staged_cards.c.list_country_id)
        )
    }
    readings = {}
    for list_country_id, rows in pages.items():
        read = [row for row in rows if row.outcome == Outcome.READ]
        last_page = read[-1].last_page if read else 0
        # A page beyond the end of a list that became shorter was never there to be lost.
        end = [row for row in read if row.page == last_page]
        readings[list_country_id] = ListReading(
            pages_read=frozenset(row.page for row in read),
            pages_lost=frozenset(row.page for row in rows if row.outcome != Outcome.READ),
            last_page=last_page,
            has_next=any(row.has_next for row in end),
            declared_counts=frozenset(row.declared_count for row in read),
            cards=sum(row.cards + row.rejected for row in read),
            distinct=distinct.get(list_country_id, 0),
        )
    return readings


def _stage_menu(
    connection: Connection,
    run_id: int,
    menu: Sequence[CountryItem],
    menu_total: int | None,
    read_at: datetime,
) -> None:
    """Take in a page's country menu; its counts only if they add up, and if it is the newest."""
    counts = [country.listed_count for country in menu]
    adds_up = menu_total is not None and None not in counts and sum(counts) == menu_total  # type: ignore[arg-type]
    newest_at = connection.execute(
        select(crawl_runs.c.menu_at).where(crawl_runs.c.id == run_id)
    ).scalar_one()
    counted = adds_up and (newest_at is None or read_at >= newest_at)
    known = {
        row.country_id: row
        for row in connection.execute(
            select(staged_countries).where(staged_countries.c.run_id == run_id)
        )
    }
    rows = []
    for country in menu:
        before = known.pop(country.id, None)
        count = country.listed_count if counted else before.listed_count if before else None
        first_count = newest_at is None or not counted
        was = 0 if before is None else before.listed_count
        rows.append(
            {
                "run_id": run_id,
                "country_id": country.id,
                "name": country.name,
                "slug": country.slug,
                "iso_code": country.iso_code,
                "listed_count": count,
                "varied": (before.varied if before else False)
                or (not first_count and was != count),
            }
        )
    if not rows:
        return
    statement = upsert(connection, staged_countries)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["run_id", "country_id"],
            set_={
                column: statement.excluded[column]
                for column in ("name", "slug", "iso_code", "listed_count", "varied")
            },
        ),
        rows,
    )
    if counted:
        for row in known.values():  # it lacks these: it declares 0 for them
            connection.execute(
                update(staged_countries)
                .where(
                    staged_countries.c.run_id == run_id,
                    staged_countries.c.country_id == row.country_id,
                )
                .values(listed_count=0, varied=row.varied or bool(row.listed_count))
            )
        connection.execute(
            update(crawl_runs)
            .where(crawl_runs.c.id == run_id)
            .values(menu_at=read_at, menu_total=menu_total)
        )


def stage_profile(connection: Connection, run_id: int, profile: Values) -> None:
    """Stage one profile whole: its row, its customers, its experts and industries."""
    key = {"run_id": run_id, "partner_id": profile["id"]}
    counts = [("expert", *line) for line in profile["experts"].items()]
    counts += [("industry", *line) for line in profile["references_by_industry"].items()]
    _forget_profile(connection, key)
    connection.execute(
        insert(staged_profiles).values(
            key
            | {"outcome": Outcome.READ}
            | {
                column.name: profile[column.name]
                for column in staged_profiles.c
                if column.name not in ("run_id", "partner_id", "outcome", "detail")
            }
        )
    )
    if profile["customers"]:
        connection.execute(
            insert(staged_profile_customers),
            [
                key | {"customer_id": one["id"], "name": one["name"], "industry": one["industry"]}
                for one in profile["customers"]
            ],
        )
    if counts:
        connection.execute(
            insert(staged_profile_counts),
            [key | {"kind": k, "label": label, "count": n} for k, label, n in counts],
        )


def stage_profile_failure(connection: Connection, run_id: int, failure: Values) -> None:
    """Note a profile that could not be looked at, or is gone."""
    key = {"run_id": run_id, "partner_id": failure["partner_id"]}
    _forget_profile(connection, key)
    connection.execute(
        insert(staged_profiles).values(
            key | {name: failure[name] for name in ("url", "fetched_at", "outcome", "detail")}
        )
    )


def staged_profile_ids(engine: Engine, run_id: int) -> set[int]:
    """The partners whose profile the run has looked at already."""
    with reading(engine) as connection:
        return set(
            connection.execute(
                select(staged_profiles.c.partner_id).where(staged_profiles.c.run_id == run_id)
            ).scalars()
        )


def _card(card: Values) -> dict[str, Any]:
    values = dict(card)
    values["partner_id"] = values.pop("id")
    values["unread"] = " ".join(values["unread"])
    return values


def _forget_profile(connection: Connection, key: Values) -> None:
    before = connection.execute(_of(staged_profiles, key))
    if before.rowcount:
        for table in (staged_profile_customers, staged_profile_counts):
            connection.execute(_of(table, key))


def _of(table: Table, key: Values) -> Delete:
    """Forget what was staged under ``key`` in ``table``."""
    return delete(table).where(*(table.c[name] == value for name, value in key.items()))
