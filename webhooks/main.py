"""The receiver's process: started, served, and ended without losing what it has answered for."""

from __future__ import annotations

import asyncio
import logging
import signal

import structlog
import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry

from schemas.sealing import Keyring
from schemas.settings import Settings
from webhooks.app import Health, make_app, make_metrics_app
from webhooks.endpoints import Endpoints
from webhooks.metrics import Metrics
from webhooks.mysql import Views
from webhooks.publisher import Publisher

log = structlog.get_logger()

KEEPALIVE_S = 75.0
DRAIN_S = 8.0
"""For requests under way when we are told to stop."""


def run(settings: Settings) -> int:
    """Receive until SIGTERM or SIGINT; the exit code. Raises BadKey if the webhook key is missing or malformed."""
    ring = Keyring.from_text(settings.webhook_key.get_secret_value())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, ring))
    return 0


async def serve(settings: Settings, ring: Keyring) -> None:
    """Receive until the process is told to stop."""
    registry = CollectorRegistry()
    metrics = Metrics.of(registry)
    endpoints = Endpoints(Views(settings.mysql), ring)
    publisher = Publisher(settings.kafka, on_in_flight=metrics.in_flight.set)
    await endpoints.start()
    await publisher.start()
    app = make_app(settings, endpoints, publisher.publish, metrics, ready=lambda: publisher.ready)
    runners = [await _listening(app, settings.host, settings.webhooks_port)]
    if settings.metrics_port:
        health = Health(lambda: endpoints.ready and publisher.ready)
        runners.append(await _listening(make_metrics_app(registry, health), settings.host, settings.metrics_port))
    log.info("receiving", port=settings.webhooks_port)
    await _told_to_stop()
    for runner in runners:
        await runner.cleanup()
    await publisher.stop()
    await endpoints.stop()
    log.info("stopped")


async def _listening(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Without any log of aiohttp's: it quotes paths and malformed requests, which hold tokens."""
    silent = logging.getLogger("webhooks.silent")
    silent.setLevel(logging.CRITICAL + 1)
    runner = web.AppRunner(app, access_log=None, logger=silent, keepalive_timeout=KEEPALIVE_S, shutdown_timeout=DRAIN_S)
    await runner.setup()
    await web.TCPSite(runner, host, port, backlog=1024).start()
    return runner


async def _told_to_stop() -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
