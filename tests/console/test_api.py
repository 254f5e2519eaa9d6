"""The REST API: who may call it, and what it says of what is not there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from console.api import make_app
from deploy.local.services import MariaDB
from schemas.configuration import Connection, Tenant
from schemas.sealing import Keyring, new_key
from schemas.settings import MySQL
from streams.database import Database
from streams.migrations import migrate
from streams.registry.connections import add_connection
from streams.registry.keys import Keys
from streams.registry.tenants import add_tenant

TOKEN = "a-token-of-the-tests-and-of-nobody-else"
SECRET = "pat-eu1-canary"
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(mysql: MariaDB, database: str) -> AsyncIterator[Client]:
    settings = MySQL(
        host=mysql.host, port=mysql.port, user=mysql.user, password=SecretStr(mysql.password), database=database
    )
    migrate(settings)
    ours = Database(settings, size=2)
    await add_tenant(ours, Tenant(id="acme", name="Acme"))
    await add_tenant(ours, Tenant(id="globex", name="Globex"))
    keys = Keys(Keyring.from_text(new_key()), Keyring.from_text(new_key()))
    await add_connection(
        ours,
        keys,
        Connection(
            tenant="acme", id="acme-hs", product="hubspot", base_url="https://x", credentials={"access_token": SECRET}
        ),
    )
    async with Client(TestServer(make_app(ours, TOKEN))) as client:
        client.session.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client
    await ours.close()


async def test_only_who_has_the_token_is_answered(client: Client) -> None:
    for authorization in ("", "Bearer", "Bearer wrong", TOKEN):
        answer = await client.get("/v1/tenants", headers={"Authorization": authorization})
        assert answer.status == 401
        assert answer.content_type == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (await client.get("/livez", headers={"Authorization": ""})).status == 200


async def test_a_tenants_status_holds_what_is_its_own_and_nothing_secret(client: Client) -> None:
    ours, theirs = [await client.get(f"/v1/tenants/{tenant}/status") for tenant in ("acme", "globex")]
    assert [one["id"] for one in (await ours.json())["connections"]] == ["acme-hs"]
    assert (await theirs.json())["connections"] == []
    assert SECRET not in await ours.text()


async def test_what_is_no_record_id_is_a_bad_request(client: Client) -> None:
    answer = await client.get("/v1/tenants/acme/trail/nonsense")
    assert answer.status == 400
    assert (await answer.json())["status"] == 400


async def test_an_unknown_path_is_a_problem_too(client: Client) -> None:
    answer = await client.get("/v1/nothing")
    assert (answer.status, answer.content_type) == (404, "application/problem+json")
