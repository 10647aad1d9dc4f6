"""Pages that real servers rendered, served again over HTTP and crawled by the real spider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.crawling import ROOT, crawl, rows

PAGES = ROOT.parent / "shared" / "real_pages"
pytestmark = pytest.mark.skipif(
    not PAGES.exists(), reason="the real pages are not beside the repository"
)


@contextmanager
def served(pages: dict[str, tuple[int, bytes, str | None]]) -> Iterator[str]:
    """A site that gives these answers by path and query, and 404 for anything else."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body, location = pages.get(unquote(self.path), (404, b"", None))
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            if location is not None:
                self.send_header("Location", quote(location))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def stock(version: str) -> dict[str, tuple[int, bytes, str | None]]:
    folder = PAGES / f"stock-odoo-{version}"
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return {
        unquote(one["wire_path"]): (
            one["status"],
            (folder / one["file"]).read_bytes() if one["file"] else b"",
            one["location"],
        )
        for one in index["files"]
        # The bare list was saved twice, for two visitors; nothing of ours may ask for it.
        if one["path"] != "/partners"
    }


def truth(version: str) -> dict[int, dict[str, Any]]:
    path = PAGES / f"stock-odoo-{version}" / "truth.json"
    partners = json.loads(path.read_text(encoding="utf-8"))["partners"]
    return {partner["id"]: partner for partner in partners if partner["listed"]}


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


def stored(store: str) -> dict[int, tuple[Any, ...]]:
    query = """SELECT p.id, p.name, p.status, c.name AS country, p.references_count
        FROM partners p LEFT JOIN countries c ON c.id = p.country_id"""
    return {row.id: tuple(row)[1:] for row in rows(store, query)}


def test_the_saved_page_of_odoo_com_gives_every_field_of_every_partner(store: str) -> None:
    folder = PAGES / "odoo-com-2026-03-05"
    expected = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    page = (folder / "country_vietnam_p1.html").read_bytes()
    path = "/partners/country/vietnam-232"
    with served({path: (200, page, None), "/partners?country_all=1": (200, page, None)}) as site:
        # Page 2 was not saved: it is lost, and what page 1 shows is published all the same.
        crawled = crawl(site, store, mode="specific_c", country="VN")
        assert crawled.state == "published", crawled.errors
        found = {
            row.id: tuple(row)[1:]
            for row in rows(
                store,
                """SELECT p.id, p.name, p.status, c.name, p.address, p.retention_rate,
                    p.average_project_size, p.largest_project_size, p.references_count,
                    p.certified_experts, p.profile_url
                FROM partners p JOIN countries c ON c.id = p.country_id""",
            )
        }
        assert len(found) == 20
        assert found == {
            one["id"]: (
                one["name"],
                one["status"],
                one["country"],
                ", ".join(one["address"]),
                one["retention_rate"],
                one["average_project_size"],
                one["largest_project_size"],
                one["references_count"],
                one["certified_experts"],
                site + one["path"],
            )
            for one in expected["partners"]
        }
    menu = {
        str(row.id): {"slug": row.slug, "name": row.name, "listed_count": row.listed_count}
        for row in rows(store, "SELECT id, slug, name, listed_count FROM countries")
    }
    assert len(menu) == 164
    assert menu == expected["countries"]
    country = rows(store, "SELECT * FROM countries WHERE id = 232")[0]
    assert (country.iso_code, country.reprocess_reason) == ("VN", "page_failed")


def test_stock_odoo_19_is_read_whole_page_by_page(store: str) -> None:
    with served(stock("19.0")) as site:
        crawled = crawl(site, store, mode="all")
    assert crawled.state == "published", crawled.errors
    expected = truth("19.0")
    assert len(expected) == 263
    assert stored(store) == {
        id_: (
            one["display_name"],
            one["grade"].lower(),
            one["country"],
            one["references_shown_count"],
        )
        for id_, one in expected.items()
    }
    run = rows(store, "SELECT * FROM crawl_runs")[0]
    assert (run.pages_fetched, run.partners_seen, run.partners_expected) == (14, 263, 263)
    assert run.reason == "all read, all counts met"


@pytest.mark.parametrize(
    ("version", "country", "partners"),
    [("19.0", "ES", 96), ("19.0", "vietnam", 34), ("19.0", "Iceland", 1), ("18.0", "spain", 96)],
)
def test_a_country_of_stock_odoo_is_read_whole(
    store: str, version: str, country: str, partners: int
) -> None:
    with served(stock(version)) as site:
        crawled = crawl(site, store, mode="specific_c", country=country)
    assert crawled.state == "published", crawled.errors
    found = stored(store)
    assert len(found) == partners
    expected = truth(version)
    for id_, (name, status, country_name, references) in found.items():
        one = expected[id_]
        assert (name, status, country_name) == (
            one["display_name"],
            one["grade"].lower(),
            one["country"],
        )
        if version == "19.0":
            assert references == one["references_shown_count"]
    assert rows(store, "SELECT reason FROM crawl_runs")[0].reason == "all read, all counts met"


def test_stock_odoo_18_gives_every_partner_of_its_saved_pages(store: str) -> None:
    pages = stock("18.0")
    saved = [page for page in pages if "country_all" in page]
    assert len(saved) == 3
    with served(pages) as site:
        # Pages 3 to 6 were not saved, and are lost: with a limit that allows it the rest is read.
        crawled = crawl(site, store, settings={"PARTNER_AUDIT_PAGES_LOST": "0.9"}, mode="all")
    assert crawled.state == "published", crawled.errors
    index = json.loads((PAGES / "stock-odoo-18.0" / "index.json").read_text(encoding="utf-8"))
    on_pages = {
        id_
        for one in index["files"]
        if "country_all" in one["path"]
        for id_ in one["partner_ids_on_page"]
    }
    expected = truth("18.0")
    assert stored(store) == {
        id_: (
            expected[id_]["display_name"],
            expected[id_]["grade"].lower(),
            None,  # 18 shows no country on a card
            expected[id_]["references_shown_count"],
        )
        for id_ in on_pages
    }


def test_a_country_without_partners_is_never_taken_for_the_whole_directory(store: str) -> None:
    with served(stock("19.0")) as site:
        crawled = crawl(site, store, mode="specific_c", country="Antarctica")
    assert crawled.state is None
    assert any("is not in the menu" in error for error in crawled.errors)
