"""The sync stage: the shell round `decide`. Decodes, decides, publishes, stores, acknowledges; parks what it cannot.

A batch of events is decided one after the other over an overlay of the table, then, in this order: all outputs are
stored by the broker, all changed rows are stored together (`streams.state_store`), all events are acknowledged.
A crash in between repeats the batch or a part of it, and never drops an output: outputs are durable before the state
that says they were sent. Their ids derive from the event's offset, so that a repeat is recognised.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import structlog

from schemas import topics
from schemas.configuration import Connection
from schemas.events import (
    Change,
    Command,
    Control,
    Due,
    Outcome,
    Snapshot,
    SyncEvent,
    Trail,
    decode_sync,
    encode,
)
from schemas.headers import headers_of, traceparent_of
from schemas.records import RecordId
from streams.boundary import described
from streams.delivery import Delivery, Outbox, Output, TooLarge
from streams.engine.decision import Decision, Rows
from streams.engine.plan import Plan
from streams.metrics import BATCHES, EVENTS
from streams.tuning import MAX_RECORD_BYTES

BATCH = 64
"""Events that are decided, published and stored together, at most."""
BATCH_BYTES = MAX_RECORD_BYTES // 2
"""A batch ends early when its rows have grown to this; one event's rows may still be as large again."""
OVERHEAD_BYTES = 2_000
"""Of headers, key and framing: what an output must leave free of MAX_RECORD_BYTES."""

log = structlog.get_logger()

Decide = Callable[[Rows, SyncEvent, Plan, int, int], Decision]
"""(rows, event, plan, position, now) -> decision: see `streams.engine.decision`."""


class Plans(Protocol):
    """What is installed, from the process's cache."""

    def plan(self, tenant: str) -> Plan:
        """Raises LookupError if there is no such tenant (any more)."""

    def connection(self, id: str) -> Connection | None: ...

    async def at_least(self, revision: int) -> None:
        """Returns when the cache is of this revision or later."""


class Table(Protocol):
    """The rows of the partitions that this worker owns."""

    def get(self, partition: int, key: bytes) -> bytes | None: ...

    async def write(self, partition: int, rows: Mapping[bytes, bytes]) -> None:
        """All of them or none; returns when they are stored. Raises TooLarge."""


class TableBroken(Exception):
    """The local copy cannot be read: the process must end, no event is to blame."""


class Overlay:
    """A partition's rows as they will be after the decisions of this batch so far."""

    def __init__(self, table: Table, partition: int) -> None:
        self._table = table
        self._partition = partition
        self.changed: dict[bytes, bytes] = {}
        self.size = 0

    def get(self, key: str) -> bytes | None:
        name = key.encode()
        if (value := self.changed.get(name)) is not None:
            return value
        try:
            return self._table.get(self._partition, name)
        except Exception as error:
            raise TableBroken(type(error).__name__) from error

    def put(self, rows: Mapping[str, bytes]) -> None:
        for key, value in rows.items():
            name = key.encode()
            self.changed[name] = value
            self.size += len(name) + len(value)


class SyncStage:
    """Handles the events of the partitions that this worker owns, in order within each."""

    def __init__(self, decide: Decide, plans: Plans, table: Table, outbox: Outbox) -> None:
        self._decide = decide
        self._plans = plans
        self._table = table
        self._outbox = outbox

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Returns when all that these events cause is stored, each of them acknowledged."""
        partitions: defaultdict[int, list[Delivery]] = defaultdict(list)
        for delivery in deliveries:
            partitions[delivery.partition].append(delivery)
        await asyncio.gather(*(self._handle_partition(*entry) for entry in partitions.items()))

    async def _handle_partition(self, partition: int, deliveries: Sequence[Delivery]) -> None:
        waiting = list(reversed(deliveries))
        while waiting:
            overlay = Overlay(self._table, partition)
            done: list[Delivery] = []
            stored: list[Awaitable[object]] = []
            while waiting and overlay.size < BATCH_BYTES:
                delivery = waiting.pop()
                stored += [await self._outbox.send(output) for output in await self._judge(overlay, delivery)]
                done.append(delivery)
            for record in stored:
                await record
            await self._table.write(partition, overlay.changed)
            for delivery in done:
                delivery.receipt.ack()
            BATCHES.inc()
            EVENTS.labels(topics.SYNC, "done").inc(len(done))

    async def _judge(self, overlay: Overlay, delivery: Delivery) -> Sequence[Output]:
        """What an event causes; its rows are put into the overlay. An event that cannot be judged is parked."""
        event: SyncEvent | None = None
        try:
            event = decode_sync(delivery.value)
            if isinstance(event, Control):
                await self._plans.at_least(event.revision)
            if (plan := self._plan(event.tenant)) is None:
                return [_output(topics.TRAIL, _without_tenant(event, delivery), delivery)]
            decision = self._decide(overlay, event, plan, delivery.offset, delivery.at)
            outputs = list(self._outputs(decision, delivery))
            _require_fitting(decision, outputs)
        except TableBroken:
            raise
        except Exception as error:  # the stage's one boundary
            EVENTS.labels(topics.SYNC, "parked").inc()
            log.warning("park_event", position=str(delivery), error=described(error))
            return [_output(topics.TRAIL, _parked(event, delivery, error), delivery)]
        overlay.put(decision.rows)
        return outputs

    def _outputs(self, decision: Decision, delivery: Delivery) -> Iterator[Output]:
        for command in decision.commands:
            yield _output(topics.writes(self._product(command.record)), command, delivery)
        for change in decision.changes:
            yield _output(topics.changes(self._product(change.record)), change, delivery)
        for due in decision.due:
            yield _output(topics.DUE, due, delivery)
        for entry in decision.trail:
            yield _output(topics.TRAIL, entry, delivery)

    def _plan(self, tenant: str) -> Plan | None:
        try:
            return self._plans.plan(tenant)
        except LookupError:
            return None

    def _product(self, record: RecordId) -> str:
        connection = self._plans.connection(record.connection)
        if connection is None:
            raise LookupError("connection")
        return connection.product


def _output(topic: str, message: Command | Change | Due | Trail, cause: Delivery) -> Output:
    headers = headers_of(
        id=message.id,
        source="sync",
        type=type(message).__name__.lower(),
        at=cause.at,
        traceparent=traceparent_of(cause.headers),
    )
    return Output(topic, _key_of(message), encode(message), headers)


def _key_of(message: Command | Change | Due | Trail) -> bytes:
    """As `schemas.topics` declares the keys."""
    match message:
        case Command() | Change():
            return message.record.key
        case Due(change=Change() as change):
            return change.record.key
        case Due(event=event) if event is not None:
            return event.record.key
    return message.tenant.encode()


def _require_fitting(decision: Decision, outputs: Iterable[Output]) -> None:
    """Raises TooLarge, before anything was sent, for what the broker would refuse."""
    sizes = [len(output.value) + len(output.key) for output in outputs]
    sizes.append(sum(len(key) + len(value) + 32 for key, value in decision.rows.items()) + BATCH_BYTES)
    limit = MAX_RECORD_BYTES - OVERHEAD_BYTES
    if max(sizes) > limit:
        raise TooLarge("a decision", max(sizes), limit)


def _parked(event: SyncEvent | None, delivery: Delivery, error: Exception) -> Trail:
    """Where the event is and what kind of error it causes; never what is in it."""
    return Trail(
        id=f"{delivery}/poison",
        tenant=event.tenant if event else delivery.key.decode(errors="replace"),
        at=delivery.at,
        stage="sync",
        kind="poison",
        record=event.record if event else None,
        changes=_changes_of(event),
        end="attention",
        reason="too_large" if isinstance(error, TooLarge) else "poison",
        message=f"{described(error)}, at {delivery}",
        received_at=event.received_at if isinstance(event, Snapshot | Outcome) else 0,
    )


def _without_tenant(event: SyncEvent, delivery: Delivery) -> Trail:
    return Trail(
        id=f"{delivery}/no-tenant",
        tenant=event.tenant,
        at=delivery.at,
        stage="sync",
        kind="filtered",
        record=event.record,
        changes=_changes_of(event),
        end="filtered",
        reason="tenant_removed",
    )


def _changes_of(event: SyncEvent | None) -> tuple[str, ...]:
    match event:
        case Snapshot():
            return event.changes
        case Outcome():
            return tuple(cause for field in event.fields.values() for cause in field.causes)
    return ()
