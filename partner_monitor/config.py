"""Settings and spider arguments, checked and typed: the one place that says what a bad value is.

Knows neither Scrapy's machinery nor the database; a bad value is one clear line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

Word = TypeVar("Word", bound=StrEnum)

MODES = ("all", "first", "specific", "specific_c")
RECHECKS = ("all", "partners", "countries")


class Render(StrEnum):
    """When a page is fetched through a browser."""

    NEVER = "never"
    AUTO = "auto"
    ALWAYS = "always"


class Alerts(StrEnum):
    """What a run sends."""

    ALL = "all"
    TROUBLE = "trouble"
    """No digest: somebody else sends one of more runs."""


class ConfigurationError(ValueError):
    """A value that cannot be used; the message is one line for the user."""


def read_env_file(folder: str | None) -> dict[str, str]:
    """The ``NAME=value`` lines of ``.env`` in ``folder``; empty where there is no such file."""
    path = Path(folder, ".env") if folder else None
    if path is None or not path.is_file():
        return {}
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            values[name.strip()] = value.strip().strip("'\"")
    return values


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """Where the audit draws its lines; shares of one."""

    read_floor: float = 0.98
    fill_drop: float = 1 / 3
    pages_lost: float = 0.20
    changed: float = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """What a run and the commands need to know."""

    site: str
    """Origin of the directory, without a trailing slash."""
    database_url: str
    mode: str
    page: int
    country: str
    backoff: float
    """Seconds of the first wait after a refusal."""
    delist_after: timedelta
    stale_after: timedelta
    run_max_age: timedelta
    render: Render
    browser: str
    """The browser's path; empty: the system's."""
    keep_pages: timedelta
    """How long fetched pages are kept; zero: not at all."""
    database_patience: float
    """Seconds that a crawl waits for a database that has gone away."""
    alert_urls: tuple[str, ...]
    """Where digests and failures are sent: Apprise's URLs, checked by ``alerts.check``."""
    alerts: Alerts
    health_max_age: timedelta
    """How long ago the last published run may have begun."""
    dashboard_secret: str
    """What the dashboard signs sessions with; empty: one of its own at each start."""
    thresholds: Thresholds
    clock: Callable[[], datetime]
    """Now, aware, UTC."""


def from_settings(
    settings: Mapping[str, Any], arguments: Mapping[str, str] | None = None
) -> Config:
    """Check ``settings`` and a spider's ``arguments`` (mode, page, country).

    Raises ConfigurationError for the first value that cannot be used.
    """
    arguments = dict(arguments or {})
    _new_run(arguments)
    unknown = set(arguments) - {"mode", "page", "country", "new_run"}
    if unknown:
        raise ConfigurationError(
            f"unknown argument {sorted(unknown)[0]!r}: known are mode, page, country, new_run"
        )
    mode = arguments.get("mode", settings["PARTNER_FETCH_MODE"])
    if mode not in MODES:
        raise ConfigurationError(f"unknown mode {mode!r}: one of {', '.join(MODES)}")
    page = _page(arguments, settings, mode)
    country = _country(arguments, settings, mode)
    return Config(
        site=_site(str(settings["PARTNER_SITE_URL"])),
        database_url=database_url(
            "PARTNER_DATABASE_URL",
            str(settings["PARTNER_DATABASE_URL"]),
            settings.get("PROJECT_FOLDER"),
        ),
        mode=mode,
        page=page,
        country=country,
        backoff=_number(settings, "PARTNER_BACKOFF_SECONDS"),
        delist_after=timedelta(days=_number(settings, "PARTNER_DELIST_AFTER_DAYS")),
        stale_after=timedelta(days=_number(settings, "PARTNER_STALE_AFTER_DAYS")),
        run_max_age=timedelta(hours=_number(settings, "PARTNER_RUN_MAX_AGE_HOURS")),
        render=_one_of(Render, settings, "PARTNER_RENDER"),
        browser=str(settings["PARTNER_BROWSER"] or "").strip(),
        keep_pages=timedelta(days=_number(settings, "PARTNER_KEEP_PAGES_DAYS")),
        database_patience=_number(settings, "PARTNER_DATABASE_PATIENCE_SECONDS"),
        alert_urls=tuple(str(settings["PARTNER_ALERT_URLS"] or "").split()),
        alerts=_one_of(Alerts, settings, "PARTNER_ALERTS"),
        health_max_age=timedelta(hours=_number(settings, "PARTNER_HEALTH_MAX_AGE_HOURS")),
        dashboard_secret=str(settings["PARTNER_DASHBOARD_SECRET"] or "").strip(),
        thresholds=Thresholds(
            read_floor=_share(settings, "PARTNER_AUDIT_READ_FLOOR"),
            fill_drop=_share(settings, "PARTNER_AUDIT_FILL_DROP"),
            pages_lost=_share(settings, "PARTNER_AUDIT_PAGES_LOST"),
            changed=_share(settings, "PARTNER_AUDIT_CHANGED"),
        ),
        clock=_clock(str(settings["PARTNER_NOW"] or "")),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Recheck:
    """What a recheck is to look at."""

    what: str
    limit: int
    """Profiles at most."""


def recheck(settings: Mapping[str, Any], arguments: Mapping[str, str]) -> Recheck:
    """Check a recheck's arguments (what, limit); raises ConfigurationError."""
    _new_run(arguments)
    unknown = set(arguments) - {"what", "limit", "new_run"}
    if unknown:
        raise ConfigurationError(
            f"unknown argument {sorted(unknown)[0]!r}: known are what, limit, new_run"
        )
    what = arguments.get("what", "all")
    if what not in RECHECKS:
        raise ConfigurationError(f"unknown what {what!r}: one of {', '.join(RECHECKS)}")
    text = str(arguments.get("limit", settings["PARTNER_RECHECK_LIMIT"])).strip()
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 1_000_000:
        raise ConfigurationError(f"limit {text!r} is no number of 1 or more")
    return Recheck(what=what, limit=int(text))


def instant(text: str, name: str) -> datetime:
    """An ISO 8601 date or instant as an aware UTC time; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigurationError(
            f"{name} {text!r} is no ISO 8601 instant (2026-03-05 or 2026-03-05T06:00:00Z)"
        ) from None


def database_url(name: str, text: str, project_folder: str | None) -> str:
    """The store's URL in ``text``, in the form that the store opens; ``name`` is what gave it."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            f"{name} {_hide_password(text)!r} is no database URL, such as "
            "sqlite:///partner_monitor.db or postgresql+psycopg://user@host/name"
        ) from None
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    if backend != "sqlite":
        raise ConfigurationError(
            f"{name} names {backend}: only sqlite and postgresql are supported"
        )
    if not url.database or url.database == ":memory:":
        raise ConfigurationError(f"{name}: a store in memory would be lost at once")
    path = Path(url.database)
    if not path.is_absolute():
        if project_folder is None:
            raise ConfigurationError(
                f"{name} {text!r}: outside the project's folder the path of a "
                "SQLite store must be absolute (sqlite:////…)"
            )
        path = Path(project_folder, path)
    if not path.parent.is_dir():
        raise ConfigurationError(f"{name}: there is no folder {path.parent}")
    return url.set(database=os.fspath(path)).render_as_string(hide_password=False)


def _new_run(arguments: Mapping[str, str]) -> None:
    if arguments.get("new_run", "0") not in ("0", "1"):
        raise ConfigurationError(f"new_run {arguments['new_run']!r} is neither 1 nor 0")


def _page(arguments: Mapping[str, str], settings: Mapping[str, Any], mode: str) -> int:
    if mode != "specific":
        if "page" in arguments and mode != "first":
            raise ConfigurationError(f"page goes with mode=specific, not with mode={mode}")
        if "page" in arguments and str(arguments["page"]) != "1":
            raise ConfigurationError("mode=first reads page 1; another page is mode=specific")
        return 1
    text = str(arguments.get("page", settings["PARTNER_FETCH_PAGE"])).strip()
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 100_000:
        raise ConfigurationError(f"page {text!r} is no page number: 1 or more")
    return int(text)


def _country(arguments: Mapping[str, str], settings: Mapping[str, Any], mode: str) -> str:
    if mode == "specific_c":
        country = str(arguments.get("country", settings["PARTNER_COUNTRY"] or "")).strip()
        if not country:
            raise ConfigurationError("mode=specific_c needs a country, for example -a country=BE")
        return country
    # A country left in the environment is no objection to a mode asked for by hand.
    standing = "" if "mode" in arguments else settings["PARTNER_COUNTRY"] or ""
    if str(arguments.get("country", standing)).strip():
        raise ConfigurationError(f"country goes with mode=specific_c, not with mode={mode}")
    return ""


def _site(text: str) -> str:
    try:
        url = urlsplit(text.strip())
        port_is_sound = url.port is None or 0 < url.port < 65536
    except ValueError:
        port_is_sound, url = False, urlsplit("")
    if (
        not port_is_sound
        or url.scheme not in ("http", "https")
        or not url.hostname
        or any(c.isspace() for c in url.netloc)
        or url.username
        or url.path not in ("", "/")
        or url.query
        or url.fragment
    ):
        raise ConfigurationError(
            f"PARTNER_SITE_URL {text!r} is no site's origin, such as https://www.odoo.com"
        )
    return f"{url.scheme}://{url.netloc.lower()}"


def _hide_password(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    credentials, at, host = rest.rpartition("@")
    user = credentials.partition(":")[0]
    return f"{scheme}{separator}{user}{at}{host}" if at else text


def _one_of(words: type[Word], settings: Mapping[str, Any], name: str) -> Word:
    try:
        return words(str(settings[name]))
    except ValueError:
        raise ConfigurationError(
            f"{name} {str(settings[name])!r}: one of {', '.join(words)}"
        ) from None


def _number(settings: Mapping[str, Any], name: str) -> float:
    try:
        number = float(settings[name])
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < 1e6:
        raise ConfigurationError(f"{name} {settings[name]!r} is no number of 0 or more")
    return number


def _share(settings: Mapping[str, Any], name: str) -> float:
    share = _number(settings, name)
    if share > 1:
        raise ConfigurationError(f"{name} {settings[name]!r} is no share between 0 and 1")
    return share


def _clock(now: str) -> Callable[[], datetime]:
    if not now:
        return lambda: datetime.now(UTC)
    moment = instant(now, "PARTNER_NOW")
    return lambda: moment
