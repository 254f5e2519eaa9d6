"""What a process that speaks to products has open: MySQL, the configuration, the products' clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from redis.asyncio import Redis

from connectors.catalog import compile_connectors, load_connectors
from connectors.client import Client, Clients, open_clients
from schemas.configuration import Connection
from schemas.events import Category
from schemas.settings import Settings
from streams.database import Database
from streams.engine.plan import FieldPlan, Side
from streams.errors import NotThere
from streams.planning import plan_maker
from streams.registry.configuration import Configuration
from streams.registry.connections import break_connection, set_credentials
from streams.registry.keys import Keys
from streams.registry.webhooks import product_secrets

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Connected:
    """Implements `streams.ports.Accounts` over the process's cache. `background`: for polls and backfills."""

    database: Database
    configuration: Configuration
    clients: Clients
    background: bool = False

    def connection(self, id: str) -> Connection | None:
        return self.configuration.connection(id)

    def client(self, connection: Connection) -> Client:
        """Reads the fields that are mapped, of every entity that is; raises CallFailed."""
        wanted = {
            entity: frozenset(fields)
            for (of, entity), fields in self._planned(connection.tenant).items()
            if of == connection.id
        }
        return self.clients.of(connection, fields=wanted, background=self.background)

    def fields(self, connection: Connection, entity: str) -> Mapping[str, FieldPlan]:
        return self._planned(connection.tenant).get((connection.id, entity), {})

    def side(self, connection: Connection, installation: str) -> Side | None:
        try:
            found = self.configuration.plan(connection.tenant).installations.get(installation)
        except NotThere:
            return None
        if found is None or connection.id not in (found.left, found.right):
            return None
        return "left" if connection.id == found.left else "right"

    async def broken(self, connection: Connection, category: Category, message: str) -> bool:
        revision = await break_connection(
            self.database, connection.tenant, connection.id, f"{category}: {message}" if message else category
        )
        if revision is None:
            return False
        log.warning("connection_broken", tenant=connection.tenant, connection=connection.id, category=category)
        await self.configuration.at_least(revision)
        return True

    def _planned(self, tenant: str) -> Mapping[tuple[str, str], Mapping[str, FieldPlan]]:
        try:
            return self.configuration.plan(tenant).fields
        except NotThere:
            return {}


@asynccontextmanager
async def connected(settings: Settings, *, background: bool = False) -> AsyncIterator[Connected]:
    """Open everything for as long as a process runs; the secrets of our own apps as they are now.

    Renewed tokens are stored. Raises DatabaseAway, and BadKey without the keys.
    """
    database, keys = Database(settings.mysql), Keys.of(settings)
    configuration = Configuration(database, plan_maker(load_connectors()), ring=keys.credentials)
    redis = Redis.from_url(settings.redis)

    async def keep(connection: Connection, renewed: Mapping[str, str]) -> None:
        credentials = {**connection.credentials, **renewed}
        await set_credentials(database, keys, connection.tenant, connection.id, credentials)

    try:
        await configuration.start()
        async with open_clients(
            compile_connectors(),
            redis,
            allow_loopback=settings.allow_loopback,
            app_secrets=await product_secrets(database, keys),
            keep=keep,
        ) as clients:
            yield Connected(database, configuration, clients, background)
    finally:
        await configuration.stop()
        await redis.aclose()
        await database.close()


@asynccontextmanager
async def following(settings: Settings) -> AsyncIterator[Configuration]:
    """The configuration alone, without anybody's credentials: for a process that speaks to no product."""
    database = Database(settings.mysql, size=2)
    configuration = Configuration(database, plan_maker(load_connectors()))
    try:
        await configuration.start()
        yield configuration
    finally:
        await configuration.stop()
        await database.close()
