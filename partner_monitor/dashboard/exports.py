"""Exports of a list: as many rows as the reader selected, in the files ``scrapy export`` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from anyio import to_thread
from starlette_admin import BaseField, BooleanField, DateField, IntegerField
from starlette_admin.export.base import BaseExporter

from partner_monitor.dashboard.fields import InstantField, RunField
from partner_monitor.reports import files

_KINDS: Mapping[type[BaseField], type] = {
    InstantField: datetime,
    DateField: date,
    IntegerField: int,
    RunField: int,
    BooleanField: bool,
}


class FileExporter(BaseExporter):
    """csv or xlsx: times, days and numbers as such, and no text that could be a formula."""

    def __init__(self, extension: str, content_type: str) -> None:
        self.extension = extension
        self.content_type = content_type

    async def generate(self, fields: list[BaseField], rows: list[dict[str, Any]]) -> bytes:
        columns = {field.name: _kind(field) for field in fields}
        lines = [[row[name] for name in columns] for row in rows]
        return await to_thread.run_sync(self._written, columns, lines)

    def _written(self, columns: Mapping[str, type], lines: list[list[Any]]) -> bytes:
        with TemporaryDirectory() as folder:
            path = Path(folder, f"list.{self.extension}")
            files.FORMATS[path.suffix](path, columns, [lines])
            return path.read_bytes()


class JsonExporter(BaseExporter):
    """An array of objects; times and days in ISO 8601."""

    extension = "json"
    content_type = "application/json"

    async def generate(self, fields: list[BaseField], rows: list[dict[str, Any]]) -> bytes:
        def spelled(value: date) -> str:
            return value.isoformat()

        found = [{field.name: row[field.name] for field in fields} for row in rows]
        return json.dumps(found, ensure_ascii=False, default=spelled).encode()


def _kind(field: BaseField) -> type:
    return next((kind for form, kind in _KINDS.items() if isinstance(field, form)), str)
