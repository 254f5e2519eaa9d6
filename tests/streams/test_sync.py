from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import topics
from schemas.configuration import Connection
from schemas.events import (
    Change,
    Command,
    Control,
    Due,
    Nudge,
    Reading,
    Snapshot,
    SyncEvent,
    Trail,
    decode_trail,
    encode,
)
from schemas.records import RecordId
from streams.delivery import Delivery, Output
from streams.engine.decision import Decision, Rows
from streams.engine.plan import Plan
from streams.sync import BATCH_BYTES, SyncStage
from streams.tuning import MAX_RECORD_BYTES
from tests.faults.chaos import toy
from tests.faults.chaos.toy import KEYS, numbered
from tests.streams.deliveries import Kept, delivery

RECORD = RecordId("hub", "contact", "7")


class Table:
    """Whole at once, in memory."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, bytes], bytes] = {}
        self.writes: list[tuple[int, Mapping[bytes, bytes]]] = []

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self.rows.get((partition, key))

    async def write(self, partition: int, rows: Mapping[bytes, bytes]) -> None:
        self.writes.append((partition, dict(rows)))
        self.rows |= {(partition, key): value for key, value in rows.items()}


class Plans:
    def __init__(self) -> None:
        self.revision = 3
        self.waited: list[int] = []

    def plan(self, tenant: str) -> Plan:
        if tenant == "gone":
            raise LookupError(tenant)
        return Plan(tenant=tenant, revision=self.revision, installations={})

    def connection(self, id: str) -> Connection | None:
        if id == "gone":
            return None
        return Connection(tenant="t1", id=id, product="hubspot", base_url="")

    async def at_least(self, revision: int) -> None:
        self.waited.append(revision)
        self.revision = max(self.revision, revision)


class World:
    """A stage, and what is round it."""

    def __init__(self, decide: Callable[..., Decision] = toy.decide) -> None:
        self.outbox, self.table, self.plans = Kept(), Table(), Plans()
        self.stage = SyncStage(decide, self.plans, self.table, self.outbox)

    @property
    def trail(self) -> list[Trail]:
        return [decode_trail(value) for value in self.outbox.values(topics.TRAIL)]


def _decision(rows: Mapping[str, bytes] = {}, **outputs: Any) -> Decision:
    return Decision(rows=rows, read=frozenset(), **outputs)


def _events(*numbers: int) -> list[Delivery]:
    return [delivery(encode(numbered(number)), offset=number, key=b"k")[0] for number in numbers]


async def test_events_are_acknowledged_once_their_outputs_and_rows_are_stored() -> None:
    world = World()
    event, receipt = delivery(encode(numbered(0)))
    world.outbox.send = _never_stored(world.outbox)  # type: ignore[method-assign, assignment]  # the broker does not answer
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.stage.handle([event]), 0.1)
    assert (receipt.ends, world.table.writes) == ([], [])


async def test_rows_are_written_after_the_outputs_and_before_the_acknowledgement() -> None:
    world = World()
    event, receipt = delivery(encode(numbered(0)))
    write = world.table.write

    async def watched(partition: int, rows: Mapping[bytes, bytes]) -> None:
        assert [entry.id for entry in world.trail] == ["t00/1"]
        assert receipt.ends == []
        await write(partition, rows)

    world.table.write = watched  # type: ignore[method-assign]  # watched
    await world.stage.handle([event])
    assert (world.table.get(0, b"t00|a"), receipt.ends) == (b"1", ["acked"])


async def test_a_later_event_of_a_batch_sees_the_rows_of_an_earlier_one() -> None:
    world = World()
    await world.stage.handle(_events(0, KEYS, 2 * KEYS))
    assert [entry.reason for entry in world.trail] == ["", "", ""]
    assert world.table.writes == [(0, {b"t00|a": b"3", b"t00|b": b"3"})]


async def test_partitions_have_rows_of_their_own() -> None:
    world = World()
    events = [delivery(encode(numbered(0)), partition=partition)[0] for partition in (0, 1)]
    await world.stage.handle(events)
    assert sorted(partition for partition, _ in world.table.writes) == [0, 1]


async def test_a_batch_whose_rows_grow_large_is_stored_in_parts() -> None:
    rows = {"t1|r": b"x" * (BATCH_BYTES - 100_000)}

    def decide(_: Rows, event: SyncEvent, plan: Plan, position: int, now: int) -> Decision:
        return _decision({f"{key}{position}": value for key, value in rows.items()})

    world = World(decide)
    await world.stage.handle(_events(0, 1, 2))
    assert [len(rows) for _, rows in world.table.writes] == [2, 1]
    assert all(sum(map(len, rows.values())) < MAX_RECORD_BYTES for _, rows in world.table.writes)


async def test_outputs_go_to_their_topics_under_their_keys() -> None:
    command = Command(id="c", tenant="t1", record=RECORD, sequence=1, fields={}, issued_at=1)
    change = Change(id="r", tenant="t1", record=RECORD, received_at=1)
    nudge = Nudge(id="n", tenant="t1", record=RECORD)
    entry = Trail(id="e", tenant="t1", at=1, stage="sync", kind="decided")
    due = (Due(id="d1", tenant="t1", at=9, event=nudge), Due(id="d2", tenant="t1", at=9, change=change))
    world = World(lambda *_: _decision(commands=(command,), changes=(change,), due=due, trail=(entry,)))
    await world.stage.handle(_events(0))
    assert [(output.topic, output.key) for output in world.outbox.outputs] == [
        ("writes.hubspot", RECORD.key),
        ("changes.hubspot", RECORD.key),
        ("due", RECORD.key),
        ("due", RECORD.key),
        ("trail", b"t1"),
    ]
    assert dict(world.outbox.outputs[0].headers)["ce_type"] == b"freshpipe.command.v1"


async def test_an_undecodable_event_is_parked_and_those_behind_it_go_on() -> None:
    world = World()
    broken, receipt = delivery(b'{"type": "snapshot", "id": "secret"', key=b"t9", offset=41)
    await world.stage.handle([broken, *_events(0)])
    parked = world.trail[0]
    assert (parked.tenant, parked.kind, parked.end, parked.reason) == ("t9", "poison", "attention", "poison")
    assert "sync[0]@41" in parked.message
    assert "secret" not in encode(parked).decode()
    assert (receipt.ends, world.trail[1].id) == (["acked"], "t00/1")


async def test_an_event_that_the_engine_cannot_take_is_parked_with_its_changes() -> None:
    def decide(*_: object) -> Decision:
        raise ValueError("jane@example.com")

    world = World(decide)
    snapshot = Snapshot(
        id="s",
        tenant="t1",
        record=RECORD,
        reading=Reading(fields={}, read_from=1, read_to=2),
        changes=("c1", "c2"),
        received_at=5,
    )
    event, receipt = delivery(encode(snapshot))
    await world.stage.handle([event])
    assert (world.trail[0].record, world.trail[0].changes) == (RECORD, ("c1", "c2"))
    assert "jane" not in encode(world.trail[0]).decode()
    assert (world.table.writes, receipt.ends) == ([(0, {})], ["acked"])


async def test_a_decision_too_large_for_the_broker_is_parked_before_anything_is_sent() -> None:
    entry = Trail(id="e", tenant="t1", at=1, stage="sync", kind="decided", message="x" * MAX_RECORD_BYTES)
    world = World(lambda *_: _decision({"t1|r": b"1"}, trail=(entry,)))
    await world.stage.handle(_events(0))
    assert [(entry.reason, entry.end) for entry in world.trail] == [("too_large", "attention")]
    assert world.table.writes == [(0, {})]


async def test_events_of_a_removed_tenant_are_filtered() -> None:
    world = World()
    event, receipt = delivery(encode(Nudge(id="n", tenant="gone", record=RECORD)), key=b"gone")
    await world.stage.handle([event])
    assert [(entry.end, entry.reason) for entry in world.trail] == [("filtered", "tenant_removed")]
    assert receipt.ends == ["acked"]


async def test_a_control_waits_for_the_configuration_that_it_names() -> None:
    seen: list[int] = []

    def decide(rows: Rows, event: SyncEvent, plan: Plan, position: int, now: int) -> Decision:
        seen.append(plan.revision)
        return _decision()

    world = World(decide)
    control = Control(id="c", tenant="t1", action="configuration", revision=9)
    await world.stage.handle([delivery(encode(control))[0], *_events(0)])
    assert (world.plans.waited, seen) == ([9], [9, 9])


async def test_a_table_that_cannot_be_read_blames_no_event() -> None:
    world = World()

    def broken(partition: int, key: bytes) -> bytes | None:
        raise OSError("disk")

    world.table.get = broken  # type: ignore[method-assign]  # the disk is gone
    event, receipt = delivery(encode(numbered(0)))
    with pytest.raises(Exception, match="OSError"):
        await world.stage.handle([event])
    assert (receipt.ends, world.outbox.outputs) == ([], [])


async def test_the_position_and_the_records_own_time_are_handed_to_the_engine() -> None:
    given_to: list[tuple[int, int]] = []

    def decide(rows: Rows, event: SyncEvent, plan: Plan, position: int, now: int) -> Decision:
        given_to.append((position, now))
        return _decision()

    await World(decide).stage.handle([delivery(encode(numbered(0)), offset=12, at=777)[0]])
    assert given_to == [(12, 777)]


# A crash at any effect, and another after it: what survives is the changelog, and the local copy or not.


class Crash(BaseException):
    """The process is gone."""


class Machine:
    """A partition's broker and one worker's disk. `budget` effects succeed, the next one is the last thing done."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.changelog: list[tuple[bytes, bytes]] = []
        self.local: dict[bytes, bytes] = {}
        self.reached = 0
        self.committed = 0
        self.budget: int | None = None

    def effect(self) -> None:
        """Raises Crash instead when its time has come."""
        if self.budget is not None:
            if self.budget == 0:
                raise Crash
            self.budget -= 1

    def recover(self, *, same_disk: bool) -> None:
        """As Faust does: what the changelog has beyond what the local copy had reached."""
        if not same_disk:
            self.local, self.reached = {}, 0
        self.local |= dict(self.changelog[self.reached :])
        self.reached = len(self.changelog)


class MachineTable:
    """As `StateStore`: a record batch in the changelog, then a write batch on the disk."""

    whole = True

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self._machine.local.get(key)

    async def write(self, partition: int, rows: Mapping[bytes, bytes]) -> None:
        parts = [list(rows.items())] if self.whole else [[row] for row in rows.items()]
        for part in parts:
            self._machine.effect()
            self._machine.changelog += part
            self._machine.effect()
            self._machine.local |= dict(part)
            self._machine.reached = len(self._machine.changelog)


class TornTable(MachineTable):
    whole = False


class LocalFirstTable(MachineTable):
    """What a table does that is written before its changelog: what it holds already is not written again."""

    async def write(self, partition: int, rows: Mapping[bytes, bytes]) -> None:
        new = {key: value for key, value in rows.items() if self.get(partition, key) != value}
        self._machine.effect()
        self._machine.local |= new
        self._machine.effect()
        self._machine.changelog += list(new.items())
        self._machine.reached = len(self._machine.changelog)


class MachineOutbox(Kept):
    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self._machine = machine

    async def send(self, output: Output) -> Awaitable[object]:
        self._machine.effect()
        self._machine.outputs.append(output)
        return await super().send(output)


EVENTS = [numbered(number * KEYS // 2) for number in range(12)]
"""Of two keys in turn."""


async def _work(machine: Machine, table: MachineTable, batch: int) -> None:
    """Until all is committed or the machine crashes."""
    stage = SyncStage(toy.decide, toy.NoPlans(), table, MachineOutbox(machine))
    while machine.committed < len(EVENTS):
        taken = range(machine.committed, min(machine.committed + batch, len(EVENTS)))
        await stage.handle([delivery(encode(EVENTS[offset]), offset=offset)[0] for offset in taken])
        machine.effect()
        machine.committed = taken.stop


def _run(crashes: Sequence[tuple[int, bool, int]], table: type[MachineTable] = MachineTable) -> Machine:
    """`crashes`: after how many effects, whether the same disk comes back, and the batch size until then."""
    machine = Machine()

    async def life() -> None:
        for budget, same_disk, batch in crashes:
            machine.budget = budget
            try:
                await _work(machine, table(machine), batch)
            except Crash:
                machine.recover(same_disk=same_disk)
        machine.budget = None
        await _work(machine, table(machine), 3)

    asyncio.run(life())
    return machine


CRASHES = st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.integers(1, 5)), max_size=6)


@given(CRASHES)
def test_whatever_a_crash_leaves_is_whole_and_repaired_by_the_replay(crashes: list[tuple[int, bool, int]]) -> None:
    machine = _run(crashes)
    entries = [decode_trail(output.value) for output in machine.outputs]
    first_seen = list(dict.fromkeys(entry.id for entry in entries))
    assert first_seen == [f"{event.tenant}/{event.sequence}" for event in EVENTS]
    assert {entry.reason for entry in entries} == {""}
    assert dict(machine.changelog) == machine.local
    assert set(machine.local.values()) == {b"6"}


def test_rows_stored_one_by_one_would_be_torn_apart() -> None:
    torn = [
        decode_trail(output.value).reason
        for effects in range(12)
        for output in _run([(effects, True, 2)], TornTable).outputs
    ]
    assert "torn" in torn


def test_a_local_copy_ahead_of_its_changelog_would_keep_rows_from_the_next_owner() -> None:
    missing = []
    for effects in range(40):
        machine = _run([(effects, True, 2)], LocalFirstTable)
        missing += [key for key in machine.local if dict(machine.changelog).get(key) != machine.local[key]]
    assert missing


def _never_stored(outbox: Kept) -> Callable[[Output], Awaitable[Awaitable[object]]]:
    async def send(output: Output) -> Awaitable[object]:
        outbox.outputs.append(output)
        return asyncio.get_running_loop().create_future()

    return send
