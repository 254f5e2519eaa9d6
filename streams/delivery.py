"""What the runtime and the stages agree on: an event in a stage's hands, and what it sends because of it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from schemas.headers import Headers


class TooLarge(Exception):
    """A record is larger than the broker takes: park its cause, trying again cannot help."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(f"{what} of {size} bytes is larger than {limit}")
        self.size = size
        self.limit = limit


class Output(NamedTuple):
    """A record to be produced."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


class Receipt(Protocol):
    """How an event's holder lets go of it: one of the two, once."""

    def ack(self) -> None:
        """Done: all that it caused is stored. Its offset may be committed when those before it are acked too."""

    def drop(self) -> None:
        """Forgotten before its work began: it is delivered again, to whoever owns its partition then."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event as it came from its topic."""

    topic: str
    partition: int
    offset: int
    at: int
    """The record's own time, ms."""
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]
    receipt: Receipt

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


class Outbox(Protocol):
    """Where outputs go. Every failure but TooLarge ends the process: what caused the record is not committed."""

    async def send(self, output: Output) -> Awaitable[object]:
        """Hand a record over, in order within its key; the answer is done when all in-sync replicas have it."""

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Send a record and return when all in-sync replicas have it."""
