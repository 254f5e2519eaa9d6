from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest

from streams import agents
from streams.agents import add_batch_agent, add_intake_agent
from streams.app import App
from streams.delivery import Delivery
from streams.lease import EXIT_CRASHED


class Left(Exception):
    """Instead of the end of the process."""


def _event(offset: int, generation: int = 1) -> Any:
    return SimpleNamespace(message=SimpleNamespace(offset=offset, generation_id=generation))


class Stream:
    """Gives its first event by iteration; the others wait in its queue."""

    def __init__(self, *events: Any) -> None:
        self._first, *waiting = events
        self.channel = SimpleNamespace(queue=asyncio.Queue())
        for event in waiting:
            self.channel.queue.put_nowait(event)
        self.acked_by_faust = True

    def noack(self) -> Stream:
        self.acked_by_faust = False
        return self

    async def events(self) -> AsyncIterator[Any]:
        yield self._first


class FakeApp:
    """What the shells use of the app; a delivery is its event."""

    def __init__(self) -> None:
        self.agents: dict[str, Callable[[Stream], Awaitable[None]]] = {}
        self.releases: list[object] = []
        self.tracked: list[int] = []
        self.consumer = SimpleNamespace(track_message=lambda message: self.tracked.append(message.offset))

    def raw_topic(self, *names: str) -> tuple[str, ...]:
        return names

    def agent(self, topic: tuple[str, ...], *, name: str) -> Callable[[Any], None]:
        return lambda function: self.agents.update({name: function})

    def before_release(self, release: object) -> None:
        self.releases.append(release)

    def delivery_of(self, event: Any) -> int:
        return int(event.message.offset)


class Stage:
    def __init__(self, error: Exception | None = None) -> None:
        self.batches: list[list[int]] = []
        self._error = error

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        self.batches.append(cast(list[int], list(deliveries)))
        if self._error:
            raise self._error

    async def submit(self, delivery: Delivery) -> None:
        await self.handle([delivery])

    async def release(self) -> None:
        return None


@pytest.fixture
def app() -> FakeApp:
    return FakeApp()


async def test_events_that_have_arrived_are_handed_over_together(app: FakeApp) -> None:
    stage, stream = Stage(), Stream(_event(1), _event(2), _event(3))
    add_batch_agent(cast(App, app), "sync", stage, 64)
    await app.agents["sync-agent"](stream)
    assert (stage.batches, app.tracked, stream.acked_by_faust) == ([[1, 2, 3]], [2, 3], False)


async def test_a_batch_has_a_limit(app: FakeApp) -> None:
    stage, stream = Stage(), Stream(_event(1), _event(2), _event(3))
    add_batch_agent(cast(App, app), "sync", stage, 2)
    await app.agents["sync-agent"](stream)
    assert (stage.batches, stream.channel.queue.qsize()) == ([[1, 2]], 1)


async def test_what_was_fetched_before_a_rebalance_is_left_out(app: FakeApp) -> None:
    stage, stream = Stage(), Stream(_event(1, 2), _event(2, 1), _event(3, 2))
    add_batch_agent(cast(App, app), "sync", stage, 64)
    await app.agents["sync-agent"](stream)
    assert (stage.batches, app.tracked) == ([[1, 3]], [3])


async def test_an_intake_is_given_every_event_and_told_before_partitions_go(app: FakeApp) -> None:
    stage, stream = Stage(), Stream(_event(1))
    add_intake_agent(cast(App, app), ["changes.a", "changes.b"], stage)
    await app.agents["changes.a-agent"](stream)
    assert (stage.batches, app.releases, stream.acked_by_faust) == ([[1]], [stage.release], False)


@pytest.mark.parametrize("name", ["sync-agent", "changes.a-agent"])
async def test_nothing_that_a_stage_lets_through_escapes_an_agent(
    app: FakeApp, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    reasons: list[tuple[int, str]] = []

    def leave(status: int, reason: str) -> NoReturn:
        reasons.append((status, reason))
        raise Left

    monkeypatch.setattr(agents, "leave", leave)
    stage = Stage(ValueError("jane@example.com"))
    add_batch_agent(cast(App, app), "sync", stage, 64)
    add_intake_agent(cast(App, app), ["changes.a"], stage)
    with pytest.raises(Left):
        await app.agents[name](Stream(_event(1)))
    ((status, reason),) = reasons
    assert (status, "ValueError" in reason, "jane" in reason) == (EXIT_CRASHED, True, False)
