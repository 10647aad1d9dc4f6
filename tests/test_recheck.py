"""The second look: profiles and customers, compared with the directory's own truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.crawling import Crawled, crawl, rows, scrapy
from tests.replica import Fault, Partner, Replica, World
from tests.replica.days import leave_for, quiet_days
from tests.replica.pages.profile import shows_contact

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def watch(site: Replica, store: str, now: datetime, **settings: str) -> Crawled:
    """A day's work: the lists, then what they flagged."""
    listed = crawl(site.url, store, now, settings, mode="all")
    assert listed.state == "published", listed.errors
    looked = crawl(site.url, store, now + HOUR, settings, spider="recheck")
    assert looked.state == "published", looked.errors
    return looked


def profiles(site: Replica) -> list[str]:
    paths = [unquote(path) for path in site.paths()]
    return [path for path in paths if path.startswith("/partners/") and "/page/" not in path]


def with_customers(world: World, least: int = 3) -> list[Partner]:
    return [partner for partner in world.listed() if len(partner.customers) >= least]


def customers_now(store: str) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    query = "SELECT partner_id, customer_id FROM partner_customers WHERE ended_at IS NULL"
    for row in rows(store, query):
        found.setdefault(row.partner_id, set()).add(row.customer_id)
    return found


def true_customers(world: World) -> dict[int, set[int]]:
    return {one.id: set(one.customers) for one in world.listed() if one.customers}


def test_every_field_and_customer_of_every_profile_is_stored(database_url: str) -> None:
    world = World.generate(3, partners=240, countries=8)
    with Replica(world) as site:
        watch(site, database_url, NOON)
    stored = {
        row.id: (row.website, row.industry)
        for row in rows(database_url, "SELECT id, website, industry FROM partners")
    }
    expected = {one.id: (one.website, one.sector) for one in world.listed()}
    without_contact = {id_ for id_ in expected if not shows_contact(world.partners[id_])}
    assert stored == expected | dict.fromkeys(without_contact, (None, None))
    assert rows(database_url, "SELECT id FROM partners WHERE to_reprocess") == []
    assert customers_now(database_url) == true_customers(world)
    assert {
        (row.partner_id, row.version): row.experts
        for row in rows(database_url, "SELECT * FROM partner_experts")
    } == {
        (one.id, str(version)): count
        for one in world.listed()
        for version, count in one.experts.items()
    }
    assert {
        (row.partner_id, row.industry): row.references_count
        for row in rows(database_url, "SELECT * FROM partner_industries")
    } == {
        (one.id, label): count
        for one in world.listed()
        for count, label in one.reference_industries[:10]
    }
    assert {
        row.id: (row.name, row.industry) for row in rows(database_url, "SELECT * FROM customers")
    } == {
        id_: (world.customers[id_].name, world.customers[id_].industry)
        for one in world.listed()
        for id_ in one.customers
    }
    won = rows(database_url, "SELECT 1 FROM partner_customers WHERE NOT baseline")
    assert won == []  # the first look is a baseline
    assert scrapy("db", "check", PARTNER_DATABASE_URL=database_url).returncode == 0


def test_a_second_recheck_with_nothing_flagged_fetches_nothing(store: str) -> None:
    world = World.generate(3, partners=60, countries=4)
    with Replica(world) as site:
        watch(site, store, NOON)
        before = len(site.log)
        again = crawl(site.url, store, NOON + 2 * HOUR, spider="recheck")
        assert again.state == "published"
        assert len(site.log) == before
    assert rows(store, "SELECT reason FROM crawl_runs ORDER BY id DESC")[0][0] == (
        "nothing was flagged"
    )


def test_customers_won_lost_moved_and_back_are_told_and_nothing_else(database_url: str) -> None:
    world = World.generate(3, partners=120, countries=6)
    a, b, c, d, e = with_customers(world, 4)[:5]
    lost, moved, back = a.customers[0], b.customers[0], d.customers[0]
    with Replica(world) as site:
        watch(site, database_url, NOON)
        with site.lock:
            won = world.win_customer(e.id)
            world.lose_customer(a.id, lost)
            world.move_customer(moved, b.id, c.id)
            world.lose_customer(d.id, back)
        for day in range(1, 11):
            if day == 4:
                with site.lock:
                    world.win_customer(d.id, world.customers[back])
            watch(site, database_url, NOON + day * DAY)
        assert customers_now(database_url) == true_customers(world)
    told = rows(
        database_url,
        """SELECT partner_id, customer_id, baseline, ended_at FROM partner_customers
        WHERE NOT baseline OR ended_at IS NOT NULL""",
    )
    new = {(row.partner_id, row.customer_id) for row in told if not row.baseline}
    ended = {(row.partner_id, row.customer_id) for row in told if row.ended_at}
    assert new == {(e.id, _id(won)), (c.id, moved)}
    assert ended == {(a.id, lost), (b.id, moved)}
    moves = rows(database_url, "SELECT * FROM report_customer_moves")
    assert [(row.customer_id, row.from_partner_id, row.to_partner_id) for row in moves] == [
        (moved, b.id, c.id)
    ]
    assert rows(database_url, "SELECT * FROM report_partner_recreations") == []
    report = scrapy(
        "report",
        "--since",
        "2026-03-06",
        PARTNER_DATABASE_URL=database_url,
        PARTNER_NOW="2026-03-20",
    )
    assert report.returncode == 0, report.stderr
    assert "Customers won: 1" in report.stdout
    assert "Customers lost: 1" in report.stdout
    assert "Customers moved: 1" in report.stdout


def _id(customer: Any) -> int:
    return int(getattr(customer, "id", customer))


def test_a_partner_created_anew_is_one_event_and_no_dozens_of_moves(database_url: str) -> None:
    world = World.generate(3, partners=120, countries=6)
    old = max(world.listed(), key=lambda one: len(one.customers))
    with Replica(world) as site:
        watch(site, database_url, NOON)
        with site.lock:
            new = world.recreate(old.id)
        for day in range(1, 10):
            watch(site, database_url, NOON + day * DAY)
    found = rows(database_url, "SELECT * FROM report_partner_recreations")
    assert [(row.old_partner_id, row.new_partner_id, row.shared) for row in found] == [
        (old.id, new.id, len(old.customers))
    ]
    assert rows(database_url, "SELECT * FROM report_customer_moves") == []
    open_at_old = customers_now(database_url).get(old.id)
    assert open_at_old is None  # they ended with it
    assert customers_now(database_url)[new.id] == set(new.customers)


def test_a_profile_that_fails_for_a_month_is_asked_for_eight_times_at_most(store: str) -> None:
    world = World.generate(3, partners=20, countries=3)
    broken = world.listed()[7]
    with Replica(world) as site:
        site.faults.append(Fault("500", match=rf"-{broken.id}$"))
        asked = 0
        for day in range(30):
            before = len([path for path in site.paths() if path.endswith(f"-{broken.id}")])
            crawl(site.url, store, NOON + day * DAY, mode="all")
            crawl(site.url, store, NOON + day * DAY + HOUR, spider="recheck")
            after = len([path for path in site.paths() if path.endswith(f"-{broken.id}")])
            asked += after > before
        assert 4 <= asked <= 8
    row = rows(store, "SELECT * FROM partners WHERE id = :id", id=broken.id)[0]
    assert (row.reprocess_reason, row.profile_read_at) == ("new", None)


def test_a_profile_that_disagrees_with_its_card_is_flagged_and_writes_nothing(store: str) -> None:
    world = World.generate(3, partners=40, countries=3)
    one = world.listed()[4]
    with Replica(world) as site:
        assert crawl(site.url, store, NOON, mode="all").state == "published"
        with site.lock:
            world.set_references(one.id, one.references + 3)
        assert crawl(site.url, store, NOON + HOUR, spider="recheck").state == "published"
        row = rows(store, "SELECT * FROM partners WHERE id = :id", id=one.id)[0]
        assert (row.references_count, row.reprocess_reason) == (one.references, "mismatch")
        watch(site, store, NOON + DAY)
    row = rows(store, "SELECT * FROM partners WHERE id = :id", id=one.id)[0]
    assert (row.references_count, row.reprocess_reason) == (one.references + 3, None)


def test_a_country_read_alone_delists_when_the_profile_says_that_it_has_not_moved(
    database_url: str,
) -> None:
    world = World.generate(3, partners=60, countries=4)
    leaver = world.listed()[9]
    country = str(leaver.country_id)
    with Replica(world) as site:
        assert crawl(site.url, database_url, NOON, mode="all").state == "published"
        with site.lock:
            world.depart(leaver.id)  # its profile answers 404 from now on
        for day in range(1, 10):
            now = NOON + day * DAY
            crawl(site.url, database_url, now, mode="specific_c", country=country)
            crawl(site.url, database_url, now + HOUR, spider="recheck", what="partners")
    told = rows(
        database_url,
        "SELECT change_type FROM status_history WHERE partner_id = :id ORDER BY changed_at",
        id=leaver.id,
    )
    assert [row.change_type for row in told] == ["initial", "delisted"]
    assert scrapy("db", "check", PARTNER_DATABASE_URL=database_url).returncode == 0


@pytest.mark.parametrize("kind", ["hollow", "cut_clean", "other_layout", "empty", "redirect_host"])
def test_a_profile_that_was_not_really_looked_at_changes_nothing(store: str, kind: str) -> None:
    world = World.generate(3, partners=40, countries=3)
    one = with_customers(world)[0]
    with Replica(world) as site:
        watch(site, store, NOON)
        before = rows(store, "SELECT * FROM partner_customers")
        with site.lock:
            world.set_references(one.id, one.references + 1)
            world.lose_customer(one.id, one.customers[0], counted=False)
        site.faults.append(Fault(kind, match=rf"-{one.id}$"))
        assert crawl(site.url, store, NOON + DAY, mode="all").state == "published"
        looked = crawl(site.url, store, NOON + DAY + HOUR, spider="recheck")
        assert looked.state == "failed"  # nothing else was flagged
    assert rows(store, "SELECT * FROM partner_customers") == before


@pytest.mark.parametrize("drift", ["customers", "customers gone", "customer links"])
def test_customers_that_cannot_be_read_are_not_lost_and_the_run_says_so(
    store: str, drift: str
) -> None:
    world = World.generate(3, partners=40, countries=3)
    some = with_customers(world)[:5]
    with Replica(world) as site:
        watch(site, store, NOON)
        before = rows(store, "SELECT * FROM partner_customers")
        with site.lock:
            for one in some:
                world.set_references(one.id, one.references + 1)
                world.lose_customer(one.id, counted=False)
        site.faults.append(Fault("drift", match="^/partners/[^p?]", drift=drift))
        watch(site, store, NOON + DAY, PARTNER_DELIST_AFTER_DAYS="0")
    assert rows(store, "SELECT * FROM partner_customers") == before
    reason = rows(store, "SELECT reason FROM crawl_runs ORDER BY id DESC LIMIT 1")[0].reason
    assert reason == "not all customers of 5 of 5 profiles could be read"


def test_a_flagged_country_is_read_whole_and_its_flag_falls(store: str) -> None:
    world = World.generate(3, partners=120, countries=6)
    with Replica(world) as site:
        site.faults.append(Fault("500", match=r"(/page/4\?|/country/)"))
        assert crawl(site.url, store, NOON, mode="all").state == "published"
        flagged = rows(store, "SELECT id FROM countries WHERE to_reprocess")
        assert flagged
        site.faults.clear()
        looked = crawl(site.url, store, NOON + HOUR, spider="recheck", what="countries")
        assert looked.state == "published", looked.errors
        assert profiles(site) == [] or all("country" in path for path in profiles(site))
    assert rows(store, "SELECT id FROM countries WHERE to_reprocess") == []
    assert rows(store, "SELECT COUNT(*) AS n FROM partners")[0].n == 120


def test_a_return_within_the_grace_keeps_the_customers(store: str) -> None:
    world = World.generate(3, partners=60, countries=4)
    one = with_customers(world)[0]
    with Replica(world) as site:
        watch(site, store, NOON)
        with site.lock:
            leave_for(world, one.id, 4)
        for day in range(1, 8):
            with site.lock:
                quiet_days(world, 1)
            watch(site, store, NOON + day * DAY)
    assert rows(store, "SELECT * FROM partner_customers WHERE ended_at IS NOT NULL") == []
    assert customers_now(store) == true_customers(world)


def test_bad_input_of_a_recheck_is_one_line(store: str) -> None:
    for arguments, message in (
        (("-a", "what=everything"), "unknown what 'everything': one of all, partners, countries\n"),
        (("-a", "limit=0"), "limit '0' is no number of 1 or more\n"),
        (("-a", "mode=all"), "unknown argument 'mode': known are what, limit, new_run\n"),
    ):
        refused = scrapy("crawl", "recheck", *arguments, PARTNER_DATABASE_URL=store)
        assert (refused.returncode, refused.stderr) == (2, message)
