"""Events in a stage's hands, for tests: they remember whether they were let go of, and how."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Literal

from schemas.headers import Headers
from streams.delivery import Delivery, Output


class Receipt:
    def __init__(self) -> None:
        self.ends: list[Literal["acked", "dropped"]] = []

    def ack(self) -> None:
        self.ends.append("acked")

    def drop(self) -> None:
        self.ends.append("dropped")


def delivery(
    value: bytes, *, topic: str = "sync", partition: int = 0, offset: int = 0, key: bytes = b"t1", at: int = 1_000
) -> tuple[Delivery, Receipt]:
    receipt = Receipt()
    return Delivery(topic, partition, offset, at, key, value, (), receipt), receipt


class Kept:
    """An outbox that keeps what it was given, in order; stored at once."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []

    async def send(self, output: Output) -> Awaitable[object]:
        self.outputs.append(output)
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        stored.set_result(None)
        return stored

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        await (await self.send(Output(topic, key, value, headers)))

    def values(self, topic: str) -> Sequence[bytes]:
        return [output.value for output in self.outputs if output.topic == topic]
