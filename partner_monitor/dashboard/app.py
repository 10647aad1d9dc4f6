"""Puts the dashboard together."""

from __future__ import annotations

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette_admin.contrib.sqla import Admin
from starlette_admin.export import ExportConfig
from starlette_admin.theme import DefaultTheme, TablerSettings

from partner_monitor.config import Config
from partner_monitor.dashboard import lists
from partner_monitor.dashboard.acts import Acts
from partner_monitor.dashboard.addresses import page_url
from partner_monitor.dashboard.charts import BUCKET_COLOURS, STATUS_COLOURS
from partner_monitor.dashboard.login import Login, Patience
from partner_monitor.dashboard.pages import Pages
from partner_monitor.dashboard.security import (
    Failures,
    Limits,
    ScriptNonce,
    SecurityHeaders,
    Sessions,
)

MOST_EXPORTED = 25_000
"""Rows of one export, which is made in memory; ``scrapy export`` knows no limit."""


class Theme(DefaultTheme):
    """The library's theme, with our templates and files before its own."""

    package = "partner_monitor.dashboard"


def build(engine: Engine, config: Config, secret: str, first_admin: str | None = None) -> Starlette:
    """The dashboard of the store behind ``engine``.

    ``secret`` signs sessions; ``first_admin`` is the token of the link by which the first user is
    made, None where there is no such link.
    """
    acts = Acts(engine, config)
    admin = Admin(
        engine,
        title="Partner Monitor",
        base_url="/",
        theme=Theme(TablerSettings(base="gray", radius=0.5)),
        auth_provider=Login(engine, first_admin, Patience()),
        secret_key=secret,
        middlewares=[Middleware(Sessions, secret_key=secret)],
        timezone_config=None,
        export_config=ExportConfig(max_rows=MOST_EXPORTED),
        index_view=Pages(engine, config, acts),
    )
    admin.templates.env.add_extension(ScriptNonce)
    admin.templates.env.globals["colours"] = STATUS_COLOURS | BUCKET_COLOURS
    admin.templates.env.globals["page_url"] = page_url
    for view in lists.ALL:
        admin.add_view(view(view.model))
    admin.middlewares.insert(0, Middleware(Failures))
    admin.middlewares.insert(0, Middleware(Limits))
    app = Starlette(middleware=[Middleware(SecurityHeaders)])
    admin.mount_to(app)
    admin.app.state.acts = acts
    return app
