"""(c) The whole product against zero-delay sandbox products without quotas: latency, rate, CPU and memory.

Somebody edits HubSpot contacts as fast as asked; every edit changes one field to a value of its own. Latency is from
the arrival of the webhook at the receiver to the write at the target product, both as logged by whom it happened to.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.sandbox.admin_client import AdminClient
from console import history
from console.demo.people import Person
from schemas.records import RecordId
from streams.database import Database
from tests.bench.cpu import cpu_us, rss_mb
from tests.flows.running import Running, office

SETTLE_S = 20.0
GROWTH_S = 0.25
"""So many seconds' edits more may be on their way at the end of a step than at its half: the lag is flat."""


@dataclass(frozen=True, slots=True)
class Step:
    """What an open loop at one rate came to. Latencies in ms."""

    rate: float
    edits: int
    arrived: int
    behind_at_half: int
    behind: int
    """Edits that had not arrived at half of the step, and when the last one was made."""
    latencies: Sequence[float] = field(repr=False)

    @property
    def sustained(self) -> bool:
        return self.arrived == self.edits and self.behind - self.behind_at_half <= GROWTH_S * self.rate

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A Freshsales contact that was written: when its webhook had come, and when the trail had it (ms)."""

    tenant: str
    id: str
    received_at: int
    told_at: int


@dataclass(slots=True)
class Offices:
    """All tenants' linked contacts, edited in turn."""

    people: list[tuple[str, Person, list[tuple[str, str]]]]
    admin: AdminClient
    database: Database
    made: int = 0

    async def drive(self, rate: float, seconds: float) -> Step:
        """Edit at this rate, whatever becomes of it, then wait until all has arrived or nothing more does."""
        count = int(rate * seconds)
        first, began = self.made, time.time_ns() // 1_000_000
        await self._edit_at(rate, first, count // 2)
        at_half = count // 2 - len(await self._arrivals(began, first))
        await self._edit_at(rate, first + count // 2, count - count // 2)
        self.made += count
        behind = count - len(await self._arrivals(began, first))
        arrived = await self._settled(began, first, count)
        return Step(rate, count, len(arrived), at_half, behind, await self._latencies(arrived))

    async def _edit_at(self, rate: float, first: int, count: int) -> None:
        start, running = time.monotonic(), []
        for number in range(count):
            await asyncio.sleep(max(0.0, start + number / rate - time.monotonic()))
            running.append(asyncio.create_task(self._edit(first + number)))
        await asyncio.gather(*running)

    async def _edit(self, number: int) -> None:
        _, person, links = self.people[number % len(self.people)]
        await person.edit("contact", links[number // len(self.people) % len(links)][1], {"jobtitle": f"bench {number}"})

    async def _settled(self, began: int, first: int, count: int) -> dict[int, Arrival]:
        deadline, known = time.monotonic() + SETTLE_S, -1
        while True:
            arrived = await self._arrivals(began, first)
            if len(arrived) == count or time.monotonic() > deadline:
                return arrived
            if len(arrived) != known:
                known, deadline = len(arrived), time.monotonic() + SETTLE_S
            await asyncio.sleep(0.2)

    async def _arrivals(self, began: int, first: int) -> dict[int, Arrival]:
        """What the trail says was written since, by the number of the edit."""
        found: dict[int, Arrival] = {}
        for tenant, _, _ in self.people:
            for entry in await history.trail_since(self.database, tenant, began, limit=1_000_000):
                if entry.kind != "written":
                    continue
                for one in entry.fields:
                    word, _, number = str(one.get("after")).partition(" ")
                    if word == "bench" and int(number) >= first:
                        record = RecordId.parse(entry.record)
                        found[int(number)] = Arrival(tenant, record.id, entry.received_at, entry.at)
        return found

    async def _latencies(self, arrived: dict[int, Arrival]) -> list[float]:
        """From the webhook's arrival to the write's, where both are known."""
        since = min((one.received_at for one in arrived.values()), default=0)
        writes: dict[tuple[str, str], list[int]] = {}
        for entry in await self.admin.log(since, product="freshsales"):
            if entry["by"] == "freshpipe" and entry["method"] == "PUT":
                writes.setdefault((entry["account"], entry["path"].rsplit("/", 1)[1]), []).append(entry["at"])
        found = []
        for one in arrived.values():
            within = [at for at in writes.get((one.tenant, one.id), []) if one.received_at <= at <= one.told_at]
            if within:
                found.append(float(within[-1] - one.received_at))
        return found


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What the whole came to."""

    steady: Step
    """At 20 edits a second."""
    best: Step
    """The fastest that was sustained."""
    half: Step
    cpu_us: dict[str, float]
    """µs per edit by process, at the best rate."""
    rss_mb: dict[str, float]


async def measure_pipeline(running: Running, *, seconds: float, rates: Sequence[float]) -> Pipeline:
    """Drive it at 20/s, then at rising rates until one is not sustained, then at half of the best."""
    offices = []
    async with office(running, 0) as first, office(running, 1) as second, office(running, 2) as third:
        for one in (first, second, third):
            await one.calm()
            offices.append((one.tenant, one.marketing, await one.links()))
            for product in ("freshsales", "hubspot"):
                await first.admin.configure(product, one.tenant, webhook_delay_ms=0)
        ours = Offices(offices, first.admin, first.database)
        await ours.drive(20, min(5.0, seconds))  # to warm up
        steady = await ours.drive(20, 0.6 * seconds)
        best, cpu = steady, {}
        for rate in rates:
            before = _cpu(running)
            step = await ours.drive(rate, seconds)
            if not step.sustained:
                break
            best, cpu = step, {name: (spent - before[name]) / step.edits for name, spent in _cpu(running).items()}
        half = await ours.drive(best.rate / 2, 0.6 * seconds)
        memory = {name: rss_mb(pids[0]) for name, pids in running.ready["pids"].items()}
    return Pipeline(steady, best, half, cpu, memory)


def _cpu(running: Running) -> dict[str, float]:
    return {name: cpu_us(pids) for name, pids in running.ready["pids"].items()}
