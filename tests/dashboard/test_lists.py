"""Every number leads to a list of as many rows; lists are searched, sorted, filtered, exported."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import openpyxl
import pytest
import requests

from partner_monitor.store.users import Role
from tests.crawling import rows
from tests.dashboard.directory import (
    BELGIUM,
    FIRST,
    GERMANY,
    HOSTILE_PARTNER,
    ICELAND,
    NOW,
    SECOND,
    SPAIN,
    fill,
)
from tests.dashboard.serving import Visitor, add_user, entries, page, served, text
from tests.parts import POSTGRES, need
from tests.reliability import stores

LISTS = ("partners", "countries", "status-history", "references", "customers", "moves", "runs")


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:

    if request.param == "postgresql":
        need(POSTGRES)
    with stores.empty(request.param, tmp_path_factory.mktemp("store")) as url:
        fill(url)
        add_user(url, "anna", Role.ADMIN)
        yield url


@pytest.fixture(scope="module")
def anna(store: str) -> Iterator[Visitor]:
    with served(store, NOW) as url:
        visitor = Visitor(url)
        assert visitor.log_in("anna").status_code == 200
        yield visitor


def figures(response: requests.Response) -> dict[str, int]:
    shown = page(response).xpath("//*[@data-figure]")
    return {one.get("data-figure"): int(one.text.replace(",", "")) for one in shown}


def charts(response: requests.Response) -> dict[str, dict[str, Any]]:
    drawn = [json.loads(one) for one in page(response).xpath("//*[@data-chart]/@data-chart")]
    return {chart["title"]: chart for chart in drawn}


def names(response: requests.Response, column: str = "name") -> list[str]:
    cells = page(response).xpath(f"//tbody//td[@data-column='{column}']")
    return [cell.text_content().strip() for cell in cells]


def test_the_figures_are_those_worked_out_by_hand(anna: Visitor) -> None:
    assert figures(anna.get("/")) == {
        "partners": 22,
        "countries": 7,
        "promoted": 1,
        "demoted": 1,
        "new": 2,
        "gone": 1,
        "customers moved": 1,
    }
    assert figures(anna.get("/?status=silver")) == {
        "partners": 9,
        "countries": 5,
        "promoted": 1,
        "demoted": 1,
        "new": 1,
        "gone": 0,
        "customers moved": 1,
    }
    in_germany = figures(anna.get(f"/?country={GERMANY}&year=2025"))
    assert in_germany == dict.fromkeys(in_germany, 0) | {"partners": 3, "countries": 1}


@pytest.mark.parametrize(
    "chosen",
    ["", "?status=gold", f"?country={SPAIN}", "?year=2026", f"?status=ready&country={BELGIUM}"],
)
def test_behind_every_number_is_a_list_of_as_many_rows(anna: Visitor, chosen: str) -> None:
    start = anna.get(f"/{chosen}")
    numbers = {
        link: int(value.text.replace(",", ""))
        for value in page(start).xpath("//*[@data-figure]")
        for link in value.xpath("ancestor::a/@href")
    }
    assert len(numbers) == (5 if chosen else 7), "two lists know no filter of a partner's"
    for chart in charts(start).values():
        for part in chart["series"]:
            shown = (abs(value) for value in part["data"])
            numbers |= dict(zip(part["links"], shown, strict=bool(part["links"])))
    assert len(numbers) >= 15
    for link, number in numbers.items():
        assert entries(anna.get(link)) == number, link


def test_the_partners_of_the_first_run_are_not_new_and_not_in_the_list_of_those(
    store: str, anna: Visitor
) -> None:
    with served(store, FIRST + timedelta(hours=5)) as url:
        visitor = Visitor(url)
        visitor.log_in("anna")
        new = page(visitor.get("/")).xpath("//*[@data-figure='new']")[0]
        # The second day is yet to come, and its two arrivals are in the store.
        assert new.text == "2"
        assert entries(visitor.get(new.xpath("ancestor::a/@href")[0])) == 2


def test_promotions_are_told_by_the_month_and_lead_to_their_rows(anna: Visitor) -> None:
    chart = charts(anna.get("/"))["Net promotions by month"]
    assert chart["categories"] == ["2025-12", "2026-01", "2026-02", "2026-03"]
    promoted, demoted, net = chart["series"]
    assert (promoted["data"], demoted["data"], net["data"]) == (
        [0, 0, 0, 1],
        [0, 0, 0, -1],
        [0] * 4,
    )
    assert names(anna.get(promoted["links"][3]), "partner") == ["Cadiz Code"]
    assert names(anna.get(demoted["links"][3]), "partner") == ["Annecy Apps"]
    assert entries(anna.get(promoted["links"][0])) == 0


def test_the_trend_ends_with_what_is_listed(anna: Visitor, store: str) -> None:
    trend = charts(anna.get("/"))["Partners by status over time"]
    last = {one["name"]: one["data"][-1] for one in trend["series"]}
    assert last == {"gold": 4, "silver": 9, "ready": 9}
    assert trend["categories"][-1] == f"{NOW:%Y-%m-%d}"
    counted = {
        (str(row.day), row.status): row.partners
        for row in rows(
            store,
            "SELECT day, status, SUM(partners) AS partners FROM report_daily_counts GROUP BY 1, 2",
        )
    }
    drawn = {
        (day, one["name"]): value
        for one in trend["series"]
        for day, value in zip(trend["categories"], one["data"], strict=True)
    }
    assert drawn.keys() & counted.keys()
    for key in drawn.keys() & counted.keys():
        assert drawn[key] == counted[key], key


def test_a_word_that_is_none_of_those_offered_changes_nothing(anna: Visitor) -> None:
    for odd in (
        "?status=platinum",
        "?country=999",
        "?country=x",
        "?year=1999",
        "?year=9" + "9" * 30,
    ):
        assert figures(anna.get(f"/{odd}"))["partners"] == 22, odd


def test_lists_are_searched_sorted_and_paged(anna: Visitor) -> None:
    assert names(anna.get("/partners/list?q=bUiLd")) == [
        "Bari Build",
        "Bonn Build",
        "Brest Build",
        "Burgos Build",
    ]
    for word in ("PEANUTS", "brest", "educ"):
        found = names(anna.get(f"/customers/list?q={word}"), "customer")
        assert found == ["Trentino Peanuts"] * (1 if word == "brest" else 2), word
    for mark in ("%", "_"):
        assert entries(anna.get(f"/partners/list?{urlencode({'q': mark})}")) == 0, mark
    most = names(anna.get("/partners/list?sort=references_count__desc&page_size=25"))
    assert most[:2] == [HOSTILE_PARTNER, "Bruges Bytes"]
    assert most[-1] == "Bari Build"
    assert names(anna.get("/countries/list"))[:2] == ["Belgium", "France"]
    history = "/status-history/list?page_size=25"
    pages = [names(anna.get(f"{history}&page={n}"), "partner") for n in (1, 2)]
    assert [len(shown) for shown in pages] == [25, 1]


def test_the_filters_of_a_list_find_what_they_say(anna: Visitor) -> None:
    def found(rule: str, column: str = "name", key: str = "partners") -> list[str]:
        return sorted(names(anna.get(f"/{key}/list?{urlencode({'filter': rule})}"), column))

    assert found(f"country__is={ICELAND}") == ["Akranes Apps"]
    assert found("presence__eq=gone") == ["Bari Build"]
    assert found("project_size_bucket__eq=25+ AND status__eq=gold") == [
        HOSTILE_PARTNER,
        "Aachen Apps",
        "Attard Apps",
    ]
    assert found("first_seen_on__between=2026-01-01..2026-12-31") == ["Attard Apps", "Dresden Data"]
    assert found("changed_at__since=2026-03-05", "partner", "status-history") == [
        "Annecy Apps",
        "Attard Apps",
        "Bari Build",
        "Cadiz Code",
        "Dresden Data",
    ]
    assert found(
        "changed_at__before=2026-03-05 AND partner__contains=Cadiz", "change_type", "status-history"
    ) == ["initial"]
    assert found("noticed_on__since=2026-03-01", "customer", "moves") == ["Trentino Peanuts"]
    assert found("run_id__gt=2 AND change_type__eq=initial", "partner", "status-history") == [
        "Attard Apps",
        "Dresden Data",
    ]
    wrong = (
        "country__is=x",
        f"country__is={10**19}",
        "changed_at__since=yesterday",
        "changed_at__since=0001-01-01T00:00:00+14:00",
        f"run_id__eq={10**25}",
    )
    for rule in wrong:
        asked = f"/status-history/list?{urlencode({'filter': rule})}"
        assert anna.get(asked).status_code == 400, rule
    assert anna.get(f"/partners/list?q={'x' * 5000}").status_code == 414


@pytest.mark.parametrize("key", LISTS)
def test_every_list_shows_its_rows(anna: Visitor, key: str) -> None:
    expected = {
        "partners": 23,
        "countries": 7,
        "status-history": 26,
        "references": 2,
        "customers": 2,
        "moves": 1,
        "runs": 4,
    }
    assert entries(anna.get(f"/{key}/list")) == expected[key]


def export(visitor: Visitor, key: str, form: str, **query: str) -> bytes:
    asked = urlencode({"name": "export", "_list_query": urlencode(query)})
    answer = visitor.post(f"/_api/{key}/action?{asked}&all=1", format=form, scope="all")
    assert answer.status_code == 200, answer.text[:300]
    assert f'.{form}"' in answer.headers["Content-Disposition"]
    return answer.content


def test_exports_hold_what_the_list_shows_with_its_types(anna: Visitor) -> None:
    query = {"filter": f"country__is={GERMANY}", "sort": "name__asc"}
    lines = list(csv.DictReader(io.StringIO(export(anna, "partners", "csv", **query).decode())))
    assert [(line["name"], line["status"], line["country"]) for line in lines] == [
        ("Aachen Apps", "gold", "Germany"),
        ("Bonn Build", "ready", "Germany"),
        ("Celle Code", "ready", "Germany"),
        ("Dresden Data", "silver", "Germany"),
    ]
    found = json.loads(export(anna, "partners", "json", **query))
    assert [(row["name"], row["references_count"]) for row in found] == [
        ("Aachen Apps", 22),
        ("Bonn Build", 2),
        ("Celle Code", 1),
        ("Dresden Data", 7),
    ]
    book = openpyxl.load_workbook(io.BytesIO(export(anna, "partners", "xlsx", **query)))
    heading, first, *_ = book.worksheets[0].iter_rows(values_only=True)
    cells = dict(zip(heading, first, strict=True))
    assert (cells["name"], cells["references_count"]) == ("Aachen Apps", 22)
    assert isinstance(cells["first_seen_on"], datetime)
    assert isinstance(cells["last_seen_at"], datetime)


@pytest.mark.parametrize("key", LISTS)
def test_a_marked_row_can_be_exported_alone(anna: Visitor, key: str) -> None:
    marked = page(anna.get(f"/{key}/list")).xpath("//tbody/tr/@data-sa-pk")[0]
    asked = urlencode({"name": "export", "pks": marked})
    answer = anna.post(f"/_api/{key}/action?{asked}", format="json", scope="selected")
    assert len(answer.json()) == 1, answer.text


@pytest.mark.parametrize("key", LISTS)
def test_every_list_can_be_exported(anna: Visitor, key: str) -> None:
    number = entries(anna.get(f"/{key}/list"))
    assert len(json.loads(export(anna, key, "json"))) == number
    assert len(list(csv.reader(io.StringIO(export(anna, key, "csv").decode())))) == number + 1
    book = openpyxl.load_workbook(io.BytesIO(export(anna, key, "xlsx")))
    assert book.worksheets[0].max_row == number + 1


def test_pages_of_a_partner_a_country_and_a_run(anna: Visitor) -> None:
    partner = text(anna.get("/partners/detail?pk=201"))
    for words in ("Annecy Apps", "demoted", "status: gold → silver", "First seen 2025-12-20"):
        assert words in partner, words
    lost = text(anna.get("/partners/detail?pk=102"))
    assert "Customers: 0 now, 1 before" in lost
    assert "Trentino Peanuts" in lost
    assert "Gone: missed since" in text(anna.get("/partners/detail?pk=602"))
    country = text(anna.get(f"/countries/detail?pk={GERMANY}"))
    assert "Stored, listed now 4 Declared by the site 4 Difference 0" in country
    run = text(anna.get("/runs/detail?pk=3"))
    for words in ("all read, all counts met", "delisted 1", "demoted 1", "initial 2", "promoted 1"):
        assert words in run, words
    line = charts(anna.get("/partners/detail?pk=201"))["Time line"]
    marks = [(mark["text"], datetime.fromisoformat(mark["at"])) for mark in line["marks"]]
    assert [text for text, _ in marks] == ["gold", "silver"]
    assert [at.date() for _, at in marks] == [FIRST.date(), SECOND.date()]
    gone = charts(anna.get("/partners/detail?pk=602"))["Time line"]["marks"]
    assert [mark["text"] for mark in gone] == ["ready", "gone"]
    too_long = f"/partners/detail?pk={'0' * 30}{'9' * 30}"
    for missing in ("/partners/detail?pk=999", "/countries/detail?pk=x", "/runs/detail", too_long):
        assert anna.get(missing).status_code == 404, missing


def test_more_readers_at_once_than_connections_are_all_answered(anna: Visitor) -> None:
    """The store's pool has 15; each request needs one at a time."""
    with ThreadPoolExecutor(32) as readers:
        asked = readers.map(lambda _: anna.get("/partners/list"), range(48))
        assert {answer.status_code for answer in asked} == {200}


def test_nothing_can_be_created_edited_deleted_or_imported(anna: Visitor) -> None:
    for key in LISTS:
        assert anna.get(f"/{key}/create").status_code == 403
        assert anna.get(f"/{key}/edit?pk=101").status_code == 403
        assert anna.post(f"/{key}/create", name="x").status_code == 403
        assert anna.post(f"/{key}/edit?pk=101", name="x").status_code == 403
        assert anna.post(f"/_api/{key}/action?name=delete&pks=101").status_code == 400
        assert anna.post(f"/_api/{key}/row-action?name=delete&pk=101").status_code == 400
        assert anna.post(f"/_api/{key}/import").status_code in (400, 403)
    assert entries(anna.get("/partners/list")) == 23
