"""The workers, assembled: each role's stage with what it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from schemas.settings import Settings
from streams.app import App
from streams.connected import connected, following
from streams.delivery import Outbox
from streams.engine.decide import decide
from streams.executor import Limits
from streams.intents import Intents
from streams.sink import SinkStage
from streams.source import SourceStage
from streams.worker import run, sink_worker, source_worker, sync_worker


def run_role(settings: Settings, role: str, products: Sequence[str]) -> int:
    """Run a worker of this role until SIGTERM; the exit code (see `streams.worker.run`)."""
    made = {"source": _source, "sync": _sync, "sink": _sink}[role](settings, products)
    return run(made, settings)


@asynccontextmanager
async def _source(settings: Settings, products: Sequence[str]) -> AsyncIterator[App]:
    async with connected(settings) as ours:
        stages: list[SourceStage] = []

        def make_stage(outbox: Outbox) -> SourceStage:
            stages.append(SourceStage(ours, outbox.publish))
            return stages[0]

        limits = Limits(gather_s=settings.coalesce_ms / 1000)
        yield source_worker(
            settings,
            products,
            make_stage,
            ours.connection,
            delay_s=lambda change: stages[0].delay_s(change),
            limits=limits,
        )


@asynccontextmanager
async def _sync(settings: Settings, _: Sequence[str]) -> AsyncIterator[App]:
    async with following(settings) as configuration:
        yield sync_worker(settings, decide, configuration)


@asynccontextmanager
async def _sink(settings: Settings, products: Sequence[str]) -> AsyncIterator[App]:
    async with connected(settings) as ours:
        intents = Intents(ours.database)
        yield sink_worker(settings, products, lambda outbox: SinkStage(ours, intents, outbox.publish), ours.connection)
