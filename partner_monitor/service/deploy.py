"""``scripts/deploy``: the committed project as an egg to a scrapyd, and the store upgraded there.

What is not committed is not sent, and the working tree is not touched.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from configparser import ConfigParser, Error
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from partner_monitor import settings
from partner_monitor.command import fail
from partner_monitor.config import ConfigurationError
from partner_monitor.service.scrapyd import Away, Host, NotLetIn, Refused, Scrapyd, State, host


class NotDeployed(Exception):
    """The message is one line, or one and what a program said."""


def main() -> int:
    """Deploy to the target named on the command line, or the default one."""
    assert settings.PROJECT_FOLDER is not None
    project = Path(settings.PROJECT_FOLDER)
    if len(sys.argv) > 2:
        return fail("scripts/deploy takes one target at most: see --help")
    try:
        target = find_target(project, sys.argv[1] if sys.argv[1:] else None, vars(settings))
        with tempfile.TemporaryDirectory() as folder:
            commit, egg = build(project, Path(folder))
        # By time, not by commit: scrapyd runs the greatest, and going back is a deployment, too.
        version = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{commit}"
        print(f"sending {commit} to {target.url} as version {version}")
        print(deploy(Scrapyd(target), version, egg))
    except (ConfigurationError, NotDeployed, Away, Refused) as error:
        return fail(str(error))
    return 0


def find_target(project: Path, name: str | None, settings: Mapping[str, Any]) -> Host:
    """The scrapyd of ``[deploy:NAME]`` in scrapy.cfg; without a name, that of PARTNER_SCRAPYD_URL
    or ``[deploy]``. Raises ConfigurationError."""
    if name is None and settings["PARTNER_SCRAPYD_URL"]:
        return host("PARTNER_SCRAPYD_URL", settings["PARTNER_SCRAPYD_URL"], settings)
    section = f"deploy:{name}" if name else "deploy"
    parser = ConfigParser(interpolation=None)
    try:
        parser.read(project / "scrapy.cfg", encoding="utf-8")
    except Error as error:
        raise ConfigurationError(f"scrapy.cfg: {str(error).splitlines()[0]}") from None
    if not parser.has_option(section, "url"):
        raise ConfigurationError(f"scrapy.cfg has no [{section}] with a url: name one of its own")
    return host(f"[{section}]", parser[section]["url"], settings)


def build(project: Path, folder: Path) -> tuple[str, bytes]:
    """The commit that is HEAD, and its egg, made in ``folder``; raises NotDeployed."""
    commit = _run(["git", "rev-parse", "--short", "HEAD"], project).decode().strip()
    source = folder / "source"
    source.mkdir()
    archive = folder / "source.tar"
    archive.write_bytes(_run(["git", "archive", "HEAD"], project))
    _run(["tar", "-xf", str(archive), "-C", str(source)], project)
    egg = folder / "project.egg"
    _run([sys.executable, "-m", "scrapyd_client.deploy", "--build-egg", str(egg)], source)
    return commit, egg.read_bytes()


def deploy(scrapyd: Scrapyd, version: str, egg: bytes) -> str:
    """Send the egg and have the store upgraded; returns what came of it.

    An egg that cannot run there is taken back, so that the one before it goes on. Raises
    NotDeployed, Away, Refused.
    """
    try:
        scrapyd.add_version(version, egg)
    except NotLetIn:
        raise
    except Refused as refusal:
        # scrapyd keeps an egg that it could not load, and would run it.
        _take_back(scrapyd, version)
        raise NotDeployed(_not_loaded(scrapyd.host, str(refusal))) from None
    job = f"upgrade-{version}"
    # First in the queue: crawls of the new version need the new schema.
    scrapyd.schedule("upgrade", job, {"_version": version, "priority": "9"}, {})
    print("waiting for its turn to upgrade the store: a crawl under way is let finish", flush=True)
    while scrapyd.jobs().get(job, State.FINISHED) is not State.FINISHED:
        time.sleep(0.5)
    log = scrapyd.log("upgrade", job)
    if done := re.search(r"(?<! not) upgraded: (.*)", log):
        return f"deployed; {done[1]}"
    _take_back(scrapyd, version)
    if refused := re.search(r" not upgraded: (.*)", log):
        raise NotDeployed(f"not deployed: {refused[1]}{_remedy(refused[1])}")
    raise NotDeployed(
        f"not deployed: what came of the store's upgrade cannot be told; "
        f"look at {scrapyd.log_url('upgrade', job)}"
        + (f"; it ends with: {log.splitlines()[-1]}" if log else "")
    )


def _take_back(scrapyd: Scrapyd, version: str) -> None:
    with suppress(Refused):  # it may never have come so far
        scrapyd.delete_version(version)


def _not_loaded(host: Host, said: str) -> str:
    if missing := re.search(r"ModuleNotFoundError: No module named '([^'.]+)", said):
        return f"not deployed: the host lacks the package of {missing[1]}{_remedy('lacks')}"
    last = said.replace("\\n", "\n").strip().splitlines()[-1:] or ["no reason given"]
    return f"not deployed: {host.url} cannot load the project: {last[0]}"


def _remedy(fault: str) -> str:
    return ": pip install -r requirements-service.txt there" if "lacks" in fault else ""


def _run(command: list[str], folder: Path) -> bytes:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    except FileNotFoundError:
        raise NotDeployed(f"{command[0]} is not installed") from None
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise NotDeployed(f"{' '.join(command[:3])} failed: {said[-1] if said else 'silently'}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
