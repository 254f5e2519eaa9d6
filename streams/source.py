"""The source stage: hints that a record may have changed become a snapshot of what it is now.

No Kafka and no Faust inside. Whatever `handle` was given has reached a topic when it returns: as a snapshot on
`sync`, as something due later, or as an end in the trail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from connectors.errors import CallFailed
from schemas.configuration import Connection
from schemas.events import Category, Change, Due, End, Reading, Snapshot, Trail
from schemas.records import RecordId
from streams.boundary import described
from streams.breaker import Breaker
from streams.emit import Emit
from streams.failures import GIVE_UP_MS, INACTIVE_WAIT_MS, break_connection, remedy_of, wait_ms
from streams.ports import Accounts, Client, Publish, now_ms

IN_MEMORY_MS = 2_000
"""A hint that must wait no longer than this waits in the worker; a longer one waits in MySQL."""
SETTLE_MS = 30_000
"""So long a product may still show a record that it said was deleted."""
SETTLE_PAUSE_MS = 5_000
UNKNOWN_CONNECTION_MS = 60_000
"""So long a connection that we have never heard of may merely be new."""
SHED_MS = 3_000
Kind = Literal["waiting", "attention", "filtered"]


class SourceStage:
    """Reads records. Safe for concurrent use, one `handle` per record at a time."""

    def __init__(self, accounts: Accounts, publish: Publish, now: Callable[[], int] = now_ms) -> None:
        self._accounts = accounts
        self._emit = Emit(publish, "source")
        self._now = now
        self._breaker = Breaker(now)

    def delay_s(self, change: Change) -> float:
        """How long the shell keeps the change in memory before it hands it over; 0 where `handle` parks it."""
        wait = change.not_before - self._now()
        return wait / 1000 if 0 < wait <= IN_MEMORY_MS else 0.0

    async def handle(self, changes: Sequence[Change]) -> None:
        """Read the record of these changes (all of one record) once for all of them."""
        later = [change for change in changes if change.not_before > self._now()]
        for change in later:
            await self._wait(change, change.not_before)
        ready = [change for change in changes if change not in later]
        if ready:
            await self._take(ready)

    async def put_off(self, changes: Sequence[Change]) -> None:
        """Their connection has too much waiting: try again in a moment."""
        for change in changes:
            await self._wait(change, self._now() + SHED_MS, "busy")

    async def failed(self, changes: Sequence[Change], error: Exception) -> None:
        """Handling them failed in a way that nobody foresaw: for a person; out of time, they are tried again."""
        if isinstance(error, TimeoutError):
            return await self._wait_all(changes, self._now() + SHED_MS, "timeout", "timeout")
        await self._end(changes, "attention", "poison", message=described(error))
        return None

    async def _take(self, changes: Sequence[Change]) -> None:
        connection = self._accounts.connection(changes[0].record.connection)
        if connection is None:
            return await self._without_connection(changes)
        if any(change.tenant != connection.tenant for change in changes):
            return await self._end(changes, "attention", "wrong_tenant")
        if connection.state != "active":
            return await self._wait_all(changes, self._now() + INACTIVE_WAIT_MS, f"connection_{connection.state}")
        if pause := self._breaker.wait_ms(connection.id):
            return await self._wait_all(changes, self._now() + pause, "breaker")
        try:
            await self._read(connection, changes)
        except CallFailed as error:
            await self._after_failure(connection, changes, error)
            return None
        self._breaker.succeeded(connection.id)
        return None

    async def _without_connection(self, changes: Sequence[Change]) -> None:
        now = self._now()
        young = [change for change in changes if now - change.received_at < UNKNOWN_CONNECTION_MS]
        await self._wait_all(young, now + INACTIVE_WAIT_MS, "connection_unknown")
        old = [change for change in changes if change not in young]
        if old:
            await self._end(old, "filtered", "connection_removed")

    async def _read(self, connection: Connection, changes: Sequence[Change]) -> None:
        client = self._accounts.client(connection)
        record = changes[0].record
        merge = next((change for change in changes if change.kind == "merge" and change.into), None)
        if merge and merge.into and await self._merge(client, merge, merge.into, changes):
            return
        began = self._now()
        reading = await client.get(record.entity, record.id)
        if reading is None:
            await self._tell(self._tombstone(changes, began))
            return
        doubtful = [
            change
            for change in changes
            if change.kind in ("delete", "erase") and self._now() - change.received_at < SETTLE_MS
        ]
        await self._wait_all(doubtful, self._now() + SETTLE_PAUSE_MS, "still_there")
        seen = [change for change in changes if change not in doubtful]
        await self._tell(
            _snapshot(record, seen or changes, reading, ids=tuple(change.id for change in seen)), changes[0].source
        )

    async def _merge(self, client: Client, merge: Change, into: RecordId, changes: Sequence[Change]) -> bool:
        """The record that lives on is read first; True if it is there, and the merged one was given its tombstone."""
        if into.connection != merge.record.connection or into == merge.record:
            return False
        began = self._now()
        survivor = await client.get(into.entity, into.id)
        if survivor is None:
            return False
        await self._tell(self._tombstone(changes, began, into))
        await self._tell(_snapshot(into, [merge], survivor, ids=()), merge.source)
        return True

    def _tombstone(self, changes: Sequence[Change], began: int, into: RecordId | None = None) -> Snapshot:
        gone_at = max((change.at or 0 for change in changes if change.kind != "upsert"), default=0) or self._now()
        return Snapshot(
            id=f"{changes[0].id}/gone/{began}",
            tenant=changes[0].tenant,
            record=changes[0].record,
            gone_at=gone_at,
            read_from=began,
            erased=any(change.kind == "erase" for change in changes),
            into=into,
            changes=tuple(change.id for change in changes),
            received_at=min(change.received_at for change in changes),
        )

    async def _tell(self, snapshot: Snapshot, hinted_by: str = "") -> None:
        """Put the snapshot into the tenant's order, and into the history what was read and because of which hints."""
        entry = Trail(
            id=f"{snapshot.id}/read",
            tenant=snapshot.tenant,
            at=self._now(),
            stage="source",
            kind="read" if snapshot.reading else "gone",
            record=snapshot.record,
            other=snapshot.into,
            changes=snapshot.changes,
            reason=hinted_by if snapshot.reading else _why_gone(snapshot),
            received_at=snapshot.received_at,
        )
        await asyncio.gather(self._emit.sync(snapshot, "snapshot"), self._emit.trail(entry))

    async def _after_failure(self, connection: Connection, changes: Sequence[Change], error: CallFailed) -> None:
        now = self._now()
        remedy = remedy_of(error.category)
        if remedy == "retry":
            self._breaker.failed(connection.id)
        if remedy == "reconnect":
            await break_connection(self._accounts, self._emit, connection, error, now)
            await self._wait_all(changes, now + INACTIVE_WAIT_MS, "connection_broken", error.category)
            return
        if remedy == "gone":
            await self._tell(self._tombstone(changes, now))
            return
        if remedy == "person":
            await self._end(changes, "attention", "unreadable", error.category, error.message)
            return
        for change in changes:
            if now - change.received_at > GIVE_UP_MS:
                await self._end([change], "attention", "unreadable", error.category, error.message)
                continue
            await self._wait(change, now + wait_ms(error, change.received_at, now), error.category, error.category)

    async def _wait_all(
        self, changes: Sequence[Change], at: int, reason: str, category: Category | None = None
    ) -> None:
        for change in changes:
            await self._wait(change, at, reason, category)

    async def _wait(self, change: Change, at: int, reason: str = "", category: Category | None = None) -> None:
        """Have the change come back at `at`. `reason` is told to people; "" is a wait that means nothing to them."""
        await self._emit.due(Due(id=change.id, tenant=change.tenant, at=at, change=change))
        if reason:
            await self._emit.trail(self._entry(change, f"waiting/{reason}", "waiting", reason, category))

    def _entry(self, change: Change, suffix: str, kind: Kind, reason: str, category: Category | None = None) -> Trail:
        return Trail(
            id=f"{change.id}/{suffix}",
            tenant=change.tenant,
            at=self._now(),
            stage="source",
            kind=kind,
            record=change.record,
            changes=(change.id,),
            reason=reason,
            category=category,
            received_at=change.received_at,
        )

    async def _end(
        self, changes: Sequence[Change], end: End, reason: str, category: Category | None = None, message: str = ""
    ) -> None:
        for change in changes:
            kind: Kind = "attention" if end == "attention" else "filtered"
            entry = self._entry(change, f"end/{reason}", kind, reason, category)
            await self._emit.trail(msgspec.structs.replace(entry, end=end, message=message[:500]))


def _why_gone(snapshot: Snapshot) -> str:
    if snapshot.erased:
        return "erased"
    return "merged" if snapshot.into else "gone"


def _snapshot(record: RecordId, changes: Sequence[Change], reading: Reading, ids: tuple[str, ...]) -> Snapshot:
    return Snapshot(
        id=f"{changes[0].id}/read/{reading.read_from}",
        tenant=changes[0].tenant,
        record=record,
        reading=reading,
        changes=ids,
        received_at=min(change.received_at for change in changes),
    )
