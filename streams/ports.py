"""What the source and sink stages call, as they see it: publishing, the products, the tenants' connections."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from schemas.configuration import Connection
from schemas.documents.connector import Entity
from schemas.events import Category, Reading
from schemas.headers import Headers
from schemas.values import Value
from streams.engine.plan import FieldPlan, Side


class Publish(Protocol):
    """Puts one record on a topic."""

    async def __call__(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Returns when the broker has it for good; the input that caused it is acknowledged only after that."""


class Found(Protocol):
    """A record that a product named, and what it said of it."""

    @property
    def id(self) -> str: ...
    @property
    def reading(self) -> Reading: ...


class Client(Protocol):
    """One connection's product. Every call spends the quota and raises CallFailed, whatever goes wrong."""

    def entity(self, name: str) -> Entity:
        """The connector document's entity: its keys, stamp, operations and their lags."""

    async def get(self, entity: str, id: str) -> Reading | None:
        """The record by id, all fields; None: it is gone."""

    async def find(self, entity: str, field: str, value: Value) -> Sequence[Found]:
        """The records whose `field` has this value, as the product's index knows them."""

    async def create(self, entity: str, fields: Mapping[str, Value], stamp: str) -> Found:
        """Make a record; `stamp` goes into the entity's stamp field where it has one."""

    async def update(self, entity: str, id: str, fields: Mapping[str, Value]) -> Reading | None:
        """Set these fields; None where the answer does not show the record. `not_found`: it is gone."""

    async def delete(self, entity: str, id: str) -> None:
        """Delete (or archive: as the connector says) the record; one that is gone already is no error."""


class Accounts(Protocol):
    """The tenants' connections and plans, from the process's cache."""

    def connection(self, id: str) -> Connection | None:
        """The connection, or None if there is none (any more)."""

    def client(self, connection: Connection) -> Client:
        """Its product; raises CallFailed where its product or credentials cannot be used."""

    def fields(self, connection: Connection, entity: str) -> Mapping[str, FieldPlan]:
        """The fields of an entity by name, with their canonical forms; empty where nothing is installed."""

    def side(self, connection: Connection, installation: str) -> Side | None:
        """On which side of an installation the connection stands; None if it is not part of it."""

    async def broken(self, connection: Connection, category: Category, message: str) -> bool:
        """Mark an active connection as broken. True for the one caller that did it, who then tells people."""


def now_ms() -> int:
    """Our clock, in ms since the epoch."""
    return time.time_ns() // 1_000_000
