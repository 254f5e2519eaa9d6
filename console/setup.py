"""Before anything runs: MySQL's tables, Kafka's topics, the documents that we ship. Safe to repeat at any time."""

from __future__ import annotations

import asyncio
from importlib.resources import files

import structlog

from connectors.catalog import built_in_texts, load_connectors
from schemas.documents.app import load_app
from schemas.settings import Settings
from streams.database import Database
from streams.migrations import migrate
from streams.registry.documents import publish_app, publish_connector
from streams.topics_admin import prepare_topics

log = structlog.get_logger()
EVERYBODY = ""


async def prepare(settings: Settings) -> None:
    """Bring everything up to this version. Raises what the stores raise when they refuse or cannot be reached."""
    revision = await asyncio.to_thread(migrate, settings.mysql)
    log.info("tables_ready", revision=revision)
    await prepare_topics(settings.kafka, settings.products)
    database = Database(settings.mysql)
    try:
        await publish_built_ins(database)
    finally:
        await database.close()


async def publish_built_ins(database: Database) -> None:
    """Publish the connectors and apps of this version, for everybody."""
    connectors = load_connectors()
    for product, text in built_in_texts().items():
        await publish_connector(database, product, connectors[product].version, text)
    for name, text in app_texts().items():
        app = load_app(text, name, connectors)
        await publish_app(database, EVERYBODY, app.id, app.version, text)
    log.info("documents_published", connectors=len(connectors), apps=len(app_texts()))


def app_texts() -> dict[str, str]:
    """The sync apps that come with Freshpipe, by file name."""
    folder = files("streams") / "apps"
    return {entry.name: entry.read_text() for entry in folder.iterdir() if entry.name.endswith(".yaml")}
