"""Between the source and sink agents and their stages: decode, run in parallel by record, acknowledge each once.

An event that cannot be decoded is parked here; one whose handling fails is parked by its stage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Literal, Protocol, TypeVar, cast

import structlog

from schemas import topics
from schemas.configuration import Connection
from schemas.events import Change, Command, Trail, encode
from schemas.headers import headers_of
from streams.boundary import described
from streams.delivery import Delivery, Outbox
from streams.executor import Executor, Item, Limits
from streams.metrics import EVENTS

M = TypeVar("M", Change, Command)
M_contra = TypeVar("M_contra", Change, Command, contravariant=True)
EVERY_PARTITION = range(2**31)

log = structlog.get_logger()


class Stage(Protocol[M_contra]):
    """Works on messages of one record at a time. Their outputs are stored when a method returns."""

    async def handle(self, messages: Sequence[M_contra]) -> None: ...

    async def put_off(self, messages: Sequence[M_contra]) -> None:
        """There is too much waiting for their connection: arrange for another time."""

    async def failed(self, messages: Sequence[M_contra], error: Exception) -> None:
        """Leave them where a person sees them."""


class KeyedIntake(Generic[M]):
    """Implements `streams.agents.Intake` for the source or the sink stage; `fatal` ends the process."""

    def __init__(
        self,
        stage: Stage[M],
        name: Literal["source", "sink"],
        decode: Callable[[bytes], M],
        connection: Callable[[str], Connection | None],
        outbox: Outbox,
        fatal: Callable[[BaseException], None],
        *,
        delay_s: Callable[[M], float] = lambda _: 0.0,
        limits: Limits | None = None,
    ) -> None:
        """`delay_s`: how long to keep a message in memory before it is handled."""
        self._stage: Stage[M] = stage
        self._name = name
        self._decode: Callable[[bytes], M] = decode
        self._connection = connection
        self._outbox = outbox
        self._delay_s: Callable[[M], float] = delay_s
        self._executor: Executor[M] = Executor(self, _acknowledge, fatal, limits)

    async def submit(self, delivery: Delivery) -> None:
        try:
            message = self._decode(delivery.value)
        except Exception as error:  # the boundary for what cannot even be read
            await self._park(delivery, error)
            delivery.receipt.ack()
            return
        await self._executor.submit(
            Item(
                key=message.record.key,
                lane=message.record.connection,
                partition=delivery.partition,
                value=message,
                token=delivery,
                delay_s=self._delay_s(message),
            )
        )

    async def release(self) -> None:
        for item in await self._executor.revoke(EVERY_PARTITION):
            _delivery_of(item).receipt.drop()

    async def handle(self, items: Sequence[Item[M]]) -> None:
        await self._stage.handle([item.value for item in items])

    async def shed(self, items: Sequence[Item[M]]) -> None:
        await self._stage.put_off([item.value for item in items])

    async def failed(self, items: Sequence[Item[M]], error: Exception) -> None:
        EVENTS.labels(_delivery_of(items[0]).topic, "parked").inc(len(items))
        log.warning("park_events", positions=[str(_delivery_of(item)) for item in items], error=described(error))
        await self._stage.failed([item.value for item in items], error)

    async def _park(self, delivery: Delivery, error: Exception) -> None:
        EVENTS.labels(delivery.topic, "parked").inc()
        log.warning("park_event", position=str(delivery), error=described(error))
        entry = Trail(
            id=f"{delivery}/poison",
            tenant=self._tenant_of(delivery),
            at=delivery.at,
            stage=self._name,
            kind="poison",
            end="attention",
            reason="poison",
            message=f"{described(error)}, at {delivery}",
        )
        headers = headers_of(id=entry.id, source=self._name, type="trail", at=delivery.at)
        await self._outbox.publish(topics.TRAIL, entry.tenant.encode(), encode(entry), headers)

    def _tenant_of(self, delivery: Delivery) -> str:
        """By the record id that is the key; empty where that cannot be read either."""
        connection = self._connection(delivery.key.decode(errors="replace").partition("/")[0])
        return connection.tenant if connection else ""


async def _acknowledge(item: Item[M]) -> None:
    delivery = _delivery_of(item)
    delivery.receipt.ack()
    EVENTS.labels(delivery.topic, "done").inc()


def _delivery_of(item: Item[M]) -> Delivery:
    return cast(Delivery, item.token)
