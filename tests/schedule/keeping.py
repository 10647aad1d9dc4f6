"""A calendar in a test's hands: its plan as text, its clock an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from partner_monitor import settings
from partner_monitor.schedule.keeper import Keeper
from partner_monitor.schedule.plan import read
from partner_monitor.service.scrapyd import Scrapyd
from partner_monitor.store.engine import open_engine


def ours(**changed: Any) -> dict[str, Any]:
    """The project's settings with some of them changed."""
    return vars(settings) | changed


@contextmanager
def keeping(
    plan: str,
    store: str,
    site: str,
    file: Path,
    connect: Callable[[str], Any] | None = None,
    **changed: Any,
) -> Iterator[Keeper]:
    """A keeper of ``plan``; ``connect`` finds a stand-in for a host's scrapyd by its name."""
    wanted = ours(PARTNER_SITE_URL=site, PARTNER_DATABASE_URL=store, **changed)
    found = read(plan, wanted)
    hosts = {host.name: host for host in found.hosts}
    engine = open_engine(store)
    try:
        yield Keeper(found, engine, wanted, file, connect or (lambda name: Scrapyd(hosts[name])))
    finally:
        engine.dispose()
