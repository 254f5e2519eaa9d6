"""Group commit: while a partition's batch is on its way to the broker, what comes gathers into the next one.

A batch per message would cost more than the whole request; a waiting time before each batch would cost every request
that time. This way a batch is as small as the broker is quick, and as large as it is slow.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from webhooks.errors import Refused
from webhooks.sorting import Message

OVERHEAD_BYTES = 1_024
"""What a message costs besides its value."""


class Ticket:
    """A request's messages on their way: `answer` is done when all are stored, or fails as soon as it is too late."""

    __slots__ = ("_failed", "_left", "answer", "on_settled", "size")

    def __init__(self, messages: int, size: int, on_settled: Callable[[Ticket], None]) -> None:
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.size = size
        self.on_settled = on_settled
        self._left = messages
        self._failed = False

    def settle(self, stored: bool) -> None:
        """One of its messages is stored, or never will be."""
        self._left -= 1
        self._failed = self._failed or not stored
        if self._left:
            return
        self.on_settled(self)
        if self._failed:
            self.refuse()
        elif not self.answer.done():
            self.answer.set_result(None)

    def refuse(self) -> None:
        """Tell who waits that the broker is away; what is on its way may be stored all the same."""
        if not self.answer.done():
            self.answer.set_exception(Refused("away"))


class Lane:
    """The messages for one partition, by one producer."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        topic: str,
        partition: int,
        max_bytes: int,
        on_batch: Callable[[BaseException | None], None],
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._partition = partition
        self._max_bytes = max_bytes
        self._on_batch = on_batch
        self._waiting: deque[tuple[Message, Ticket]] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, message: Message, ticket: Ticket) -> None:
        """Put the message into the next batch."""
        self._waiting.append((message, ticket))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"lane {self._topic}-{self._partition}")

    async def _run(self) -> None:
        """Send until nothing waits. Started in the turn after the first message, so that its neighbours come along."""
        try:
            while self._waiting:
                batch, tickets = self._next_batch()
                if tickets:
                    await self._send(batch, tickets)
        finally:
            self._task = None

    def _next_batch(self) -> tuple[Any, list[Ticket]]:
        """As many messages as fit. One that nobody waits for any longer is left out: it will be sent to us again."""
        batch, tickets, size = self._producer.create_batch(), list[Ticket](), 0
        while self._waiting:
            message, ticket = self._waiting[0]
            size += len(message.value) + OVERHEAD_BYTES
            if tickets and size > self._max_bytes:
                break
            self._waiting.popleft()
            if ticket.answer.done() or not _fits(batch, message):
                ticket.settle(stored=False)
                continue
            tickets.append(ticket)
        return batch, tickets

    async def _send(self, batch: Any, tickets: list[Ticket]) -> None:
        failure: BaseException | None = None
        try:
            stored = await self._producer.send_batch(batch, self._topic, partition=self._partition)
            await stored
        except (KafkaError, OSError) as error:
            failure = error
        self._on_batch(failure)
        for ticket in tickets:
            ticket.settle(stored=failure is None)


def _fits(batch: Any, message: Message) -> bool:
    """Append the message; False if the batch does not take it, which `max_bytes` keeps from happening."""
    appended = batch.append(timestamp=None, key=message.key, value=message.value, headers=message.headers)
    return appended is not None
