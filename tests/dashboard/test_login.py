"""Who is let in, and what each may do: over plain HTTP, with hand-made requests too."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests
import time_machine

from partner_monitor.dashboard.login import Patience
from partner_monitor.store import migrate
from partner_monitor.store.engine import open_engine
from partner_monitor.store.users import Role
from tests.crawling import crawl, rows, scrapy
from tests.dashboard.serving import PASSWORD, Visitor, add_user, page, served, started, text
from tests.dashboard.test_users import users
from tests.replica import Replica, World

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store in which there has been no run; anna is its admin and vera may read."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    engine = open_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    add_user(url, "anna", Role.ADMIN)
    add_user(url, "vera", Role.VIEWER)
    return url


@pytest.fixture
def site(store: str) -> Iterator[str]:
    with served(store, NOON) as url:
        yield url


def is_in(visitor: Visitor) -> bool:
    """Whether the start page is shown, and not the login."""
    return not page(visitor.get("/")).xpath("//input[@name='password']")


def test_nothing_is_shown_to_those_who_did_not_log_in(site: str) -> None:
    visitor = Visitor(site)
    pages = ("/", "/partners/list", "/partners/detail?pk=1", "/runs/detail?pk=1", "/nothing")
    for path in pages:
        answer = visitor.session.get(urljoin(site, path), allow_redirects=False, timeout=30)
        assert answer.status_code == 303, path
        assert answer.headers["Location"].startswith(f"{site}/login?next=")
    for path in ("/partners/flag?pk=1", "/runs/publish?pk=1", "/_api/partners/action?name=export"):
        answer = visitor.post(path)
        assert page(answer).xpath("//input[@name='password']"), path


def test_a_login_leads_to_the_page_that_was_asked_for_and_a_logout_ends_it(site: str) -> None:
    visitor = Visitor(site)
    asked = visitor.get("/countries/list?q=bel")
    form = urljoin(site, page(asked).xpath("//form/@action")[0])
    answer = visitor.post(form, username="Anna ", password=PASSWORD)
    assert answer.url == f"{site}/countries/list?q=bel"
    assert is_in(visitor)
    visitor.post("/logout")
    assert not is_in(visitor)


def test_a_link_to_another_host_is_not_followed_after_a_login(site: str) -> None:
    visitor = Visitor(site)
    answer = visitor.post(
        "/login?next=http://elsewhere.example/", username="anna", password=PASSWORD
    )
    assert answer.url == f"{site}/"


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_or_password_is_told_alike(site: str, name: str, password: str) -> None:
    answer = Visitor(site).log_in(name, password)
    assert answer.status_code == 400
    assert "Wrong name or password" in answer.text


def test_those_who_guess_have_to_wait(site: str) -> None:
    visitor = Visitor(site)
    for _ in range(5):
        assert "Wrong name or password" in visitor.log_in("anna", "wrong").text
    refused = visitor.log_in("anna")
    assert refused.status_code == 400
    assert "Too many failed logins: try again in 1 second" in refused.text
    assert Visitor(site).log_in("vera").status_code == 200


def test_guesses_that_come_together_count_as_well(site: str) -> None:
    visitors = [Visitor(site) for _ in range(12)]
    for visitor in visitors:
        visitor.get("/login")
    with ThreadPoolExecutor(len(visitors)) as guessing:
        answers = list(guessing.map(lambda visitor: visitor.log_in("vera", "wrong"), visitors))
    tried = [answer for answer in answers if "Wrong name or password" in answer.text]
    assert len(tried) == 5
    assert sum("Too many failed logins" in answer.text for answer in answers) == 7


def test_what_no_page_sends_is_refused_in_a_line(site: str) -> None:
    visitor = Visitor(site)
    large = visitor.post("/login", username="anna", password="x" * 100_000)
    assert (large.status_code, large.text) == (413, "This form is too large\n")
    assert visitor.log_in("an\0na").status_code == 400
    odd = visitor.get("/login", **{"X-Forwarded-Proto": "wss"})
    assert odd.status_code == 200
    visitor.log_in("anna")
    for path in ("/_api/partners/row-action?name=flag&pk=abc", f"/partners/flag?pk={10**20}"):
        assert visitor.post(path).status_code in (400, 404), path
    nothing = visitor.post("/partners/flag?pk=77")
    assert nothing.status_code == 404  # it leads to the page of a partner that is not there


def test_the_wait_doubles_and_ends() -> None:
    now = 0.0
    patience = Patience(lambda: now)
    waits = []
    for _ in range(14):
        patience.failed("anna", "192.0.2.1")
        waits.append(patience.wait("anna", "192.0.2.2"))
        now += waits[-1]
        assert patience.wait("anna", "192.0.2.2") == 0
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    for number in range(20):
        patience.failed(f"name {number}", "192.0.2.3")
    assert patience.wait("another", "192.0.2.3") > 0
    assert patience.wait("another", "192.0.2.4") == 0
    now += 901
    assert patience.wait("anna", "192.0.2.3") == 0
    patience.failed("anna", "192.0.2.1")
    assert patience.wait("anna", "192.0.2.1") == 0


def test_a_disabled_user_is_out_at_once_and_enabled_in_again(site: str, store: str) -> None:
    visitor = Visitor(site)
    visitor.log_in("anna")
    assert is_in(visitor)
    assert scrapy("users", "disable", "anna", PARTNER_DATABASE_URL=store).returncode == 0
    assert not is_in(visitor)
    assert "Wrong name or password" in visitor.log_in("anna").text
    assert scrapy("users", "enable", "ANNA", PARTNER_DATABASE_URL=store).returncode == 0
    assert visitor.log_in("anna").status_code == 200


def test_a_new_password_ends_the_sessions_with_the_old_one(site: str, store: str) -> None:
    visitor = Visitor(site)
    visitor.log_in("anna")
    assert users(store, "passwd", "anna", password="another battery")[0] == 0
    assert not is_in(visitor)
    assert visitor.log_in("anna").status_code == 400
    visitor.log_in("anna", "another battery")
    assert is_in(visitor)


def test_a_login_lasts_half_a_day_or_a_month_if_it_is_to_be_remembered(site: str) -> None:
    short, long = Visitor(site), Visitor(site)
    with time_machine.travel(NOON, tick=False):
        short.log_in("anna")
        long.log_in("anna", remember_me="on")
    # requests takes a cookie's age from the machine's clock, which has its own idea.
    for visitor in (short, long):
        for cookie in visitor.session.cookies:
            cookie.expires = None
    with time_machine.travel(NOON + timedelta(hours=11), tick=False):
        assert is_in(short)
    with time_machine.travel(NOON + timedelta(hours=13), tick=False):
        assert not is_in(short)
        assert is_in(long)
    with time_machine.travel(NOON + 29 * DAY, tick=False):
        assert is_in(long)
    with time_machine.travel(NOON + 31 * DAY, tick=False):
        assert not is_in(long)


def test_the_sessions_cookie_is_for_the_server_alone_and_secure_behind_tls(site: str) -> None:
    def cookie(**headers: str) -> str:
        visitor = Visitor(site)
        visitor.session.headers.update(headers)
        name = "starlette_admin_csrftoken"
        token = {"csrftoken": visitor.get("/login").cookies[name]}
        if headers:  # a client keeps secure cookies to itself over plain HTTP
            visitor.session.headers["Cookie"] = f"{name}={token['csrftoken']}"
        answer = visitor.session.post(
            urljoin(site, "/login"),
            {"username": "anna", "password": PASSWORD} | token,
            allow_redirects=False,
            timeout=30,
        )
        assert answer.status_code == 303
        cookies: list[str] = answer.raw.headers.getlist("Set-Cookie")
        return next(one for one in cookies if one.startswith("partner_monitor_session="))

    plain, behind_tls = cookie(), cookie(**{"X-Forwarded-Proto": "https"})
    for one in (plain, behind_tls):
        assert "httponly" in one
        assert "samesite=lax" in one
    assert "secure" not in plain
    assert "secure" in behind_tls


def test_a_forged_session_opens_nothing(site: str) -> None:
    visitor = Visitor(site)
    visitor.log_in("anna")
    name = "partner_monitor_session"
    genuine = visitor.session.cookies.get(name) or ""
    assert genuine
    for forged in (genuine[:-2], "e30=" + genuine[4:], "null"):
        other = Visitor(site)
        other.session.cookies.set(name, forged)
        assert not is_in(other)


def test_a_form_without_its_token_is_refused(site: str) -> None:
    visitor = Visitor(site)
    visitor.log_in("anna")
    for path in ("/partners/flag?pk=1", "/logout", "/_api/partners/row-action?name=flag&pk=1"):
        bare = visitor.session.post(urljoin(site, path), timeout=30)
        assert (bare.status_code, bare.text) == (403, "CSRF token missing"), path
    assert is_in(visitor)


def test_every_answer_says_what_a_page_may_load(site: str) -> None:
    visitor = Visitor(site)
    policies = set()
    for path in ("/login", "/static/js/dashboard.js", "/"):
        headers = visitor.get(path).headers
        policies.add(headers["Content-Security-Policy"])
        rules = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
        assert rules["default-src"] == "'none'"
        assert rules["connect-src"] == "'self'"
        assert "unsafe-inline" not in rules["script-src"]
        assert "unsafe-eval" not in rules["script-src"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert len(policies) == 3, "a nonce serves once"


def flagged(store: str) -> list[tuple[int, str | None]]:
    found = rows(store, "SELECT id, reprocess_reason FROM partners ORDER BY id")
    return [(row.id, row.reprocess_reason) for row in found]


def test_a_viewer_reads_and_cannot_act_by_hand_made_requests_either(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    world = World.generate(1, partners=60, countries=5)
    with Replica(world) as directory:
        crawl(directory.url, store, NOON, mode="all")
        crawl(directory.url, store, NOON + timedelta(hours=1), spider="recheck")
        with directory.lock:
            for partner in world.listed()[:30]:
                world.set_references(partner.id, partner.references + 7)
            world.promote(world.listed()[-1].id)
        assert crawl(directory.url, store, NOON + DAY, mode="all").state == "quarantined"
    add_user(store, "anna", Role.ADMIN)
    add_user(store, "vera", Role.VIEWER)
    one = world.listed()[0].id
    country = world.listed()[0].country_id
    before = flagged(store)
    assert dict(before)[one] is None
    acts = (
        f"/partners/flag?pk={one}",
        f"/countries/flag?pk={country}",
        "/runs/publish?pk=3",
        "/runs/discard?pk=3",
        f"/_api/partners/row-action?name=flag&pk={one}",
        f"/_api/partners/action?name=flag&pks={one}",
        "/_api/partners/action?name=flag&all=1",
        f"/_api/countries/row-action?name=flag&pk={country}",
        "/_api/runs/row-action?name=publish&pk=3",
        "/_api/runs/row-action?name=discard&pk=3",
    )
    with served(store, NOON + 2 * DAY) as site:
        vera = Visitor(site)
        vera.log_in("vera")
        for path in acts:
            assert vera.post(path).status_code in (400, 403), path
        for path in ("/runs/list", "/runs/detail?pk=3", f"/partners/detail?pk={one}"):
            shown = vera.get(path).text
            assert not any(word in shown for word in ("Discard", "Flag for a recheck")), path
        assert flagged(store) == before
        state = "SELECT state FROM crawl_runs WHERE id = 3"
        assert rows(store, state)[0].state == "quarantined"

        anna = Visitor(site)
        anna.log_in("anna")
        assert "waits in quarantine" in text(anna.get("/"))
        promoted = "//*[@data-figure='promoted']"
        assert page(anna.get("/")).xpath(promoted)[0].text == "0"
        assert "1 partner flagged" in text(anna.post(acts[0]))
        assert dict(flagged(store))[one] == "requested"
        assert "Flagged for a second look: requested" in text(
            anna.get(f"/partners/detail?pk={one}")
        )
        assert "1 country flagged" in text(anna.post(acts[1]))
        assert "Run 3 published: 1 promoted, 30 references" in text(anna.post("/runs/publish?pk=3"))
        assert page(anna.get("/")).xpath(promoted)[0].text == "1", "counted anew"
        assert rows(store, state)[0].state == "published"
        again = text(anna.post("/runs/discard?pk=3"))
        assert "run 3 is published: only a quarantined run can be discarded" in again
        answer = anna.post("/_api/partners/action?name=flag&all=1")
        assert answer.status_code == 200, answer.text
        assert {reason for _, reason in flagged(store)} == {"requested"}

    # What was asked for is looked at by the next recheck, and is settled then.
    with Replica(world, port=int(directory.url.rsplit(":", 1)[1])) as directory:
        later = NOON + 3 * DAY
        done = crawl(directory.url, store, later, spider="recheck", what="all")
        assert done.state == "published", done.errors
        assert len(directory.paths()) > 60
    assert {reason for _, reason in flagged(store)} == {None}
    reasons = rows(store, "SELECT DISTINCT reprocess_reason AS reason FROM countries")
    assert [row.reason for row in reasons] == [None]


def test_the_first_start_gives_a_link_for_one_admin_and_only_once(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with started(store) as dashboard:
        site = dashboard.url
        link = dashboard.says()
        assert link.startswith(f"No user yet. Create the first admin: {site}/first-admin?token=")
        address = link.split()[-1]
        assert Visitor(site).get("/first-admin?token=guessed").status_code == 403
        visitor = Visitor(site)
        assert "Create the first admin" in visitor.get(address).text
        short = visitor.post(address, username="anna", password="short")
        assert "A password has 10 characters or more" in short.text
        assert "cannot be a user" in visitor.post(address, username="an na", password=PASSWORD).text
        visitor.post(address, username="anna", password=PASSWORD)
        assert is_in(visitor)
        assert "scrapy crawl partners" in text(visitor.get("/"))
        assert Visitor(site).get(address).status_code == 403
        assert Visitor(site).post(address, username="eve", password=PASSWORD).status_code == 403
    assert [(row.name, row.role) for row in rows(store, "SELECT name, role FROM users")] == [
        ("anna", "admin")
    ]


def test_beyond_this_machine_it_does_not_start_without_a_secret(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    refused = scrapy("dashboard", "--host", "0.0.0.0", "--port", "0", PARTNER_DATABASE_URL=store)
    assert refused.returncode == 2
    assert refused.stderr == (
        "--host 0.0.0.0 is beyond this machine: set PARTNER_DASHBOARD_SECRET to a long random "
        "text first\n"
    )
    secret = {"PARTNER_DASHBOARD_SECRET": "a secret of more than 32 characters"}
    with started(store, "--host", "0.0.0.0", **secret) as dashboard:
        assert dashboard.says() == "No user yet. Add one: scrapy users add NAME --role admin\n"
        asked = requests.get(f"{dashboard.url}/first-admin", timeout=30)
        assert asked.url.startswith(f"{dashboard.url}/login")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "x"), "--port 'x' is no port: 0 to 65535"),
        (("--port", "70000"), "--port '70000' is no port: 0 to 65535"),
        (("--host", "192.0.2.1"), "--host 192.0.2.1 is beyond this machine"),
        (("please",), "scrapy dashboard takes no argument 'please'"),
    ],
)
def test_a_start_that_cannot_be_is_refused_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    store = tmp_path / "store.db"
    refused = scrapy("dashboard", *arguments, PARTNER_DATABASE_URL=f"sqlite:///{store}")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert said in refused.stderr
    assert not store.exists()


def test_a_port_that_is_taken_is_named(tmp_path: Path, site: str) -> None:
    port = site.rsplit(":", 1)[1]
    store = f"sqlite:///{tmp_path / 'store.db'}"
    refused = scrapy("dashboard", "--port", port, PARTNER_DATABASE_URL=store)
    assert refused.stderr == f"cannot listen on 127.0.0.1:{port}: Address already in use\n"
