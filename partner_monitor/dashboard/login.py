"""Who is let in: names and passwords, sessions that end, and patience with those who guess."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates
from starlette_admin.auth import AdminUser, AuthProvider
from starlette_admin.auth.base import login_not_required
from starlette_admin.exceptions import FormValidationError, LoginFailed

from partner_monitor.dashboard import passwords
from partner_monitor.store import users
from partner_monitor.store.engine import StoreError
from partner_monitor.store.users import Role, User

SESSION = timedelta(hours=12)
"""How long a login lasts."""

REMEMBERED = timedelta(days=30)
"""How long it lasts with "Remember me"."""

FREE_TRIES = {"name": 5, "address": 20}
"""Failed logins, by whom they count against, before the next has to wait."""

LONGEST_WAIT = 60.0
"""Seconds."""

FORGOTTEN_AFTER = 900.0
"""Seconds without a failed login after which those before no longer count."""

HASHES_AT_ONCE = 2
"""Each takes 64 MiB."""


@dataclass
class Visitor(AdminUser):
    """Who sent a request."""

    role: Role = Role.VIEWER


def may_act(request: Request) -> bool:
    """Whether the request comes from an admin."""
    visitor = getattr(request.state, "admin_user", None)
    return isinstance(visitor, Visitor) and visitor.role is Role.ADMIN


class Patience:
    """How long to wait before the next try: 1, 2, 4, … seconds after the free ones."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[tuple[str, str], tuple[int, float]] = {}

    def wait(self, name: str, address: str) -> float:
        """Seconds until a login as ``name`` from ``address`` may be tried; 0: now."""
        now = self._clock()
        waits = [0.0]
        for kind, key in (("name", name), ("address", address)):
            times, last = self._failed.get((kind, key), (0, now))
            over = times - FREE_TRIES[kind]
            if over >= 0 and now - last < FORGOTTEN_AFTER:
                waits.append(last + min(2.0 ** min(over, 16), LONGEST_WAIT) - now)
        return max(waits)

    def failed(self, name: str, address: str) -> None:
        """Count a failed login against both."""
        now = self._clock()
        self._failed = {
            key: (times, last)
            for key, (times, last) in self._failed.items()
            if now - last < FORGOTTEN_AFTER
        }
        for key in (("name", name), ("address", address)):
            times, _ = self._failed.get(key, (0, now))
            self._failed[key] = (times + 1, now)

    def succeeded(self, name: str, address: str) -> None:
        """Forget what was counted against them."""
        self._failed.pop(("name", name), None)
        self._failed.pop(("address", address), None)


class Login(AuthProvider):
    """Names and passwords from the store; a session holds who, and until when."""

    def __init__(self, engine: Engine, first_admin: str | None, patience: Patience) -> None:
        super().__init__()
        self._engine = engine
        self._first_admin = first_admin
        self._patience = patience
        self._hashing = CapacityLimiter(HASHES_AT_ONCE)

    async def login(
        self, username: str, password: str, remember_me: bool, request: Request
    ) -> Response | None:
        name, address = username.strip().lower(), _address(request)
        if (wait := ceil(self._patience.wait(name, address))) > 0:
            seconds = "second" if wait == 1 else "seconds"
            raise LoginFailed(f"Too many failed logins: try again in {wait} {seconds}")
        # Counted before it is looked at, so that guesses that come together count as well.
        self._patience.failed(name, address)
        user = await to_thread.run_sync(users.by_name, self._engine, name)
        password_hash = user.password_hash if user else passwords.NOBODYS
        fits = await to_thread.run_sync(
            passwords.matches, password_hash, password, limiter=self._hashing
        )
        if user is None or not fits or user.disabled:
            raise LoginFailed("Wrong name or password")
        self._patience.succeeded(name, address)
        _begin_session(request, user, REMEMBERED if remember_me else SESSION)
        return None

    async def logout(self, request: Request) -> Response | None:
        request.session.clear()
        return None

    async def authenticate(self, request: Request) -> AdminUser | None:
        session = request.session
        # Stylesheets and scripts are everybody's: the store need not be asked for each.
        if request.url.path.startswith("/static/"):
            return None
        if not session or datetime.now(UTC).timestamp() >= session["until"]:
            return None
        user = await to_thread.run_sync(users.by_id, self._engine, session["user"])
        if user is None or user.disabled or session["password"] != _mark(user):
            return None
        return Visitor(username=user.name, role=user.role)

    def get_routes(self, templates: Jinja2Templates) -> list[Route]:
        routes = super().get_routes(templates)
        if self._first_admin is None:
            return routes

        @login_not_required
        async def first_admin(request: Request) -> Response:
            return await self._create_first_admin(request, templates)

        return [
            *routes,
            Route("/first-admin", first_admin, methods=["GET", "POST"], name="first-admin"),
        ]

    async def _create_first_admin(self, request: Request, templates: Jinja2Templates) -> Response:
        token = request.query_params.get("token", "")
        if self._first_admin is None or not secrets.compare_digest(
            token.encode(), self._first_admin.encode()
        ):
            return _page(templates, request, "This link is not valid: it is used once.", 403)
        if request.method == "GET":
            return _page(templates, request)
        form = await request.form()
        password = str(form.get("password") or "")
        if fault := passwords.fault(password):
            errors = FormValidationError({"password": fault.capitalize()})
            return _page(templates, request, form_errors=errors, status=422)
        digest = await to_thread.run_sync(passwords.hashed, password, limiter=self._hashing)
        try:
            user = await to_thread.run_sync(
                lambda: users.add(
                    self._engine,
                    str(form.get("username") or ""),
                    Role.ADMIN,
                    digest,
                    datetime.now(UTC),
                    only_as_first=True,
                )
            )
        except StoreError as error:
            return _page(templates, request, str(error), 422)
        self._first_admin = None
        _begin_session(request, user, SESSION)
        return RedirectResponse(request.url_for(f"{request.app.state.ROUTE_NAME}:index"), 303)


def _page(
    templates: Jinja2Templates,
    request: Request,
    error: str | None = None,
    status: int = 200,
    form_errors: FormValidationError | None = None,
) -> Response:
    context = {"error": error, "form_errors": form_errors}
    return templates.TemplateResponse(request, "first_admin.html", context, status_code=status)


def _begin_session(request: Request, user: User, lasting: timedelta) -> None:
    request.session.clear()
    until = datetime.now(UTC) + lasting
    request.session.update(user=user.id, password=_mark(user), until=until.timestamp())


def _mark(user: User) -> str:
    """Changes with the password, so that a session with the one before is over."""
    return user.password_set_at.isoformat()


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
