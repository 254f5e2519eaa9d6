"""How a stage says something: each message on its topic, under its key, with its headers."""

from __future__ import annotations

from typing import Literal

from schemas import topics
from schemas.events import Change, Due, SyncEvent, Trail, encode
from schemas.headers import headers_of
from streams.ports import Publish, now_ms

Stage = Literal["source", "sink", "crawler"]


class Emit:
    """Publishes in the name of one stage. Every method returns when the broker has the message."""

    def __init__(self, publish: Publish, stage: Stage) -> None:
        self._publish = publish
        self.stage = stage

    async def sync(self, event: SyncEvent, type: str) -> None:
        """Put an event into its tenant's order."""
        await self._send(topics.SYNC, event.tenant.encode(), event, type)

    async def trail(self, entry: Trail) -> None:
        """Add to the history."""
        await self._send(topics.TRAIL, entry.tenant.encode(), entry, f"trail.{entry.kind}")

    async def change(self, product: str, change: Change) -> None:
        """Ask the source stage to read a record."""
        await self._send(topics.changes(product), change.record.key, change, "change")

    async def due(self, due: Due) -> None:
        """Ask for something later."""
        record = due.change.record if due.change else due.event.record if due.event else None
        await self._send(topics.DUE, record.key if record else due.tenant.encode(), due, "due")

    async def _send(self, topic: str, key: bytes, message: SyncEvent | Trail | Change | Due, type: str) -> None:
        headers = headers_of(id=message.id, source=self.stage, type=type, at=now_ms())
        await self._publish(topic, key, encode(message), headers)
