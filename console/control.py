"""Speaking into a tenant's order: controls, nudges and hints, put on Kafka by a person's command."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from schemas import topics
from schemas.events import Change, Control, Message, Nudge, Trail, encode
from schemas.headers import headers_of
from schemas.records import RecordId
from schemas.settings import Settings


class Voice:
    """Sends and waits until the broker has it."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def configured(self, tenant: str, revision: int, installation: str = "") -> None:
        """From here on the tenant is decided about with a configuration of at least this revision."""
        await self._send(
            topics.SYNC,
            tenant.encode(),
            Control(id=_id(), tenant=tenant, action="configuration", revision=revision, installation=installation),
        )

    async def look_again(self, tenant: str, record: RecordId, *, retry_held: bool = False) -> None:
        """Decide about the record again; with `retry_held` also about values that its product refused."""
        nudge = Nudge(id=_id(), tenant=tenant, record=record, reason="person", retry_held=retry_held)
        await self._send(topics.SYNC, tenant.encode(), nudge)

    async def read_again(self, tenant: str, product: str, record: RecordId) -> None:
        """Read the record again, as if its product had said that it changed."""
        change = Change(id=_id(), tenant=tenant, record=record, source="replay", received_at=_now())
        await self._send(topics.changes(product), record.key, change)

    async def reconnected(self, tenant: str, connection: str) -> None:
        """Let the history know that the connection is good again: nobody needs to look at it any more."""
        entry = Trail(
            id=_id(),
            tenant=tenant,
            at=_now(),
            stage="console",
            kind="resolved",
            record=RecordId.of_connection(connection),
            reason="reconnected",
        )
        await self._send(topics.TRAIL, tenant.encode(), entry)

    async def _send(self, topic: str, key: bytes, message: Message) -> None:
        kind = type(message).__name__.lower()
        headers = headers_of(id=message.id, source="console", type=kind, at=_now())
        await self._producer.send_and_wait(topic, encode(message), key, headers=headers)


@asynccontextmanager
async def voice(settings: Settings) -> AsyncIterator[Voice]:
    """A voice for as long as a command lasts."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield Voice(producer)
    finally:
        await producer.stop()


def _id() -> str:
    return f"console-{secrets.token_hex(8)}"


def _now() -> int:
    return time.time_ns() // 1_000_000
