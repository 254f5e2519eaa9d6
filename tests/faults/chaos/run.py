"""One run: start a cluster, let numbered events flow, do things to it, and compare what went in with what came out."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.events import Message, Nudge, decode_change, decode_sync, decode_trail, encode
from schemas.topics import STATE_CHANGELOG, SYNC, TRAIL, changes
from streams.tuning import group_of
from tests.faults.chaos.cluster import Broker, Worker
from tests.faults.chaos.modes import MODES
from tests.faults.chaos.toy import PRODUCT, hinted, numbered
from tests.faults.chaos.verdict import Commit, Record, Verdict, judge

Role = Literal["sync", "source"]

WORKERS = 2
FIRST_FAULT_S = 5.0
BETWEEN_FAULTS_S = 8.0
QUIET_S = 45.0
"""Nothing came out for so long: what is missing is lost."""
SAMPLE_S = 0.5
READY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    mode: str
    role: Role = "sync"
    """Which agent is under test: the one with tables, or the one that works on many events at once."""
    events: int = 12_000
    rate: float = 400.0
    """Events a second."""
    seed: int = 0
    without: tuple[str, ...] = ()
    static: bool = False
    """Workers keep their group membership over restarts."""

    @property
    def topic(self) -> str:
        """Where the events go."""
        return SYNC if self.role == "sync" else changes(PRODUCT)

    def event(self, number: int) -> Message:
        return numbered(number) if self.role == "sync" else hinted(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    plan: Plan
    verdict: Verdict
    exits: dict[int, int]
    """Exit codes of the workers, and how often; negative: the signal that ended them."""
    seconds: float


async def run_chaos(plan: Plan, home: Path) -> Result:
    """`home` must be an empty folder; logs and data are left there."""
    began = time.monotonic()
    broker = Broker(home)
    await broker.start()
    try:
        await broker.create_topics()
        workers = [_worker(plan, home, broker, number) for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        try:
            await _wait_until_joined(broker.kafka.bootstrap, group_of(plan.role))
            commits = await _disturb(plan, broker, workers)
            await _wait_for_outputs(broker.kafka.bootstrap, plan.events)
        finally:
            await asyncio.gather(*(worker.stop() for worker in workers))
        verdict = await _compare(plan, broker.kafka.bootstrap, commits)
    finally:
        await broker.stop()
        broker.close()
    exits = sum((worker.exits for worker in workers), Counter[int]())
    return Result(plan=plan, verdict=verdict, exits=dict(exits), seconds=time.monotonic() - began)


def _worker(plan: Plan, home: Path, broker: Broker, number: int) -> Worker:
    options = [f"--role={plan.role}", *(f"--without={rule}" for rule in plan.without)]
    if plan.static:
        options.append(f"--instance=chaos-{number}")
    return Worker(f"worker-{number}", home, broker.kafka.bootstrap, options)


async def _wait_until_joined(bootstrap: str, group: str) -> None:
    """Until all workers are members of the group; raises TimeoutError."""
    async with asyncio.timeout(READY_S), _admin(bootstrap) as admin:
        while await _members(admin, group) != WORKERS:  # noqa: ASYNC110  the broker tells nobody
            await asyncio.sleep(SAMPLE_S)


async def _members(admin: AIOKafkaAdminClient, group: str) -> int:
    """Of the group while it is stable."""
    with contextlib.suppress(KafkaError):
        (answer,) = await admin.describe_consumer_groups([group])
        _, _, state, _, _, members, *_ = answer.groups[0]
        return len(members) if state == "Stable" else 0
    return 0


async def _disturb(plan: Plan, broker: Broker, workers: Sequence[Worker]) -> list[Commit]:
    """Faults while the events flow, the last one to its end; the commits that were seen meanwhile."""
    commits: list[Commit] = []
    watching = asyncio.create_task(_watch_commits(plan, broker.kafka.bootstrap, commits))
    flowing = asyncio.create_task(_produce(broker.kafka.bootstrap, plan))
    chance = random.Random(plan.seed)
    faults = MODES[plan.mode]
    turn = chance.randrange(len(faults))
    await asyncio.wait([flowing], timeout=FIRST_FAULT_S)
    while not flowing.done():
        began = time.monotonic()
        await faults[turn % len(faults)](chance, broker, workers)
        turn += 1
        await asyncio.wait([flowing], timeout=max(1.0, BETWEEN_FAULTS_S - (time.monotonic() - began)))
    await flowing
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    return commits


async def _produce(bootstrap: str, plan: Plan) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, request_timeout_ms=60_000
    ) as producer:
        began = time.monotonic()
        for number in range(plan.events):
            event = plan.event(number)
            await producer.send(plan.topic, encode(event), key=event.tenant.encode())
            await asyncio.sleep(max(0.0, began + number / plan.rate - time.monotonic()))
        await producer.flush()


async def _watch_commits(plan: Plan, bootstrap: str, commits: list[Commit]) -> None:
    while True:
        with contextlib.suppress(KafkaError, OSError):
            async with _admin(bootstrap) as admin:
                while True:
                    offsets = await admin.list_consumer_group_offsets(group_of(plan.role))
                    at = time.time_ns() // 1_000_000
                    commits.extend(
                        Commit(tp.partition, found.offset, at)
                        for tp, found in offsets.items()
                        if tp.topic == plan.topic
                    )
                    await asyncio.sleep(SAMPLE_S)
        await asyncio.sleep(SAMPLE_S)


@contextlib.asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2_000)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _wait_for_outputs(bootstrap: str, events: int) -> None:
    """Until there is one for every event, or nothing more comes."""
    seen: set[str] = set()
    progress = time.monotonic()
    async with _reader(bootstrap, TRAIL) as reader:
        while len(seen) < events and time.monotonic() - progress < QUIET_S:
            batches = await reader.getmany(timeout_ms=500)
            known = len(seen)
            seen.update(decode_trail(record.value).id for batch in batches.values() for record in batch)
            if len(seen) > known:
                progress = time.monotonic()


@contextlib.asynccontextmanager
async def _reader(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    reader = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await reader.start()
    try:
        yield reader
    finally:
        await reader.stop()


async def _compare(plan: Plan, bootstrap: str, commits: Sequence[Commit]) -> Verdict:
    events = await _read(bootstrap, plan.topic, _event_text if plan.role == "sync" else _hint_text)
    outputs = await _read(bootstrap, TRAIL, _output_text)
    rows = await _read(bootstrap, STATE_CHANGELOG, _row_text) if plan.role == "sync" else None
    return judge(events, outputs, rows, commits)


def _event_text(value: bytes) -> tuple[str, str]:
    event = msgspec.convert(decode_sync(value), Nudge)
    return f"{event.tenant}/{event.sequence}", ""


def _hint_text(value: bytes) -> tuple[str, str]:
    return decode_change(value).id, ""


def _output_text(value: bytes) -> tuple[str, str]:
    entry = decode_trail(value)
    return entry.id, entry.reason


def _row_text(value: bytes) -> tuple[str, str]:
    return value.decode(), ""


async def _read(bootstrap: str, topic: str, text: Callable[[bytes], tuple[str, str]]) -> list[Record]:
    records: list[Record] = []
    async with _reader(bootstrap, topic) as reader:
        ends = await reader.end_offsets(
            [TopicPartition(topic, number) for number in reader.partitions_for_topic(topic)]
        )
        while [tp for tp, end in ends.items() if await reader.position(tp) < end]:
            for batch in (await reader.getmany(timeout_ms=500)).values():
                records += [
                    Record(each.partition, each.offset, each.timestamp, each.key.decode(), *text(each.value))
                    for each in batch
                ]
    return records
