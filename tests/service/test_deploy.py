"""The project at a real scrapyd: sent by ``scripts/deploy``, run over HTTP and by the calendar."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from partner_monitor.config import ConfigurationError
from partner_monitor.schedule import memory
from partner_monitor.service.deploy import find_target
from partner_monitor.service.scrapyd import Away, Scrapyd, State
from partner_monitor.store.schema import SCHEMA_VERSION
from tests.crawling import rows
from tests.reliability.stores import violations
from tests.replica import Replica, World
from tests.schedule.keeping import keeping, ours
from tests.service.hosts import PASSWORD, USER, Checkout, Service, wait_for
from tests.truth import expected_partners, stored_partners

QUICK = {"DOWNLOAD_DELAY": "0"}

CALENDAR = """
timezone = "Europe/Brussels"
hosts = [{{ name = "here", url = "{url}" }}]
[jobs.partners]
spider = "partners"
at = "05:30"
arguments = {{ mode = "specific_c", country = {home} }}
settings = {{ DOWNLOAD_DELAY = 0, PARTNER_DATABASE_URL = "{store}" }}
[jobs.recheck]
spider = "recheck"
after = "partners"
settings = {{ DOWNLOAD_DELAY = 0, PARTNER_DATABASE_URL = "{store}" }}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def check_history(store: str, world: World, home: int) -> None:
    """The store holds the country as the site shows it, with its partners' customers."""
    there = {one.id: one for one in world.listed() if one.country_id == home}
    assert stored_partners(store) == {
        id_: card for id_, card in expected_partners(world).items() if id_ in there
    }
    held = rows(store, "SELECT partner_id, customer_id FROM partner_customers")
    assert {tuple(row) for row in held} == {
        (one.id, customer) for one in there.values() for customer in one.customers
    }
    found = rows(store, "SELECT spider, state FROM crawl_runs ORDER BY id")
    assert [tuple(row) for row in found] == [("partners", "published"), ("recheck", "published")]
    assert violations(store) == []


def test_a_deployed_project_crawls_over_http_and_by_the_calendar_and_its_commands_work(
    checkout: Checkout, tmp_path: Path
) -> None:
    store, other = (f"sqlite:///{tmp_path / name}.db" for name in ("store", "other"))
    world = World.generate(5, partners=60, countries=4)
    home = max(one.country_id or 0 for one in world.listed())
    with (
        Replica(world) as site,
        Service(tmp_path, PARTNER_SITE_URL=site.url, PARTNER_DATABASE_URL=store) as host,
    ):
        status, said = checkout.deploy(host)
        assert status == 0, said
        upgraded = f"the store went from schema none to {SCHEMA_VERSION}"
        assert said.splitlines()[-1] == f"deployed; {upgraded}"
        assert checkout.git("status", "--porcelain") == ""

        over_http(host, home)
        check_history(store, world, home)
        by_the_calendar(host, other, site, home, tmp_path)
        check_history(other, world, home)
    partners = sum(one.country_id == home for one in world.listed())
    commands(host, tmp_path, partners)


def over_http(host: Service, home: int) -> None:
    post = {"project": "partner_monitor", "spider": "partners"}
    for password in ("", "wrong"):
        refused = requests.post(
            f"{host.host.url}/schedule.json", data=post, auth=(USER, password), timeout=10
        )
        assert refused.status_code == 401
    host.api.schedule("partners", "lists", {"mode": "specific_c", "country": str(home)}, QUICK)
    host.api.schedule("recheck", "looks", {"limit": "100"}, QUICK)
    over = dict.fromkeys(("lists", "looks"), State.FINISHED)
    wait_for(lambda: over.items() <= host.api.jobs().items())


def by_the_calendar(host: Service, store: str, site: Replica, home: int, folder: Path) -> None:
    """On a day in summer: half past five in Brussels is half past three in UTC."""
    url = host.host.url.replace("//", f"//{USER}:{quote(PASSWORD)}@")
    text = CALENDAR.format(url=url, home=home, store=store)
    file = folder / "calendar.json"
    with keeping(text, store, site.url, file) as keeper:
        now = datetime(2026, 7, 1, 3, 29, 59, tzinfo=UTC)
        keeper.look(now)
        assert not memory.load(file).rounds
        keeper.look(now + timedelta(seconds=1))
        assert [one.job for one in memory.load(file).rounds] == ["partners"]

        def ended() -> bool:
            keeper.look(now + timedelta(seconds=2))
            return not memory.load(file).rounds

        wait_for(ended)
        assert "partners-20260701T0330-1" in host.api.jobs()


def commands(host: Service, folder: Path, partners: int) -> None:
    """Each works from the zipped egg alone."""
    answers = {
        "reparse 1": "run 1 published",
        "report --format md": "| ",
        f"export report_partners -o {folder / 'partners.csv'}": "",
    }
    with ThreadPoolExecutor(2) as pool:
        for done, answer in zip(
            pool.map(lambda command: host.command(*command.split()), answers),
            answers.values(),
            strict=True,
        ):
            assert done.returncode == 0, done
            assert answer in done.stdout
    assert (folder / "partners.csv").read_text("utf-8").count("\n") == 1 + partners
    assert len(list(host.folder.rglob("*.egg"))) == 1
    assert not list(host.folder.rglob("__pycache__"))  # it was never unpacked


def test_an_egg_that_cannot_run_is_taken_back_with_what_is_missing(
    checkout: Checkout, tmp_path: Path
) -> None:
    spider = checkout.folder / "spiders" / "partners.py"
    needs = checkout.folder / "requirements.txt"
    sound = spider.read_text("utf-8")
    store = tmp_path / "store.db"
    with Service(tmp_path, PARTNER_DATABASE_URL=f"sqlite:///{store}") as host:

        def refused() -> str:
            checkout.settle()
            checkout.commit()
            status, said = checkout.deploy(host)
            assert status == 2
            assert not list(host.folder.rglob("*.egg"))
            assert not store.exists()
            return said.splitlines()[-1]

        spider.write_text(f"{sound}\n\nimport no_such_package\n", "utf-8")
        remedy = "pip install -r requirements-service.txt there"
        package = "the package of no_such_package"
        assert refused() == f"not deployed: the host lacks {package}: {remedy}"
        spider.write_text(sound, "utf-8")
        needs.write_text(needs.read_text("utf-8") + "no-such-package==1.0\n", "utf-8")
        assert refused() == f"not deployed: the host lacks no-such-package==1.0: {remedy}"


def test_a_target_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "scrapy.cfg").write_text("[deploy:b]\nurl = http://127.0.0.1:9\n")
    with pytest.raises(Away) as away:
        Scrapyd(find_target(tmp_path, "b", ours())).jobs()
    assert str(away.value) == "http://127.0.0.1:9 does not answer: [Errno 111] Connection refused"
    elsewhere = ours(PARTNER_SCRAPYD_URL="127.0.0.1:6800")
    assert find_target(tmp_path, "b", elsewhere).url == "http://127.0.0.1:9"
    for name, settings, said in (
        (None, elsewhere, "host PARTNER_SCRAPYD_URL: its url is no scrapyd's, as http://127.0.0.1"),
        (None, ours(), "scrapy.cfg has no [deploy] with a url: name one of its own"),
        ("c", ours(), "scrapy.cfg has no [deploy:c] with a url"),
    ):
        with pytest.raises(ConfigurationError) as refused:
            find_target(tmp_path, name, settings)
        assert str(refused.value).startswith(said)
