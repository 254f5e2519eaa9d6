"""What is to happen later: taken from its topic into MySQL, and put where it belongs when its time has come.

What is about a connection that is paused or broken stays here until the connection is active again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import ConsumerRecord

from schemas.events import Due, Trail, decode_due, encode
from schemas.records import RecordId
from streams.crawler.context import Crawl, all_of
from streams.database import Database, Row, Transaction
from streams.errors import DatabaseAway
from streams.historian.rows import ID_LENGTH, fitting
from streams.stopping import pause

LEASE_MS = 30_000
HELD_MS = 15_000
"""How often to look whether a connection is active again."""
AT_ONCE = 200
IDLE_S = 0.1
AWAY_S = 1.0

KEEP = (
    "INSERT INTO due (tenant, id, at, payload) VALUES (%s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE at = VALUES(at), payload = VALUES(payload), leased_until = 0"
)
"""A repeated id is one thing: its newest time holds, also while an earlier one is being fired."""
RIPE = (
    "SELECT tenant, id, payload FROM due WHERE at <= %s AND leased_until <= %s ORDER BY at LIMIT %s"
    " FOR UPDATE SKIP LOCKED"
)
LEASE = "UPDATE due SET leased_until = %s WHERE tenant = %s AND id = %s"
FIRED = "DELETE FROM due WHERE tenant = %s AND id = %s AND leased_until = %s"
HOLD = "UPDATE due SET at = %s, leased_until = 0 WHERE tenant = %s AND id = %s AND leased_until = %s"

log = structlog.get_logger()


async def collect(consumer: AIOKafkaConsumer, database: Database, asked: asyncio.Event) -> None:
    """Take what is due later into MySQL, and commit only what is there. Until asked to stop."""
    while not asked.is_set():
        batches = await consumer.getmany(timeout_ms=200, max_records=500)
        rows = kept(record for batch in batches.values() for record in batch)
        while batches and not asked.is_set():
            try:
                await database.many(KEEP, rows)
            except DatabaseAway as error:
                log.warning("wait_for_mysql", reason=str(error))
                await pause(asked, AWAY_S)
                continue
            try:
                await consumer.commit()
            except (CommitFailedError, IllegalStateError) as error:
                log.info("batch_repeats", reason=type(error).__name__)
            break


def kept(records: Iterable[ConsumerRecord]) -> list[tuple[object, ...]]:
    """Rows of the table; of equal ids the last one, and nothing for what cannot be read."""
    rows: dict[tuple[str, str], tuple[object, ...]] = {}
    for record in records:
        try:
            due = decode_due(record.value)
        except (msgspec.DecodeError, TypeError) as error:
            log.warning("skip_due", partition=record.partition, offset=record.offset, error=type(error).__name__)
            continue
        id = fitting(due.id, ID_LENGTH)
        rows[due.tenant, id] = (due.tenant, id, due.at, encode(due).decode())
    return list(rows.values())


async def fire_while(crawl: Crawl, asked: asyncio.Event) -> None:
    """Fire what is due, until asked to stop."""
    while not asked.is_set():
        try:
            fired = await fire(crawl)
        except DatabaseAway as error:
            log.warning("wait_for_mysql", reason=str(error))
            await pause(asked, AWAY_S)
            continue
        if fired < AT_ONCE:
            await pause(asked, IDLE_S)


async def fire(crawl: Crawl) -> int:
    """Fire what is due now, at most AT_ONCE of it; how many were looked at."""
    now = crawl.now()
    until = now + LEASE_MS
    rows = await _lease(crawl.database, now, until)
    await all_of([_fire(crawl, row, until) for row in rows])
    return len(rows)


async def _lease(database: Database, now: int, until: int) -> list[Row]:
    async def take(transaction: Transaction) -> list[Row]:
        rows = await transaction.rows(RIPE, now, now, AT_ONCE)
        for row in rows:
            await transaction.execute(LEASE, until, row["tenant"], row["id"])
        return rows

    return await database.run(take)


async def _fire(crawl: Crawl, row: Row, until: int) -> None:
    due = decode_due(row["payload"].encode())
    record = _record(due)
    connection = crawl.products.connection(record.connection) if record else None
    if connection is not None and connection.state != "active":
        await crawl.database.execute(HOLD, crawl.now() + HELD_MS, row["tenant"], row["id"], until)
        return
    if due.event is not None:
        await crawl.emit.sync(due.event, "nudge")
    if due.change is not None and connection is not None:
        await crawl.hint(connection, due.change)
    if due.change is not None and connection is None:
        await crawl.emit.trail(_removed(due, crawl.now()))
    await crawl.database.execute(FIRED, row["tenant"], row["id"], until)


def _record(due: Due) -> RecordId | None:
    if due.change is not None:
        return due.change.record
    return due.event.record if due.event is not None else None


def _removed(due: Due, now: int) -> Trail:
    """A change of a connection that is no more has reached its end."""
    assert due.change is not None  # noqa: S101  # its caller looked
    return Trail(
        id=f"{due.change.id}/end/connection_removed",
        tenant=due.tenant,
        at=now,
        stage="crawler",
        kind="filtered",
        record=due.change.record,
        changes=(due.change.id,),
        end="filtered",
        reason="connection_removed",
        received_at=due.change.received_at,
    )
