"""The console's REST API: what the commands show, for programs. Read-only.

Every call needs `Authorization: Bearer <console_token>` and names its tenant in the path. Errors are RFC 9457 problems.
"""

from __future__ import annotations

import dataclasses
import hmac

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from console import history, overview
from schemas.records import RecordId
from streams.database import Database

DATABASE = web.AppKey("database", Database)


def make_app(database: Database, token: str) -> web.Application:
    """The application; `token` is the one that callers must present."""
    app = web.Application(middlewares=[_problems, _bearer(token)])
    app[DATABASE] = database
    app.add_routes(
        [
            web.get("/livez", live),
            web.get("/v1/tenants", tenants),
            web.get("/v1/tenants/{tenant}/status", status),
            web.get("/v1/tenants/{tenant}/attention", attention),
            web.get("/v1/tenants/{tenant}/trail/{record:.+}", trail),
        ]
    )
    return app


async def live(_: web.Request) -> web.Response:
    """The process answers."""
    return web.Response(text="ok\n")


async def tenants(request: web.Request) -> web.Response:
    """All tenants."""
    return _json(await overview.tenants(request.app[DATABASE]))


async def status(request: web.Request) -> web.Response:
    """A tenant's connections and installations, how their backfills stand, and how its changes ended."""
    return _json(await overview.status(request.app[DATABASE], request.match_info["tenant"]))


async def attention(request: web.Request) -> web.Response:
    """What waits for a person: `causes` groups it, `entries` lists it."""
    database, tenant = request.app[DATABASE], request.match_info["tenant"]
    causes, entries = await history.causes(database, tenant), await history.attention(database, tenant)
    return _json({"causes": causes, "entries": entries})


async def trail(request: web.Request) -> web.Response:
    """Everything that is known of one record (connection/entity/id), oldest first."""
    try:
        record = RecordId.parse(request.match_info["record"])
    except ValueError as error:
        raise web.HTTPBadRequest(reason="not a record id (connection/entity/id)") from error
    entries = await history.trail_of(request.app[DATABASE], request.match_info["tenant"], record)
    return _json([dataclasses.asdict(entry) for entry in entries])


def _json(value: object) -> web.Response:
    body = orjson.dumps(value, default=str)
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


def _bearer(token: str) -> Middleware:
    expected = f"Bearer {token}".encode()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode()
        if request.path != "/livez" and not hmac.compare_digest(given, expected):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
        return await handler(request)

    return check


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        problem = {"type": "about:blank", "title": error.reason, "status": error.status}
        headers = {name: value for name, value in error.headers.items() if name in ("WWW-Authenticate", "Allow")}
        return web.json_response(problem, status=error.status, content_type="application/problem+json", headers=headers)
