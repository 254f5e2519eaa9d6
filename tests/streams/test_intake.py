from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from schemas import topics
from schemas.configuration import Connection
from schemas.events import Change, decode_change, decode_trail, encode
from schemas.records import RecordId
from streams.executor import Limits
from streams.intake import KeyedIntake
from tests.streams.deliveries import Kept, Receipt, delivery


class Stage:
    """Handles what it is let to; notes what it was given."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.handled: list[list[str]] = []
        self.put_away: list[str] = []
        self.parked: list[tuple[str, str]] = []
        self.error: Exception | None = None

    async def handle(self, messages: Sequence[Change]) -> None:
        self.handled.append([message.id for message in messages])
        await self.open.wait()
        if self.error:
            raise self.error

    async def put_off(self, messages: Sequence[Change]) -> None:
        self.put_away += [message.id for message in messages]

    async def failed(self, messages: Sequence[Change], error: Exception) -> None:
        self.parked += [(message.id, type(error).__name__) for message in messages]


class World:
    def __init__(self, limits: Limits | None = None) -> None:
        self.stage, self.outbox = Stage(), Kept()
        self.fatal: list[BaseException] = []
        self.intake = KeyedIntake(
            self.stage, "source", decode_change, _connection, self.outbox, self.fatal.append, limits=limits
        )

    async def submit(self, id: str, record: str = "1") -> Receipt:
        change = Change(id=id, tenant="t1", record=RecordId("hub", "contact", record), received_at=1)
        event, receipt = delivery(encode(change), topic="changes.hubspot", key=change.record.key)
        await self.intake.submit(event)
        return receipt


def _connection(id: str) -> Connection | None:
    return Connection(tenant="t1", id=id, product="hubspot", base_url="") if id == "hub" else None


@pytest.fixture
async def world() -> World:
    return World()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.005)


async def test_an_event_is_acknowledged_once_when_its_stage_is_done_with_it(world: World) -> None:
    world.stage.open.clear()
    receipt = await world.submit("c1")
    await _until(lambda: world.stage.handled == [["c1"]])
    assert receipt.ends == []
    world.stage.open.set()
    await _until(lambda: receipt.ends == ["acked"])


async def test_records_are_handled_side_by_side_and_each_in_order(world: World) -> None:
    world.stage.open.clear()
    for id, record in (("a1", "a"), ("b1", "b"), ("a2", "a")):
        await world.submit(id, record)
    await _until(lambda: len(world.stage.handled) == 2)
    assert world.stage.handled == [["a1"], ["b1"]]
    world.stage.open.set()
    await _until(lambda: world.stage.handled[2:] == [["a2"]])


async def test_what_has_not_started_when_partitions_go_is_dropped_and_what_runs_is_finished(world: World) -> None:
    world.stage.open.clear()
    running, waiting = await world.submit("c1"), await world.submit("c2")
    await _until(lambda: world.stage.handled == [["c1"]])
    releasing = asyncio.create_task(world.intake.release())
    await asyncio.sleep(0)
    assert running.ends == []
    world.stage.open.set()
    await asyncio.wait_for(releasing, 5)
    assert (running.ends, waiting.ends, world.stage.handled) == (["acked"], ["dropped"], [["c1"]])


async def test_a_failure_is_parked_by_the_stage_and_the_event_acknowledged(world: World) -> None:
    world.stage.error = ValueError("jane@example.com")
    receipt = await world.submit("c1")
    await _until(lambda: receipt.ends == ["acked"])
    assert (world.stage.parked, world.fatal) == ([("c1", "ValueError")], [])


async def test_an_undecodable_event_is_parked_for_the_tenant_of_its_connection(world: World) -> None:
    event, receipt = delivery(b"secret", topic="changes.hubspot", key=b"hub/contact/1", offset=9)
    await world.intake.submit(event)
    (value,) = world.outbox.values(topics.TRAIL)
    entry = decode_trail(value)
    assert (entry.tenant, entry.kind, entry.end, entry.stage) == ("t1", "poison", "attention", "source")
    assert "changes.hubspot[0]@9" in entry.message
    assert (b"secret" in value, receipt.ends, world.stage.handled) == (False, ["acked"], [])


async def test_what_a_full_lane_sheds_is_put_off_and_acknowledged() -> None:
    world = World(Limits(lane_running=1, lane_waiting=1))
    world.stage.open.clear()
    await world.submit("a", "a")
    await world.submit("b", "b")
    receipt = await world.submit("c", "c")
    await _until(lambda: receipt.ends == ["acked"])
    assert world.stage.put_away == ["c"]
    world.stage.open.set()
