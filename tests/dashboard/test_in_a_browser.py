"""The dashboard as a reader sees it: a real browser, a real ``scrapy dashboard``."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import openpyxl
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from partner_monitor.rendering import find_browser
from partner_monitor.store.users import Role
from tests.crawling import rows
from tests.dashboard.directory import (
    GERMANY,
    HOSTILE_COUNTRY,
    HOSTILE_PARTNER,
    NOW,
    SECOND,
    fill,
)
from tests.dashboard.serving import PASSWORD, add_user, started
from tests.parts import CHROMIUM, need

pytestmark = pytest.mark.chromium

DRAWN = """card => {
    const labels = [...card.querySelectorAll(".apexcharts-yaxis-label title")];
    const names = [...card.querySelectorAll(".apexcharts-legend-text")].map(e => e.textContent);
    const found = {};
    for (const label of labels) found[label.textContent] = {};
    for (const series of card.querySelectorAll(".apexcharts-bar-series .apexcharts-series")) {
        const name = names[Number(series.getAttribute("data:realIndex"))];
        for (const bar of series.querySelectorAll("path.apexcharts-bar-area")) {
            const value = Number(bar.getAttribute("val"));
            const label = labels[Number(bar.getAttribute("j"))].textContent;
            if (value) found[label][name] = value;
        }
    }
    return found;
}"""
"""What stands in a chart: country, part, number."""


@dataclass
class Watched:
    """A reader's browser, and what went wrong in it."""

    context: BrowserContext
    page: Page
    site: str
    troubles: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        self.page.goto(urljoin(self.site, path))
        return self.page

    def chart(self, title: str) -> Any:
        card = self.page.locator(
            ".card", has=self.page.get_by_role("heading", name=title, exact=True)
        )
        card.locator(".apexcharts-series").first.wait_for()
        return card

    def drawn(self, title: str) -> Any:
        return self.chart(title).evaluate(DRAWN)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    need(CHROMIUM)
    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}"
    fill(url)
    add_user(url, "anna", Role.ADMIN)
    add_user(url, "vera", Role.VIEWER)
    return url


@pytest.fixture(scope="module")
def site(store: str) -> Iterator[str]:
    with started(store, PARTNER_NOW=NOW.isoformat()) as dashboard:
        yield dashboard.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    need(CHROMIUM)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_browser(""),
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def reader(browser: Browser, site: str) -> Iterator[Watched]:
    """A reader who has not logged in; at the end nothing must have gone wrong."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, timezone_id="Asia/Tokyo", accept_downloads=True
    )
    context.set_default_timeout(20_000)
    watched = Watched(context, context.new_page(), site)
    watched.page.on(
        "console",
        lambda said: watched.troubles.append(said.text) if said.type == "error" else None,
    )
    watched.page.on("pageerror", lambda error: watched.troubles.append(str(error)))
    watched.page.on(
        "request",
        lambda sent: (
            watched.troubles.append(f"asked {sent.url}")
            if not sent.url.startswith((f"{site}/", "data:", "blob:"))
            else None
        ),
    )
    yield watched
    context.close()
    assert watched.troubles == []


def log_in(reader: Watched, name: str) -> Page:
    page = reader.open("/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{reader.site}/")
    return page


TOP, BOTTOM = "Top five countries", "Bottom five countries"
TOP_SIZES, BOTTOM_SIZES = f"Project sizes: {TOP.lower()}", f"Project sizes: {BOTTOM.lower()}"
SHOWN_HOSTILE_COUNTRY = HOSTILE_COUNTRY.replace("<img", "‹img")

GERMAN_SIZES = {"<5": 1, "5-10": 1, "11-25": 1, "25+": 1}


def test_the_four_charts_follow_the_filters(reader: Watched) -> None:
    page = log_in(reader, "anna")
    assert reader.drawn(TOP) == {
        "Belgium": {"gold": 2, "silver": 1, "ready": 3},
        "France": {"silver": 3, "ready": 2},
        "Germany": {"gold": 1, "silver": 1, "ready": 2},
        "Spain": {"silver": 3, "ready": 1},
        SHOWN_HOSTILE_COUNTRY: {"ready": 1},
    }
    assert reader.drawn(BOTTOM) == {
        "Germany": {"gold": 1, "silver": 1, "ready": 2},
        "Spain": {"silver": 3, "ready": 1},
        SHOWN_HOSTILE_COUNTRY: {"ready": 1},
        "Italy": {"silver": 1},
        "Malta": {"gold": 1},
    }
    assert reader.drawn(TOP_SIZES) == {
        "Belgium": {"<5": 2, "5-10": 1, "11-25": 2, "25+": 1},
        "France": {"5-10": 3, "11-25": 1, "25+": 1},
        "Germany": GERMAN_SIZES,
        "Spain": {"<5": 2, "5-10": 1, "25+": 1},
        SHOWN_HOSTILE_COUNTRY: {"<5": 1},
    }
    assert reader.drawn(BOTTOM_SIZES) == {
        "Germany": GERMAN_SIZES,
        "Spain": {"<5": 2, "5-10": 1, "25+": 1},
        SHOWN_HOSTILE_COUNTRY: {"<5": 1},
        "Italy": {"11-25": 1},
        "Malta": {"25+": 1},
    }

    page.get_by_label("Status").select_option("gold")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url(re.compile(r"status=gold"))
    for title in (TOP, BOTTOM):
        assert reader.drawn(title) == {
            "Belgium": {"gold": 2},
            "Germany": {"gold": 1},
            "Malta": {"gold": 1},
        }
    for title in (TOP_SIZES, BOTTOM_SIZES):
        assert reader.drawn(title) == {
            "Belgium": {"11-25": 1, "25+": 1},
            "Germany": {"25+": 1},
            "Malta": {"25+": 1},
        }

    page.get_by_role("link", name="Clear").click()
    page.get_by_label("Country").select_option("Germany")
    page.get_by_label("Year first seen").select_option("2025")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url(re.compile(r"country=56&year=2025"))
    for title in (TOP, BOTTOM):
        assert reader.drawn(title) == {"Germany": {"gold": 1, "ready": 2}}
    for title in (TOP_SIZES, BOTTOM_SIZES):
        assert reader.drawn(title) == {"Germany": {"<5": 1, "5-10": 1, "25+": 1}}

    page.get_by_role("link", name="Clear").click()
    page.get_by_label("Year first seen").select_option("2026")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url(re.compile(r"year=2026"))
    shared = page.url
    for title in (TOP, BOTTOM):
        assert reader.drawn(title) == {"Germany": {"silver": 1}, "Malta": {"gold": 1}}
    for title in (TOP_SIZES, BOTTOM_SIZES):
        assert reader.drawn(title) == {"Germany": {"11-25": 1}, "Malta": {"25+": 1}}
    reader.page.goto(shared)
    expect(page.get_by_label("Year first seen")).to_have_value("2026")


def test_a_bar_opens_the_list_behind_it_and_a_row_the_partner(reader: Watched) -> None:
    page = log_in(reader, "vera")
    silver = reader.chart(TOP).locator('[seriesName="silver"] path[j="1"]')
    silver.click()
    page.wait_for_url(re.compile(r"/partners/list\?filter="))
    shown = page.locator("td[data-column='name']")
    expect(shown).to_have_text(["Annecy Apps", "Brest Build", "Caen Code"])
    page.get_by_role("link", name="Annecy Apps").click()
    expect(page.locator(".page-header h1", has_text="Annecy Apps")).to_be_visible()
    profile = page.get_by_role("link", name="Profile")
    expect(profile).to_have_attribute("href", re.compile(r"/partners/annecy-apps-201$"))
    reader.chart("Time line")
    # A time is in the reader's zone, and in UTC for who points at it.
    time = page.locator("time").first
    expect(time).to_have_text(f"{SECOND + timedelta(hours=9):%Y-%m-%d %H:%M}")
    expect(time).to_have_attribute("title", f"{SECOND:%Y-%m-%d %H:%M:%S} UTC")
    page.get_by_role("link", name="France").click()
    expect(page.locator(".page-header h1", has_text="France")).to_be_visible()
    reader.chart("Partners by status over time")


def test_what_pages_say_stays_text(reader: Watched) -> None:
    page = log_in(reader, "vera")
    for path in ("/", "/partners/list", "/partners/detail?pk=101", "/countries/list"):
        reader.open(path)
        page.wait_for_load_state("networkidle")
        assert page.title() != "taken", path
        assert page.locator("img[src='x']").count() == 0, path
    reader.open("/partners/detail?pk=101")
    expect(page.locator(".page-header h1")).to_contain_text(HOSTILE_PARTNER)
    reader.open("/countries/detail?pk=105")
    expect(page.locator(".page-header h1")).to_have_text(HOSTILE_COUNTRY)
    reader.open("/")
    for bar in reader.chart(TOP).locator("path.apexcharts-bar-area").all()[-2:]:
        bar.hover(force=True)
    assert page.locator("img[src='x']").count() == 0
    assert page.title() != "taken"


def test_a_list_is_searched_filtered_sorted_paged_and_exported(
    reader: Watched, tmp_path: Path
) -> None:
    page = log_in(reader, "vera")
    reader.open("/partners/list")
    page.get_by_role("searchbox", name="Search in list").fill("apps")
    page.keyboard.press("Enter")
    found = ["Aachen Apps", "Akranes Apps", "Ancona Apps", "Annecy Apps", "Attard Apps"]
    names = page.locator("td[data-column='name']")
    expect(names).to_have_text([*found, "Avila Apps"])
    page.locator("th[data-column='references_count'] a").click()
    expect(names.first).to_have_text("Akranes Apps")

    for form in ("csv", "xlsx", "json"):
        page.locator(".card-actions").get_by_text("Export").click()
        dialog = page.locator("#modal-action")
        dialog.get_by_label("Format").select_option(form)
        with page.expect_download() as download:
            dialog.get_by_role("button", name="Export").click()
        file = tmp_path / f"list.{form}"
        download.value.save_as(file)
        assert download.value.suggested_filename == f"partners.{form}"
        reader.open("/partners/list?q=apps&sort=references_count__asc")
    with (tmp_path / "list.csv").open(encoding="utf-8") as lines:
        exported = [line["name"] for line in csv.DictReader(lines)]
    assert exported[0] == "Akranes Apps"
    assert sorted(exported) == [*found, "Avila Apps"]
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx").worksheets[0]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == exported

    reader.open("/status-history/list")
    page.get_by_label("Page size").select_option("50")
    page.wait_for_url(re.compile("page_size=50"))
    expect(page.locator("tbody tr")).to_have_count(26)
    page.get_by_role("button", name="Columns").click()
    page.locator("#column-visibility-dropdown").get_by_label("Country").uncheck()
    page.locator("#column-visibility-dropdown").get_by_role("button", name="Apply").click()
    page.wait_for_url(re.compile("cols="))
    expect(page.locator("th[data-column='country']")).to_have_count(0)


def test_an_admin_flags_and_a_viewer_has_nothing_to_flag_with(reader: Watched, store: str) -> None:
    def reason(partner_id: int) -> str | None:
        query = "SELECT reprocess_reason AS reason FROM partners WHERE id = :id"
        found: str | None = rows(store, query, id=partner_id)[0].reason
        return found

    page = log_in(reader, "anna")
    reader.open("/partners/detail?pk=301")
    page.get_by_role("button", name="Flag for a recheck").click()
    expect(page.get_by_text("1 partner flagged: the next recheck looks there")).to_be_visible()
    assert reason(301) == "requested"
    reader.open("/partners/list?q=Bonn")
    page.locator("tbody tr").get_by_title("Flag for a recheck").click()
    page.locator("#modal-action").get_by_role("button", name="Flag").click()
    expect(page.get_by_text("1 partner flagged: the next recheck looks there")).to_be_visible()
    assert reason(302) == "requested"
    reader.open(f"/countries/detail?pk={GERMANY}")
    page.get_by_role("button", name="Flag for a recheck").click()
    expect(page.get_by_text("1 country flagged: the next recheck looks there")).to_be_visible()

    page.get_by_label("Open user menu").last.click()
    page.get_by_role("button", name="Logout").last.click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    log_in(reader, "vera")
    for path in ("/partners/detail?pk=303", "/partners/list", f"/countries/detail?pk={GERMANY}"):
        reader.open(path)
        assert page.get_by_text("Flag for a recheck").count() == 0, path
        assert page.get_by_title("Flag for a recheck").count() == 0, path
    # The browser's own refusal in the log is what is asked for here.
    answer = page.evaluate(
        """async () => {
            const token = Cookies.get("starlette_admin_csrftoken");
            const sent = { method: "POST", headers: { "X-CSRFToken": token } };
            return (await fetch("/partners/flag?pk=303", sent)).status;
        }"""
    )
    assert answer == 403
    reader.troubles = [one for one in reader.troubles if "403" not in one]
    assert reason(303) is None


def test_light_and_dark_follow_the_system_until_the_reader_chooses(
    reader: Watched, browser: Browser
) -> None:
    page = log_in(reader, "vera")
    root = page.locator("html")
    page.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Dark or light").click()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    reader.open("/partners/list")
    expect(root).to_have_attribute("data-bs-theme", "dark")


@pytest.mark.parametrize("width", [360, 1920])
def test_no_page_is_wider_than_the_window(reader: Watched, width: int) -> None:
    page = log_in(reader, "vera")
    page.set_viewport_size({"width": width, "height": 800})
    paths = ["/", "/partners/detail?pk=101", f"/countries/detail?pk={GERMANY}", "/runs/detail?pk=3"]
    for path in [*paths, "/partners/list", "/runs/list"]:
        reader.open(path)
        page.wait_for_load_state("networkidle")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path


def test_an_empty_store_says_what_to_run(browser: Browser, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with started(store) as dashboard:
        link = dashboard.says().split()[-1]
        context = browser.new_context()
        page = context.new_page()
        page.goto(link)
        page.get_by_label("Username").fill("anna")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Create and log in").click()
        expect(page.get_by_text("scrapy crawl partners").first).to_be_visible()
        for key in ("partners", "customers", "runs"):
            page.goto(f"{dashboard.url}/{key}/list")
            expect(page.get_by_text("scrapy crawl")).to_be_visible()
        context.close()
