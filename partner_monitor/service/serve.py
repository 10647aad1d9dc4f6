"""``scripts/serve``: a scrapyd of our own, with settings that are safe, in a folder of its own.

Its jobs are given the project's settings (``.env``) as their environment, for an egg has no folder.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
from pathlib import Path
from typing import NoReturn

from partner_monitor import settings
from partner_monitor.command import fail
from partner_monitor.config import ConfigurationError, database_url, read_env_file
from partner_monitor.service.scrapyd import PASSWORD_FILE

CONFIGURATION = """\
# Written by scripts/serve at each start.
# Of this name, so that Scrapy's search for a project ends here: the jobs are the eggs' alone.
[scrapyd]
bind_address = 127.0.0.1
http_port = 6800
# One site: more at once would only wait for each other.
max_proc = 1
poll_interval = 1
jobstorage = scrapyd.jobstorage.SqliteJobStorage
finished_to_keep = 1000
# Logs a spider.
jobs_to_keep = 1000
eggs_dir = {folder}/eggs
logs_dir = {folder}/logs
dbs_dir = {folder}/dbs
items_dir =
"""


def main() -> NoReturn:
    """Become a scrapyd."""
    if sys.argv[1:]:
        sys.exit(fail("scripts/serve takes no arguments: see --help"))
    try:
        folder = prepare()
    except ConfigurationError as error:
        sys.exit(fail(str(error)))
    os.chdir(folder)
    # No pid file: one left behind by a power cut names a number that another process may have.
    os.execv(sys.executable, [sys.executable, "-m", "scrapyd", "--pidfile="])


def prepare() -> Path:
    """Make the scrapyd's folder and environment; raises ConfigurationError."""
    assert settings.PROJECT_FOLDER is not None
    project = Path(settings.PROJECT_FOLDER)
    folder = project / PASSWORD_FILE.parent
    store = database_url("PARTNER_DATABASE_URL", settings.PARTNER_DATABASE_URL, str(project))
    address = os.environ.setdefault("SCRAPYD_BIND_ADDRESS", "127.0.0.1")
    port = os.environ.setdefault("SCRAPYD_HTTP_PORT", "6800")
    _refuse_taken(address, port)
    folder.mkdir(mode=0o700, exist_ok=True)
    escaped = str(folder).replace("%", "%%")
    (folder / "scrapy.cfg").write_text(CONFIGURATION.format(folder=escaped), encoding="utf-8")
    os.environ["SCRAPYD_USERNAME"] = settings.PARTNER_SCRAPYD_USERNAME
    os.environ["SCRAPYD_PASSWORD"] = settings.PARTNER_SCRAPYD_PASSWORD or _password(project)
    # A job's first words would be of what scrapyd itself imports.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:pkg_resources is deprecated as an API")
    for name, value in read_env_file(str(project)).items():
        os.environ.setdefault(name, value)
    os.environ["PARTNER_DATABASE_URL"] = store
    print(
        f"scrapyd at http://{address}:{port}, user {settings.PARTNER_SCRAPYD_USERNAME}, password "
        + ("as set" if settings.PARTNER_SCRAPYD_PASSWORD else f"in {PASSWORD_FILE}")
        + f"; its eggs, logs and jobs are in {folder.name}/",
        flush=True,
    )
    return folder


def _password(project: Path) -> str:
    """The password made at the first start; for its owner alone."""
    file = project / PASSWORD_FILE
    if not file.is_file():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
    return file.read_text(encoding="utf-8").strip()


def _refuse_taken(address: str, port: str) -> None:
    try:
        with socket.create_server((address, int(port)), reuse_port=False):
            pass
    except (OSError, ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"scrapyd cannot listen at {address}:{port}: {error}; end what listens there, or set "
            "SCRAPYD_HTTP_PORT"
        ) from None


if __name__ == "__main__":
    main()
