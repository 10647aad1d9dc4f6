"""A scrapyd's HTTP API, as far as it is used here: what to ask, and what its answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import requests

from partner_monitor.config import ConfigurationError

PROJECT = "partner_monitor"
"""The project's name at every scrapyd."""

PASSWORD_FILE = Path("serve", "password")
"""Where ``scripts/serve`` keeps the password it made, in the project's folder."""

PATIENCE = (5, 30)
"""Seconds to connect, and to wait for an answer."""


class Away(Exception):
    """The scrapyd does not answer just now; the message is one line."""


class Refused(Exception):
    """It answers, and does not do what it was asked; the message is its own, or one line."""


class NotLetIn(Refused):
    """It does not take the user and the password."""


class State(StrEnum):
    """What a scrapyd says of a job it knows."""

    PENDING = "pending"
    RUNNING = "running"
    FINISHED = "finished"


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """Where a scrapyd is, and who we are there."""

    name: str
    url: str
    username: str
    password: str = field(repr=False)


def host(name: str, url: str, settings: Mapping[str, Any]) -> Host:
    """A host from its URL, which may hold user and password; else PARTNER_SCRAPYD_… has them.

    A scrapyd on this machine may be our own: then its password is where ``scripts/serve`` put it.
    Raises ConfigurationError.
    """
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, sound = urlsplit(""), False
    if not sound or parts.query or parts.fragment:
        raise ConfigurationError(f"host {name}: its url is no scrapyd's, as http://127.0.0.1:6800")
    username = unquote(parts.username or "") or settings["PARTNER_SCRAPYD_USERNAME"]
    password = unquote(parts.password or "") or settings["PARTNER_SCRAPYD_PASSWORD"]
    kept = Path(settings["PROJECT_FOLDER"] or ".", PASSWORD_FILE)
    if not password and parts.hostname in ("127.0.0.1", "localhost", "::1") and kept.is_file():
        password = kept.read_text(encoding="utf-8").strip()
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
    return Host(name=name, url=bare, username=username, password=password)


class Scrapyd:
    """One scrapyd. Every method may raise Away or Refused."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._session = requests.Session()
        self._session.trust_env = False  # a ~/.netrc would win over what we were told
        self._session.auth = (host.username, host.password) if host.password else None

    def add_version(self, version: str, egg: bytes) -> None:
        """Send an egg; Refused holds the traceback if it cannot list its spiders there."""
        self._json("addversion.json", {"version": version}, files={"egg": ("project.egg", egg)})

    def delete_version(self, version: str) -> None:
        self._json("delversion.json", {"version": version})

    def schedule(
        self, spider: str, job: str, fields: Mapping[str, str], settings: Mapping[str, str]
    ) -> None:
        """Put a job into the queue; ``fields``: the spider's arguments, ``priority``,
        ``_version``."""
        setting = [f"{name}={value}" for name, value in settings.items()]
        self._json("schedule.json", {"spider": spider, "jobid": job, "setting": setting, **fields})

    def cancel(self, job: str) -> None:
        """Take a job out of the queue, or have a running one end as by Ctrl-C."""
        self._json("cancel.json", {"job": job})

    def jobs(self) -> dict[str, State]:
        """Every job it knows of. One it was given is unknown when it was lost, or long ago."""
        found = self._json("listjobs.json", None)
        return {job["id"]: state for state in State for job in found[state]}

    def log(self, spider: str, job: str) -> str:
        """What a job has logged; empty where this scrapyd keeps no logs."""
        answer = self._ask("GET", self.log_url(spider, job).removeprefix(f"{self.host.url}/"))
        return answer.text if answer.status_code == 200 else ""

    def log_url(self, spider: str, job: str) -> str:
        return f"{self.host.url}/logs/{PROJECT}/{spider}/{job}.log"

    def _json(self, what: str, fields: Mapping[str, Any] | None, **more: Any) -> dict[str, Any]:
        """GET without ``fields``, POST with them."""
        if fields is None:
            answer = self._ask("GET", what, params={"project": PROJECT})
        else:
            answer = self._ask("POST", what, data={"project": PROJECT, **fields}, **more)
        try:
            found: dict[str, Any] = answer.json()
            status, message = found["status"], found.get("message", "")
        except (ValueError, KeyError, TypeError):
            raise Refused(f"{self.host.url} is no scrapyd: HTTP {answer.status_code}") from None
        if status != "ok":
            raise Refused(str(message))
        return found

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        try:
            answer = self._session.request(
                method, f"{self.host.url}/{path}", timeout=PATIENCE, allow_redirects=False, **more
            )
        except requests.RequestException as error:
            raise Away(f"{self.host.url} does not answer: {_cause(error)}") from None
        if answer.status_code in (401, 403):
            raise NotLetIn(
                f"{self.host.url} does not take this user and password: set "
                "PARTNER_SCRAPYD_USERNAME and PARTNER_SCRAPYD_PASSWORD"
            )
        if answer.status_code >= 500:
            raise Away(f"{self.host.url} does not answer: HTTP {answer.status_code}")
        return answer


def _cause(error: requests.RequestException) -> str:
    """The last words of a chain of errors: the others wrap it."""
    if isinstance(error, requests.Timeout):
        return "timed out"
    return str(error).rpartition(": ")[2].strip("\"')>]") or type(error).__name__
