"""Small stages for numbered events: one with a memory, that says so when an event is missing from it or its rows
are torn apart; and one that works on many at once, each for another while.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from schemas.configuration import Connection
from schemas.events import Change, Nudge, SyncEvent, Trail, encode
from schemas.records import RecordId
from schemas.topics import TRAIL
from streams.delivery import Outbox
from streams.engine.decision import Decision, Rows
from streams.engine.plan import Plan

KEYS = 100
PRODUCT = "toy"
LONGEST_WORK_S = 0.3


def numbered(number: int) -> Nudge:
    """The event with this number; every hundredth is of the same key, and numbers 1, 2, 3 … within it."""
    tenant = f"t{number % KEYS:02}"
    return Nudge(id=f"n{number}", tenant=tenant, record=RecordId("c", "e", tenant), sequence=number // KEYS + 1)


def decide(rows: Rows, event: SyncEvent, plan: Plan, position: int, now: int) -> Decision:
    """Two rows hold the last number of the key: they must never differ. Repeated numbers change nothing."""
    assert isinstance(event, Nudge)
    assert event.sequence is not None
    names = f"{event.tenant}|a", f"{event.tenant}|b"
    seen = [int(rows.get(name) or 0) for name in names]
    reason = "torn" if seen[0] != seen[1] else "gap" if event.sequence > seen[0] + 1 else ""
    last = max(seen[0], event.sequence)
    entry = Trail(
        id=f"{event.tenant}/{event.sequence}", tenant=event.tenant, at=now, stage="sync", kind="decided", reason=reason
    )
    return Decision(rows=dict.fromkeys(names, b"%d" % last), read=frozenset(names), trail=(entry,))


def hinted(number: int) -> Change:
    """The same, for the stage that works on many at once."""
    tenant = f"t{number % KEYS:02}"
    return Change(id=f"{tenant}/{number // KEYS + 1}", tenant=tenant, record=RecordId("c", "e", tenant), received_at=0)


class ToySource:
    """Implements `streams.intake.Stage`."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def handle(self, messages: Sequence[Change]) -> None:
        await asyncio.sleep(random.uniform(0.0, LONGEST_WORK_S))
        for message in messages:
            entry = Trail(id=message.id, tenant=message.tenant, at=0, stage="source", kind="read")
            await self._outbox.publish(TRAIL, message.tenant.encode(), encode(entry), [])

    async def put_off(self, messages: Sequence[Change]) -> None:
        raise AssertionError("the toy has room")

    async def failed(self, messages: Sequence[Change], error: Exception) -> None:
        raise error


class NoPlans:
    """No tenant has anything installed."""

    def plan(self, tenant: str) -> Plan:
        return Plan(tenant=tenant, revision=0, installations={})

    def connection(self, id: str) -> Connection | None:
        return None

    async def at_least(self, revision: int) -> None:
        return None
