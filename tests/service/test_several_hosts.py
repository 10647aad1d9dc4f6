"""Three real scrapyds on one PostgreSQL, one of which is lost in the middle."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from partner_monitor.schedule import memory
from partner_monitor.schedule.keeper import SILENCE
from partner_monitor.service.deploy import build
from partner_monitor.service.scrapyd import PROJECT, State
from tests.crawling import crawl, rows
from tests.pace import keeps, stretches
from tests.reliability.stores import violations
from tests.replica import Fault, Replica, World
from tests.schedule.keeping import keeping
from tests.service.hosts import PASSWORD, USER, Checkout, Service, wait_for
from tests.truth import (
    expected_changes,
    expected_partners,
    snapshot,
    stored_events,
    stored_partners,
)

pytestmark = pytest.mark.postgres

PACE = 0.3
RETRY_AFTER = 2

JOB = f"""
[jobs.partners]
spider = "partners"
at = "05:30"
settings = {{ DOWNLOAD_DELAY = {PACE}, PARTNER_AUDIT_CHANGED = 1, PARTNER_BACKOFF_SECONDS = 1 }}
"""


def plan(hosts: list[Service]) -> str:
    urls = [one.host.url.replace("//", f"//{USER}:{quote(PASSWORD)}@") for one in hosts]
    entries = [
        f'[[hosts]]\nname = "{one.host.name}"\nurl = "{url}"\n'
        for one, url in zip(hosts, urls, strict=True)
    ]
    return 'timezone = "UTC"\n' + "".join(entries) + JOB


def test_three_hosts_share_the_countries_and_the_pace_and_none_is_lost_with_one_of_them(
    postgres_database_url: str, tmp_path: Path
) -> None:
    world = World.generate(5, partners=400, countries=6)
    homes = {one.country_id for one in world.listed()}
    with Replica(world) as site, ExitStack() as stack:
        settings = {"PARTNER_SITE_URL": site.url, "PARTNER_DATABASE_URL": postgres_database_url}
        hosts = [Service(tmp_path, name, **settings) for name in ("a", "b", "c")]
        commit, egg = build(Checkout(tmp_path).folder, tmp_path)
        for host in hosts:
            eggs = host.folder / "eggs" / PROJECT
            eggs.mkdir(parents=True)
            (eggs / f"{commit}.egg").write_bytes(egg)
            stack.enter_context(host)
        assert crawl(site.url, postgres_database_url, mode="all").state == "published"
        before = snapshot(world)
        with site.lock:
            for place, partner in enumerate(world.listed()):
                if place % 2:
                    world.set_references(partner.id, partner.references + 1)
                elif partner.grade == "ready":
                    world.promote(partner.id)
        del site.log[:]
        site.faults.append(
            Fault("429", match="/partners", after=3, times=1, retry_after=RETRY_AFTER)
        )

        file = tmp_path / "calendar.json"
        keeper = stack.enter_context(keeping(plan(hosts), postgres_database_url, site.url, file))
        now = datetime.now(UTC).replace(hour=5, minute=30, second=0, microsecond=0)
        now += timedelta(days=1)
        keeper.look(now - timedelta(seconds=1))
        keeper.look(now)
        (round_,) = memory.load(file).rounds
        assert {errand.country_id for errand in round_.errands} == homes
        assert {errand.host for errand in round_.errands} == {"a", "b", "c"}

        # The last one is lost while it has a country under way and another in its queue.
        wait_for(lambda: State.RUNNING in hosts[2].api.jobs().values())
        wait_for(lambda: len(site.log) > 6)
        assert State.PENDING in hosts[2].api.jobs().values()
        hosts[2].lose()
        keeper.look(now)

        def ended() -> bool:
            keeper.look(now + SILENCE)
            return not memory.load(file).rounds

        wait_for(ended)
        log = sorted(site.log, key=lambda seen: seen.time_monotonic)

    assert stored_partners(postgres_database_url) == expected_partners(world)
    told = stored_events(postgres_database_url, after_run=1)
    assert set(told) == expected_changes(before, snapshot(world))
    assert len(told) == len(set(told))
    runs = rows(postgres_database_url, "SELECT country_id, state FROM crawl_runs WHERE id > 1")
    assert {row.country_id for row in runs if row.state == "published"} == homes
    assert {row.state for row in runs} == {"published"}
    assert violations(postgres_database_url) == []

    refused = next(seen.time_monotonic for seen in log if seen.status == 429)
    times = [seen.time_monotonic for seen in log]
    assert keeps([time for time in times if time <= refused], PACE)
    later = [time for time in times if time >= refused]
    # The host that was refused needs a moment to tell the others.
    _, after_wait, *_ = stretches(later, RETRY_AFTER - 0.1)
    assert len(after_wait) > 4
    assert keeps(after_wait, PACE)
