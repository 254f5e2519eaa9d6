"""Makes the topics, once and for all, and refuses to work with topics that are not as they must be.

The partition count is frozen: another one would send a tenant's events, and its rows, to another partition.
"""

from __future__ import annotations

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.settings import Kafka
from schemas.topics import Topic, all_topics
from streams.errors import TopicsWrong

EXISTS, OK = 36, 0

log = structlog.get_logger()


async def prepare_topics(kafka: Kafka, products: list[str]) -> list[str]:
    """Create the topics that are missing and check all. Returns the names of those it made. Raises TopicsWrong.

    Safe to call from several processes at once.
    """
    return await ensure(kafka, all_topics(products))


async def ensure(kafka: Kafka, topics: list[Topic]) -> list[str]:
    """As `prepare_topics`, for these topics."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        made = await _create_missing(admin, kafka, topics)
        problems = await _partition_problems(admin, kafka, topics)
        problems += await _config_problems(admin, kafka, topics)
    finally:
        await admin.close()
    if problems:
        raise TopicsWrong(problems)
    return made


def config_of(kafka: Kafka, topic: Topic) -> dict[str, str]:
    """What a topic is created with."""
    return topic.config | {"min.insync.replicas": str(kafka.min_insync)}


async def _create_missing(admin: AIOKafkaAdminClient, kafka: Kafka, topics: list[Topic]) -> list[str]:
    present = set(await admin.list_topics())
    missing = [topic for topic in topics if topic.name not in present]
    if not missing:
        return []
    answer = await admin.create_topics(
        [
            NewTopic(
                topic.name,
                num_partitions=kafka.partitions,
                replication_factor=kafka.replication,
                topic_configs=config_of(kafka, topic),
            )
            for topic in missing
        ]
    )
    codes = {name: (code, message) for name, code, message in answer.topic_errors}
    failed = [f"{name}: not created: {message}" for name, (code, message) in codes.items() if code not in (OK, EXISTS)]
    if failed:
        raise TopicsWrong(failed)
    made = [topic.name for topic in missing if codes[topic.name][0] == OK]
    log.info("make_topics", topics=made, partitions=kafka.partitions, replication=kafka.replication)
    return made


async def _partition_problems(admin: AIOKafkaAdminClient, kafka: Kafka, topics: list[Topic]) -> list[str]:
    problems = []
    for found in await admin.describe_topics([topic.name for topic in topics]):
        name, count = found["topic"], len(found["partitions"])
        if count and count != kafka.partitions:
            problems.append(
                f"{name}: has {count} partitions, settings say {kafka.partitions}; the count is frozen, so set"
                f" FRESHPIPE_KAFKA__PARTITIONS={count} or move to a new cluster"
            )
    return problems


async def _config_problems(admin: AIOKafkaAdminClient, kafka: Kafka, topics: list[Topic]) -> list[str]:
    """Retention may be changed by an operator; what keeps data from being lost may not."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    found: dict[str, dict[str, str]] = {}
    for answer in await admin.describe_configs(resources):
        for _code, _message, _type, name, entries in answer.resources:
            found[name] = {entry[0]: entry[1] for entry in entries}
    problems = []
    for topic in topics:
        present, wanted = found.get(topic.name, {}), config_of(kafka, topic)
        if present.get("cleanup.policy") != wanted["cleanup.policy"]:
            problems.append(
                f"{topic.name}: cleanup.policy is {present.get('cleanup.policy')}, must be {wanted['cleanup.policy']};"
                " change it with kafka-configs before any data is lost"
            )
        if int(present.get("min.insync.replicas", 0)) < kafka.min_insync:
            problems.append(f"{topic.name}: min.insync.replicas is below {kafka.min_insync}; raise it")
    return problems
