"""Stored means stored, on a real broker; a broker that is away is said so in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.services import Kafka
from schemas.headers import Headers
from schemas.settings import Kafka as KafkaSettings
from tests.ports import free_port
from webhooks.errors import Refused
from webhooks.publisher import Publisher
from webhooks.sorting import Message

DEADLINE_S = 60


def message(topic: str, value: bytes = b"{}", key: bytes = b"k") -> Message:
    headers: Headers = [("ce_id", b"1")]
    return Message(topic, key, value, headers)


async def ready(publisher: Publisher) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not publisher.ready:  # noqa: ASYNC110 - the broker tells nobody when it is back
            await asyncio.sleep(0.02)


async def stored(bootstrap: str, topic: str, partitions: int = 4) -> list[tuple[bytes, bytes]]:
    """All (key, value) of a topic; those of one key in their order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        parts = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        found: list[tuple[bytes, bytes]] = []
        while len(found) < sum(ends.values()):
            for batch in (await consumer.getmany(timeout_ms=5_000)).values():
                found += [(record.key, record.value) for record in batch]
        return found
    finally:
        await consumer.stop()


@pytest.fixture
async def publisher(kafka: Kafka) -> AsyncIterator[Publisher]:
    publishing = Publisher(KafkaSettings(bootstrap=kafka.bootstrap))
    await publishing.start()
    await ready(publishing)
    yield publishing
    await publishing.stop()


async def test_what_is_published_is_stored_in_order(
    publisher: Publisher, kafka: Kafka, create_topics: Callable[..., None], unique: str
) -> None:
    create_topics(unique)
    await publisher.publish([message(unique, b"%d" % number) for number in range(100)])
    assert await stored(kafka.bootstrap, unique) == [(b"k", b"%d" % number) for number in range(100)]


async def test_many_at_once_are_all_stored(
    publisher: Publisher, kafka: Kafka, create_topics: Callable[..., None], unique: str
) -> None:
    create_topics(unique)
    wanted = [(b"key %d" % number, b"%d" % number) for number in range(300)]
    await asyncio.gather(*(publisher.publish([message(unique, value, key)]) for key, value in wanted))
    assert sorted(await stored(kafka.bootstrap, unique)) == sorted(wanted)


async def test_more_than_the_bound_is_refused_and_then_accepted_again(
    kafka: Kafka, create_topics: Callable[..., None], unique: str
) -> None:
    create_topics(unique)
    levels: list[int] = []
    publisher = Publisher(KafkaSettings(bootstrap=kafka.bootstrap), max_bytes=10_000, on_in_flight=levels.append)
    await publisher.start()
    await ready(publisher)
    with pytest.raises(Refused, match="busy"):
        await publisher.publish([message(unique)] * 20)
    await publisher.publish([message(unique)] * 5)
    await publisher.publish([message(unique)] * 5)
    assert max(levels) <= 10_000
    assert levels[-1] == 0
    await publisher.stop()


async def test_a_topic_that_is_not_there_is_refused_in_time(kafka: Kafka, unique: str) -> None:
    publisher = Publisher(KafkaSettings(bootstrap=kafka.bootstrap), deadline_s=0.3)
    await publisher.start()
    await ready(publisher)
    with pytest.raises(Refused, match="away"):
        await publisher.publish([message(unique)])
    await publisher.stop()


async def test_a_message_that_no_broker_takes_is_refused_and_the_next_is_stored(
    publisher: Publisher, kafka: Kafka, create_topics: Callable[..., None], unique: str
) -> None:
    create_topics(unique)
    with pytest.raises(Refused, match="away"):
        await publisher.publish([message(unique, b"x" * 2_000_000)])
    await ready(publisher)
    await publisher.publish([message(unique)])
    assert len(await stored(kafka.bootstrap, unique)) == 1


async def test_without_a_broker_it_refuses_at_once_and_stops_in_time() -> None:
    publisher = Publisher(KafkaSettings(bootstrap=f"127.0.0.1:{free_port()}"))
    await publisher.start()
    assert not publisher.ready
    with pytest.raises(Refused, match="away"):
        await publisher.publish([message("any")])
    await publisher.stop()


async def test_a_broker_that_dies_is_said_so_and_found_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    broker = Kafka(tmp_path_factory.mktemp("k"), free_port())
    broker.start()
    await _make_topic(broker.bootstrap)
    publisher = Publisher(KafkaSettings(bootstrap=broker.bootstrap), deadline_s=0.5)
    await publisher.start()
    await ready(publisher)
    await publisher.publish([message("t", b"before")])
    broker.kill()
    for _ in range(3):
        with pytest.raises(Refused, match="away"):
            await publisher.publish([message("t", b"meanwhile")])
    assert not publisher.ready
    broker.start()
    await ready(publisher)
    await _accepted(publisher, message("t", b"after"))
    values = [value for _, value in await stored(broker.bootstrap, "t", 1)]
    assert values[0] == b"before"
    assert b"after" in values
    await publisher.stop()
    broker.stop()


async def _accepted(publisher: Publisher, wanted: Message) -> None:
    """As a product does: send again until it is taken."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                await publisher.publish([wanted])
            except Refused:
                await asyncio.sleep(0.05)
            else:
                return


async def _make_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("t", num_partitions=1, replication_factor=1)])
    await admin.close()
