"""A worker process: its app with its stage's agents, run in this process until SIGTERM.

@asynccontextmanager
async def worker():
    async with what_the_stage_needs() as plans:
        yield sync_worker(settings, decide, plans)

sys.exit(run(worker(), settings))
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import structlog
import uvloop

from schemas import topics
from schemas.configuration import Connection
from schemas.events import Change, Command, decode_change, decode_command
from schemas.settings import Settings
from streams.agents import add_batch_agent, add_intake_agent
from streams.app import App
from streams.boundary import described
from streams.delivery import Outbox
from streams.executor import Limits
from streams.intake import KeyedIntake, Stage
from streams.lease import EXIT_CRASHED, EXIT_OK, leave
from streams.metrics import serve_metrics
from streams.sync import BATCH, Decide, Plans, SyncStage
from streams.watchdog import start_watchdog

STOP_TIMEOUT_S = 30.0
"""After that the process ends with what was not committed, to be done again."""

log = structlog.get_logger()


def sync_worker(settings: Settings, decide: Decide, plans: Plans) -> App:
    """Decides; its tables are in `settings.data_dir`, which no other worker may share."""
    app = App(settings, "sync")
    add_batch_agent(app, topics.SYNC, SyncStage(decide, plans, app.add_state(), app.outbox), BATCH)
    return app


def source_worker(
    settings: Settings,
    products: Sequence[str],
    make_stage: Callable[[Outbox], Stage[Change]],
    connection: Callable[[str], Connection | None],
    *,
    delay_s: Callable[[Change], float] = lambda _: 0.0,
    limits: Limits | None = None,
) -> App:
    """Reads records. `connection` looks one up by its id; `delay_s` and `limits` as in `KeyedIntake`."""
    app = App(settings, "source")
    intake = KeyedIntake(
        make_stage(app.outbox), "source", decode_change, connection, app.outbox, _fatal, delay_s=delay_s, limits=limits
    )
    add_intake_agent(app, [topics.changes(product) for product in products], intake)
    return app


def sink_worker(
    settings: Settings,
    products: Sequence[str],
    make_stage: Callable[[Outbox], Stage[Command]],
    connection: Callable[[str], Connection | None],
    *,
    limits: Limits | None = None,
) -> App:
    """Writes records; arguments as of `source_worker`."""
    app = App(settings, "sink")
    intake = KeyedIntake(make_stage(app.outbox), "sink", decode_command, connection, app.outbox, _fatal, limits=limits)
    add_intake_agent(app, [topics.writes(product) for product in products], intake)
    return app


def run(worker: AbstractAsyncContextManager[App], settings: Settings) -> int:
    """Enter `worker`, run the app that it yields until SIGTERM or SIGINT, leave it, and return the exit code.

    0: stopped as asked. Otherwise the process ends here, to be started again: 1 (crashed), 74 (a record could not be
    stored) or 75 (no longer a member of the group, or standing still).
    """
    if settings.metrics_port:
        serve_metrics(settings.host, settings.metrics_port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_enter(worker))


async def _enter(worker: AbstractAsyncContextManager[App]) -> int:
    async with worker as app:
        return await _serve(app)


async def _serve(app: App) -> int:
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    starting = asyncio.create_task(app.start())
    start_watchdog(app.progress)
    ended = [asyncio.create_task(work) for work in (asked.wait(), app.wait_until_stopped(), _fails(starting))]
    await asyncio.wait(ended, return_when=asyncio.FIRST_COMPLETED)
    if not asked.is_set():
        error = starting.exception() if starting.done() else app.crash_reason
        leave(EXIT_CRASHED, f"the worker crashed: {error!r}")
    log.info("stop_worker")
    await _stop(app)
    return EXIT_OK


async def _fails(starting: asyncio.Task[None]) -> None:
    """Returns when the start has failed, and only then."""
    with contextlib.suppress(Exception):
        await starting
        await asyncio.Event().wait()


async def _stop(app: App) -> None:
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await app.stop()
    except TimeoutError:
        leave(EXIT_CRASHED, f"not stopped within {STOP_TIMEOUT_S:g} s")


def _fatal(error: BaseException) -> None:
    leave(EXIT_CRASHED, f"a stage failed: {described(error)}")
