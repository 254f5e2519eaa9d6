from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, NoReturn

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.services import Kafka
from streams.delivery import Output, TooLarge
from streams.lease import EXIT_PRODUCE_FAILED
from streams.outbox import BrokerOutbox
from streams.tuning import MAX_RECORD_BYTES


class Left(Exception):
    """Instead of the end of the process."""


@pytest.fixture
async def producer(kafka: Kafka) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, enable_idempotence=True, max_request_size=MAX_RECORD_BYTES
    ) as producer:
        yield producer


@pytest.fixture
def left() -> list[int]:
    return []


@pytest.fixture
def outbox(producer: AIOKafkaProducer, left: list[int]) -> BrokerOutbox:
    def leave(status: int, reason: str) -> NoReturn:
        left.append(status)
        raise Left(reason)

    return BrokerOutbox(lambda: producer, leave)


async def _values(kafka: Kafka, topic: str) -> list[tuple[bytes, bytes]]:
    async with AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap) as reader:
        partition = TopicPartition(topic, 0)
        reader.assign([partition])
        await reader.seek_to_beginning(partition)
        end = (await reader.end_offsets([partition]))[partition]
        found: list[tuple[bytes, bytes]] = []
        while await reader.position(partition) < end:
            found += [(record.key, record.value) for record in (await reader.getmany(timeout_ms=500))[partition]]
        return found


async def test_what_is_published_is_stored(
    kafka: Kafka, outbox: BrokerOutbox, create_topics: Callable[..., None], unique: str
) -> None:
    create_topics(unique, partitions=1)
    await outbox.publish(unique, b"k", b"1", [])
    stored = await outbox.send(Output(unique, b"k", b"2", []))
    await stored
    assert await _values(kafka, unique) == [(b"k", b"1"), (b"k", b"2")]


async def test_rows_are_appended_as_one_record_batch(
    kafka: Kafka, outbox: BrokerOutbox, create_topics: Callable[..., None], unique: str
) -> None:
    create_topics(unique, partitions=1)
    rows = {b"k%d" % number: b"v" * 100_000 for number in range(8)}
    assert await outbox.append(unique, 0, {b"first": b"1"}) == 0
    assert await outbox.append(unique, 0, rows) == 8
    assert dict(await _values(kafka, unique)) == {b"first": b"1", **rows}


async def test_rows_that_do_not_fit_into_one_batch_are_refused_unsent(
    kafka: Kafka, outbox: BrokerOutbox, create_topics: Callable[..., None], unique: str, left: list[int]
) -> None:
    create_topics(unique, partitions=1)
    for rows in ({b"a": b"x" * 600_000, b"b": b"x" * 600_000}, {b"a": b"x" * MAX_RECORD_BYTES}):
        with pytest.raises(TooLarge):
            await outbox.append(unique, 0, rows)
    assert (await _values(kafka, unique), left) == ([], [])


async def test_a_record_larger_than_the_limit_is_refused_and_the_process_goes_on(
    outbox: BrokerOutbox, create_topics: Callable[..., None], unique: str, left: list[int]
) -> None:
    create_topics(unique, partitions=1)
    with pytest.raises(TooLarge):
        await outbox.publish(unique, b"k", b"x" * (MAX_RECORD_BYTES + 1), [])
    assert left == []


async def test_a_record_that_the_broker_refuses_ends_the_process(
    kafka: Kafka, outbox: BrokerOutbox, unique: str, left: list[int]
) -> None:
    await _create_narrow(kafka, unique)
    await _reported(outbox.publish(unique, b"k", b"x" * 5_000, []))
    assert left == [EXIT_PRODUCE_FAILED]


async def test_rows_that_the_broker_refuses_end_the_process_and_none_of_them_is_stored(
    kafka: Kafka, outbox: BrokerOutbox, unique: str, left: list[int]
) -> None:
    await _create_narrow(kafka, unique)
    await _reported(outbox.append(unique, 0, {b"a": b"x" * 400, b"b": b"x" * 400, b"c": b"x" * 400}))
    assert (left, await _values(kafka, unique)) == ([EXIT_PRODUCE_FAILED], [])


async def _create_narrow(kafka: Kafka, topic: str) -> None:
    """A topic that takes records of at most 1,000 bytes."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"max.message.bytes": "1000"})])
    finally:
        await admin.close()


async def _reported(work: Any) -> None:
    """Let the refusal be seen where it ends the process: in the future's callback, which the loop reports."""
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    with pytest.raises(Exception, match=r"MessageSizeTooLarge|not stored"):
        await work
