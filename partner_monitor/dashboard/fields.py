"""The columns of the lists: how a value is shown, filtered and exported.

Exports get the values as they are, so that a number stays a number; ``exports`` writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette_admin import BaseField, DateField, EnumField, IntegerField, StringField
from starlette_admin.contrib.sqla.filters import (
    GreaterThanFilter,
    IsNotNullFilter,
    IsNullFilter,
    LessThanFilter,
    NumericEqualFilter,
)
from starlette_admin.filters import FilterApplyContext
from starlette_admin.filters.base import BaseFilter, FilterDataType, FilterValidationError
from starlette_admin.types import RequestAction

from partner_monitor.dashboard.addresses import number, page_url


def _model(ctx: FilterApplyContext) -> Any:
    view: Any = ctx.view
    return view.model


class SinceFilter(BaseFilter):
    """From the beginning of a day on, UTC."""

    name = "since"
    label = "On or after"
    data_type = FilterDataType.DATE

    def parse_value(self, raw: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(str(raw))
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise FilterValidationError(f"{raw!r} is no day (2026-03-05)") from None

    def apply(self, ctx: FilterApplyContext) -> Any:
        return getattr(_model(ctx), ctx.field_name) >= ctx.value


class BeforeFilter(SinceFilter):
    """Before the beginning of a day, UTC."""

    name = "before"
    label = "Before"

    def apply(self, ctx: FilterApplyContext) -> Any:
        return getattr(_model(ctx), ctx.field_name) < ctx.value


class CountryIsFilter(BaseFilter):
    """Of one country, by its number at the site."""

    name = "is"
    label = "Is"
    data_type = FilterDataType.ENUM

    def get_choices(self, request: Request) -> list[tuple[Any, str]]:
        return list(request.state.places)

    def parse_value(self, raw: Any) -> int:
        found = number(str(raw))
        if found is None:
            raise FilterValidationError(f"{raw!r} is no country's number")
        return found

    def apply(self, ctx: FilterApplyContext) -> Any:
        return _model(ctx).country_id == ctx.value


class CountryIsNotFilter(CountryIsFilter):
    """Of any other country."""

    name = "is_not"
    label = "Is not"

    def apply(self, ctx: FilterApplyContext) -> Any:
        return _model(ctx).country_id != ctx.value


@dataclass
class InstantField(BaseField):
    """A time: in the reader's zone, with UTC on hover (``static/js/dashboard.js`` does it)."""

    list_template: str = "fields/instant.html"
    null_template: str = "fields/nothing.html"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.filters = [SinceFilter, BeforeFilter, IsNullFilter, IsNotNullFilter]


@dataclass
class TextField(StringField):
    """Text as the site shows it."""

    null_template: str = "fields/nothing.html"


@dataclass
class WordField(EnumField):
    """One of a few words, such as a status, on its colour. The site may bring a new one."""

    list_template: str = "fields/word.html"
    null_template: str = "fields/nothing.html"

    async def serialize_value(self, request: Request, value: Any) -> Any:
        return value


@dataclass
class DayField(DateField):
    """A day, UTC."""

    null_template: str = "fields/nothing.html"

    async def serialize_value(self, request: Request, value: Any) -> Any:
        return value if request.state.action == RequestAction.EXPORT else value.isoformat()


@dataclass
class CountField(IntegerField):
    """A number, or a dash where none is known."""

    list_template: str = "fields/count.html"
    null_template: str = "fields/nothing.html"


@dataclass
class LinkField(StringField):
    """A name that leads to the page of what it names."""

    list_template: str = "fields/link.html"
    null_template: str = "fields/nothing.html"
    page: str = ""
    """Key of the list that the page belongs to."""
    number: str = "id"
    """The attribute with the number."""

    async def parse_obj(self, request: Request, obj: Any) -> Any:
        text = getattr(obj, self.name)
        return None if text is None else Named(text, self.page, getattr(obj, self.number))

    async def serialize_value(self, request: Request, value: Any) -> Any:
        return value.shown(request)


@dataclass
class RunField(LinkField):
    """The number of a run."""

    page: str = "runs"
    number: str = "run_id"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.filters = [NumericEqualFilter, GreaterThanFilter, LessThanFilter]


@dataclass
class CountryField(LinkField):
    """A country by its name; filtered by its number, whatever it is called."""

    page: str = "countries"
    number: str = "country_id"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.filters = [CountryIsFilter, CountryIsNotFilter, IsNullFilter, IsNotNullFilter]


class Named(NamedTuple):
    """What a link says, and where it leads."""

    text: Any
    page: str
    number: int

    def shown(self, request: Request) -> Any:
        """Text and address, or the text alone in an export."""
        if request.state.action == RequestAction.EXPORT:
            return self.text
        return {"text": self.text, "url": page_url(request, self.page, self.number)}
