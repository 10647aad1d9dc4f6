"""Exports: what plain SQL says of a view, in each format, and never half a file."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import openpyxl
import pytest
from sqlalchemy import inspect, text

from partner_monitor.reports import files
from partner_monitor.reports.files import FORMATS, CannotExport, export
from partner_monitor.store import migrate
from partner_monitor.store.engine import open_engine, reading, writing
from partner_monitor.store.exports import SOURCES, extracting
from partner_monitor.store.schema import metadata
from partner_monitor.store.views import VIEWS
from tests.crawling import ROOT, crawl, rows, scrapy, scrapy_environment
from tests.replica import Replica, World

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

FORMULAS = ('=HYPERLINK("http://evil.example","x")', "+41 @SUM(1)", "-2+3", "@SUM(A1)", "＝1+1")

BOOLEANS = {"to_reprocess", "complete", "page_lost", "implausible", "mismatch", "baseline"} | {
    "ended_with_partner",
    "confirmable",
}
"""Columns that are 0 and 1 in SQLite."""

Rows = list[list[Any]]


class Table(NamedTuple):
    """What a file holds."""

    columns: list[str]
    rows: Rows


# --- the stores ----------------------------------------------------------------------------------


def watch(store: str) -> None:
    """Three days of a small directory, in which something happens that each view tells of."""
    world = World.generate(3, partners=60, countries=5)
    customers = sorted(world.listed(), key=lambda one: len(one.customers), reverse=True)
    anew, source, target = customers[:3]
    gold = next(one for one in world.listed() if one.grade == "gold" and one not in customers[:3])
    hostile = [one for one in world.listed() if one not in (anew, source, target, gold)]
    for partner, name in zip(hostile, FORMULAS, strict=False):
        world.rename(partner.id, name, new_slug=False)
    settings = {"PARTNER_DELIST_AFTER_DAYS": "0", "PARTNER_STALE_AFTER_DAYS": "0"}
    with Replica(world) as site:
        for day in range(3):
            if day:
                with site.lock:
                    if day == 1:
                        world.demote(gold.id)
                        world.set_references(gold.id, gold.references + 7)
                        world.move_customer(source.customers[0], source.id, target.id)
                        world.recreate(anew.id)
            for spider, at in (("partners", NOON), ("recheck", NOON + HOUR)):
                crawled = crawl(site.url, store, at + day * DAY, settings, spider=spider)
                assert crawled.state == "published", crawled.errors


@pytest.fixture
def store(database_url: str) -> str:
    watch(database_url)
    return database_url


@pytest.fixture
def empty_store(database_url: str) -> str:
    """A store of the present schema that holds nothing."""
    engine = open_engine(database_url)
    migrate.upgrade(engine)
    engine.dispose()
    return database_url


def copy(source: str, target: str) -> None:
    """All rows of one store into another, of whichever database."""
    engines = open_engine(source), open_engine(target)
    migrate.upgrade(engines[1])
    with reading(engines[0]) as here, writing(engines[1]) as there:
        for table in metadata.sorted_tables:
            if found := [dict(row) for row in here.execute(table.select()).mappings()]:
                there.execute(table.insert(), found)
    for engine in engines:
        engine.dispose()


def change(store: str, query: str, **parameters: Any) -> None:
    engine = open_engine(store)
    with writing(engine) as connection:
        connection.execute(text(query), parameters)
    engine.dispose()


def add_customers(store: str, first: int, last: int) -> None:
    """Customers with the longest names that there are."""
    change(
        store,
        """INSERT INTO customers (id, name)
        WITH RECURSIVE n(i) AS (SELECT CAST(:first AS integer) UNION ALL
            SELECT i + 1 FROM n WHERE i < CAST(:last AS integer))
        SELECT i, CAST(:name AS text) || i FROM n""",
        first=first,
        last=last,
        name="Wren & Söhne " * 75,
    )


def reject(store: str, *payloads: str) -> None:
    change(
        store,
        """INSERT INTO crawl_runs (spider, mode, site, schema_version, state, started_at,
            pages_fetched, pages_failed, partners_seen, partners_doubled, cards_rejected,
            confirmable)
        VALUES ('partners', 'all', 'https://www.odoo.com', '0003', 'published',
            '2026-03-05 12:00:00.000000', 1, 0, 0, 0, 1, false)""",
    )
    for payload in payloads:
        change(
            store,
            """INSERT INTO rejected_items (run_id, url, reason, payload)
            VALUES (1, 'https://www.odoo.com/partners', 'no number', :payload)""",
            payload=payload,
        )


def write(store: str, name: str, target: Path, progress: Callable[[int], object] = int) -> int:
    """Export in this process; the number of texts that were cut."""
    engine = open_engine(store)
    try:
        return export(engine, name, target, progress).cut
    finally:
        engine.dispose()


# --- readers that share nothing with the writers -------------------------------------------------


def read_csv(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file, strict=True)
    return Table(header, [list(line) for line in lines])


def read_jsonl(path: Path) -> Table:
    found = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    return Table(list(found[0]) if found else [], [list(one.values()) for one in found])


def read_xlsx(path: Path) -> Table:
    sheet = openpyxl.load_workbook(path).active
    header, *lines = sheet.iter_rows()
    assert not any(cell.data_type == "f" or cell.hyperlink for line in lines for cell in line)
    return Table([cell.value for cell in header], [[cell.value for cell in line] for line in lines])


def read_parquet(path: Path) -> Table:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
        names = [name for name, *_ in found.description or []]
        return Table(names, [[typed("", value) for value in row] for row in found.fetchall()])


READERS = {".csv": read_csv, ".jsonl": read_jsonl, ".xlsx": read_xlsx, ".parquet": read_parquet}


def typed(name: str, value: Any) -> Any:
    """A value as plain SQL gives it, whichever the database."""
    if name in BOOLEANS and value is not None:
        return bool(value)
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", value):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return date.fromisoformat(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def iso(value: date) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else f"{value:%Y-%m-%d}"


def in_csv(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value if value[:1] in "=+-@＝" and value else value
    if isinstance(value, date):
        return iso(value)
    return "" if value is None else str(value).lower()


def in_json(value: Any) -> Any:
    return iso(value) if isinstance(value, date) else value


def in_excel(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else value


SPELLED: dict[str, Callable[[Any], Any]] = {
    ".csv": in_csv,
    ".jsonl": in_json,
    ".xlsx": in_excel,
    ".parquet": lambda value: value,
}


# --- what is exported ----------------------------------------------------------------------------


def test_every_view_and_table_in_every_format_is_what_sql_says(store: str, tmp_path: Path) -> None:
    for name, source in SOURCES.items():
        columns = source.c.keys()
        found = rows(store, f"SELECT {', '.join(columns)} FROM {name}")
        assert found or name == "rejected_items", name
        for ending, read in READERS.items():
            path = tmp_path / f"{name}{ending}"
            write(store, name, path)
            file = read(path)
            assert not found or file.columns == columns, path.name
            expected = [
                [SPELLED[ending](typed(*cell)) for cell in zip(columns, row, strict=True)]
                for row in found
            ]
            assert repr(sorted(file.rows, key=repr)) == repr(sorted(expected, key=repr)), path.name


def test_every_view_can_be_exported_and_nothing_that_is_not_for_readers() -> None:
    assert set(SOURCES) > set(VIEWS)
    assert not {"kept_pages", "store", "users", "staged_cards"} & set(SOURCES)


def test_the_columns_are_those_of_the_database(store: str) -> None:
    engine = open_engine(store)
    inspector = inspect(engine)
    for name, source in SOURCES.items():
        there = {column["name"]: column["type"] for column in inspector.get_columns(name)}
        # Tables had columns added to them at their end: there the order is another.
        assert there.keys() == set(source.c.keys()), name
        assert name not in VIEWS or list(there) == source.c.keys(), name
        if engine.dialect.name == "postgresql":
            kinds = {column: kind.python_type for column, kind in there.items()}
            with extracting(engine, name) as extract:
                assert extract.columns == kinds, name
    engine.dispose()


@pytest.mark.postgres
def test_both_databases_give_the_same_file(postgres_database_url: str, tmp_path: Path) -> None:
    stores = {"sqlite": f"sqlite:///{tmp_path / 'store.db'}", "postgresql": postgres_database_url}
    watch(stores["sqlite"])
    copy(stores["sqlite"], postgres_database_url)
    for name in SOURCES:
        for ending in FORMATS:
            here, there = (tmp_path / f"{database}{ending}" for database in stores)
            write(stores["sqlite"], name, here)
            write(stores["postgresql"], name, there)
            if ending == ".xlsx":  # it bears the time of its making
                assert read_xlsx(here) == read_xlsx(there), name
            else:
                assert here.read_bytes() == there.read_bytes(), (name, ending)


def test_the_command_writes_a_file_of_each_format(store: str, tmp_path: Path) -> None:
    expected = sorted(row.id for row in rows(store, "SELECT id FROM report_partners"))
    for ending, read in READERS.items():
        path = tmp_path / f"partners{ending.upper()}"
        done = scrapy("export", "report_partners", "-o", str(path), PARTNER_DATABASE_URL=store)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{len(expected)} rows in {path}\n"
        assert [int(row[0]) for row in read(path).rows] == expected


def test_a_view_without_rows_is_a_file_without_rows(empty_store: str, tmp_path: Path) -> None:
    for ending, read in READERS.items():
        path = tmp_path / f"moves{ending}"
        write(empty_store, "report_customer_moves", path)
        columns = [] if ending == ".jsonl" else list(SOURCES["report_customer_moves"].c.keys())
        assert read(path) == (columns, [])


# --- text made to hurt ---------------------------------------------------------------------------

HOSTILE = {
    # payload: (in csv, in xlsx)
    **{text: (f"'{text}", text) for text in FORMULAS},
    "\t=1+1": ("'\t=1+1", "\t=1+1"),
    "\r=1+1": ("'\r=1+1", "_x000D_=1+1"),
    "-5": ("'-5", "-5"),
    'two\nlines, "quoted"': ('two\nlines, "quoted"', 'two\nlines, "quoted"'),
    "https://evil.example/": ("https://evil.example/", "https://evil.example/"),
    "007": ("007", "007"),
    "red \x1b[31malert\x07 \ufffe": (
        "red \x1b[31malert\x07 \ufffe",
        "red \ufffd[31malert\ufffd \ufffd",
    ),
    "<r><t>rich</t></r>": ("<r><t>rich</t></r>", "<r><t>rich</t></r> "),
    "_x0041_ </is></c>&amp;": ("_x0041_ </is></c>&amp;", "_x005F_x0041_ </is></c>&amp;"),
    "شركة المسار 🏆\u2028Ünï": ("شركة المسار 🏆\u2028Ünï",) * 2,
    "": ("", ""),
}


def test_hostile_text_is_text_in_every_format(empty_store: str, tmp_path: Path) -> None:
    reject(empty_store, *HOSTILE)
    found: dict[str, list[Any]] = {}
    for ending, read in READERS.items():
        path = tmp_path / f"rejected{ending}"
        assert write(empty_store, "rejected_items", path) == 0
        file = read(path)
        found[ending] = [row[file.columns.index("payload")] for row in file.rows]
    assert found[".jsonl"] == found[".parquet"] == list(HOSTILE)
    assert found[".csv"] == [in_csv for in_csv, _ in HOSTILE.values()]
    assert found[".xlsx"] == [in_excel for _, in_excel in HOSTILE.values()]


def test_numbers_below_zero_stay_numbers(store: str, tmp_path: Path) -> None:
    change(store, "UPDATE reference_history SET new_count = old_count - 5 WHERE old_count > 5")
    for ending, expected in ((".csv", "-5"), (".xlsx", -5)):
        path = tmp_path / f"changes{ending}"
        write(store, "report_reference_changes", path)
        file = READERS[ending](path)
        assert expected in [row[file.columns.index("difference")] for row in file.rows]


def test_what_a_cell_of_excel_cannot_hold_is_cut_and_said(empty_store: str, tmp_path: Path) -> None:
    reject(empty_store, "x" * 40_000, "short")
    path = tmp_path / "rejected.xlsx"
    said = scrapy("export", "rejected_items", "-o", str(path), PARTNER_DATABASE_URL=empty_store)
    assert said.stdout == f"2 rows in {path}; texts cut to what a cell of Excel holds: 1\n"
    assert [len(row[4]) for row in read_xlsx(path).rows] == [32_767, 5]


def test_more_rows_than_a_sheet_holds_are_refused(
    empty_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "EXCEL_ROWS", 11)
    add_customers(empty_store, 1, 10)
    path = tmp_path / "customers.xlsx"
    write(empty_store, "customers", path)
    before = path.read_bytes()
    add_customers(empty_store, 11, 11)
    with pytest.raises(CannotExport, match=r"more than the 10 rows of an Excel sheet: take \.csv"):
        write(empty_store, "customers", path)
    assert path.read_bytes() == before


# --- never half a file ---------------------------------------------------------------------------


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("cause", [KeyboardInterrupt, RuntimeError])
def test_what_ends_an_export_leaves_the_old_file(
    tmp_path: Path, ending: str, cause: type[BaseException]
) -> None:
    store = sqlite_with_customers(tmp_path, 5_000)
    folder = tmp_path / "exports"
    folder.mkdir()
    path = folder / f"customers{ending}"
    path.write_text("yesterday's")

    def stop(count: int) -> None:
        assert 0 < count < 5_000
        assert path.read_text() == "yesterday's"
        assert len(list(folder.iterdir())) == 2
        raise cause

    with pytest.raises(cause):
        write(store, "customers", path, stop)
    assert path.read_text() == "yesterday's"
    assert list(folder.iterdir()) == [path]
    write(store, "customers", path)
    assert len(READERS[ending](path).rows) == 5_000
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_full_disk_is_one_line_and_leaves_the_old_file(tmp_path: Path, ending: str) -> None:
    store = sqlite_with_customers(tmp_path, 5_000)
    folder = tmp_path / "exports"
    folder.mkdir()
    path = folder / f"customers{ending}"
    path.write_text("yesterday's")
    with largest_file(100_000), pytest.raises(CannotExport) as caught:
        write(store, "customers", path)
    assert re.match(rf"{path} cannot be written: .*File too large", str(caught.value))
    assert "\n" not in str(caught.value)
    assert path.read_text() == "yesterday's"
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_stopped_leaves_the_old_file(tmp_path: Path, how: signal.Signals) -> None:
    store = sqlite_with_customers(tmp_path, 60_000)
    folder = tmp_path / "exports"
    folder.mkdir()
    path = folder / "customers.xlsx"
    path.write_text("yesterday's")
    terminal, its_end = pty.openpty()
    command = [sys.executable, "-m", "scrapy", "export", "customers", "-o", str(path)]
    export = subprocess.Popen(
        command,
        cwd=ROOT,
        env=scrapy_environment(PARTNER_DATABASE_URL=store),
        stdout=subprocess.PIPE,
        stderr=its_end,
        text=True,
    )
    os.close(its_end)
    assert re.match(rb"\r\d+ rows, \d+ a second", os.read(terminal, 100))
    export.send_signal(how)
    said, _ = export.communicate(timeout=60)
    assert said == ""
    assert path.read_text() == "yesterday's"
    if how is not signal.SIGKILL:
        assert export.returncode == 130
        told = read_all(terminal).decode().splitlines()
        assert told[-1] == f"interrupted: {path} is as it was"
        assert list(folder.iterdir()) == [path]
    os.close(terminal)


def test_a_link_to_a_file_stays_one(tmp_path: Path) -> None:
    store = sqlite_with_customers(tmp_path, 3)
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write(store, "customers", tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert len(read_csv(tmp_path / "real.csv").rows) == 3


# --- what cannot be done -------------------------------------------------------------------------

NAME_BOTH = "name one view and one file: scrapy export report_partners -o partners.csv"


def test_what_cannot_be_done_is_one_line(tmp_path: Path) -> None:
    store = sqlite_with_customers(tmp_path, 3)
    (tmp_path / "folder.csv").mkdir()
    nowhere = tmp_path / "nowhere" / "x.csv"
    for arguments, said in (
        ((), NAME_BOTH),
        (("customers",), NAME_BOTH),
        (("-o", "x.csv"), NAME_BOTH),
        (("customers", "partners", "-o", "x.csv"), NAME_BOTH),
        (
            ("customer_moves", "-o", "x.csv"),
            "no view 'customer_moves': did you mean report_customer_moves, ",
        ),
        (("kept_pages", "-o", "x.csv"), "no view 'kept_pages': "),
        (("%%%", "-o", "x.csv"), "no view '%%%': one of report_partners, "),
        (
            ("customers", "-o", "x.xls"),
            "x.xls: the name must end in one of .csv, .jsonl, .xlsx, .parquet",
        ),
        (("customers", "-o", "-"), "-: the name must end in one of .csv, "),
        (("customers", "-o", str(nowhere)), f"there is no folder {nowhere.parent}"),
        (
            ("customers", "-o", str(tmp_path / "folder.csv")),
            f"{tmp_path / 'folder.csv'} is there and is no file",
        ),
        (("customers", "-o", "/proc/x.csv"), "/proc/x.csv cannot be written: "),
    ):
        done = scrapy("export", *arguments, PARTNER_DATABASE_URL=store)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert done.stderr.startswith(said), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


# --- a large history in little memory ------------------------------------------------------------


def test_six_times_the_rows_take_no_more_memory(empty_store: str, tmp_path: Path) -> None:
    # The reading is the same for all formats: PostgreSQL need not show each.
    endings = list(FORMATS) if empty_store.startswith("sqlite") else [".csv"]
    add_customers(empty_store, 1, 20_000)
    few = {ending: peak(empty_store, tmp_path / f"customers{ending}") for ending in endings}
    add_customers(empty_store, 20_001, 120_000)
    for ending in endings:
        # The names of the other rows alone are 100 MB.
        more = peak(empty_store, tmp_path / f"customers{ending}") - few[ending]
        assert more < 25, f"{ending}: {few[ending]} MB and {more} MB"


def peak(store: str, path: Path) -> int:
    """The most memory, in MB, that an export had."""
    code = (
        "import resource, sys; from scrapy.cmdline import execute\n"
        "try: execute(['scrapy', 'export', 'customers', '-o', sys.argv[1]])\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=ROOT,
        env=scrapy_environment(PARTNER_DATABASE_URL=store),
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout.split()[-1])


def sqlite_with_customers(folder: Path, count: int) -> str:
    store = f"sqlite:///{folder / 'store.db'}"
    engine = open_engine(store)
    migrate.upgrade(engine)
    engine.dispose()
    add_customers(store, 1, count)
    return store


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """This process can write no larger files, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def read_all(terminal: int) -> bytes:
    """What is left on a terminal whose other end is closed."""
    said = b""
    try:
        while more := os.read(terminal, 1000):
            said += more
    except OSError:  # how Linux says that nobody is there
        pass
    return said
