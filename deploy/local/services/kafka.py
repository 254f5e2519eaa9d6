"""A private Apache Kafka: one KRaft node that is broker and controller."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from deploy.local.errors import NotReady
from deploy.local.processes import LOOPBACK, OwnedProcess, accepts, program
from deploy.local.services.jars import kafka_jars
from deploy.local.services.lifecycle import start_all

CLUSTER_ID = "ZnJlc2hwaXBlLWxvY2FsMQ"
"""16 bytes in base64url; any value will do, but it must stay with the data."""
JAVA_OPTIONS = [
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # a broker that lives for minutes never earns back what the second compiler costs
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
]


class Kafka:
    """Kafka on a loopback port, its controller on the next one; restartable on the same data."""

    def __init__(self, home: Path, port: int, controller_port: int | None = None) -> None:
        self.home = home.absolute()
        self.host = LOOPBACK
        self.port = port
        self.controller_port = controller_port or port + 1
        self.process = OwnedProcess("kafka", self.home)

    @property
    def bootstrap(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def ports(self) -> Sequence[int]:
        return [self.port, self.controller_port]

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self) -> None:
        """Returns when the broker lists itself in its metadata; raises CannotStart."""
        start_all([self])

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        """As a crash would."""
        self.process.kill()

    def prepare(self) -> None:
        self._config.write_text("".join(f"{name}={value}\n" for name, value in self._properties().items()))
        if (self._data / "meta.properties").exists():
            return
        log = self.home / "kafka-format.log"
        tool = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._config), "--ignore-formatted"]
        with log.open("wb") as output:
            done = subprocess.run(
                self._java(*tool), stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
            )
        if done.returncode != 0:
            raise NotReady("Kafka's storage tool", f"ended with code {done.returncode}", log)

    def launch(self) -> None:
        self.process.launch(self._java("kafka.Kafka", str(self._config)))

    def answers(self) -> bool:
        if not accepts(self.port):  # aiokafka logs each refused connection as an error
            return False
        # In a thread of its own: the caller may be inside a running event loop.
        with ThreadPoolExecutor(max_workers=1) as pool:
            return pool.submit(asyncio.run, _lists_a_broker(self.bootstrap)).result()

    @property
    def _data(self) -> Path:
        return self.home / "data"

    @property
    def _config(self) -> Path:
        return self.home / "server.properties"

    def _java(self, *arguments: str) -> list[str]:
        return [program("java"), *JAVA_OPTIONS, "-cp", f"{kafka_jars()}/*", *arguments]

    def _properties(self) -> dict[str, object]:
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{self.host}:{self.controller_port}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{self.host}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self._data,
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            # After a crash the broker may register again only when its old session has run out.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            # Segments are preallocated indexes of this size; the default of 10 MB a partition adds up in tests.
            "log.index.size.max.bytes": 1_048_576,
        }


async def _lists_a_broker(bootstrap: str) -> bool:
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    with contextlib.suppress(KafkaError, OSError):
        try:
            await client.bootstrap()
            return bool(client.cluster.brokers())
        finally:
            await client.close()
    return False
