"""Addresses: what one asks for, and where the numbers of the start page lead."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote

from starlette.requests import Request

from partner_monitor.store.figures import STATUSES, Selection

LARGEST_NUMBER = 2**63 - 1
"""What a database takes for one."""


def number(text: str) -> int | None:
    """The number of a partner, a country or a run in an address; None where it is none."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(LARGEST_NUMBER)):
        return None
    found = int(text)
    return found if found <= LARGEST_NUMBER else None


def page_url(request: Request, key: str, number: int) -> str:
    """The page of a partner, a country or a run, by the key of its list."""
    return f"{_base(request, 'detail', key)}?pk={number}"


def _base(request: Request, route: str, key: str) -> str:
    # Asked for a hundred times a page, and a search through all routes each time.
    if not hasattr(request.state, "bases"):
        request.state.bases = {}
    bases: dict[tuple[str, str], str] = request.state.bases
    if (route, key) not in bases:
        name = f"{request.app.state.ROUTE_NAME}:{route}"
        bases[route, key] = str(request.url_for(name, key=key))
    return bases[route, key]


class Links:
    """Lists that show what a figure or a bar counts, for one selection of partners."""

    def __init__(self, request: Request, selection: Selection) -> None:
        self._request = request
        self._selection = selection

    def partners(self, *, country_id: int | None = None, status: str = "", bucket: str = "") -> str:
        """The selection's partners that are listed, narrowed to a country, a status, a size."""
        rules = ["presence__in=listed,missing"]
        rules += self._rules("status", status, country_id)
        if bucket:
            rules.append(f"project_size_bucket__eq={bucket}")
        return self._list("partners", rules)

    def changes(self, change_type: str, since: datetime, *more: str) -> str:
        """The selection's changes of that type since a day."""
        rules = [f"change_type__eq={change_type}", f"changed_at__since={since:%Y-%m-%d}", *more]
        return self._list("status-history", rules + self._rules("present_status", "", None))

    def month(self, month: str, change_type: str) -> str:
        """The selection's changes of that type in a month, such as 2026-03."""
        first = datetime.strptime(month, "%Y-%m")
        after = (first + timedelta(days=31)).replace(day=1)
        return self.changes(change_type, first, f"changed_at__before={after:%Y-%m-%d}")

    def countries(self) -> str:
        """Those that have partners; that list knows no narrower selection: empty then."""
        return self._list("countries", ["total__gt=0"]) if self._is_all else ""

    def moves(self, since: datetime) -> str:
        """Customer moves since a day; that list knows no narrower selection: empty then."""
        rules = [f"noticed_on__since={since:%Y-%m-%d}"]
        return self._list("moves", rules) if self._is_all else ""

    @property
    def _is_all(self) -> bool:
        return self._selection == Selection()

    def _rules(self, field: str, status: str, country_id: int | None) -> list[str]:
        status = status or self._selection.status or ""
        country_id = country_id if country_id is not None else self._selection.country_id
        year = self._selection.year
        rules = []
        if status == "other":
            known = ",".join(STATUSES[:-1])
            rules.append(f"({field}__not_in={known} OR {field}__is_null)")
        elif status:
            rules.append(f"{field}__eq={status}")
        if country_id is not None:
            rules.append(f"country__is={country_id}")
        if year is not None:
            rules.append(f"first_seen_on__between={year}-01-01..{year}-12-31")
        return rules

    def _list(self, key: str, rules: list[str]) -> str:
        name = self._request.app.state.ROUTE_NAME
        return (
            f"{self._request.url_for(f'{name}:list', key=key)}?filter={quote(' AND '.join(rules))}"
        )
