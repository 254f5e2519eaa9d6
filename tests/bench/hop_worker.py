"""One hop, in a process of its own: consume N events, produce one for each, and tell what that cost.

python -m tests.bench.hop_worker {bare|bare-table|ours|ours-table} --bootstrap H:P --events N --data DIR

`bare`: aiokafka alone, batches in, sends out, commits; `bare-table` keeps a dictionary and its changelog besides.
`ours`: the safe Faust runtime with a stage that does the same; `ours-table` with the sync stage's table.
Prints {"events", "cpu_us", "seconds"} as JSON: from the first event to the last acknowledgement.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.logs import configure_logs
from schemas.settings import Kafka, MySQL, Settings
from schemas.topics import STATE_CHANGELOG
from streams.agents import add_batch_agent
from streams.app import App
from streams.delivery import Delivery, Outbox, Output
from streams.state_store import StateStore
from streams.sync import BATCH
from streams.worker import run
from tests.bench.cpu import cpu_us

SOURCE, TARGET = "bench.source", "bench.target"
PARTITIONS = 4


class Meter:
    """Runs from the first event to the last."""

    def __init__(self, events: int) -> None:
        self._wanted = events
        self._done = 0
        self._cpu = self._began = 0.0

    def begin(self) -> None:
        if not self._began:
            self._cpu, self._began = cpu_us([os.getpid()]), time.monotonic()

    def count(self, events: int) -> bool:
        """Whether that was the last; if so the result is on standard output."""
        self._done += events
        if self._done < self._wanted:
            return False
        cost = {"cpu_us": cpu_us([os.getpid()]) - self._cpu, "seconds": time.monotonic() - self._began}
        print(json.dumps({"events": self._done, **cost}), flush=True)
        return True


class Hop:
    """The stage: every event is passed on; with a table, its value is kept under its key first."""

    def __init__(self, outbox: Outbox, table: StateStore | None, meter: Meter) -> None:
        self._outbox = outbox
        self._table = table
        self._meter = meter

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        self._meter.begin()
        by_partition: dict[int, list[Delivery]] = {}
        for delivery in deliveries:
            by_partition.setdefault(delivery.partition, []).append(delivery)
        await asyncio.gather(*(self._pass_on(*entry) for entry in by_partition.items()))
        if self._meter.count(len(deliveries)):
            os._exit(0)

    async def _pass_on(self, partition: int, deliveries: Sequence[Delivery]) -> None:
        stored: list[Awaitable[object]] = []
        for one in deliveries:
            if self._table is not None:
                self._table.get(partition, one.key)
            stored.append(await self._outbox.send(Output(TARGET, one.key, one.value, [])))
        for record in stored:
            await record
        if self._table is not None:
            await self._table.write(partition, {one.key: one.value for one in deliveries})
        for one in deliveries:
            one.receipt.ack()


async def bare(bootstrap: str, meter: Meter, *, table: bool) -> None:
    """The same with nothing but the client library."""
    consumer = AIOKafkaConsumer(
        SOURCE,
        bootstrap_servers=bootstrap,
        group_id=f"bare-{table}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await consumer.start()
    await producer.start()
    state: dict[bytes, bytes] = {}
    committed = time.monotonic()
    while True:
        for records in (await consumer.getmany(timeout_ms=200, max_records=BATCH)).values():
            meter.begin()
            sent = []
            for record in records:
                sent.append(await producer.send(TARGET, record.value, record.key))
                if table:
                    state[record.key] = record.value
                    sent.append(await producer.send(STATE_CHANGELOG, record.value, record.key))
            await asyncio.gather(*sent)
            if meter.count(len(records)):
                await consumer.commit()
                await consumer.stop()
                await producer.stop()
                return
        if time.monotonic() - committed > 0.5:
            await consumer.commit()
            committed = time.monotonic()


@asynccontextmanager
async def ours(settings: Settings, meter: Meter, *, table: bool) -> AsyncIterator[App]:
    """The runtime that the product runs on."""
    app = App(settings, "sync" if table else "bench")  # the table's changelog belongs to `sync`
    add_batch_agent(app, SOURCE, Hop(app.outbox, app.add_state() if table else None, meter), BATCH)
    yield app


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["bare", "bare-table", "ours", "ours-table"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--data", required=True)
    arguments = parser.parse_args(argv)
    configure_logs("bench", "text")
    meter, table = Meter(arguments.events), arguments.kind.endswith("table")
    if arguments.kind.startswith("bare"):
        uvloop.run(bare(arguments.bootstrap, meter, table=table))
        return 0
    settings = Settings(
        kafka=Kafka(bootstrap=arguments.bootstrap, partitions=PARTITIONS, replication=1, min_insync=1),
        mysql=MySQL(host="none", user="none", password="none"),
        data_dir=arguments.data,
    )
    return run(ours(settings, meter, table=table), settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
