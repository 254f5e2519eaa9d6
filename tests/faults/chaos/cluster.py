"""A broker, and workers that are started again whenever they end: what a supervisor does in production."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.services import Kafka
from schemas.topics import all_topics
from tests.faults.chaos.toy import PRODUCT
from tests.faults.chaos.worker import PARTITIONS
from tests.ports import free_port

RESTART_S = 0.3
REPOSITORY = Path(__file__).parents[3]


class Worker:
    """One worker process after the other."""

    def __init__(self, name: str, home: Path, bootstrap: str, options: Sequence[str]) -> None:
        self.exits: Counter[int] = Counter()
        self._command = [
            *(sys.executable, "-m", "tests.faults.chaos.worker"),
            *("--bootstrap", bootstrap, "--data", str(home / name), *options),
        ]
        self._log = home / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._supervise())

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self, grace_s: float = 20.0) -> None:
        """Gracefully, for good; killed if it takes longer."""
        self._closing = True
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if self._task is not None:
            done, _ = await asyncio.wait([self._task], timeout=grace_s)
            if not done:
                self.signal(signal.SIGKILL)
                await self._task

    async def _supervise(self) -> None:
        with self._log.open("ab") as log:
            while not self._closing:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command, cwd=REPOSITORY, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": ""}
                )
                self.exits[await self._process.wait()] += 1
                await asyncio.sleep(RESTART_S)


class Broker:
    """Kafka that can be killed and started while the event loop goes on."""

    def __init__(self, home: Path) -> None:
        self.kafka = Kafka(home / "kafka", free_port())
        # The kernel ends the broker together with the thread that launched it, so that thread must live on.
        self._thread = ThreadPoolExecutor(max_workers=1)

    async def start(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self.kafka.start)

    async def stop(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self.kafka.stop)

    async def kill(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self.kafka.kill)

    async def create_topics(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        await admin.start()
        try:
            await admin.create_topics(
                [NewTopic(topic.name, PARTITIONS, 1, topic_configs=topic.config) for topic in all_topics([PRODUCT])]
            )
        finally:
            await admin.close()

    def close(self) -> None:
        self._thread.shutdown()
