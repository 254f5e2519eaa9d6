"""How the rest of Freshpipe speaks to a product: records in, records out, by the connector's documents.

A record's fields carry the names of the connector document, their values are `schemas.values.Value` in the
declared types. Every method spends the connection's quota and raises CallFailed, whatever goes wrong.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from redis.asyncio import Redis

from connectors.account import Account, open_account
from connectors.caller import json_body
from connectors.connector import Connector
from connectors.discovery import DiscoveredField
from connectors.entities import Found
from connectors.errors import CallFailed
from connectors.fields import Choice
from connectors.http import Http, Transport
from connectors.quota import Quota
from connectors.reads import Page, Reads
from connectors.writes import Writes
from schemas.configuration import Connection
from schemas.documents.connector import Entity
from schemas.documents.expressions import ExpressionFailed
from schemas.events import Reading
from schemas.values import Fields, Value

__all__ = ["CallFailed", "Choice", "Client", "Clients", "DiscoveredField", "Found", "Page", "Probed", "open_clients"]

KeepCredentials = Callable[[Connection, Mapping[str, str]], Awaitable[None]]
"""Stores the renewed credentials of a connection (`access_token`, `refresh_token`, `expires_at` in ms)."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What a connection test told: the product's own name for the account, and the configuration it taught us."""

    account: str
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Client:
    """One connection's product. Cheap to make; may be used by many tasks at once."""

    account: Account
    reads: Reads
    writes: Writes

    def entity(self, name: str) -> Entity:
        """The document's entity: its keys, stamp, operations and their lags."""
        return self.reads.entity(name).declared

    async def probe(self) -> Probed:
        """Test the connection with one call; wrong credentials are `auth_revoked`."""
        connector = self.account.connector
        answer = await self.reads.caller.call(connector.probe, self.account.scope)
        scope = {**self.account.scope, "status": answer.status, "header": {}, "body": json_body(answer)}
        try:
            if connector.good and connector.good(scope) is not True:
                raise CallFailed("auth_revoked", "the product does not know us", status=answer.status)
            learnt = {name: str(fill(scope)) for name, fill in connector.learnt.items()}
        except ExpressionFailed as error:
            raise CallFailed("unknown", f"the probe's answer is not as described: {error.reason}") from error
        route = connector.document.events.route
        named = learnt.get(route.to) if route else None
        return Probed(named or self.account.connection.base_url.partition("://")[2] or "", learnt)

    async def prepare_account(self) -> Mapping[str, CallFailed]:
        """Make the account ready, as a new connection needs it; may be repeated. By entity, what was refused.

        Where our stamp's field cannot be made, creates go without it and rely on what is unique.
        """
        refused: dict[str, CallFailed] = {}
        for name, entity in self.account.connector.entities.items():
            for call in entity.setup:
                try:
                    await self.reads.caller.call(call, self.account.scope)
                except CallFailed as error:
                    if error.category not in ("forbidden", "invalid_field", "rejected", "unsupported", "duplicate"):
                        raise
                    refused[name] = error
        return refused

    async def get(self, entity: str, id: str) -> Reading | None:
        """The record as it is; None: it is gone."""
        found = await self.reads.get(self.reads.entity(entity), id)
        return found.reading if found else None

    async def list(self, entity: str, cursor: str | None = None) -> Page:
        """A page of all records; `cursor` of None: the first. Rows may repeat where records change meanwhile."""
        return await self.reads.listed(self.reads.entity(entity), cursor)

    async def changes(self, entity: str, since_ms: int, cursor: str | None = None) -> Page:
        """A page of the records that changed at `since_ms` (the product's clock) or later, and of some before.

        The cursor belongs to the same `since_ms`. Deleted records are among them only where the product lists them.
        """
        return await self.reads.changed(self.reads.entity(entity), since_ms, cursor)

    async def find(self, entity: str, field: str, value: Value) -> Sequence[Found]:
        """The records whose `field` has this value, as the product's index knows them (see the operation's `lag_s`).

        `unsupported`, with the field's name, where the product cannot look records up by it.
        """
        return await self.reads.find(self.reads.entity(entity), field, value)

    async def create(self, entity: str, fields: Fields, stamp: str = "") -> Found:
        """Make a record; `stamp` goes into the entity's stamp field where it has one and the account lets us.

        `duplicate` has `existing_id` where it is known. With `sent`, the record may be there although this failed.
        """
        return await self.writes.create(self.reads.entity(entity), fields, stamp)

    async def update(self, entity: str, id: str, fields: Fields) -> Reading | None:
        """Set these fields and no others; the record as the product then shows it, None where it does not.

        `not_found`: it is gone.
        """
        return await self.writes.update(self.reads.entity(entity), id, fields)

    async def upsert(self, entity: str, field: str, fields: Fields) -> Found:
        """Update the record whose `field` has the value in `fields`, or make it; `unsupported` where not native."""
        return await self.writes.upsert(self.reads.entity(entity), field, fields)

    async def delete(self, entity: str, id: str, *, erase: bool = False) -> None:
        """Delete or archive the record, as the product does it; `erase`: for good, for privacy's sake.

        One that is gone already is no error.
        """
        await self.writes.delete(self.reads.entity(entity), id, erase=erase)

    async def discover(self, entity: str, *, fresh: bool = False) -> Sequence[DiscoveredField]:
        """The fields beyond the declared ones, of which this account may have any; remembered for ten minutes.

        `fresh`: unless they were asked for within the last minute. A type that nobody knows is `json_ro`.
        """
        found = await self.account.discovered(self.reads.entity(entity), self.reads.caller, fresh=fresh)
        return found.described

    async def room(self) -> Mapping[str, tuple[int | None, int]]:
        """By vendor bucket: how many calls could be made at once now (None: nobody knows), and how many at best."""
        caller = self.account.caller
        return {
            meter.limit.bucket: (await caller.quota.left(meter.bucket), meter.bucket.burst) for meter in caller.meters
        }

    async def choices(self, entity: str, field: str) -> Sequence[Choice]:
        """What a field of choices can be set to in this account; empty where anything goes."""
        found = await self.reads.field(self.reads.entity(entity), field)
        if found is None:
            raise CallFailed("unsupported", "the product has no such field", field=field)
        return await self.account.choices(found, self.reads.caller)


@dataclass(slots=True)
class Clients:
    """Clients of all connections; what is remembered of one is shared by all its clients. One per process."""

    connectors: Mapping[str, Connector]
    transport: Transport
    quota: Quota
    allow_loopback: bool = False
    app_secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """By product: secrets of our own app (`client_id`, `client_secret`)."""
    keep: KeepCredentials | None = None
    _accounts: dict[str, Account] = field(default_factory=dict)

    def of(
        self,
        connection: Connection,
        *,
        fields: Mapping[str, Collection[str]] | None = None,
        background: bool = False,
    ) -> Client:
        """A client. `fields`: by entity, those to read (a plan's); of other entities, all that there are.

        `background`: for polls and backfills, which leave a part of the quota to live edits. Raises CallFailed:
        `unsupported` product, `forbidden` address, `auth_revoked` without credentials.
        """
        account = self._account(connection)
        caller = replace(account.caller, background=True) if background else account.caller
        reads = Reads(account, caller, fields or {})
        return Client(account, reads, Writes(reads))

    def forget(self, connection_id: str) -> None:
        """The connection is gone, or everything remembered of it is out of date."""
        self._accounts.pop(connection_id, None)

    def _account(self, connection: Connection) -> Account:
        account = self._accounts.get(connection.id)
        if account is None or _identity(account.connection) != _identity(connection):
            account = self._accounts[connection.id] = self._open(connection)
        return account

    def _open(self, connection: Connection) -> Account:
        connector = self.connectors.get(connection.product)
        if connector is None:
            raise CallFailed("unsupported", f"there is no connector for {connection.product}")

        async def keep(credentials: Mapping[str, str]) -> None:
            if self.keep is not None:
                await self.keep(connection, credentials)

        return open_account(
            connection,
            connector,
            self.transport,
            self.quota,
            allow_loopback=self.allow_loopback,
            secrets={**self.app_secrets.get(connection.product, {}), **connection.credentials},
            keep=keep,
        )


@asynccontextmanager
async def open_clients(
    connectors: Mapping[str, Connector], redis: Redis, *, allow_loopback: bool = False, **more: Any
) -> AsyncIterator[Clients]:
    """The process's clients, with their HTTP session; `more` as for Clients."""
    http = Http(allow_loopback=allow_loopback)
    try:
        yield Clients(connectors, http, Quota(redis), allow_loopback=allow_loopback, **more)
    finally:
        await http.close()


def _identity(connection: Connection) -> tuple[object, ...]:
    """What a client depends on; not an access token that it renews itself."""
    renewed = ("access_token", "expires_at") if "refresh_token" in connection.credentials else ()
    fixed = {name: value for name, value in connection.credentials.items() if name not in renewed}
    return (connection.tenant, connection.product, connection.base_url, connection.account, fixed, connection.config)
