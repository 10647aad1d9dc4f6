"""A reader of the directory as it is usually written, for comparison.

``python -m tests.bench.reference SITE DATABASE_URL``: requests in twelve threads, BeautifulSoup
with Python's own parser, one object and one query a partner. It keeps the present values of each
partner and nothing else: no history, no audit, no second look.
"""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import local

import requests
from bs4 import BeautifulSoup, Tag
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

THREADS = 12

_here = local()


class Base(DeclarativeBase):
    pass


class Partner(Base):
    __tablename__ = "partner"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    url: Mapped[str]
    status: Mapped[str | None]
    address: Mapped[str | None]
    references: Mapped[int | None]
    retention: Mapped[int | None]
    average_size: Mapped[int | None]
    largest_size: Mapped[int | None]
    certified_experts: Mapped[int | None]
    seen_at: Mapped[datetime]


def main(site: str, database_url: str) -> None:
    engine = create_engine(database_url)
    Base.metadata.create_all(engine)
    first = _fetch(f"{site}/partners?country_all=1")
    with ThreadPoolExecutor(THREADS) as pool, Session(engine) as session:
        _save(session, _cards(first))
        rest = (
            f"{site}/partners/page/{page}?country_all=True" for page in range(2, _pages(first) + 1)
        )
        for cards in pool.map(lambda url: _cards(_fetch(url)), rest):
            _save(session, cards)


def _fetch(url: str) -> BeautifulSoup:
    if not hasattr(_here, "session"):
        _here.session = requests.Session()
    answer = _here.session.get(url, timeout=60)
    answer.raise_for_status()
    return BeautifulSoup(answer.text, "html.parser")


def _pages(page: BeautifulSoup) -> int:
    return max(
        int(found[1])
        for link in page.select("ul.pagination a[href]")
        if (found := re.search(r"/page/(\d+)", str(link["href"])))
    )


def _cards(page: BeautifulSoup) -> list[dict[str, object]]:
    return [_card(link) for link in page.select("a[href*='/partners/']:has(.stat_ref)")]


def _card(card: Tag) -> dict[str, object]:
    url = str(card["href"]).partition("?")[0]
    title = card.select_one("h5 span:not(.badge)")
    badge = card.select_one("h5 [class*='bg_']")
    grade = re.search(r"bg_(\w+)", " ".join(badge.get_attribute_list("class"))) if badge else None
    address = card.select_one("#o_wcrm_partners_address")
    sizes = [_number(size) for size in card.select("small.text-muted")]
    return {
        "id": int(url.rpartition("-")[2]),
        "name": title.get_text(strip=True) if title else "",
        "url": url,
        "status": grade[1] if grade else None,
        "address": address.get_text(" ", strip=True) if address else None,
        "references": _number(card.select_one(".stat_ref > div")),
        "retention": _number(card.select_one("small:not([id]) > span")),
        "average_size": sizes[0] if len(sizes) == 2 else None,
        "largest_size": sizes[-1] if sizes else None,
        "certified_experts": _number(card.select_one(".stat_cert > div")),
    }


def _number(node: Tag | None) -> int | None:
    found = re.search(r"\d[\d,]*", node.get_text()) if node else None
    return int(found.group().replace(",", "")) if found else None


def _save(session: Session, cards: list[dict[str, object]]) -> None:
    now = datetime.now(UTC)
    for card in cards:
        partner = session.get(Partner, card["id"])
        if partner is None:
            session.add(Partner(seen_at=now, **card))
            continue
        for name, value in card.items():
            setattr(partner, name, value)
        partner.seen_at = now
    session.commit()


if __name__ == "__main__":
    main(*sys.argv[1:])
