"""The receiver as an aiohttp application: moves bytes between products and webhooks.receiver.

POST /v1/hooks/{token}        a connection's own address
POST /v1/hooks/app/{product}  the address that all connections of a product share
GET  either                   200: products probe an address before they use it
GET  /livez, /readyz          for whoever runs us
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from schemas.settings import Settings
from webhooks.bodies import BODY_S, read_body
from webhooks.errors import Refused
from webhooks.intake import SIGNED_LIMIT
from webhooks.metrics import Metrics
from webhooks.receiver import Directory, Publish, Receiver, Target
from webhooks.requests import Incoming

log = structlog.get_logger()

MAX_OPEN_REQUESTS = 512
"""Requests whose bodies we hold at a time; more are asked to come again."""
RETRY_AFTER_S = "2"


def now_ms() -> int:
    """Our clock, in ms since the epoch."""
    return time.time_ns() // 1_000_000


def make_app(
    settings: Settings,
    endpoints: Directory,
    publish: Publish,
    metrics: Metrics,
    *,
    ready: Callable[[], bool] = lambda: True,
    now: Callable[[], int] = now_ms,
    body_s: float = BODY_S,
) -> web.Application:
    """The application. `ready` says whether the broker takes what we publish."""
    hooks = Hooks(Receiver(endpoints, publish, metrics, now), settings.public_url, metrics, body_s)
    health = Health(lambda: endpoints.ready and ready())
    app = web.Application(client_max_size=SIGNED_LIMIT)
    app.add_routes(
        [
            web.post("/v1/hooks/app/{product}", hooks.of_app),
            web.get("/v1/hooks/app/{product}", hooks.of_app),
            web.post("/v1/hooks/{token}", hooks.of_connection),
            web.get("/v1/hooks/{token}", hooks.of_connection),
            *health.routes(),
        ]
    )
    return app


def make_metrics_app(registry: CollectorRegistry, health: Health) -> web.Application:
    """What is served on the metrics port, which no product can reach."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), *health.routes()])
    return app


class Health:
    """Alive as long as it answers; ready when it could accept a webhook."""

    def __init__(self, ready: Callable[[], bool]) -> None:
        self._ready = ready

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/livez", self.livez), web.get("/readyz", self.readyz)]

    async def livez(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def readyz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok") if self._ready() else web.Response(status=503, text="not ready")


class Hooks:
    """The handlers. Paths hold secrets: they are neither logged nor counted."""

    def __init__(self, receiver: Receiver, public_url: str, metrics: Metrics, body_s: float) -> None:
        self._receiver = receiver
        self._public_url = public_url.rstrip("/")
        self._metrics = metrics
        self._body_s = body_s
        self._open = 0

    async def of_connection(self, request: web.Request) -> web.Response:
        return await self._answered(request, self._receiver.target_of_token(request.match_info["token"]))

    async def of_app(self, request: web.Request) -> web.Response:
        return await self._answered(request, self._receiver.target_of_app(request.match_info["product"]))

    async def _answered(self, request: web.Request, finding: Awaitable[Target]) -> web.Response:
        """The one place where everything is caught: a product never hears more of our troubles than "come again"."""
        begun, product, result = time.perf_counter(), "", "accepted"
        try:
            target = await finding
            product = target.product
            response = await self._taken(request, target)
        except Refused as refusal:
            result, response = refusal.reason, _refusal(refusal)
        except Exception as error:
            frames = traceback.format_tb(error.__traceback__)  # no message: it may quote what was sent
            log.error("webhook_failed", product=product, error=type(error).__name__, frames=frames)  # noqa: TRY400
            result, response = "failed", _refusal(Refused("away"))
        self._metrics.count(product, result, time.perf_counter() - begun if result == "accepted" else None)
        return response

    async def _taken(self, request: web.Request, target: Target) -> web.Response:
        if request.method in ("GET", "HEAD"):
            return web.Response(text="ok")
        if self._open >= MAX_OPEN_REQUESTS:
            raise Refused("busy")
        self._open += 1
        try:
            answer = await target.take(await self._incoming(request, target.limit))
        finally:
            self._open -= 1
        if answer is None:
            return web.Response(status=202)
        return web.Response(status=answer.status, headers=answer.headers, text=answer.body)

    async def _incoming(self, request: web.Request, limit: int) -> Incoming:
        raw = await read_body(request, limit, self._body_s)
        origin = self._public_url or f"{request.scheme}://{request.host}"
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = dict(request.query) if "?" in request.raw_path else {}
        return Incoming(request.method, origin + request.raw_path, headers, query, raw)


def _refusal(refusal: Refused) -> web.Response:
    headers = {"Retry-After": RETRY_AFTER_S} if refusal.status == 503 else None
    return web.Response(status=refusal.status, text=refusal.reason, headers=headers)
