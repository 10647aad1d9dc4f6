"""Records pages of the directory as betamax cassettes: real HTTP, to be replayed in tests.

``scripts/record`` runs it, over the live site or over the replica, which is how the cassettes of
the repository are made.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlsplit

import requests
from betamax import Betamax
from protego import Protego
from scrapy.utils.project import get_project_settings

from partner_monitor.directory.listing import NotAListing, read_listing
from partner_monitor.directory.urls import country_url, directory_url, page_url
from tests.replica import Replica, World

CASSETTES = Path(__file__).parent / "cassettes"

REPLICA_PORT = 8069
REPLICA = f"http://127.0.0.1:{REPLICA_PORT}"
"""The replica's fixed origin, so that what is recorded of it can be asked for again."""

NO_PARTNERS = ("antarctica", 10)
"""Slug and number of a country that the site knows and that has no partners."""
NO_COUNTRY = ("nowhere", 999_999)
"""A country that the site does not know."""

PAUSE = 2.0
"""Seconds between two requests to a live site."""


def replica_world() -> World:
    """The directory that the repository's cassettes were recorded from."""
    return World.generate(26, partners=70, countries=8)


def session() -> requests.Session:
    """A session that says of itself what the crawl says."""
    settings = get_project_settings()
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # no more than a crawl has
    session.headers.update(
        {
            "User-Agent": settings["USER_AGENT"],
            **settings["DEFAULT_REQUEST_HEADERS"],
            # Others need not be known where the cassettes are replayed.
            "Accept-Encoding": "gzip",
        }
    )
    return session


@contextmanager
def cassette(session: requests.Session, name: str, folder: Path, mode: str) -> Iterator[None]:
    """Record (``mode`` "all") or replay (``mode`` "none") what ``session`` asks for."""
    recorder = Betamax(session, cassette_library_dir=str(folder))
    with recorder.use_cassette(name, record=mode, match_requests_on=["method", "uri"]):
        yield


def record(site: str, folder: Path, pause: float) -> Iterator[tuple[str, requests.Response]]:
    """Record a first page, a second, a country's, a fallback and a 404 into ``folder``."""
    site = site.rstrip("/")
    client = session()
    robots = Protego.parse(client.get(f"{site}/robots.txt", timeout=60).text)
    agent = str(client.headers["User-Agent"])
    pause = max(pause, robots.crawl_delay(agent) or 0)

    def fetch(name: str, url: str) -> tuple[str, requests.Response]:
        if not robots.can_fetch(url, agent):
            raise PermissionError(f"robots.txt forbids {url}")
        time.sleep(pause)
        (folder / f"{name}.json").unlink(missing_ok=True)
        with cassette(client, name, folder, "all"):
            return name, client.get(url, timeout=60)

    first_url = directory_url(site)
    _, first = recorded = fetch("first_page", first_url)
    yield recorded
    first.raise_for_status()
    page = read_listing(first.content, first.url)
    yield fetch("second_page", page_url(site, page.pager.page_link, first_url, 2))
    smallest = min(page.menu.entries, key=lambda entry: (entry.listed_count or 0, entry.name))
    yield fetch("country_page", country_url(site, smallest.slug, smallest.id))
    yield fetch("fallback_page", country_url(site, *NO_PARTNERS))
    yield fetch("not_found", country_url(site, *NO_COUNTRY))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="./scripts/record",
        description="Records listing pages as betamax cassettes for tests to replay.",
    )
    parser.add_argument("--site", default="https://www.odoo.com", help="origin (%(default)s)")
    parser.add_argument(
        "--replica",
        action="store_true",
        help="record the stand-in site into tests/cassettes: the repository's own",
    )
    parser.add_argument(
        "--folder", type=Path, help="where to (tests/cassettes/HOST, which git does not take)"
    )
    options = parser.parse_args()
    host = urlsplit(options.site).hostname
    if host is None:
        parser.error(f"--site {options.site!r} is no site's origin, such as https://www.odoo.com")
    folder = options.folder or (CASSETTES if options.replica else CASSETTES / host)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if options.replica:
            with Replica(replica_world(), port=REPLICA_PORT) as site:
                _tell(record(site.url, folder, 0), folder)
        else:
            _tell(record(options.site, folder, PAUSE), folder)
    except (OSError, NotAListing) as error:  # of requests too: its errors are OSErrors
        sys.exit(f"not recorded: {error}")


def _tell(recorded: Iterator[tuple[str, requests.Response]], folder: Path) -> None:
    for name, response in recorded:
        file = folder / f"{name}.json"
        print(f"{response.status_code} {response.url} → {file} ({file.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main()
