"""Messages to the broker: acknowledged means that all in-sync replicas have them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from schemas.settings import Kafka
from webhooks.errors import Refused
from webhooks.lanes import OVERHEAD_BYTES, Lane, Ticket
from webhooks.sorting import Message

log = structlog.get_logger()

DEADLINE_S = 3.5
"""A product waits for 5 s, some for 4: by then it must have heard from us."""
MAX_BYTES = 64 * 1024 * 1024
"""Of messages that the broker has not acknowledged. More would be memory that we promise without having it."""
MAX_BATCH_BYTES = 768 * 1024
"""Of messages in one batch; a broker takes 1 MiB."""
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
        self._partition = DefaultPartitioner()
        self._producer: AIOKafkaProducer | None = None
        self._lost: AIOKafkaProducer | None = None
        self._partitions: dict[str, list[int]] = {}
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._deadlines: deque[tuple[float, Ticket]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._broken = asyncio.Event()
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
        if self._timer:
            self._timer.cancel()
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
        lanes = [self._lane(message) or await self._found_lane(message) for message in messages]
        ticket = Ticket(len(messages), size, self._let_go)
        self._hold(ticket)
        for lane, message in zip(lanes, messages, strict=True):
            lane.add(message, ticket)
        await ticket.answer

    def _lane(self, message: Message) -> Lane | None:
        """The lane of the message's key; None as long as the topic's partitions are not known."""
        partitions = self._partitions.get(message.topic)
        if self._producer is None or partitions is None:
            return None
        place = (message.topic, self._partition(message.key, partitions, partitions))
        lane = self._lanes.get(place)
        if lane is None:
            on_batch = partial(self._on_batch, self._producer)
            lane = self._lanes[place] = Lane(self._producer, *place, MAX_BATCH_BYTES, on_batch)
        return lane

    async def _found_lane(self, message: Message) -> Lane:
        """Ask for the topic's partitions, whose number never changes. Raises Refused."""
        producer = self._producer
        if producer is None:
            raise Refused("away")
        try:
            async with asyncio.timeout(self._deadline_s):
                self._partitions[message.topic] = sorted(await producer.partitions_for(message.topic))
        except (KafkaError, OSError, TimeoutError) as error:
            raise Refused("away") from error
        lane = self._lane(message)
        if lane is None:
            raise Refused("away")
        return lane

    def _hold(self, ticket: Ticket) -> None:
        loop = asyncio.get_running_loop()
        self._bytes += ticket.size
        self._on_in_flight(self._bytes)
        self._deadlines.append((loop.time() + self._deadline_s, ticket))
        if self._timer is None:
            self._timer = loop.call_later(self._deadline_s, self._refuse_late)

    def _let_go(self, ticket: Ticket) -> None:
        self._bytes -= ticket.size
        self._on_in_flight(self._bytes)

    def _refuse_late(self) -> None:
        """One timer for all requests: they have the same time each, so the oldest is the first that is too late."""
        loop, self._timer = asyncio.get_running_loop(), None
        while self._deadlines:
            due, ticket = self._deadlines[0]
            if not ticket.answer.done() and due > loop.time():
                self._timer = loop.call_at(due, self._refuse_late)
                return
            self._deadlines.popleft()
            if not ticket.answer.done():
                self._answers = False
                ticket.refuse()

    def _on_batch(self, producer: AIOKafkaProducer, failure: BaseException | None) -> None:
        """A batch that failed leaves a gap in the sequence numbers, after which the broker takes nothing more."""
        if failure is None:
            self._answers = True
            return
        if self._producer is producer:
            log.warning("producer_failed", reason=type(failure).__name__)
            self._producer, self._lost = None, producer
            self._lanes = {}
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
