"""The lists: which columns, how they are searched, filtered and sorted, and who may do what.

Nothing can be created, edited, deleted or imported here: the history is written by publishes alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from anyio import to_thread
from anyio.lowlevel import checkpoint
from sqlalchemy import Select, Table, and_, inspect, or_
from starlette.requests import Request
from starlette_admin import BooleanField, IntegerField, RowActionsPosition, action, row_action
from starlette_admin.actions import ActionSelection
from starlette_admin.contrib.sqla import ModelView
from starlette_admin.exceptions import ActionFailed
from starlette_admin.filters import FilterGroup
from starlette_admin.flash import flash
from starlette_admin.tools import iterdecode

from partner_monitor.dashboard.acts import Acts
from partner_monitor.dashboard.addresses import number
from partner_monitor.dashboard.exports import FileExporter, JsonExporter
from partner_monitor.dashboard.fields import (
    CountField,
    CountryField,
    DayField,
    InstantField,
    LinkField,
    RunField,
    TextField,
    WordField,
)
from partner_monitor.dashboard.login import may_act
from partner_monitor.history.ladder import LADDER
from partner_monitor.store import figures, lists
from partner_monitor.store.engine import StoreError
from partner_monitor.store.figures import BUCKETS
from partner_monitor.store.runs import State
from partner_monitor.store.schema import countries, partners

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

STATUS_WORDS = tuple(reversed(LADDER))

CHANGE_TYPES = ("initial", "promoted", "demoted", "changed", "delisted", "relisted")

REASONS = (
    "requested",
    "missing",
    "incomplete",
    "implausible",
    "mismatch",
    "new",
    "changed",
    "stale",
    "page_failed",
    "count_mismatch",
)

_TO_FLAG: dict[str, Any] = {
    "name": "flag",
    "text": "Flag for a recheck",
    "icon_class": "fa-solid fa-flag",
    "confirmation": "Have the next recheck look at it?",
    "submit_btn_text": "Flag",
}


class List(ModelView):
    """What all lists have in common."""

    exporters = (FileExporter("csv", "text/csv"), FileExporter("xlsx", XLSX), JsonExporter())
    importers = ()
    actions: Sequence[str] = ("export",)
    row_actions: Sequence[str] = ()
    row_actions_position = RowActionsPosition.AFTER_COLUMNS
    page_size = 25
    page_size_options = (25, 50, 100)
    row_click_navigate = False

    searched: ClassVar[Sequence[str]]
    """The attributes that are looked through for what the reader types."""
    nothing_yet: ClassVar[str]
    """What an empty list says."""
    page: ClassVar[bool] = False
    """Whether its rows have a page of their own."""

    def can_view_detail(self, request: Request) -> bool:
        return self.page

    def can_create(self, request: Request) -> bool:
        return False

    def can_edit(self, request: Request) -> bool:
        return False

    def can_delete(self, request: Request) -> bool:
        return False

    def can_import(self, request: Request) -> bool:
        return False

    async def is_action_allowed(self, request: Request, name: str) -> bool:
        return name in self.actions and (name == "export" or may_act(request))

    async def is_row_action_allowed(self, request: Request, name: str) -> bool:
        return name in self.row_actions and may_act(request)

    async def find_all(self, request: Request, **wanted: Any) -> Sequence[Any]:  # type: ignore[override]
        # What the filters offer, by the same connection: each request has one, and no more.
        session = request.state.session
        request.state.places = await to_thread.run_sync(
            lambda: figures.places_within(session.connection())
        )
        return await super().find_all(request, **wanted)

    async def find_by_pk(self, request: Request, pk: Any) -> Any:
        return None if number(str(pk)) is None else await super().find_by_pk(request, pk)

    async def serialize(
        self,
        obj: Any,
        request: Request,
        include_relationships: bool = True,
        include_select2: bool = False,
    ) -> dict[str, Any]:
        await checkpoint()  # an export has many rows, and others are waiting
        return await super().serialize(obj, request, include_relationships, include_select2)

    async def count(
        self, request: Request, q: str | None = None, filters: FilterGroup | None = None
    ) -> int:
        quick = self.quick_count(q)
        if quick is None or (filters is not None and not filters.is_empty()):
            return await super().count(request, q, filters)
        found: int = await to_thread.run_sync(request.state.session.scalar, quick)
        return found

    def quick_count(self, q: str | None) -> Select[Any] | None:
        """A count of what is searched for, or of all, that needs no names, where there is one."""
        return None if q else lists.TOTALS.get(self.model)

    def build_order_clauses(
        self, request: Request, sorts: Sequence[tuple[str, str]], stmt: Select[Any]
    ) -> Select[Any]:
        numbers = {field.name for field in self.fields if isinstance(field, CountField)}
        for name, direction in sorts:
            column = getattr(self.model, name)
            order = column.desc() if direction == "desc" else column.asc()
            # The databases differ in where an unknown number stands.
            stmt = stmt.order_by(order.nulls_last() if name in numbers else order)
        # What is equal must not stand on two pages, or on none.
        keys = inspect(self.model).primary_key
        falling = bool(sorts) and sorts[-1][1] == "desc"
        return stmt.order_by(*(key.desc() if falling else key for key in keys))

    def get_search_query(self, request: Request, term: str) -> Any:
        columns = (getattr(self.model, name) for name in self.searched)
        return or_(*(column.icontains(term, autoescape=True) for column in columns))


class _Flaggable(List):
    """A list whose rows a recheck can be asked to look at."""

    actions = ("export", "flag")
    row_actions = ("flag",)
    row_click_navigate = True
    page = True
    flagged: ClassVar[Table]

    @action(**_TO_FLAG)
    async def flag_all(self, request: Request, selection: ActionSelection) -> None:
        ids = [_number(pk) for pk in await selection.pks()]
        await _act(request, _acts(request).flag(self.flagged, ids))

    @row_action(**_TO_FLAG)
    async def flag_one(self, request: Request, pk: Any) -> None:
        await _act(request, _acts(request).flag(self.flagged, [_number(pk)]))


class Partners(_Flaggable):
    model = lists.PartnerRow
    key = "partners"
    menu_label = "Partners"
    display_name = "Partner"
    icon = "fa-solid fa-building"
    flagged = partners
    searched = ("name", "country", "address", "industry", "website")
    nothing_yet = "No partner has been read yet. To read them: scrapy crawl partners"
    fields = (
        LinkField("name", page="partners"),
        WordField("status", choices=STATUS_WORDS),
        CountryField("country"),
        CountField("references_count", label="References"),
        CountField("retention_rate", label="Retention %"),
        CountField("average_project_size", label="Average project"),
        CountField("largest_project_size", label="Largest project"),
        WordField("project_size_bucket", label="Size", choices=BUCKETS),
        CountField("certified_experts", label="Experts"),
        WordField("presence", choices=("listed", "missing", "gone")),
        DayField("first_seen_on", label="First seen"),
        InstantField("last_seen_at", label="Last seen"),
        WordField("reprocess_reason", label="Flag", choices=REASONS[:8]),
    )
    fields_default_sort = ("name",)


class Countries(_Flaggable):
    model = lists.CountryRow
    key = "countries"
    menu_label = "Countries"
    display_name = "Country"
    icon = "fa-solid fa-earth-europe"
    flagged = countries
    searched = ("name", "iso_code")
    nothing_yet = "No country has been read yet. To read them: scrapy crawl partners"
    fields = (
        LinkField("name", page="countries"),
        TextField("iso_code", label="ISO code"),
        CountField("gold"),
        CountField("silver"),
        CountField("ready"),
        CountField("other"),
        CountField("total"),
        CountField("listed_count", label="Declared"),
        BooleanField("complete"),
        InstantField("covered_at", label="Read whole"),
        WordField("reprocess_reason", label="Flag", choices=("requested", *REASONS[8:])),
    )
    fields_default_sort = (("total", True),)


class StatusHistory(List):
    model = lists.StatusRow
    key = "status-history"
    menu_label = "Status history"
    display_name = "Change of status"
    icon = "fa-solid fa-ranking-star"
    searched = ("partner", "country")
    nothing_yet = "No status has been read yet. To read them: scrapy crawl partners"
    fields = (
        InstantField("changed_at", label="When"),
        WordField("change_type", label="What", choices=CHANGE_TYPES),
        LinkField("partner", page="partners", number="partner_id"),
        CountryField("country"),
        WordField("old_status", label="Before", choices=STATUS_WORDS),
        WordField("new_status", label="After", choices=STATUS_WORDS),
        WordField("present_status", label="Status today", choices=STATUS_WORDS),
        DayField("first_seen_on", label="First seen"),
        RunField("run_id", label="Run"),
    )
    fields_default_sort = (("changed_at", True),)


class References(List):
    model = lists.ReferenceRow
    key = "references"
    menu_label = "References"
    display_name = "Change of references"
    icon = "fa-solid fa-arrow-trend-up"
    searched = ("partner", "country")
    nothing_yet = "No count of references has changed yet: two runs at least have to be published"
    fields = (
        InstantField("changed_at", label="When"),
        LinkField("partner", page="partners", number="partner_id"),
        CountryField("country"),
        CountField("old_count", label="Before"),
        CountField("new_count", label="Now"),
        CountField("difference"),
        RunField("run_id", label="Run"),
    )
    fields_default_sort = (("changed_at", True),)


class Customers(List):
    model = lists.CustomerRow
    key = "customers"
    menu_label = "Customers"
    display_name = "Customer"
    icon = "fa-solid fa-handshake"
    searched = ()
    nothing_yet = "No profile has been read yet. To read them: scrapy crawl recheck"
    fields = (
        TextField("customer"),
        TextField("industry"),
        LinkField("partner", page="partners", number="partner_id"),
        CountryField("country"),
        WordField("relation", choices=("current", "missing", "ended")),
        InstantField("first_seen_at", label="First seen"),
        BooleanField("baseline", label="From the start"),
        InstantField("last_seen_at", label="Last seen"),
        InstantField("ended_at", label="Ended"),
    )
    fields_default_sort = (("first_seen_at", True),)

    def get_search_query(self, request: Request, term: str) -> Any:
        return lists.customers_matching(term)

    def quick_count(self, q: str | None) -> Select[Any] | None:
        return lists.count_of_customers_matching(q) if q else super().quick_count(q)


class Moves(List):
    model = lists.MoveRow
    key = "moves"
    menu_label = "Customer moves"
    display_name = "Customer move"
    icon = "fa-solid fa-right-left"
    searched = ("customer", "from_partner", "to_partner", "industry")
    nothing_yet = "No customer has moved yet: profiles have to be read twice (scrapy crawl recheck)"
    fields = (
        InstantField("noticed_on", label="Noticed"),
        TextField("customer"),
        TextField("industry"),
        LinkField("from_partner", label="From", page="partners", number="from_partner_id"),
        LinkField("to_partner", label="To", page="partners", number="to_partner_id"),
    )
    fields_default_sort = (("noticed_on", True),)

    async def find_by_pks(self, request: Request, pks: Sequence[Any]) -> Sequence[Any]:
        # Two of a move's five keys are times, which the library does not read back from a row.
        keys = inspect(self.model).primary_key
        try:
            wanted = [
                and_(
                    *(
                        key == (datetime.fromisoformat(text) if "_at" in key.name else int(text))
                        for key, text in zip(keys, iterdecode(pk), strict=True)
                    )
                )
                for pk in pks
            ]
        except ValueError:
            raise ActionFailed("There is no such move") from None
        query = self.get_detail_query(request).where(or_(*wanted))
        found = await to_thread.run_sync(request.state.session.scalars, query)
        return list(found.all())


class Runs(List):
    model = lists.RunRow
    key = "runs"
    menu_label = "Runs"
    display_name = "Run"
    icon = "fa-solid fa-clipboard-check"
    row_actions = ("publish", "discard")
    row_click_navigate = True
    page = True
    searched = ("spider", "mode", "country", "reason")
    nothing_yet = "There was no run yet. To begin one: scrapy crawl partners"
    fields = (
        IntegerField("id", label="Run"),
        WordField("state", choices=tuple(State)),
        WordField("spider", choices=("partners", "recheck")),
        WordField("mode", choices=("all", "first", "specific", "specific_c", "partners")),
        CountryField("country"),
        InstantField("started_at", label="Begun"),
        InstantField("finished_at", label="Ended"),
        CountField("pages_fetched", label="Pages"),
        CountField("pages_failed", label="Failed"),
        CountField("partners_seen", label="Partners"),
        TextField("reason"),
    )
    fields_default_sort = (("id", True),)

    async def is_row_action_allowed_for_obj(self, request: Request, name: str, obj: Any) -> bool:
        return bool(obj.state == State.QUARANTINED)

    @row_action(
        name="publish",
        text="Publish",
        icon_class="fa-solid fa-check",
        confirmation="Publish this run, whatever the audit says?",
        submit_btn_text="Publish",
    )
    async def publish(self, request: Request, pk: Any) -> None:
        await _act(request, _acts(request).publish(_number(pk)))

    @row_action(
        name="discard",
        text="Discard",
        icon_class="fa-solid fa-trash",
        confirmation="Drop this run? Nothing of it reaches the history.",
        submit_btn_text="Discard",
        submit_btn_class="btn btn-danger",
    )
    async def discard(self, request: Request, pk: Any) -> None:
        await _act(request, _acts(request).discard(_number(pk)))


def _acts(request: Request) -> Acts:
    acts: Acts = request.app.state.acts
    return acts


async def _act(request: Request, done: Awaitable[str]) -> None:
    try:
        flash(request, await done, "success")
    except StoreError as error:
        raise ActionFailed(str(error)) from None


def _number(pk: Any) -> int:
    found = number(str(pk))
    if found is None:
        raise ActionFailed(f"{pk!r} is no number")
    return found


ALL = (Partners, Countries, StatusHistory, References, Customers, Moves, Runs)
"""In the menu's order."""
