"""The receiver's copy of its endpoints, read from a real server by its own restricted user."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from deploy.local.services import MariaDB
from schemas.configuration import Connection, Tenant
from schemas.sealing import Keyring
from schemas.settings import MySQL
from streams.database import Database
from streams.migrations import grant_receiver, migrate
from streams.registry.connections import add_connection, remove_connection
from streams.registry.documents import publish_connector
from streams.registry.keys import Keys
from streams.registry.tenants import add_tenant
from streams.registry.webhooks import (
    add_product_secret,
    add_webhook_secret,
    remove_webhook_secret,
    renew_webhook_token,
)
from tests.ports import free_port
from tests.webhooks.conftest import RING, document
from webhooks.endpoints import Endpoints, secret_sets
from webhooks.errors import EndpointsAway
from webhooks.mysql import Views

KEYS = Keys(credentials=Keyring([b"c" * 32]), webhooks=RING)
RECEIVER = "receiver"
PASSWORD = "password of the receiver"


class Registered:
    """A database in which one tenant has one connection, as the console writes it."""

    def __init__(self, owner: MySQL) -> None:
        self.owner = owner
        self.database = Database(owner, tries=1)
        login = MySQL.model_validate({**owner.model_dump(), "user": RECEIVER, "password": PASSWORD})
        self.views = Views(login, timeout_s=1)
        self.token = ""

    async def fill(self) -> None:
        await add_tenant(self.database, Tenant(id="acme", name="Acme"))
        await publish_connector(self.database, "hubspot", "1.0.0", document("hubspot"))
        self.token = (await add_connection(self.database, KEYS, connection("a-hs", "62515"))).token


def connection(id: str, account: str) -> Connection:
    secret = {"access_token": "canary-api-token"}
    return Connection(
        tenant="acme", id=id, product="hubspot", base_url="https://x.example", account=account, credentials=secret
    )


def address(server: MariaDB, database: str = "freshpipe") -> MySQL:
    login = {"user": server.user, "password": server.password, "database": database}
    return MySQL.model_validate({"host": server.host, "port": server.port, **login})


@pytest.fixture
async def registered(mysql: MariaDB, database: str) -> AsyncIterator[Registered]:
    owner = address(mysql, database)
    migrate(owner)
    grant_receiver(owner, RECEIVER, PASSWORD)
    made = Registered(owner)
    await made.fill()
    yield made
    await made.database.close()
    await made.views.close()


@pytest.fixture
async def endpoints(registered: Registered) -> AsyncIterator[Endpoints]:
    following = Endpoints(registered.views, RING, poll_s=0.05, gap_s=0)
    await following.start()
    await following.refreshed()
    yield following
    await following.stop()


async def test_a_connection_is_found_by_its_token_and_by_its_account(
    endpoints: Endpoints, registered: Registered
) -> None:
    found = await endpoints.of_token(registered.token)
    assert found is not None
    assert (found.tenant, found.connection, found.account) == ("acme", "a-hs", "62515")
    assert endpoints.of_account("hubspot", "62515") == [found]
    assert endpoints.of_account("hubspot", "1") == ()
    assert endpoints.product("hubspot") is not None


async def test_a_connection_made_just_now_is_found(endpoints: Endpoints, registered: Registered) -> None:
    added = await add_connection(registered.database, KEYS, connection("new", ""))
    found = await endpoints.of_token(added.token)
    assert found is not None
    assert found.connection == "new"
    assert endpoints.of_account("hubspot", "") == ()


async def test_what_is_gone_or_renewed_is_no_longer_found(endpoints: Endpoints, registered: Registered) -> None:
    renewed = await renew_webhook_token(registered.database, KEYS, "acme", "a-hs")
    assert await endpoints.of_token(renewed.token) is not None
    assert await endpoints.of_token(registered.token) is None
    await remove_connection(registered.database, "acme", "a-hs")
    await endpoints.refreshed()
    assert await endpoints.of_token(renewed.token) is None


async def test_no_credential_reaches_the_receiver(endpoints: Endpoints, registered: Registered) -> None:
    _, rows, products = await registered.views.rows()
    sealed = await registered.database.read("SELECT credentials, webhook_token FROM connection")
    seen = repr(rows) + repr(products)
    assert registered.token not in seen
    for value in sealed[0].values():
        assert value not in seen


async def test_secrets_come_with_the_connection_and_with_the_product(
    endpoints: Endpoints, registered: Registered
) -> None:
    database = registered.database
    old = await add_webhook_secret(database, KEYS, "acme", "a-hs", "key", "old")
    await add_webhook_secret(database, KEYS, "acme", "a-hs", "key", "new")
    await add_product_secret(database, KEYS, "hubspot", "client_secret", "app")
    await endpoints.refreshed()
    found, product = await endpoints.of_token(registered.token), endpoints.product("hubspot")
    assert found is not None
    assert product is not None
    assert sorted(known["key"] for known in found.secrets) == ["new", "old"]
    assert product.secrets == [{"client_secret": "app"}]
    assert "app" not in repr(product)
    assert "old" not in repr(found)
    await remove_webhook_secret(database, "acme", "a-hs", old)
    await endpoints.refreshed()
    found = await endpoints.of_token(registered.token)
    assert found is not None
    assert found.secrets == [{"key": "new"}]


async def test_a_secret_that_does_not_open_is_as_if_it_were_not_there(
    endpoints: Endpoints, registered: Registered
) -> None:
    await add_webhook_secret(registered.database, KEYS, "acme", "a-hs", "key", "s")
    await registered.database.execute("UPDATE webhook_secret SET sealed = 'v1.a.b.c'")
    with capture_logs() as logs:
        await endpoints.refreshed()
    found = await endpoints.of_token(registered.token)
    assert found is not None
    assert found.secrets == []
    assert "webhook_secret_does_not_open" in [entry["event"] for entry in logs]


async def test_a_document_that_does_not_compile_stops_nobody_else(endpoints: Endpoints, registered: Registered) -> None:
    await publish_connector(registered.database, "broken", "1.0.0", "kind: nonsense")
    await endpoints.refreshed()
    assert endpoints.product("broken") is None
    assert await endpoints.of_token(registered.token) is not None


async def test_who_asks_for_many_unknown_tokens_does_not_make_us_ask_as_often(registered: Registered) -> None:
    asked = 0
    rows = registered.views.revision

    async def counted() -> int:
        nonlocal asked
        asked += 1
        return await rows()

    registered.views.revision = counted  # type: ignore[method-assign]  # counts what the server is asked
    endpoints = Endpoints(registered.views, RING, poll_s=60, gap_s=0.05)
    await endpoints.start()
    await endpoints.refreshed()
    before = asked
    found = await asyncio.gather(*(endpoints.of_token(f"guess {number}") for number in range(500)))
    assert found == [None] * 500
    assert asked - before <= 2
    await endpoints.stop()


async def test_it_works_on_while_mysql_is_away(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = MariaDB(tmp_path_factory.mktemp("m"), free_port())
    server.start()
    migrate(address(server))
    grant_receiver(address(server), RECEIVER, PASSWORD)
    registered = Registered(address(server))
    await registered.fill()
    endpoints = Endpoints(registered.views, RING, poll_s=0.05, gap_s=0)
    await endpoints.start()
    await endpoints.refreshed()
    server.kill()
    assert await endpoints.of_token(registered.token) is not None
    assert endpoints.ready
    with pytest.raises(EndpointsAway):
        await endpoints.of_token("unknown")
    server.start()
    added = await add_connection(registered.database, KEYS, connection("later", ""))
    assert await endpoints.of_token(added.token) is not None
    await endpoints.stop()
    await registered.database.close()
    server.stop()


async def test_without_a_copy_it_is_not_ready_and_knows_of_nobody() -> None:
    nowhere = MySQL.model_validate({"host": "127.0.0.1", "port": free_port(), "user": "u", "password": "p"})
    endpoints = Endpoints(Views(nowhere, timeout_s=1), RING, poll_s=0.05)
    await endpoints.start()
    assert not endpoints.ready
    with pytest.raises(EndpointsAway):
        await endpoints.of_token("any")
    await endpoints.stop()


def test_every_combination_of_secrets_is_a_set_of_its_own() -> None:
    assert secret_sets([]) == []
    assert secret_sets([("a", "1"), ("b", "x"), ("a", "2")]) == [{"a": "1", "b": "x"}, {"a": "2", "b": "x"}]
    assert len(secret_sets([(name, str(n)) for name in "abcd" for n in range(9)])) == 16
