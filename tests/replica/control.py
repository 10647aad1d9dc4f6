"""The control addresses, by which other processes turn the days and order faults."""

from __future__ import annotations

import json
from dataclasses import is_dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from tests.replica.faults import Fault

if TYPE_CHECKING:
    from tests.replica.server import Replica

CONTROL = "/__replica__/"


def control_answer(site: Replica, request: web.BaseRequest, body: bytes) -> web.Response:
    """`POST day`, `GET log`, `GET changes`, `POST fault`, `DELETE fault`; JSON both ways."""
    action = (request.method, request.path.removeprefix(CONTROL))
    with site.lock:
        if action == ("POST", "day"):
            before = len(site.world.log)
            site.advance(site.world)
            changes = [_plain(change) for change in site.world.log[before:]]
            return _json({"day": site.world.day, "changes": changes})
        if action == ("GET", "log"):
            return _json([_plain(seen) for seen in site.log])
        if action == ("GET", "changes"):
            return _json([_plain(change) for change in site.world.log])
        if action == ("POST", "fault"):
            try:
                site.faults.append(Fault.from_json(json.loads(body)))
            except (TypeError, ValueError) as error:
                return _json({"error": str(error)}, 400)
            return _json({"faults": len(site.faults)})
        if action == ("DELETE", "fault"):
            site.faults.clear()
            return _json({"faults": 0})
    return _json({"error": f"unknown control {request.method} {request.path}"}, 404)


def _plain(value: object) -> object:
    """A dataclass as a dictionary; a mapping proxy, as requests' headers are, as a plain one."""
    if is_dataclass(value) and not isinstance(value, type):
        names = value.__dataclass_fields__
        return {name: _plain(getattr(value, name)) for name in names}
    if hasattr(value, "items"):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _json(value: object, status: int = 200) -> web.Response:
    return web.json_response(value, status=status)
