"""Messages to the broker: acknowledged means that all in-sync replicas have them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.settings import Kafka
from webhooks.errors import Refused
from webhooks.sorting import Message

log = structlog.get_logger()

DEADLINE_S = 3.5
"""A product waits for 5 s, some for 4: by then it must have heard from us."""
MAX_BYTES = 64 * 1024 * 1024
"""Of messages that the broker has not acknowledged. More would be memory that we promise without having it."""
OVERHEAD_BYTES = 1_024
"""What a message costs besides its value."""
RECONNECT_S = 0.5
STOP_S = 5.0


class Publisher:
    """An idempotent producer, made anew whenever it cannot go on.

    A request whose answer was 503 may have been stored all the same: what comes again has the same change ids.
    """

    def __init__(
        self,
        kafka: Kafka,
        *,
        deadline_s: float = DEADLINE_S,
        max_bytes: int = MAX_BYTES,
        on_in_flight: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._kafka = kafka
        self._deadline_s = deadline_s
        self._max_bytes = max_bytes
        self._on_in_flight = on_in_flight
        self._producer: AIOKafkaProducer | None = None
        self._lost: AIOKafkaProducer | None = None
        self._task: asyncio.Task[None] | None = None
        self._broken = asyncio.Event()
        self._in_flight = 0
        self._bytes = 0
        self._answers = True

    async def start(self) -> None:
        """Connect in the background: without a broker the process lives, and answers 503."""
        self._task = asyncio.create_task(self._keep_connected(), name="publisher")

    async def stop(self) -> None:
        """Wait a moment for what is on its way, then let go."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._producer:
            await _stopped(self._producer)
            self._producer = None

    @property
    def ready(self) -> bool:
        """False while the broker takes nothing."""
        return self._producer is not None and self._answers

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when every message is stored. Raises Refused (`busy`, `away`) within the deadline otherwise."""
        size = sum(len(message.value) + OVERHEAD_BYTES for message in messages)
        if self._bytes + size > self._max_bytes:
            raise Refused("busy")
        producer = self._producer
        if producer is None:
            raise Refused("away")
        try:
            async with asyncio.timeout(self._deadline_s):
                stored = [await self._sent(producer, message) for message in messages]
                await asyncio.wait(stored)
        except TimeoutError as error:
            self._answers = False
            raise Refused("away") from error
        if any(future.exception() for future in stored):
            raise Refused("away")

    async def _sent(self, producer: AIOKafkaProducer, message: Message) -> asyncio.Future[Any]:
        """The future of a message that waits for its acknowledgement; counted until then, whoever waits for it."""
        try:
            stored: asyncio.Future[Any] = await producer.send(
                message.topic, message.value, key=message.key, headers=message.headers
            )
        except KafkaError as error:
            self._replace(producer, error)
            raise Refused("away") from error
        size = len(message.value) + OVERHEAD_BYTES
        self._count(1, size)
        stored.add_done_callback(partial(self._settled, producer, size))
        return stored

    def _settled(self, producer: AIOKafkaProducer, size: int, stored: asyncio.Future[Any]) -> None:
        self._count(-1, -size)
        if error := stored.exception():
            self._replace(producer, error)
        else:
            self._answers = True

    def _count(self, messages: int, size: int) -> None:
        self._in_flight += messages
        self._bytes += size
        self._on_in_flight(self._in_flight)

    def _replace(self, producer: AIOKafkaProducer, error: BaseException) -> None:
        """A batch that failed leaves a gap in the sequence numbers, after which the broker takes nothing more."""
        if self._producer is producer:
            log.warning("producer_failed", reason=type(error).__name__)
            self._producer, self._lost = None, producer
            self._broken.set()

    async def _keep_connected(self) -> None:
        while True:
            self._producer = await self._connected()
            log.info("producer_connected", bootstrap=self._kafka.bootstrap)
            await self._broken.wait()
            self._broken.clear()
            if self._lost:
                await _stopped(self._lost)
                self._lost = None

    async def _connected(self) -> AIOKafkaProducer:
        reported = False
        while True:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._kafka.bootstrap,
                enable_idempotence=True,
                acks="all",
                request_timeout_ms=10_000,
                retry_backoff_ms=100,
                max_batch_size=1024 * 1024,
                max_request_size=1024 * 1024,
            )
            try:
                async with asyncio.timeout(STOP_S):
                    await producer.start()
            except (KafkaError, OSError, TimeoutError) as error:
                if not reported:
                    log.warning("broker_away", bootstrap=self._kafka.bootstrap, reason=type(error).__name__)
                reported = True
                await _stopped(producer)
                await asyncio.sleep(RECONNECT_S)
            except asyncio.CancelledError:
                await _stopped(producer)
                raise
            else:
                return producer


async def _stopped(producer: AIOKafkaProducer) -> None:
    """Stop a producer that may have lost its broker, which would have it wait for ever."""
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(STOP_S):
            await producer.stop()
