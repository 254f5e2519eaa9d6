"""(b) CPU per event of one Faust hop, against bare aiokafka on the same broker in the same run."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.topics import STATE_CHANGELOG
from tests.bench.hop_worker import PARTITIONS, SOURCE, TARGET

KINDS = ("bare", "ours", "bare-table", "ours-table")
VALUE = b'{"id":"1","tenant":"acme","record":["acme-hubspot","contact","508369434347"],"received_at":1782371969536}'
LIMIT_S = 60


def measure_hops(bootstrap: str, home: Path, events: int) -> dict[str, float]:
    """µs of CPU per event by kind of hop."""
    asyncio.run(_prepare(bootstrap, events))
    return {kind: _run(kind, bootstrap, home / kind, events) for kind in KINDS}


def _run(kind: str, bootstrap: str, data: Path, events: int) -> float:
    arguments = [kind, f"--bootstrap={bootstrap}", f"--events={events}", f"--data={data}"]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.bench.hop_worker", *arguments], capture_output=True, timeout=LIMIT_S, check=False
    )
    if not ended.stdout:
        raise RuntimeError(f"the hop {kind} ended without a result: {ended.stderr.decode()[-2_000:]}")
    result = json.loads(ended.stdout)
    return float(result["cpu_us"] / result["events"])


async def _prepare(bootstrap: str, events: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in (SOURCE, TARGET, STATE_CHANGELOG)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, max_batch_size=262_144)
    await producer.start()
    sent = [
        await producer.send(SOURCE, VALUE, f"acme-hubspot/contact/{number % 1000}".encode()) for number in range(events)
    ]
    await asyncio.gather(*sent)
    await producer.stop()
