"""A process follows the configuration by revision, and works on from its copy while MySQL is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pymysql.err import MySQLError

from deploy.local.services import MariaDB
from schemas.configuration import Connection, Tenant
from schemas.settings import MySQL
from streams.database import Database
from streams.engine.plan import Plan
from streams.errors import DatabaseAway, NotThere
from streams.migrations import migrate
from streams.registry.configuration import Configuration
from streams.registry.connections import add_connection, set_connection_state
from streams.registry.discovered import save_discovered
from streams.registry.documents import publish_app
from streams.registry.installations import add_installation
from streams.registry.keys import Keys
from streams.registry.loading import TenantConfiguration
from streams.registry.tenants import add_tenant
from tests.ports import free_port
from tests.streams.registry.conftest import connection_to, installation_of

DEADLINE_S = 20


class Plans:
    """Makes plans that are empty, and counts them."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, configuration: TenantConfiguration, revision: int) -> Plan:
        self.made.append(configuration.tenant.id)
        return Plan(tenant=configuration.tenant.id, revision=revision, installations={})


@pytest.fixture
def plans() -> Plans:
    return Plans()


@pytest.fixture
async def configuration(pool: Database, keys: Keys, plans: Plans, tenant: str) -> AsyncIterator[Configuration]:
    following = Configuration(pool, plans, ring=keys.credentials, poll_s=0.05)
    await following.start()
    yield following
    await following.stop()


async def test_it_holds_everything_that_a_tenant_has(
    pool: Database, configuration: Configuration, tenant: str, keys: Keys
) -> None:
    await add_installation(pool, installation_of(tenant))
    await save_discovered(pool, tenant, f"{tenant}-hs", "contact", "[]")
    await publish_app(pool, "", f"{tenant}-app", "1.0.0", "everybody's")
    await publish_app(pool, tenant, f"{tenant}-app", "1.0.0", "its own")
    await configuration.at_least(await set_connection_state(pool, tenant, f"{tenant}-fs", "paused"))
    found = configuration.tenant(tenant)
    assert found.installations == {f"{tenant}-i": installation_of(tenant)}
    assert found.discovered == {(f"{tenant}-hs", "contact"): "[]"}
    assert found.apps[f"{tenant}-app", "1.0.0"].document == "its own"
    assert configuration.connection(f"{tenant}-hs") == connection_to(tenant, "hubspot")
    paused = configuration.connection(f"{tenant}-fs")
    assert paused is not None
    assert paused.state == "paused"
    assert tenant in configuration.tenants()
    assert configuration.connection("nothing") is None
    with pytest.raises(NotThere):
        configuration.tenant("nobody")


async def test_a_change_arrives_by_itself(pool: Database, configuration: Configuration, tenant: str) -> None:
    arrived = asyncio.Event()
    configuration.on_change(lambda _: arrived.set())
    await set_connection_state(pool, tenant, f"{tenant}-fs", "paused")
    await asyncio.wait_for(arrived.wait(), DEADLINE_S)


async def test_at_least_waits_for_a_revision_that_is_yet_to_come(
    pool: Database, configuration: Configuration, tenant: str
) -> None:
    waiting = asyncio.create_task(configuration.at_least(configuration.revision + 1))
    await asyncio.sleep(0)
    assert not waiting.done()
    await set_connection_state(pool, tenant, f"{tenant}-fs", "paused")
    await asyncio.wait_for(waiting, DEADLINE_S)


async def test_a_plan_is_made_once_per_change_of_its_own_tenant(
    pool: Database, configuration: Configuration, plans: Plans, tenant: str, keys: Keys
) -> None:
    first = configuration.plan(tenant)
    assert configuration.plan(tenant) is first
    revision = await add_tenant(pool, Tenant(id=f"{tenant}-2", name="other"))
    await configuration.at_least(revision)
    assert configuration.plan(tenant).revision == configuration.revision >= revision
    assert plans.made == [tenant]
    await configuration.at_least(await set_connection_state(pool, tenant, f"{tenant}-fs", "paused"))
    configuration.plan(tenant)
    assert plans.made == [tenant, tenant]


async def test_a_process_without_the_key_gets_no_credentials(pool: Database, plans: Plans, tenant: str) -> None:
    keyless = Configuration(pool, plans)
    await keyless.start()
    await keyless.stop()
    found = keyless.connection(f"{tenant}-fs")
    assert found is not None
    assert found.credentials == {}


async def test_a_connection_whose_seal_is_broken_stops_alone(
    pool: Database, configuration: Configuration, tenant: str, keys: Keys
) -> None:
    await pool.execute(
        "UPDATE connection SET credentials = %s WHERE id = %s", '{"api_key": "v1.x.y.z"}', f"{tenant}-fs"
    )
    await configuration.at_least(await set_connection_state(pool, tenant, f"{tenant}-hs", "active"))
    broken, sound = configuration.connection(f"{tenant}-fs"), configuration.connection(f"{tenant}-hs")
    assert broken is not None
    assert sound is not None
    assert (broken.state, broken.credentials) == ("broken", {})
    assert sound.credentials == {"api_key": "hunter2", "other": "ünïcode"}


async def test_without_a_first_copy_it_does_not_start(schema: MySQL, plans: Plans) -> None:
    database = Database(schema.model_copy(update={"port": free_port()}), tries=1)
    with pytest.raises(DatabaseAway):
        await Configuration(database, plans).start()
    await database.close()


async def test_it_works_on_while_mysql_is_away_and_catches_up(
    tmp_path_factory: pytest.TempPathFactory, keys: Keys, plans: Plans
) -> None:
    server = MariaDB(tmp_path_factory.mktemp("m"), free_port())
    server.start()
    address = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
    settings = MySQL.model_validate(address)
    migrate(settings)
    database = Database(settings, tries=1)
    await add_tenant(database, Tenant(id="t", name="T"))
    await add_connection(
        database, keys, Connection(tenant="t", id="c", product="hubspot", base_url="https://x.example")
    )
    configuration = Configuration(database, plans, poll_s=0.05)
    await configuration.start()
    server.kill()
    with pytest.raises((DatabaseAway, MySQLError)):
        await database.read("SELECT 1")
    assert configuration.connection("c") is not None
    assert configuration.plan("t").tenant == "t"
    waiting = asyncio.create_task(configuration.at_least(configuration.revision + 1))
    server.start()
    await add_tenant(database, Tenant(id="t2", name="T2"))
    await asyncio.wait_for(waiting, DEADLINE_S)
    assert configuration.tenants() == ["t", "t2"]
    await configuration.stop()
    await database.close()
    server.stop()
