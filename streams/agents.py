"""The agents: shells that take events from Faust and hand them to a stage. Nothing escapes them.

An exception that a stage lets through is not about one event (those are parked): the process ends and is started
again, with nothing committed that was not done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from faust.types import EventT

from streams.app import App
from streams.boundary import described
from streams.delivery import Delivery
from streams.lease import EXIT_CRASHED, leave


class BatchStage(Protocol):
    """A stage that decides in order."""

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Returns when all that these events cause is stored, each of them acknowledged."""


class Intake(Protocol):
    """A stage that works on many events at once."""

    async def submit(self, delivery: Delivery) -> None:
        """Take an event, to be acknowledged once later; waits while too many are unfinished."""

    async def release(self) -> None:
        """Partitions are given up: drop what has not started, finish what runs."""


def add_batch_agent(app: App, topic: str, stage: BatchStage, limit: int) -> None:
    """Hand over what has arrived, at most `limit` events at a time."""

    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            arrived = [event, *_arrived(app, stream, event, limit - 1)]
            await _or_leave(stage.handle([app.delivery_of(each) for each in arrived]))

    app.agent(app.raw_topic(topic), name=f"{topic}-agent")(agent)


def add_intake_agent(app: App, topics: Sequence[str], intake: Intake) -> None:
    """Hand over every event as it comes."""

    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await _or_leave(intake.submit(app.delivery_of(event)))

    app.before_release(intake.release)
    app.agent(app.raw_topic(*topics), name=f"{topics[0]}-agent")(agent)


def _arrived(app: App, stream: Any, first: EventT[Any], limit: int) -> list[EventT[Any]]:
    """What already waits behind the first event. Without a pause, so no rebalance can come in between."""
    queue = stream.channel.queue
    events: list[EventT[Any]] = []
    while len(events) < limit and not queue.empty():
        event = queue.get_nowait()
        if event.message.generation_id == first.message.generation_id:
            app.consumer.track_message(event.message)
            events.append(event)
    return events


async def _or_leave(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception as error:  # the boundary: Faust would acknowledge the event and start the agent again
        leave(EXIT_CRASHED, f"a stage failed: {described(error)}")
