"""The sandbox in this process, and clients with real quotas in a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from connectors.catalog import compile_connectors
from connectors.client import Clients, open_clients
from connectors.sandbox.server import Running, run
from deploy.local.services import Redis as RedisServer


@pytest.fixture
async def sandbox() -> AsyncIterator[Running]:
    async with run() as running:
        yield running


@pytest.fixture
async def clients(redis: RedisServer) -> AsyncIterator[Clients]:
    async with (
        Redis.from_url(redis.url) as client,
        open_clients(compile_connectors(), client, allow_loopback=True) as clients,
    ):
        yield clients


@pytest.fixture(params=["hubspot", "freshsales"])
def product(request: pytest.FixtureRequest) -> str:
    return str(request.param)
