"""The crawler as a process: real broker, database and Redis, and stand-ins of both products."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from connectors.client import Clients
from connectors.sandbox.server import Running
from console.setup import publish_built_ins
from deploy.local.services import Kafka
from deploy.local.services import Redis as RedisServer
from schemas import topics
from schemas.configuration import Installation, Tenant
from schemas.events import Due, Nudge, Snapshot, SyncEvent, decode_sync, encode
from schemas.records import RecordId
from schemas.settings import Kafka as KafkaSettings
from schemas.settings import MySQL, Settings
from streams.crawler import run_crawler
from streams.database import Database
from streams.errors import TopicsWrong
from streams.migrations import migrate
from streams.registry.connections import add_connection
from streams.registry.installations import add_installation
from streams.registry.keys import Keys
from streams.registry.tenants import add_tenant
from streams.topics_admin import prepare_topics
from tests.connectors.accounts import open_account
from tests.connectors.conftest import clients, sandbox

__all__ = ["clients", "sandbox"]

CONTACTS = 3


@pytest.fixture
async def settings(kafka: Kafka, schema: MySQL, database: str, redis: RedisServer) -> Settings:
    """Everything real, and a database of this test's own."""
    broker = KafkaSettings(
        bootstrap=kafka.bootstrap, partitions=4, replication=1, min_insync=1, session_timeout_ms=6_000
    )
    made = Settings.model_validate(
        {
            "kafka": broker,
            "mysql": schema.model_copy(update={"database": database}),
            "redis": redis.url,
            "credentials_key": b64encode(secrets.token_bytes(32)).decode(),
            "webhook_key": b64encode(secrets.token_bytes(32)).decode(),
            "allow_loopback": True,
            "poll_scale": 0.01,
        }
    )
    await asyncio.to_thread(migrate, made.mysql)
    with suppress(TopicsWrong):  # other tests on this broker may have made them their way
        await prepare_topics(made.kafka, made.products)
    return made


async def install(settings: Settings, tenant: str, sandbox: Running, clients: Clients) -> None:
    """A tenant with an account of each product, and the app between them."""
    database, keys = Database(settings.mysql), Keys.of(settings)
    await publish_built_ins(database)
    await add_tenant(database, Tenant(id=tenant, name="Acme"))
    ids = []
    for product in ("freshsales", "hubspot"):
        opened = await open_account(sandbox, clients, product, contacts=CONTACTS)
        connection = msgspec.structs.replace(opened.connection, tenant=tenant, id=f"{tenant}-{product}")
        ids.append(connection.id)
        await add_connection(database, keys, connection)
    installation = Installation(
        tenant=tenant, id=f"{tenant}-i", app="freshsales-hubspot", version="", left=ids[0], right=ids[1]
    )
    await add_installation(database, installation)
    await database.close()


@asynccontextmanager
async def crawling(settings: Settings) -> AsyncIterator[asyncio.Task[int]]:
    """A crawler at work, asked to stop by SIGTERM at the end."""
    process = asyncio.create_task(run_crawler(settings))
    yield process
    os.kill(os.getpid(), signal.SIGTERM)
    assert await process == 0


class Order:
    """What was said into a tenant's order, read as it comes."""

    def __init__(self, consumer: AIOKafkaConsumer, tenant: str) -> None:
        self._consumer = consumer
        self._tenant = tenant
        self.events: list[SyncEvent] = []

    async def until(self, enough: Callable[[list[SyncEvent]], bool]) -> None:
        async with asyncio.timeout(60):
            while not enough(self.events):
                batches = await self._consumer.getmany(timeout_ms=200)
                events = [decode_sync(record.value) for batch in batches.values() for record in batch]
                self.events += [event for event in events if event.tenant == self._tenant]


@asynccontextmanager
async def order_of(settings: Settings, tenant: str) -> AsyncIterator[Order]:
    consumer = AIOKafkaConsumer(
        topics.SYNC, bootstrap_servers=settings.kafka.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        yield Order(consumer, tenant)
    finally:
        await consumer.stop()


async def test_an_installation_is_backfilled_handed_on_and_polled_and_what_is_due_is_fired(
    settings: Settings, sandbox: Running, clients: Clients, unique: str
) -> None:
    await install(settings, unique, sandbox, clients)
    async with order_of(settings, unique) as order, crawling(settings):
        await order.until(lambda events: sum(isinstance(event, Nudge) for event in events) >= 2 * CONTACTS + 4)
        linking = [event for event in order.events if isinstance(event, Snapshot) and event.linking]
        nudged = [event.record for event in order.events if isinstance(event, Nudge)]
        assert {snapshot.record for snapshot in linking} == set(nudged)
        assert nudged[0].entity in ("company", "sales_account")
        database = Database(settings.mysql)
        (row,) = await database.read("SELECT state FROM installation WHERE tenant = %s", unique)
        assert row["state"] == "active"
        await database.close()
        record = RecordId(f"{unique}-hubspot", "contact", "1")
        nudge = Nudge(id="due-1", tenant=unique, record=record)
        producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap)
        await producer.start()
        await producer.send_and_wait(topics.DUE, encode(Due(id="due-1", tenant=unique, at=0, event=nudge)), record.key)
        await producer.stop()
        await order.until(lambda events: nudge in events)
