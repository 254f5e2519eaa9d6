"""Each rule of `streams.app` taken out, by putting what Faust does into the classes of this process.

The run must then show what the rule is for. For rules whose hole only a special moment shows, `tests/streams/`
has the proof by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from faust.transport.drivers import aiokafka as driver

from streams.app import Consumer
from streams.lease import Lease
from streams.outbox import BrokerOutbox


def hold() -> None:
    """Rule 1: source partitions open before the last queue was cleared."""
    for name in ("resume_partitions", "resume_flow", "on_partitions_assigned"):
        setattr(Consumer, name, getattr(driver.Consumer, name))


def deliverable() -> None:
    """Rule 1: what a fetch may take is asked when it begins."""
    Consumer._getmany = driver.Consumer._getmany  # type: ignore[method-assign]  # stock behaviour


def watermark() -> None:
    """Rule 2: the newest acknowledged offset is committed, whatever is under way before it."""
    ack = Consumer.ack
    acked: dict[Any, int] = {}

    def newest(self: Consumer, message: Any) -> bool:
        done = ack(self, message)
        acked[message.tp] = max(acked.get(message.tp, 0), message.offset + 1)
        self._watermarks[message.tp]._committable = acked[message.tp]
        return done

    Consumer.ack = newest  # type: ignore[method-assign]  # as above


def stored() -> None:
    """Rule 3: nobody waits for the broker's answer, and nobody minds it."""
    send = BrokerOutbox.send

    async def forget(self: BrokerOutbox, output: Any) -> Any:
        await send(self, output)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    BrokerOutbox.send = forget  # type: ignore[method-assign]  # as above
    BrokerOutbox._require_stored = lambda self, stored: None  # type: ignore[method-assign]  # as above


def lease() -> None:
    """Rule 4: a worker believes that it is a member until it is told otherwise, and then goes on."""
    Lease.valid = True  # type: ignore[assignment, method-assign]  # as above
    Lease.lost = lambda self: None  # type: ignore[method-assign]  # as above


WITHOUT: dict[str, Callable[[], None]] = {
    "hold": hold,
    "deliverable": deliverable,
    "watermark": watermark,
    "stored": stored,
    "lease": lease,
}
