"""What is done to the cluster while events flow."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Sequence

from tests.faults.chaos.cluster import Broker, Worker

PAUSE_S = 10.0
"""Longer than a session: the group has moved on when the worker wakes up."""

Fault = Callable[[random.Random, Broker, Sequence[Worker]], Awaitable[None]]


async def kill_one(chance: random.Random, broker: Broker, workers: Sequence[Worker]) -> None:
    chance.choice(workers).signal(signal.SIGKILL)


async def kill_both(chance: random.Random, broker: Broker, workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.signal(signal.SIGKILL)


async def rolling_restart(chance: random.Random, broker: Broker, workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.signal(signal.SIGTERM)
        await asyncio.sleep(3)


async def pause_one(chance: random.Random, broker: Broker, workers: Sequence[Worker]) -> None:
    worker = chance.choice(workers)
    worker.signal(signal.SIGSTOP)
    await asyncio.sleep(PAUSE_S)
    worker.signal(signal.SIGCONT)


async def kill_broker(chance: random.Random, broker: Broker, workers: Sequence[Worker]) -> None:
    await broker.kill()
    await broker.start()


async def restart_broker(chance: random.Random, broker: Broker, workers: Sequence[Worker]) -> None:
    await broker.stop()
    await broker.start()


async def kill_broker_and_one(chance: random.Random, broker: Broker, workers: Sequence[Worker]) -> None:
    await broker.kill()
    await kill_one(chance, broker, workers)
    await broker.start()


MODES: dict[str, list[Fault]] = {
    "kill-one": [kill_one],
    "kill-both": [kill_both],
    "rolling-restart": [rolling_restart],
    "pause": [pause_one],
    "broker-kill": [kill_broker],
    "broker-restart": [restart_broker],
    "all": [kill_one, kill_broker, pause_one, rolling_restart, kill_broker_and_one, kill_both, restart_broker],
}
"""Each fault of a mode in turn; `all` begins at a place that its seed chooses."""
