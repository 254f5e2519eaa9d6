"""Real Kafka, MariaDB and Redis for the tests: private instances on free ports, started when a test first asks.

One of each per test process, except Kafka: xdist's workers share one. A test that stops or kills a server starts
its own from `deploy.local.services`.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pymysql
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.processes import accepts
from deploy.local.services import Kafka, MariaDB, Redis
from schemas.topics import Topic
from tests.ports import free_port

CREATED, WAS_THERE = 0, 36
"""Kafka's answers to a request for a topic; the product's own topics are shared by the tests."""


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker without topics of ours; shared, so name topics uniquely (see `unique`)."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        yield from _shared_kafka(tmp_path_factory.getbasetemp().parent)
        return
    broker = Kafka(tmp_path_factory.mktemp("kafka"), free_port())
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def mysql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A server with an empty database `freshpipe`; `.user` may create others named `freshpipe_…`."""
    server = MariaDB(tmp_path_factory.mktemp("mysql"), free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """An empty server; use `.url`, which has the password."""
    server = Redis(tmp_path_factory.mktemp("redis"), free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def unique() -> str:
    """A short name that no other test has: for topics, groups, tenants, keys."""
    return f"t{uuid4().hex[:10]}"


@pytest.fixture
def database(mysql: MariaDB, unique: str) -> Iterator[str]:
    """The name of an empty database of this test's own, dropped at its end."""
    name = f"freshpipe_{unique}"
    _as_owner(mysql, f"CREATE DATABASE {name}")
    yield name
    _as_owner(mysql, f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def create_topics(kafka: Kafka) -> Callable[..., None]:
    """`create_topics("a", Topic("b"), partitions=4)` returns when the broker has them; for async tests too."""

    def create(*topics: str | Topic, partitions: int = 4) -> None:
        declared = [Topic(topic) if isinstance(topic, str) else topic for topic in topics]
        with ThreadPoolExecutor(max_workers=1) as pool:
            pool.submit(asyncio.run, _create(kafka.bootstrap, declared, partitions)).result()

    return create


async def _create(bootstrap: str, topics: list[Topic], partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        wanted = [
            NewTopic(topic.name, num_partitions=partitions, replication_factor=1, topic_configs=topic.config)
            for topic in topics
        ]
        answer = await admin.create_topics(wanted)
        failed = [error for error in answer.topic_errors if error[1] not in (CREATED, WAS_THERE)]
        assert not failed, failed
    finally:
        await admin.close()


def _as_owner(mysql: MariaDB, statement: str) -> None:
    connection = pymysql.connect(host=mysql.host, port=mysql.port, user=mysql.user, password=mysql.password)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)


def _shared_kafka(folder: Path) -> Iterator[Kafka]:
    """The first worker that asks starts the broker, and stops it when the others have let go of `kafka.users`."""
    with (folder / "kafka.starting").open("w") as starting, (folder / "kafka.users").open("w") as users:
        fcntl.flock(starting, fcntl.LOCK_EX)
        address = folder / "kafka.port"
        port = int(address.read_text()) if address.exists() else free_port()
        broker = Kafka(folder / "kafka", port)
        if not accepts(port):
            broker.start()
            address.write_text(str(port))
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield broker
        fcntl.flock(users, fcntl.LOCK_UN)
        if broker.process.running:
            fcntl.flock(users, fcntl.LOCK_EX)
            broker.stop()
