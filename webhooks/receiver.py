"""What is done with a webhook request, from its bytes to its answer. The HTTP and Kafka of it are handed in."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from schemas.documents.source import JSON
from webhooks.endpoints import Product
from webhooks.errors import EndpointsAway, Refused
from webhooks.intake import Answer, Event, Intake
from webhooks.metrics import Metrics
from webhooks.requests import Endpoint, Incoming, Secrets
from webhooks.sorting import Message, Moment, Sorted, sort_for_app, sort_for_connection

Publish = Callable[[Sequence[Message]], Awaitable[None]]
"""Returns when the messages are stored for good. Raises Refused."""


class Directory(Protocol):
    """Who may send: webhooks.endpoints.Endpoints."""

    @property
    def ready(self) -> bool: ...
    def product(self, name: str) -> Product | None: ...
    def of_account(self, product: str, account: str) -> Sequence[Endpoint]: ...
    async def of_token(self, token: str) -> Endpoint | None: ...
    async def refreshed(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: `take` reads at most `limit` bytes of it, and gives the answer if it was a question."""

    product: str
    limit: int
    take: Callable[[Incoming], Awaitable[Answer | None]]


class Receiver:
    """Takes requests; `now` gives ms since the epoch."""

    def __init__(self, directory: Directory, publish: Publish, metrics: Metrics, now: Callable[[], int]) -> None:
        self._directory = directory
        self._publish = publish
        self._metrics = metrics
        self._now = now

    async def target_of_token(self, token: str) -> Target:
        """A connection's own address. Raises Refused: 404 if there is none, 503 if nobody can tell.

        What comes may be signed with the connection's secrets, or with the product's.
        """
        try:
            endpoint = await self._directory.of_token(token)
        except EndpointsAway as error:
            raise Refused("away") from error
        product = self._directory.product(endpoint.product) if endpoint else None
        if endpoint is None or product is None:
            raise self._unknown()
        intake, secrets = product.intake, [*endpoint.secrets, *product.secrets]

        async def take(request: Incoming) -> Answer | None:
            found = self._verified(request, intake, secrets)
            if isinstance(found, Answer):
                return found
            await self._accept(intake, sort_for_connection(intake, found, endpoint, self._moment()))
            return None

        return Target(intake.product, intake.limit, take)

    async def target_of_app(self, name: str) -> Target:
        """The address that all connections of a product share. Raises Refused."""
        product = self._directory.product(name)
        if product is None or not product.intake.for_app:
            raise self._unknown()
        intake, secrets = product.intake, product.secrets

        async def take(request: Incoming) -> Answer | None:
            found = self._verified(request, intake, secrets)
            if isinstance(found, Answer):
                return found
            sorted_ = self._sort(intake, found)
            if sorted_.results["unknown_account"] and await self._has_news():
                sorted_ = self._sort(intake, found)
            await self._accept(intake, sorted_)
            return None

        return Target(intake.product, intake.limit, take)

    def _unknown(self) -> Refused:
        return Refused("unknown_endpoint" if self._directory.ready else "away")

    def _verified(self, request: Incoming, intake: Intake, secrets: Sequence[Secrets]) -> list[Event] | Answer:
        intake.verify(request, secrets, self._now())
        body: JSON = intake.decode(request)
        return intake.answer(request, body) or intake.events(request, body)

    def _sort(self, intake: Intake, events: Sequence[Event]) -> Sorted:
        return sort_for_app(
            intake, events, lambda account: self._directory.of_account(intake.product, account), self._moment()
        )

    async def _has_news(self) -> bool:
        """An account may have been connected a moment ago. With MySQL away nobody can have connected one."""
        with suppress(EndpointsAway):
            return await self._directory.refreshed()
        return False

    async def _accept(self, intake: Intake, found: Sorted) -> None:
        if found.messages:
            await self._publish(found.messages)
        for result, count in found.results.items():
            self._metrics.events.labels(intake.product, result).inc(count)

    def _moment(self) -> Moment:
        return Moment(self._now(), f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01")
