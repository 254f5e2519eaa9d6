"""A small stage with a memory: it counts each key's numbered events and says so when one is missing or torn."""

from __future__ import annotations

from schemas.configuration import Connection
from schemas.events import Nudge, SyncEvent, Trail
from schemas.records import RecordId
from streams.engine.decision import Decision, Rows
from streams.engine.plan import Plan

KEYS = 100


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


class NoPlans:
    """No tenant has anything installed."""

    def plan(self, tenant: str) -> Plan:
        return Plan(tenant=tenant, revision=0, installations={})

    def connection(self, id: str) -> Connection | None:
        return None

    async def at_least(self, revision: int) -> None:
        return None
