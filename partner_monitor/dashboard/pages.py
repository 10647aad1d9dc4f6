"""The pages that are no lists: the start page, and those of a partner, a country and a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

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
from partner_monitor.dashboard.addresses import Links, number, page_url
from partner_monitor.dashboard.login import may_act
from partner_monitor.reports import health
from partner_monitor.store import dossiers, figures
from partner_monitor.store.engine import StoreError
from partner_monitor.store.figures import STATUSES, Figures, Selection
from partner_monitor.store.schema import countries, partners

RECENT = timedelta(days=30)
"""What the start page's events look back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A number of the start page, and the list behind it."""

    name: str
    value: int
    url: str
    """Empty where no list shows just those."""


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
        self._counted = figures.Counted(engine)

    @route("")
    async def index(self, request: Request) -> Response:
        places = await to_thread.run_sync(figures.places, self._engine)
        years = await to_thread.run_sync(figures.years, self._engine)
        selection = _selection(request, dict(places), years)
        now = self._config.clock()
        since = datetime.combine((now - RECENT).date(), time(), now.tzinfo)
        found = await to_thread.run_sync(self._counted.gather, selection, since, now)
        state = await to_thread.run_sync(
            health.gather, self._engine, now, self._config.health_max_age
        )
        links = Links(request, selection)
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
            last_run=await to_thread.run_sync(figures.last_run, self._engine),
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
            partners_url=Links(request, selection).partners(),
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
        return await self._act(request, "runs", self._acts.publish)

    @route("/runs/discard", methods=["POST"], name="discard-run")
    async def discard_run(self, request: Request) -> Response:
        return await self._act(request, "runs", self._acts.discard)

    async def _flag(self, request: Request, table: Table, key: str) -> Response:
        return await self._act(request, key, lambda id_: self._acts.flag(table, [id_]))

    async def _act(
        self, request: Request, key: str, act: Callable[[int], Awaitable[str]]
    ) -> Response:
        if not may_act(request):
            raise HTTPException(403, "Only an admin may do that")
        id_ = _number(request)
        try:
            flash(request, await act(id_), "success")
        except StoreError as error:
            flash(request, str(error), "error")
        return RedirectResponse(page_url(request, key, id_), 303)

    async def _found(self, request: Request, read: Callable[[Engine, int], Any], what: str) -> Any:
        id_ = _number(request)
        found = await to_thread.run_sync(read, self._engine, id_)
        if found is None:
            raise HTTPException(404, f"There is no {what} {id_} in this store")
        return found

    def _page(self, request: Request, template: str, **context: Any) -> Response:
        assert self.templates is not None
        context |= {
            "flashed_messages": get_flashed_messages(request),
            "may_act": may_act(request),
        }
        return self.templates.TemplateResponse(request, template, context)


def _figures(found: Figures, links: Links, since: datetime) -> list[Figure]:
    events = found.events
    # The first run's partners are not new, and their rows are not counted.
    after_first = f"run_id__gt={found.first_run}"
    return [
        Figure(name="partners", value=found.partners, url=links.partners()),
        Figure(name="countries", value=found.countries, url=links.countries()),
        Figure(name="promoted", value=events["promoted"], url=links.changes("promoted", since)),
        Figure(name="demoted", value=events["demoted"], url=links.changes("demoted", since)),
        Figure(name="new", value=events["new"], url=links.changes("initial", since, after_first)),
        Figure(name="gone", value=events["gone"], url=links.changes("delisted", since)),
        Figure(name="customers moved", value=events["moved"], url=links.moves(since)),
    ]


def _charts(found: Figures, links: Links) -> list[Mapping[str, Any]]:
    def by_status(country_id: int, status: str) -> str:
        return links.partners(country_id=country_id, status=status)

    def by_size(country_id: int, bucket: str) -> str:
        return links.partners(country_id=country_id, bucket=bucket)

    status, size = charts.STATUS_COLOURS, charts.BUCKET_COLOURS
    drawn = (
        charts.countries("Top five countries", found.by_status.top, status, by_status),
        charts.countries("Bottom five countries", found.by_status.bottom, status, by_status),
        charts.countries("Project sizes: top five countries", found.by_size.top, size, by_size),
        charts.countries(
            "Project sizes: bottom five countries", found.by_size.bottom, size, by_size
        ),
        charts.over_time(found.trends),
        charts.promotions(found.trends, links.month),
    )
    return [chart.as_json() for chart in drawn]


def _selection(request: Request, places: Mapping[int, str], years: Any) -> Selection:
    """What the address asks for; a word that is none of those offered counts as not there."""

    status = request.query_params.get("status")
    country_id, year = (number(request.query_params.get(name, "")) for name in ("country", "year"))
    return Selection(
        status=status if status in STATUSES else None,
        country_id=country_id if country_id in places else None,
        year=year if year in years else None,
    )


def _number(request: Request) -> int:
    found = number(request.query_params.get("pk", ""))
    if found is None:
        raise HTTPException(404, "There is no such page")
    return found
