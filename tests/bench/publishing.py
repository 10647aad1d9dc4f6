"""``python -m tests.bench.publishing DATABASE_URL``: publish run after run until it is ended.

Each sees every listed partner, one in a hundred of them with one more reference.
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

from partner_monitor.history.fields import TRACKED
from partner_monitor.items import Layout
from partner_monitor.store.engine import open_engine
from tests.crawling import rows
from tests.publishing import country, key, run, settings, stage_list


def main(url: str) -> None:
    last = rows(url, "SELECT MAX(published_at) AS at FROM crawl_runs")[0].at
    began = last if isinstance(last, datetime) else datetime.fromisoformat(last)
    now = began.replace(tzinfo=UTC)
    names = (*TRACKED, "id", "profile_url", "slug", "address")
    cards = [
        {name: getattr(row, name) for name in names} | {"layout": Layout.ODOO_COM, "unread": ()}
        for row in rows(url, "SELECT * FROM partners WHERE delisted_at IS NULL ORDER BY id")
    ]
    declared = Counter(card["country_id"] for card in cards)
    menu = [
        country(row.id, row.name, row.slug, declared[row.id])
        for row in rows(url, "SELECT * FROM countries")
        if declared[row.id]
    ]
    engine = open_engine(url)
    for number in count():
        now += timedelta(hours=1)
        for card in cards[number % 100 :: 100]:
            card["references_count"] = (card["references_count"] or 0) + 1
        cards_of_now = partial(stage_list, at=now, cards=cards, menu=menu)
        done = run(engine, settings(), key("partners"), now, now, cards_of_now)
        print(done.run_id, done.state, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
