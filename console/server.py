"""The console process: the REST API over MySQL."""

from __future__ import annotations

import uvloop
from aiohttp import web

from console.api import make_app
from console.output import USAGE, stop
from schemas.settings import Settings
from streams.database import Database


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Without a token it does not start: the history holds people's data."""
    token = settings.console_token.get_secret_value()
    if len(token) < 24:
        stop(
            "FRESHPIPE_CONSOLE_TOKEN is missing or shorter than 24 characters: the console serves nobody without it",
            USAGE,
        )
    database = Database(settings.mysql)
    app = make_app(database, token)

    async def close(_: web.Application) -> None:
        await database.close()

    app.on_cleanup.append(close)
    web.run_app(
        app,
        host=settings.host,
        port=settings.console_port,
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )
