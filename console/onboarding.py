"""Connecting accounts and installing apps: tried against the product first, written down second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from msgspec.structs import replace

from connectors.catalog import load_connectors
from connectors.client import Client
from connectors.errors import CallFailed
from console.control import voice
from console.errors import CannotConnect
from console.reading import patiently
from schemas.configuration import Connection, Installation
from schemas.documents.app import AppDocument, load_app
from schemas.documents.discovered import encode_discovered
from schemas.settings import Settings
from streams.connected import connected
from streams.database import Database
from streams.errors import NotThere
from streams.registry.connections import add_connection, get_connection, set_connection_state, set_credentials
from streams.registry.discovered import save_discovered
from streams.registry.documents import list_app_versions
from streams.registry.installations import add_installation
from streams.registry.keys import Keys

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Joined:
    """A connection that was made, and the address to which its product is to send webhooks."""

    connection: Connection
    webhook_url: str


async def connect(database: Database, settings: Settings, connection: Connection) -> Joined:
    """Probe the account, make it ready, learn its fields, and store the connection with its credentials sealed.

    Raises CannotConnect if the product refuses, AlreadyThere, NotThere.
    """
    if connection.product not in load_connectors():
        raise CannotConnect(f"there is no connector for {connection.product}: {', '.join(load_connectors())}")
    async with connected(settings) as ours:
        try:
            client = ours.clients.of(connection)
            probed = await patiently(client.probe)
            known = replace(connection, account=probed.account, config={**connection.config, **probed.config})
            client = ours.clients.of(known)
            for entity, refusal in (await patiently(client.prepare_account)).items():
                log.warning("account_not_prepared", connection=known.id, entity=entity, category=refusal.category)
            described = await _describe(client, known)
        except CallFailed as failed:
            raise CannotConnect(f"{connection.product} refused: {failed.category}: {failed.message}") from failed
        added = await add_connection(database, Keys.of(settings), known)
        for entity, text in described.items():
            await save_discovered(database, known.tenant, known.id, entity, text)
    return Joined(known, f"{settings.public_url}/v1/hooks/{added.token}")


async def reconnect(
    database: Database, settings: Settings, tenant: str, id: str, credentials: Mapping[str, str] | None
) -> None:
    """Probe the account, and if the product lets us in, store new credentials and let the connection go on.

    Raises CannotConnect if it does not, NotThere.
    """
    keys = Keys.of(settings)
    known = await get_connection(database, tenant, id, keys.credentials)
    tried = replace(known, credentials=dict(credentials)) if credentials else known
    async with connected(settings) as ours:
        try:
            await patiently(ours.clients.of(tried).probe)
        except CallFailed as failed:
            raise CannotConnect(f"{known.product} refused: {failed.category}: {failed.message}") from failed
    if credentials:
        await set_credentials(database, keys, tenant, id, credentials)
    revision = await set_connection_state(database, tenant, id, "active")
    async with voice(settings) as ours_to_say:
        await ours_to_say.configured(tenant, revision)
        await ours_to_say.reconnected(tenant, id)


async def install(database: Database, settings: Settings, wanted: Installation) -> Installation:
    """Store the installation in its newest published version; its backfill begins by itself.

    Raises CannotConnect where its connections do not fit the app, AlreadyThere, NotThere.
    """
    installation = await checked(database, wanted)
    revision = await add_installation(database, installation)
    async with voice(settings) as ours:
        await ours.configured(installation.tenant, revision, installation.id)
    return installation


async def checked(database: Database, wanted: Installation) -> Installation:
    """The installation with its newest version, if its connections fit. Raises CannotConnect, NotThere."""
    versions = [one for one in await list_app_versions(database, wanted.tenant) if one.app == wanted.app]
    if not versions:
        raise NotThere(f"app {wanted.app}")
    newest = versions[-1]
    app = load_app(newest.document, newest.app, load_connectors())
    for connection, product in zip((wanted.left, wanted.right), _products(app), strict=True):
        found = await get_connection(database, wanted.tenant, connection)
        if found.product != product:
            raise CannotConnect(
                f"{connection} is an account of {found.product}, but {wanted.app} needs {product} there"
            )
    return replace(wanted, version=newest.version)


def _products(app: AppDocument) -> tuple[str, ...]:
    return tuple(endpoint.connector for endpoint in app.endpoints.values())


async def _describe(client: Client, connection: Connection) -> dict[str, str]:
    """What the account says of its fields, by entity, as the registry keeps it."""
    entities = load_connectors()[connection.product].entities
    return {
        name: encode_discovered(await patiently(lambda name=name: client.discover(name)))  # type: ignore[misc]
        for name, entity in entities.items()
        if entity.discover
    }
