"""What installing an app would do: the very decisions of the sync stage, over everything that both products hold.

Reads both accounts in full and writes nothing anywhere.
"""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

from connectors.catalog import load_connectors
from connectors.client import Client
from console import onboarding
from console.output import plain, say, show
from console.reading import every_record
from schemas.configuration import Installation
from schemas.events import Command, Nudge, Snapshot, SyncEvent, Trail
from schemas.records import RecordId
from schemas.settings import Settings
from streams.connected import Connected, connected
from streams.database import Database
from streams.engine.decide import decide
from streams.engine.plan import InstallationPlan, Plan
from streams.planning import compile_configuration

NOTABLE = ("conflict", "attention", "held", "breaker")


@dataclasses.dataclass(slots=True)
class Rehearsal:
    """What came of it."""

    read: Counter[str] = dataclasses.field(default_factory=Counter)
    linked: int = 0
    commands: dict[RecordId, Command] = dataclasses.field(default_factory=dict)
    notable: list[Trail] = dataclasses.field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For programs: counts, then every create, update, and everything that a person should know."""
        return {
            "read": dict(self.read),
            "linked": self.linked,
            "creates": [_described(one) for one in self.commands.values() if one.action == "create"],
            "updates": [_described(one) for one in self.commands.values() if one.action == "update"],
            "notable": [
                {"kind": one.kind, "record": str(one.record or ""), "other": str(one.other or ""), "reason": one.reason}
                for one in self.notable
            ],
        }

    def show(self) -> None:
        """For people."""
        facts = self.as_json()
        rows = [{"action": "create", **one} for one in facts["creates"]]
        rows += [{"action": "update", **one} for one in facts["updates"]]
        texts = [
            {**row, "fields": "; ".join(f"{name}: {plain(value)}" for name, value in row["fields"].items())}
            for row in rows
        ]
        show(texts, ("action", "record", "pair", "fields"), as_json=False, title="Would write")
        show(facts["notable"], ("kind", "record", "other", "reason"), as_json=False, title="Would ask a person")
        say(
            f"read {sum(self.read.values())} records; would link {self.linked}, create {len(facts['creates'])},"
            f" update {len(facts['updates'])}; nothing was written"
        )


async def rehearse(database: Database, settings: Settings, wanted: Installation) -> Rehearsal:
    """Decide about everything in memory. Raises as `onboarding.install`, and CallFailed if a product cannot be read."""
    installation = await onboarding.checked(database, wanted)
    async with connected(settings, background=True) as ours:
        planned = {state: _plan(ours, installation, state) for state in ("linking", "active")}
        stage = _Stage(planned["linking"], Rehearsal())
        records: list[RecordId] = []
        async for record, snapshot in _everything(ours, planned["linking"], installation):
            stage.rehearsal.read[f"{record.connection}/{record.entity}"] += 1
            records.append(record)
            stage.take(snapshot)
        stage.plan = planned["active"]
        for record in records:
            stage.take(Nudge(id=f"rehearsal-{stage.position}", tenant=installation.tenant, record=record))
        return stage.rehearsal


@dataclasses.dataclass(slots=True)
class _Stage:
    """The sync stage without Kafka: rows in a dictionary, outputs in the rehearsal."""

    plan: Plan
    rehearsal: Rehearsal
    rows: dict[str, bytes] = dataclasses.field(default_factory=dict)
    position: int = 0

    def take(self, event: SyncEvent) -> None:
        decision = decide(self.rows, event, self.plan, self.position, time.time_ns() // 1_000_000)
        self.position += 1
        self.rows.update(decision.rows)
        self.rehearsal.linked += sum(entry.kind == "linked" for entry in decision.trail)
        self.rehearsal.commands |= {command.record: command for command in decision.commands}
        self.rehearsal.notable += [entry for entry in decision.trail if entry.kind in NOTABLE]


def _plan(ours: Connected, installation: Installation, state: Any) -> Plan:
    """The tenant's plan as it would be with this installation, and no other, in this state."""
    configuration = ours.configuration.tenant(installation.tenant)
    alone = {installation.id: Installation(**{**_fields(installation), "state": state})}
    return compile_configuration(
        dataclasses.replace(configuration, installations=alone), ours.configuration.revision, load_connectors(), {}
    ).plan


def _fields(installation: Installation) -> dict[str, Any]:
    return {name: getattr(installation, name) for name in installation.__struct_fields__}


async def _everything(
    ours: Connected, plan: Plan, installation: Installation
) -> AsyncIterator[tuple[RecordId, Snapshot]]:
    """Every record of both sides, referenced entities first."""
    planned: InstallationPlan = plan.installations[installation.id]
    for connection, entity in _entities(planned):
        known = ours.connection(connection)
        if known is None:
            continue
        fields = plan.fields.get((connection, entity), {})
        client = ours.clients.of(known, fields={entity: frozenset(fields)}, background=True)
        async for record, snapshot in _records(client, installation.tenant, connection, entity):
            yield record, snapshot


def _entities(planned: InstallationPlan) -> Iterator[tuple[str, str]]:
    for pair in planned.pairs.values():
        yield planned.left, pair.left
        yield planned.right, pair.right


async def _records(
    client: Client, tenant: str, connection: str, entity: str
) -> AsyncIterator[tuple[RecordId, Snapshot]]:
    async for row in every_record(client, entity):
        record = RecordId(connection, entity, row.id)
        yield (
            record,
            Snapshot(
                id=f"rehearsal-{record}",
                tenant=tenant,
                record=record,
                source="list",
                reading=row.reading,
                received_at=row.reading.read_to,
                linking=True,
            ),
        )


def _described(command: Command) -> dict[str, Any]:
    fields = {name: write.value for name, write in command.fields.items()}
    return {"record": str(command.record), "pair": command.pair, "fields": fields}
