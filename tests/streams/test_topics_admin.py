"""Topics are made once, as they must be, and anything else is refused with what to do about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deploy.local.services import Kafka as Broker
from schemas.settings import Kafka
from schemas.topics import Topic
from streams.errors import TopicsWrong
from streams.topics_admin import ensure


def settings(kafka: Broker, partitions: int = 2, min_insync: int = 1) -> Kafka:
    return Kafka(bootstrap=kafka.bootstrap, partitions=partitions, replication=1, min_insync=min_insync)


async def test_missing_topics_are_made_once(kafka: Broker, unique: str) -> None:
    topics = [Topic(f"{unique}-a"), Topic(f"{unique}-b", retention_ms=None)]
    assert await ensure(settings(kafka), topics) == [f"{unique}-a", f"{unique}-b"]
    assert await ensure(settings(kafka), topics) == []


async def test_another_partition_count_is_refused(
    kafka: Broker, unique: str, create_topics: Callable[..., None]
) -> None:
    create_topics(Topic(unique), partitions=3)
    with pytest.raises(TopicsWrong, match=r"has 3 partitions, settings say 2.*FRESHPIPE_KAFKA__PARTITIONS=3"):
        await ensure(settings(kafka), [Topic(unique)])


async def test_a_changelog_that_is_not_compacted_is_refused(
    kafka: Broker, unique: str, create_topics: Callable[..., None]
) -> None:
    create_topics(Topic(unique), partitions=2)
    with pytest.raises(TopicsWrong, match=r"cleanup\.policy is delete, must be compact"):
        await ensure(settings(kafka), [Topic(unique, retention_ms=None)])


async def test_too_few_copies_are_refused(kafka: Broker, unique: str, create_topics: Callable[..., None]) -> None:
    create_topics(Topic(unique), partitions=2)
    with pytest.raises(TopicsWrong, match=r"min\.insync\.replicas is below 2"):
        await ensure(settings(kafka, min_insync=2), [Topic(unique)])
