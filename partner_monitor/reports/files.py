"""Exports: a view of the store as a csv, jsonl, xlsx or parquet file, row by row.

The file is written beside its place under another name and moved there when it is whole: a reader
sees the old one or the new one. Text from the site must not become a formula. A format's library is
imported only for that format. Knows no SQL.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine

from partner_monitor.store.exports import Extract, extracting

Columns = Mapping[str, type]
Chunks = Iterable[Sequence[Sequence[Any]]]

EXCEL_ROWS = 1_048_576
"""What a sheet holds, its heading included."""

ROW_GROUP = 16 * 2**20
"""Bytes of a parquet file's row group in memory: large enough to be read at one go."""

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""Beginnings that make a spreadsheet take text for a formula, the wide ones in East Asian ones."""

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class CannotExport(Exception):
    """The file cannot be written; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Exported:
    rows: int
    cut: int
    """Texts that were too long for the format and lack their end."""


def export(engine: Engine, name: str, target: Path, progress: Callable[[int], object]) -> Exported:
    """Write the view or table ``name`` to ``target``; its ending names the format.

    ``progress`` is told the number of rows so far. Raises CannotExport; whatever is raised, the
    file that was there before is untouched.
    """
    write = FORMATS.get(target.suffix.lower())
    if write is None:
        raise CannotExport(f"{target}: the name must end in one of {', '.join(FORMATS)}")
    rows = 0

    def counted(extract: Extract) -> Chunks:
        nonlocal rows
        for chunk in extract.chunks():
            yield chunk
            rows += len(chunk)
            progress(rows)

    with extracting(engine, name) as extract:
        if write is _write_xlsx and extract.has_more_than(EXCEL_ROWS - 1):
            raise CannotExport(
                f"{name} has more than the {EXCEL_ROWS - 1:,} rows of an Excel sheet: "
                "take .csv or .parquet"
            )
        try:
            with _moved_into_place(target) as draft:
                cut = write(draft, extract.columns, counted(extract))
        except OSError as error:
            raise CannotExport(f"{target} cannot be written: {error.strerror or error}") from error
    return Exported(rows, cut)


@contextmanager
def _moved_into_place(target: Path) -> Iterator[Path]:
    """The path of a draft that becomes ``target`` at the end, or is removed on an exception."""
    target = target.resolve()  # a link stays one
    if not target.parent.is_dir():
        raise CannotExport(f"there is no folder {target.parent}")
    if target.exists() and not target.is_file():
        raise CannotExport(f"{target} is there and is no file")
    # On the same file system, for only there is a move one step; and a folder has room for what
    # a format's library puts aside.
    with TemporaryDirectory(prefix=".partner-export-", dir=target.parent) as folder:
        draft = Path(folder, target.name)
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(target)


def _write_csv(path: Path, columns: Columns, chunks: Chunks) -> int:
    spell = [_CSV[kind] for kind in columns.values()]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)  # RFC 4180: lines end in CR LF
        writer.writerow(columns)
        for chunk in chunks:
            writer.writerows(
                [
                    None if value is None else spelled(value)
                    for spelled, value in zip(spell, row, strict=True)
                ]
                for row in chunk
            )
    return 0


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


_CSV: Mapping[type, Callable[[Any], Any]] = {
    str: _harmless,
    int: int,
    bool: lambda value: "true" if value else "false",
    date: date.isoformat,
    datetime: _instant,
}


def _write_jsonl(path: Path, columns: Columns, chunks: Chunks) -> int:
    def spelled(value: date) -> str:
        return _instant(value) if isinstance(value, datetime) else value.isoformat()

    encode = json.JSONEncoder(ensure_ascii=False, default=spelled).encode
    names = list(columns)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for chunk in chunks:
            file.writelines(encode(dict(zip(names, row, strict=True))) + "\n" for row in chunk)
    return 0


def _write_xlsx(path: Path, columns: Columns, chunks: Chunks) -> int:
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    # Closed at the end only, not by ``with``: an export that fails has nothing to complete.
    book = Workbook(path, {"constant_memory": True, "tmpdir": str(path.parent)})
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    cut = 0

    def write_text(line: int, column: int, text: str) -> None:
        nonlocal cut
        text = _NOT_IN_XML.sub("\ufffd", text)
        if text.startswith("<r>") and text.endswith("</r>"):
            text += " "  # the library would take it for markup of its own
        cut += sheet.write_string(line, column, text) < 0

    cells: Mapping[type, Callable[[int, int, Any], object]] = {
        str: write_text,
        int: sheet.write_number,
        bool: sheet.write_boolean,
        date: lambda line, column, value: sheet.write_datetime(line, column, value, day),
        datetime: lambda line, column, value: sheet.write_datetime(
            line, column, value.astimezone(UTC).replace(tzinfo=None), time
        ),
    }
    write = [cells[kind] for kind in columns.values()]
    for column, (name, kind) in enumerate(columns.items()):
        sheet.set_column(column, column, {str: 30, datetime: 19}.get(kind, 12))
        sheet.write_string(0, column, name, bold)
    sheet.freeze_panes(1, 0)
    line = 0
    for chunk in chunks:
        for row in chunk:
            line += 1
            for column, value in enumerate(row):
                if value is not None:
                    write[column](line, column, value)
    sheet.autofilter(0, 0, line, len(columns) - 1)
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(str(error)) from error
    return cut


def _write_parquet(path: Path, columns: Columns, chunks: Chunks) -> int:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    arrow = {
        str: pa.string(),
        int: pa.int64(),
        bool: pa.bool_(),
        date: pa.date32(),
        datetime: pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, arrow[kind]) for name, kind in columns.items()])
    with ParquetWriter(path, schema) as writer:
        group: list[pa.RecordBatch] = []
        for chunk in chunks:
            values = zip(*chunk, strict=True)
            arrays = [
                pa.array(column, field.type) for column, field in zip(values, schema, strict=True)
            ]
            group.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
            if sum(batch.nbytes for batch in group) >= ROW_GROUP:
                writer.write_table(pa.Table.from_batches(group))
                group.clear()
        if group:
            writer.write_table(pa.Table.from_batches(group))
    return 0


FORMATS: Mapping[str, Callable[[Path, Columns, Chunks], int]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".xlsx": _write_xlsx,
    ".parquet": _write_parquet,
}
"""How each ending is written; gives the number of texts that had to be cut."""
