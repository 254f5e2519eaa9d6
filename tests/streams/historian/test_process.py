"""The historian between a real broker and a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from deploy.local.services import Kafka
from schemas.events import Trail, encode
from streams.database import Database, Transaction
from streams.errors import DatabaseAway
from streams.historian.process import follow

T = TypeVar("T")


class Away(Database):
    """A database that is away the first times it is asked."""

    def __init__(self, database: Database, times: int) -> None:
        self._database = database
        self.times = times

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        if self.times:
            self.times -= 1
            raise DatabaseAway("gone for a moment")
        return await self._database.run(work)


@asynccontextmanager
async def following(kafka: Kafka, topic: str, database: Database) -> AsyncIterator[AIOKafkaConsumer]:
    """A historian at work on this topic; it has stopped by itself when the block ends."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka.bootstrap,
        group_id=topic,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    asked = asyncio.Event()
    work = asyncio.create_task(follow(consumer, database, asked))
    try:
        yield consumer
    finally:
        asked.set()
        await work
        await consumer.stop()


async def publish(kafka: Kafka, topic: str, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    for value in values:
        await producer.send_and_wait(topic, value, partition=0)
    await producer.stop()


async def committed(consumer: AIOKafkaConsumer, topic: str, offset: int) -> None:
    async with asyncio.timeout(20):
        while (await consumer.committed(TopicPartition(topic, 0)) or 0) < offset:  # noqa: ASYNC110  nothing tells us
            await asyncio.sleep(0.05)


async def test_entries_are_written_past_poison_and_while_the_database_comes_and_goes(
    kafka: Kafka, pool: Database, unique: str, create_topics: Callable[..., None]
) -> None:
    create_topics(unique, partitions=1)
    entry = Trail(id="e0", tenant=unique, at=1_800_000_000_000, stage="sync", kind="decided")
    entries = [encode(msgspec.structs.replace(entry, id=f"e{number}")) for number in range(700)]
    await publish(kafka, unique, [*entries[:300], b"{", b"", *entries[300:]])
    async with following(kafka, unique, Away(pool, times=1)) as consumer:
        await committed(consumer, unique, 702)
    (row,) = await pool.read("SELECT COUNT(*) AS entries FROM trail WHERE tenant = %s", unique)
    assert row["entries"] == 700


async def test_nothing_is_committed_that_was_not_written(
    kafka: Kafka, pool: Database, unique: str, create_topics: Callable[..., None]
) -> None:
    create_topics(unique, partitions=1)
    entry = Trail(id="e0", tenant=unique, at=1_800_000_000_000, stage="sync", kind="decided")
    await publish(kafka, unique, [encode(entry)])
    away = Away(pool, times=1_000)
    async with following(kafka, unique, away) as consumer:
        async with asyncio.timeout(20):
            while away.times == 1_000:  # noqa: ASYNC110  nothing tells us
                await asyncio.sleep(0.05)
        assert await consumer.committed(TopicPartition(unique, 0)) is None
    async with following(kafka, unique, pool) as consumer:
        await committed(consumer, unique, 1)
    (row,) = await pool.read("SELECT COUNT(*) AS entries FROM trail WHERE tenant = %s", unique)
    assert row["entries"] == 1
