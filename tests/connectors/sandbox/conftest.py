"""A sandbox on free ports with one account per product, and a receiver for its webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from connectors.sandbox.seed import freshsales_fields, hubspot_properties
from connectors.sandbox.server import Running, run
from tests.connectors.sandbox.api import Api, Receiver

HUBSPOT = {"integration": {"access_token": "pat-eu1-app"}, "person": {"access_token": "pat-eu1-person"}}
FRESHSALES = {"integration": {"api_key": "key-app"}, "person": {"api_key": "key-person"}}
OWNERS = [{"email": "olive@sales.example", "first_name": "Olive", "last_name": "Okafor"}]
USERS = [{"email": "olive@sales.example", "display_name": "Olive Okafor"}]


@pytest.fixture
async def sandbox() -> AsyncIterator[Running]:
    async with run() as running:
        await running.admin.open_account(
            "hubspot", "acme", **HUBSPOT, seed={"owners": OWNERS, "properties": {"contacts": hubspot_properties()}}
        )
        await running.admin.open_account(
            "freshsales", "acme", **FRESHSALES, seed={"users": USERS, "fields": {"contacts": freshsales_fields()}}
        )
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def hubspot(sandbox: Running, session: aiohttp.ClientSession) -> Api:
    return Api(session, sandbox.urls["hubspot"], "Bearer pat-eu1-app")


@pytest.fixture
def hubspot_person(sandbox: Running, session: aiohttp.ClientSession) -> Api:
    return Api(session, sandbox.urls["hubspot"], "Bearer pat-eu1-person")


@pytest.fixture
def freshsales(sandbox: Running, session: aiohttp.ClientSession) -> Api:
    return Api(session, sandbox.urls["freshsales"] + "/crm/sales/api", "Token token=key-app")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/hook", receiver.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()
