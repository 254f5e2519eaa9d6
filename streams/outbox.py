"""Records on their way to the broker. One that cannot be stored ends the process (rule 3 of `streams.app`).

Whoever acknowledges an event has awaited all that it caused, so nothing is committed that was not stored; and
should somebody not have waited, a commit still waits for everything sent before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.headers import Headers
from streams.delivery import Output, TooLarge
from streams.lease import EXIT_PRODUCE_FAILED, leave
from streams.tuning import MAX_RECORD_BYTES

NO_COMPRESSION = 0
Stored = asyncio.Future[Any]


class BrokerOutbox:
    """Implements `streams.delivery.Outbox`. `client` gives the started, idempotent producer."""

    def __init__(self, client: Callable[[], AIOKafkaProducer], leave: Callable[[int, str], NoReturn] = leave) -> None:
        self._client = client
        self._leave = leave

    async def send(self, output: Output) -> Stored:
        stored = await self._handed_over(
            self._client().send(output.topic, output.value, key=output.key, headers=output.headers), len(output.value)
        )
        stored.add_done_callback(self._require_stored)
        return stored

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        await (await self.send(Output(topic, key, value, headers)))

    async def append(self, topic: str, partition: int, rows: Mapping[bytes, bytes]) -> int:
        """Put rows on a partition, all or none; the last one's offset, once all in-sync replicas have them.

        A partition takes a Kafka record batch as a whole. Raises TooLarge where the rows do not fit into one.
        """
        batch = BatchBuilder(MAX_RECORD_BYTES, NO_COMPRESSION)
        size = sum(len(key) + len(value) for key, value in rows.items())
        for key, value in rows.items():
            if batch.append(timestamp=None, key=key, value=value) is None or batch.size() > MAX_RECORD_BYTES:
                raise TooLarge("a batch of rows", size, MAX_RECORD_BYTES)
        stored = await self._handed_over(self._client().send_batch(batch, topic, partition=partition), size)
        stored.add_done_callback(self._require_stored)
        return int((await stored).offset) + len(rows) - 1

    async def _handed_over(self, sending: Awaitable[Stored], size: int) -> Stored:
        try:
            return await sending
        except MessageSizeTooLargeError as error:
            raise TooLarge("a record", size, MAX_RECORD_BYTES) from error
        except KafkaError as error:
            self._fail(error)

    def _require_stored(self, stored: Stored) -> None:
        if stored.cancelled():
            self._fail("cancelled")
        if error := stored.exception():
            self._fail(error)

    def _fail(self, error: object) -> NoReturn:
        self._leave(EXIT_PRODUCE_FAILED, f"a record was not stored: {error!r}")
