"""The historian: reads the trail in batches and commits an offset only after what stood before it is in MySQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import ConsumerRecord
from prometheus_client import Counter

from schemas import topics
from schemas.events import Trail, decode_trail
from schemas.settings import Settings
from streams.database import Database
from streams.errors import DatabaseAway
from streams.historian.store import store
from streams.metrics import serve_metrics
from streams.stopping import pause, stop_on_signals

GROUP = "freshpipe-historian"
BATCH = 500
WAIT_MS = 200
AWAY_PAUSE_S = 1.0
PATIENCE_MS = 3_600_000
"""MySQL may be away for so long before the group gives our partitions to another historian."""

WRITTEN = Counter("freshpipe_trail_entries", "Entries of the trail by what became of them.", ["result"])

log = structlog.get_logger()


async def run_historian(settings: Settings) -> int:
    """Write the trail down until SIGTERM. Returns the exit code."""
    asked = stop_on_signals()
    if settings.metrics_port:
        serve_metrics(settings.host, settings.metrics_port)
    database = Database(settings.mysql, size=2)
    consumer = AIOKafkaConsumer(
        topics.TRAIL,
        bootstrap_servers=settings.kafka.bootstrap,
        group_id=GROUP,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=settings.kafka.session_timeout_ms,
        heartbeat_interval_ms=settings.kafka.session_timeout_ms // 4,
        max_poll_interval_ms=PATIENCE_MS,
    )
    await consumer.start()
    try:
        await follow(consumer, database, asked)
    finally:
        await consumer.stop()
        await database.close()
    return 0


async def follow(consumer: AIOKafkaConsumer, database: Database, asked: asyncio.Event) -> None:
    """Write batch after batch until asked to stop."""
    while not asked.is_set():
        batches = await consumer.getmany(timeout_ms=WAIT_MS, max_records=BATCH)
        records = [record for batch in batches.values() for record in batch]
        if records and await _written(database, decoded(records), asked):
            await _commit(consumer)


def decoded(records: Iterable[ConsumerRecord]) -> list[Trail]:
    """The entries; what is none is counted and passed over."""
    entries = []
    for record in records:
        try:
            entries.append(decode_trail(record.value))
        except (msgspec.DecodeError, TypeError) as error:
            WRITTEN.labels("unreadable").inc()
            log.warning("skip_entry", partition=record.partition, offset=record.offset, error=type(error).__name__)
    return entries


async def _written(database: Database, entries: Sequence[Trail], asked: asyncio.Event) -> bool:
    """Whether they are in MySQL; waits for it as long as it takes, unless asked to stop."""
    while not asked.is_set():
        try:
            refused = await store(database, entries) if entries else 0
        except DatabaseAway as error:
            log.warning("wait_for_mysql", reason=str(error))
            await pause(asked, AWAY_PAUSE_S)
            continue
        WRITTEN.labels("written").inc(len(entries) - refused)
        if refused:
            WRITTEN.labels("refused").inc(refused)
            log.error("entries_refused", count=refused)
        return True
    return False


async def _commit(consumer: AIOKafkaConsumer) -> None:
    try:
        await consumer.commit()
    except (CommitFailedError, IllegalStateError) as error:
        log.info("batch_repeats", reason=type(error).__name__)  # another historian has the partitions now
