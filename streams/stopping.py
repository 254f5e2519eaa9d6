"""How a process without Faust is asked to stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    return asked


async def pause(asked: asyncio.Event, seconds: float) -> None:
    """Wait for so long, or until it is time to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(asked.wait(), seconds)
