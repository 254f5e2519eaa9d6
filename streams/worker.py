"""One worker process: starts the app in this process, stops it on SIGTERM, and says how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import structlog
import uvloop

from streams.app import App
from streams.lease import EXIT_CRASHED, EXIT_OK, leave

STOP_TIMEOUT_S = 30.0
"""After that the process ends with what was not committed, to be done again."""

log = structlog.get_logger()


def run(app: App) -> int:
    """Run until SIGTERM or SIGINT; the exit code. 74 and 75 never return: see `streams.lease.leave`."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(app))


async def _serve(app: App) -> int:
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    starting = asyncio.create_task(app.start())
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
