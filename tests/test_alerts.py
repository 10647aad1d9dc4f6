"""Alerts from real crawls to services on this machine: what is told, and that none costs a run."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from partner_monitor.alerts import sending
from tests.alerts.receiver import Receiver
from tests.crawling import ROOT, Crawled, crawl, rows, scrapy
from tests.replica import Fault, Replica, World

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOSTILE = (
    '<img src=x onerror="a()">\n@everyone <!channel> [x](https://evil.example)\u202e' + "A" * 9000
)


def told_counts(message: dict[str, Any]) -> dict[str, int]:
    """What a digest's title counts, by kind."""
    counts = message["title"].removeprefix("Partner Monitor: ").split(", ")
    return {word: int(count) for count, word in (part.split(" ", 1) for part in counts)}


def warnings(crawled: Crawled) -> list[str]:
    return [record.getMessage() for record in crawled.log if record.levelno >= logging.WARNING]


def alerting(*services: Receiver) -> dict[str, Any]:
    return {"PARTNER_ALERT_URLS": " ".join(service.url for service in services)}


def test_each_days_digest_tells_of_that_day_and_of_nothing_else(database_url: str) -> None:
    world = World.generate(1, partners=120, countries=5)
    with Replica(world) as site, Receiver() as service:
        crawl(site.url, database_url, NOON, alerting(service))
        assert told_counts(service.messages[0]) == {"new": 120}
        body = service.messages[0]["message"]
        assert body.count("\n- ") == 5 + 1
        assert "- and 115 more" in body
        with site.lock:
            ready = [one for one in world.listed() if one.grade == "ready"][:2]
            gold = next(one for one in world.listed() if one.grade == "gold")
            silver = next(one for one in world.listed() if one.grade == "silver")
            world.promote(ready[0].id)
            world.promote(ready[1].id)
            world.demote(gold.id)
            newcomer = world.arrive()
            world.depart(silver.id)  # missing, which is no event
            world.set_references(gold.id, gold.references + 1)
        crawl(site.url, database_url, NOON + DAY, alerting(service))
        day = service.messages[1]
        assert told_counts(day) == {"promoted": 2, "demoted": 1, "new": 1}
        assert day["type"] == "info"
        for partner in (*ready, gold, newcomer):
            assert f"- {partner.name} (" in day["message"]
            assert f"\n  {site.url}{partner.path}\n" in day["message"]
        assert silver.name not in day["message"]
        crawl(site.url, database_url, NOON + 2 * DAY, alerting(service))
        assert len(service.messages) == 2  # nothing happened, and nothing is sent
        for days in (5, 9):
            crawl(site.url, database_url, NOON + days * DAY, alerting(service))
        assert told_counts(service.messages[2]) == {"delisted": 1}
        assert f"- {silver.name} (" in service.messages[2]["message"]
        with site.lock:
            world.come_back(silver.id)
        crawl(site.url, database_url, NOON + 10 * DAY, alerting(service))
        assert told_counts(service.messages[3]) == {"relisted": 1}
    assert len(service.messages) == 4
    stored = rows(database_url, "SELECT change_type FROM status_history WHERE run_id > 1")
    told: Counter[str] = Counter()
    for message in service.messages[1:]:
        told.update(told_counts(message))
    assert told == Counter("new" if kind == "initial" else kind for (kind,) in stored)


def test_customers_won_lost_and_moved_are_told_once_each(database_url: str) -> None:
    world = World.generate(1, partners=60, countries=4)
    with Replica(world) as site, Receiver() as service:

        def look(day: int) -> list[dict[str, Any]]:
            now, before = NOON + day * DAY, len(service.messages)
            settings = alerting(service) | {"PARTNER_STALE_AFTER_DAYS": "1"}
            crawl(site.url, database_url, now)
            done = crawl(site.url, database_url, now + DAY / 24, settings, "recheck")
            assert done.state == "published"
            return service.messages[before:]

        assert look(0) == []  # whom a partner had at the first look it has won from nobody
        with site.lock:
            source, loser = sorted(world.listed(), key=lambda one: -len(one.customers))[:2]
            target = next(one for one in world.listed() if not one.customers)
            moving, lost = source.customers[0], loser.customers[0]
            new = world.win_customer(target.id)
            world.lose_customer(loser.id, lost)
            world.move_customer(moving, source.id, target.id)
        (won,) = look(2)
        assert told_counts(won) == {"customers won": 2}  # the other one's absence must last
        for customer in (new, world.customers[moving]):
            assert f"- {customer.name}: to {target.name} (" in won["message"]
        found = [*look(6), *look(10)]
        assert [told_counts(one) for one in found] == [{"customers lost": 1, "customers moved": 1}]
        body = found[0]["message"]
        assert f"- {world.customers[lost].name}: by {loser.name} (" in body
        assert f"- {world.customers[moving].name}: from {source.name} to {target.name}\n" in body


def test_a_quarantined_run_is_told_at_once_and_its_release_has_a_digest(
    database_url: str,
) -> None:
    world = World.generate(1, partners=60, countries=4)
    with Replica(world) as site, Receiver() as service:
        crawl(site.url, database_url, NOON)
        with site.lock:
            ready = next(one for one in world.listed() if one.grade == "ready")
            world.promote(ready.id)
            for partner in world.listed()[:30]:
                world.set_references(partner.id, partner.references + 7)
        crawl(site.url, database_url, NOON + DAY, alerting(service))
        (alert,) = service.messages
        assert alert["title"] == "Partner Monitor: run 2 quarantined"
        assert alert["type"] == "failure"
        reason = rows(database_url, "SELECT reason FROM crawl_runs WHERE id = 2")[0][0]
        assert f"Reason: {reason}\n" in alert["message"]
        assert "scrapy publish 2 releases it, scrapy discard 2 drops it." in alert["message"]
        for _ in range(2):  # again is once
            done = scrapy(*("publish", "2"), PARTNER_DATABASE_URL=database_url, **alerting(service))
            assert (done.returncode, done.stderr) == (0, "")
        assert [told_counts(one) for one in service.messages[1:]] == [{"promoted": 1}]
        done = scrapy("reparse", "2", PARTNER_DATABASE_URL=database_url, **alerting(service))
        assert done.returncode == 0, done.stderr
        assert len(service.messages) == 2  # read anew it says nothing new


def test_a_failed_run_is_told_at_once(tmp_path: Any) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with Replica(World.generate(1, partners=60)) as site, Receiver() as service:
        site.faults.append(Fault("403", match="/partners"))
        done = crawl(site.url, store, NOON, alerting(service) | {"RETRY_TIMES": 0})
    assert done.state == "failed"
    assert [one["title"] for one in service.messages] == ["Partner Monitor: run 1 failed"]
    assert "HTTP 403" in service.messages[0]["message"]


def test_a_name_arrives_as_text_and_short(database_url: str) -> None:
    world = World.generate(1, partners=60, countries=4)
    with Replica(world) as site, Receiver() as service:
        crawl(site.url, database_url, NOON)
        with site.lock:
            world.arrive(replace(world.listed()[0], id=99_000_001, name=HOSTILE, slug="x"))
        crawl(site.url, database_url, NOON + DAY, alerting(service))
    (message,) = service.messages
    (line,) = re.findall("^- .*$", message["message"], re.MULTILINE)
    assert line.startswith('- ＜img src=x onerror="a()"＞ ＠everyone ＜!channel＞ ［x］(https：//e')
    assert len(line) < 160
    assert not set(message["message"]) & set("<>@[]\u202e")


@pytest.mark.parametrize("fault", ["dead", "refusing", "silent", "unknown"])
def test_a_service_that_fails_costs_one_line_and_no_run(
    tmp_path: Any, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE", 2.0 if fault != "silent" else 0.3)
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with (
        Replica(World.generate(1, partners=60)) as site,
        Receiver() as sound,
        Receiver(status=500 if fault == "refusing" else 200, silent=fault == "silent") as failing,
    ):
        url = {"dead": "json://user:s3cret@127.0.0.1:9/t0ken", "unknown": "slac://s3cret/t0ken"}
        urls = f"{url.get(fault, failing.url)} {sound.url}"
        done = crawl(site.url, store, NOON, {"PARTNER_ALERT_URLS": urls})
    assert done.state == "published"
    (line,) = warnings(done)
    named = "slac://…" if fault == "unknown" else "JSON (json://user:****@127.0.0.1:"
    assert named in line
    assert not re.search("s3cret|t0ken|k3y", line)
    assert [told_counts(one) for one in sound.messages] == [{"new": 60}]


def test_a_command_says_that_its_alert_was_not_taken(tmp_path: Any) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    world = World.generate(1, partners=60)
    with Replica(world) as site:
        crawl(site.url, store, NOON)
        with site.lock:
            for partner in world.listed()[:30]:
                world.set_references(partner.id, partner.references + 7)
            world.arrive()
        assert crawl(site.url, store, NOON + DAY).state == "quarantined"
    done = scrapy(
        *("publish", "2"),
        PARTNER_DATABASE_URL=store,
        PARTNER_ALERT_URLS="json://user:s3cret@127.0.0.1:9/",
    )
    assert done.returncode == 0
    assert done.stdout.startswith("run 2 published: ")
    assert done.stderr == "no alert to JSON (json://user:****@127.0.0.1:9): it did not take it\n"


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ("slac://s3cret/token", "address 1 of 1 (slac://…)"),
        ("json://127.0.0.1:9 s3cret", "address 2 of 2 is none"),
        ("mailto://user:s3cret@", "address 1 of 1 (mailto://…)"),
    ],
)
@pytest.mark.parametrize(
    "arguments", [("crawl", "partners"), ("crawl", "recheck"), ("publish", "1")], ids=" ".join
)
def test_an_address_that_cannot_be_used_is_refused_before_any_request(
    tmp_path: Any, arguments: tuple[str, ...], urls: str, said: str
) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    if arguments[0] == "publish":
        scrapy("db", "upgrade", PARTNER_DATABASE_URL=store)
    with Replica(World.generate(1, partners=60)) as site:
        done = scrapy(
            *arguments,
            PARTNER_SITE_URL=site.url,
            PARTNER_DATABASE_URL=store,
            PARTNER_ALERT_URLS=urls,
        )
        assert site.paths() == []
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("PARTNER_ALERT_URLS: ")
    assert said in done.stderr
    assert "s3cret" not in done.stderr


def test_without_an_address_apprise_is_not_even_imported(tmp_path: Any) -> None:
    code = (
        "import sys; from scrapy.cmdline import execute\n"
        "try: execute(['scrapy', 'crawl', 'partners'])\n"
        "finally: print('apprise' in sys.modules)"
    )
    with Replica(World.generate(1, partners=60)) as site:
        done = scrapy_code(code, site.url, f"sqlite:///{tmp_path / 'store.db'}")
    assert "published" in done.stderr
    assert done.stdout == "False\n"


def scrapy_code(code: str, site: str, store: str) -> subprocess.CompletedProcess[str]:
    from tests.crawling import scrapy_environment

    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=scrapy_environment(PARTNER_SITE_URL=site, PARTNER_DATABASE_URL=store),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
