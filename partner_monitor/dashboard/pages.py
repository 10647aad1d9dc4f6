"""The pages that are no lists: the start page, and those of a partner, a country and a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import quote

from anyio import to_thread
from sqlalchemy import Engine, Table
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette_admin import CustomView
from starlette_admin.flash import flash, get_flashed_messages
from starlette_admin.routing import route

from partner_monitor.config import Config
from partner_monitor.dashboard import charts
from partner_monitor.dashboard.acts import Acts
from partner_monitor.dashboard.login import may_act
from partner_monitor.reports import health
from partner_monitor.store import dossiers, figures
from partner_monitor.store.engine import StoreError
from partner_monitor.store.figures import STATUSES, Figures, Selection
from partner_monitor.store.schema import countries, partners

RECENT = timedelta(days=30)
"""What the start page's events look back."""

LARGEST_ID = 2**63 - 1
"""What a database takes for a number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A number of the start page, and the list behind it."""

    name: str
    value: int
    url: str


class Pages(CustomView):
    """The start page at ``/`` and the pages behind the lists' rows."""

    menu_label = "Start"
    icon = "fa-solid fa-gauge-high"
    path = "/"

    def __init__(self, engine: Engine, config: Config, acts: Acts) -> None:
        super().__init__()
        self._engine = engine
        self._config = config
        self._acts = acts

    @route("")
    async def index(self, request: Request) -> Response:
        places = await to_thread.run_sync(figures.places, self._engine)
        years = await to_thread.run_sync(figures.years, self._engine)
        selection = _selection(request, dict(places), years)
        now = self._config.clock()
        since = datetime.combine((now - RECENT).date(), time(), now.tzinfo)
        found = await to_thread.run_sync(figures.gather, self._engine, selection, since, now)
        state = await to_thread.run_sync(
            health.gather, self._engine, now, self._config.health_max_age
        )
        links = _Links(request, selection)
        return self._page(
            request,
            "start.html",
            title="Partner Monitor",
            selection=selection,
            statuses=STATUSES,
            places=places,
            years=years,
            figures=_figures(found, links, since),
            charts=_charts(found, links),
            last_run=found.last_run,
            health=state,
            empty=not places,
        )

    @route("/partners/detail", name="partner")
    async def partner(self, request: Request) -> Response:
        found = await self._found(request, dossiers.partner, "partner")
        return self._page(
            request,
            "partner.html",
            title=found.row["name"],
            partner=found,
            chart_of=charts.time_line(found.versions).as_json(),
        )

    @route("/countries/detail", name="country")
    async def country(self, request: Request) -> Response:
        found = await self._found(request, dossiers.country, "country")
        selection = Selection(country_id=found.row["id"])
        trends = await to_thread.run_sync(
            figures.trends, self._engine, selection, self._config.clock()
        )
        return self._page(
            request,
            "country.html",
            title=found.row["name"],
            country=found,
            chart_of=charts.over_time(trends).as_json(),
            partners_url=_Links(request, selection).partners(),
        )

    @route("/runs/detail", name="run")
    async def run(self, request: Request) -> Response:
        found = await self._found(request, dossiers.run, "run")
        return self._page(request, "run.html", title=f"Run {found.row['id']}", run=found)

    @route("/partners/flag", methods=["POST"], name="flag-partner")
    async def flag_partner(self, request: Request) -> Response:
        return await self._flag(request, partners, "partners")

    @route("/countries/flag", methods=["POST"], name="flag-country")
    async def flag_country(self, request: Request) -> Response:
        return await self._flag(request, countries, "countries")

    @route("/runs/publish", methods=["POST"], name="publish-run")
    async def publish_run(self, request: Request) -> Response:
        return await self._decide(request, self._acts.publish)

    @route("/runs/discard", methods=["POST"], name="discard-run")
    async def discard_run(self, request: Request) -> Response:
        return await self._decide(request, self._acts.discard)

    async def _flag(self, request: Request, table: Table, key: str) -> Response:
        _refuse_viewers(request)
        number = _number(request)
        flash(request, await self._acts.flag(table, [number]), "success")
        return _back(request, key, number)

    async def _decide(self, request: Request, act: Callable[[int], Any]) -> Response:
        _refuse_viewers(request)
        number = _number(request)
        try:
            flash(request, await act(number), "success")
        except StoreError as error:
            flash(request, str(error), "error")
        return _back(request, "runs", number)

    async def _found(self, request: Request, read: Callable[[Engine, int], Any], what: str) -> Any:
        number = _number(request)
        found = await to_thread.run_sync(read, self._engine, number)
        if found is None:
            raise HTTPException(404, f"There is no {what} {number} in this store")
        return found

    def _page(self, request: Request, template: str, **context: Any) -> Response:
        assert self.templates is not None
        context |= {
            "flashed_messages": get_flashed_messages(request),
            "may_act": may_act(request),
        }
        return self.templates.TemplateResponse(request, template, context)


class _Links:
    """Addresses of lists that show what a figure or a bar of the start page counts."""

    def __init__(self, request: Request, selection: Selection) -> None:
        self._request = request
        self._selection = selection

    def partners(self, *, listed: bool = True, **chosen: Any) -> str:
        """Partners of the selection; ``chosen`` narrows it: status, country_id, bucket."""
        selection = self._selection
        status = chosen.get("status", selection.status)
        country_id = chosen.get("country_id", selection.country_id)
        rules = ["presence__in=listed,missing"] if listed else []
        if status == "other":
            rules.append(f"(status__not_in={','.join(STATUSES[:-1])} OR status__is_null)")
        elif status is not None:
            rules.append(f"status__eq={status}")
        if country_id is not None:
            rules.append(f"country__is={country_id}")
        if selection.year is not None:
            rules.append(f"first_seen_on__between={selection.year}-01-01..{selection.year}-12-31")
        if "bucket" in chosen:
            rules.append(f"project_size_bucket__eq={chosen['bucket']}")
        return self.list("partners", *rules)

    def list(self, key: str, *rules: str) -> str:
        """The list of that key, filtered by all the rules."""
        name = self._request.app.state.ROUTE_NAME
        url = str(self._request.url_for(f"{name}:list", key=key))
        return f"{url}?filter={quote(' AND '.join(rules))}" if rules else url

    def changes(self, change_type: str, *when: str) -> str:
        """The changes of that type, in the selection's country."""
        rules = [f"change_type__eq={change_type}", *when]
        if self._selection.country_id is not None:
            rules.append(f"country__is={self._selection.country_id}")
        return self.list("status-history", *rules)


def _figures(found: Figures, links: _Links, since: datetime) -> list[Figure]:
    recently = f"changed_at__since={since:%Y-%m-%d}"
    events = found.events
    return [
        Figure(name="partners", value=found.partners, url=links.partners()),
        Figure(name="countries", value=found.countries, url=links.list("countries", "total__gt=0")),
        Figure(name="promoted", value=events["promoted"], url=links.changes("promoted", recently)),
        Figure(name="demoted", value=events["demoted"], url=links.changes("demoted", recently)),
        Figure(name="new", value=events["new"], url=links.changes("initial", recently)),
        Figure(name="gone", value=events["gone"], url=links.changes("delisted", recently)),
        Figure(
            name="customers moved",
            value=events["moved"],
            url=links.list("moves", f"noticed_on__since={since:%Y-%m-%d}"),
        ),
    ]


def _charts(found: Figures, links: _Links) -> list[Mapping[str, Any]]:
    def by_status(country_id: int, status: str) -> str:
        return links.partners(country_id=country_id, status=status)

    def by_size(country_id: int, bucket: str) -> str:
        return links.partners(country_id=country_id, bucket=bucket)

    def by_month(month: str, change_type: str) -> str:
        first = datetime.strptime(month, "%Y-%m")
        after = (first + timedelta(days=31)).replace(day=1)
        return links.changes(
            change_type,
            f"changed_at__since={first:%Y-%m-%d}",
            f"changed_at__before={after:%Y-%m-%d}",
        )

    status, size = charts.STATUS_COLOURS, charts.BUCKET_COLOURS
    drawn = (
        charts.countries("Top five countries", found.by_status.top, status, by_status),
        charts.countries("Bottom five countries", found.by_status.bottom, status, by_status),
        charts.countries("Project sizes: top five countries", found.by_size.top, size, by_size),
        charts.countries(
            "Project sizes: bottom five countries", found.by_size.bottom, size, by_size
        ),
        charts.over_time(found.trends),
        charts.promotions(found.trends, by_month),
    )
    return [chart.as_json() for chart in drawn]


def _selection(request: Request, places: Mapping[int, str], years: Any) -> Selection:
    """What the address asks for; a word that is none of those offered counts as not there."""

    def number(name: str) -> int | None:
        text = request.query_params.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    status = request.query_params.get("status")
    country_id, year = number("country"), number("year")
    return Selection(
        status=status if status in STATUSES else None,
        country_id=country_id if country_id in places else None,
        year=year if year in years else None,
    )


def _number(request: Request) -> int:
    text = request.query_params.get("pk", "")
    if not (text.isascii() and text.isdigit()) or int(text[:30]) > LARGEST_ID:
        raise HTTPException(404, "There is no such page")
    return int(text)


def _back(request: Request, key: str, number: int) -> Response:
    url = request.url_for(f"{request.app.state.ROUTE_NAME}:detail", key=key)
    return RedirectResponse(url.include_query_params(pk=number), 303)


def _refuse_viewers(request: Request) -> None:
    if not may_act(request):
        raise HTTPException(403, "Only an admin may do that")
