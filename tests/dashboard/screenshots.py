"""Pictures of the dashboard for the README: ``python -m tests.dashboard.screenshots FOLDER``.

An invented directory with a year of history, a real ``scrapy dashboard``, a real browser.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from partner_monitor.rendering import find_browser
from partner_monitor.store.users import Role
from tests.crawling import rows
from tests.dashboard.serving import PASSWORD, add_user, started
from tests.years import build

LAST_DAY = date(2026, 3, 31)

WINDOWS = {"desktop": (1280, 900), "phone": (390, 844)}
"""Width and height."""

SCHEMES = ("light", "dark")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as place, sync_playwright() as playwright:
        store = f"sqlite:///{Path(place, 'store.db')}"
        print("An invented year …", flush=True)
        build(store, partners=900, days=400, seed=4, end=LAST_DAY)
        add_user(store, "anna", Role.ADMIN)
        browser = playwright.chromium.launch(
            executable_path=find_browser(""), args=["--no-sandbox"]
        )
        now = datetime.combine(LAST_DAY, time(12), UTC) + timedelta(hours=2)
        with started(store, PARTNER_NOW=now.isoformat()) as dashboard:
            for scheme in SCHEMES:
                for window in WINDOWS:
                    _shoot(browser, dashboard.url, store, folder, scheme, window)
        browser.close()


def _shoot(browser: Browser, url: str, store: str, folder: Path, scheme: str, window: str) -> None:
    # Whoever has had most changes of status and customers has most to show.
    busiest = rows(
        store,
        """SELECT partner_id FROM status_history h JOIN partners p ON p.id = h.partner_id
            WHERE p.delisted_at IS NULL AND p.references_count > 20
            GROUP BY partner_id ORDER BY COUNT(*) DESC, partner_id LIMIT 1""",
    )[0].partner_id
    paths = {
        "start": "/",
        "list": "/partners/list?sort=references_count__desc",
        "partner": f"/partners/detail?pk={busiest}",
    }
    width, height = WINDOWS[window]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        timezone_id="Europe/Brussels",
    )
    page = context.new_page()
    page.goto(f"{url}/")
    page.get_by_label("Username").fill("anna")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")
    for name, path in paths.items():
        page.goto(f"{url}{path}")
        page.wait_for_load_state("networkidle")
        page.evaluate("document.activeElement.blur()")
        file = folder / f"{name}-{window}-{scheme}.png"
        page.screenshot(path=file)
        print(file, flush=True)
    context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
