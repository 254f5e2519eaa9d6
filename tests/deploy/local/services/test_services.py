"""The private Kafka, MariaDB and Redis: loopback only, restartable on the same data, back after a crash."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pymysql
import pytest
import redis as redis_client
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local.errors import NotReady, PortTaken
from deploy.local.services import Kafka, MariaDB, Redis
from tests.deploy.waiting import eventually, is_alive
from tests.ports import free_port


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Kafka]:
    broker = Kafka(tmp_path / "kafka", free_port())
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def own_mysql(tmp_path: Path) -> Iterator[MariaDB]:
    server = MariaDB(tmp_path / "mysql", free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path / "redis", free_port())
    server.start()
    yield server
    server.stop()


async def test_kafka_keeps_what_it_acked_over_a_crash(own_kafka: Kafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=own_kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=own_kafka.bootstrap, acks="all") as producer:
        await producer.send_and_wait("kept", b"acked")
    own_kafka.kill()
    own_kafka.start()
    async with AIOKafkaConsumer(bootstrap_servers=own_kafka.bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition("kept", 0)])
        assert (await consumer.getone()).value == b"acked"


async def test_kafka_makes_topics_only_when_told_to(
    kafka: Kafka, create_topics: Callable[..., None], unique: str
) -> None:
    create_topics(unique)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    described = await admin.describe_topics([unique])
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")])
    await admin.close()
    assert [(topic["topic"], len(topic["partitions"])) for topic in described] == [(unique, 4)]
    options = {entry[0]: entry[1] for answer in answers for resource in answer.resources for entry in resource[4]}
    assert options["auto.create.topics.enable"] == "false"


def test_mysql_keeps_its_data_over_a_crash(own_mysql: MariaDB) -> None:
    run(own_mysql, "CREATE TABLE kept (name VARCHAR(20))", "INSERT INTO kept VALUES ('grüße 🎉')")
    own_mysql.kill()
    own_mysql.start()
    assert run(own_mysql, "SELECT name FROM kept") == (("grüße 🎉",),)


def test_mysql_compares_text_exactly_and_keeps_time_in_utc(mysql: MariaDB, database: str) -> None:
    run(mysql, "CREATE TABLE names (name VARCHAR(20))", "INSERT INTO names VALUES ('Ann')", database=database)
    assert run(mysql, "SELECT name = 'ann', @@time_zone FROM names", database=database) == ((0, "+00:00"),)


def test_the_hooks_user_sees_nothing_until_it_is_granted_a_view(mysql: MariaDB, database: str) -> None:
    run(mysql, "CREATE TABLE secret (x INT)", "CREATE VIEW visible AS SELECT x FROM secret", database=database)
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        run_as_hooks(mysql, database, "SELECT * FROM visible")
    run(mysql, f"GRANT SELECT ON {database}.visible TO {mysql.hooks_user}@'%'")
    assert run_as_hooks(mysql, database, "SELECT * FROM visible") == ()
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        run_as_hooks(mysql, database, "SELECT * FROM secret")


def test_redis_wants_its_password_and_comes_back_after_a_crash(own_redis: Redis) -> None:
    with (
        redis_client.Redis(host=own_redis.host, port=own_redis.port) as stranger,
        pytest.raises(redis_client.AuthenticationError),
    ):
        stranger.ping()
    own_redis.kill()
    own_redis.start()
    with redis_client.Redis.from_url(own_redis.url) as client:
        assert client.ping()


def test_servers_listen_on_loopback_only(kafka: Kafka, mysql: MariaDB, redis: Redis) -> None:
    ours = {*kafka.ports, *mysql.ports, *redis.ports}
    processes = [psutil.Process(server.pid) for server in (kafka, mysql, redis)]
    heard = [c.laddr for process in processes for c in process.net_connections("tcp") if c.status == "LISTEN"]
    assert {str(address[0]).removeprefix("::ffff:") for address in heard} == {"127.0.0.1"}
    assert {address[1] for address in heard} == ours


def test_secrets_are_readable_by_their_owner_only(mysql: MariaDB, redis: Redis) -> None:
    files = [file for home in (mysql.home, redis.home) for file in home.glob("*.password")]
    files += [mysql.home / "accounts.sql", redis.home / "redis.conf"]
    assert len(files) == 5
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_secrets_are_in_no_command_line(mysql: MariaDB, redis: Redis) -> None:
    commands = [" ".join(psutil.Process(pid).cmdline()) for pid in (mysql.pid, redis.pid)]
    secrets = [mysql.password, mysql.hooks_password, redis.url]
    assert not [secret for secret in secrets for command in commands if secret in command]


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    port = free_port()
    server = Redis(tmp_path / "redis", port)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken, match=str(port)):
        server.start()
    assert not server.process.running


def test_a_server_left_by_a_killed_run_is_replaced(own_redis: Redis) -> None:
    left = own_redis.pid
    successor = Redis(own_redis.home, own_redis.port)
    successor.start()
    assert not is_alive(left)
    assert successor.answers()
    successor.stop()


def test_stale_files_of_a_killed_run_do_not_hinder(own_mysql: MariaDB) -> None:
    os.kill(own_mysql.pid, signal.SIGKILL)
    eventually(lambda: not own_mysql.process.running)
    assert (own_mysql.home / "data" / "mysql.sock").exists()
    successor = MariaDB(own_mysql.home, own_mysql.port)
    successor.start()
    assert run(successor, "SELECT 1") == ((1,),)
    successor.stop()


def test_a_record_that_names_a_stranger_does_not_end_it(tmp_path: Path) -> None:
    server = Redis(tmp_path / "redis", free_port())
    server.home.mkdir()
    (server.home / "redis.pid.json").write_text(json.dumps({"pid": os.getpid(), "birth": "long ago"}))
    server.start()
    assert server.answers()
    server.stop()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = MariaDB(tmp_path / "mysql", free_port())
    (server.home / "data").mkdir(parents=True)
    (server.home / "data" / "ibdata1").write_text("not a tablespace")
    with pytest.raises(NotReady, match=r"(?s)mariadb ended with code 1.*ERROR"):
        server.start()


def test_starting_twice_is_starting_once(own_redis: Redis) -> None:
    pid = own_redis.pid
    own_redis.start()
    assert own_redis.pid == pid


def run(server: MariaDB, *statements: str, database: str | None = None) -> tuple[tuple[object, ...], ...]:
    """The rows of the last statement, run as the owner."""
    return _rows(server, server.user, server.password, database or server.database, statements)


def run_as_hooks(server: MariaDB, database: str, statement: str) -> tuple[tuple[object, ...], ...]:
    return _rows(server, server.hooks_user, server.hooks_password, database, [statement])


def _rows(
    server: MariaDB, user: str, password: str, database: str, statements: list[str] | tuple[str, ...]
) -> tuple[tuple[object, ...], ...]:
    connection = pymysql.connect(
        host=server.host, port=server.port, user=user, password=password, database=database, autocommit=True
    )
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return tuple(cursor.fetchall())
