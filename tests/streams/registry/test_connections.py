"""Connections come back as they were stored, their secrets only to who has the key."""

from __future__ import annotations

import pytest

from schemas.configuration import Installation
from schemas.sealing import Keyring, SealBroken, token_digest
from streams.database import Database
from streams.errors import AlreadyThere, NotThere
from streams.registry.connections import (
    add_connection,
    break_connection,
    get_connection,
    list_connections,
    remove_connection,
    set_connection_state,
    set_credentials,
    update_connection,
)
from streams.registry.installations import add_installation
from streams.registry.keys import Keys
from streams.registry.revision import current_revision
from streams.registry.webhooks import renew_webhook_token, webhook_token
from tests.streams.registry.conftest import connection_to, installation_of


async def test_a_connection_comes_back_as_it_was(pool: Database, keys: Keys, tenant: str) -> None:
    stored = await get_connection(pool, tenant, f"{tenant}-fs", keys.credentials)
    assert stored == connection_to(tenant, "freshsales")


async def test_without_the_key_there_are_no_credentials(pool: Database, tenant: str) -> None:
    assert (await get_connection(pool, tenant, f"{tenant}-fs")).credentials == {}
    assert [found.credentials for found in await list_connections(pool, tenant)] == [{}, {}]


async def test_no_secret_stands_readable_in_the_row(pool: Database, keys: Keys, tenant: str) -> None:
    token = await webhook_token(pool, keys, tenant, f"{tenant}-fs")
    row = str(await pool.read("SELECT * FROM connection WHERE tenant = %s", tenant))
    assert "hunter2" not in row
    assert token not in row
    assert token_digest(token) in row


async def test_credentials_copied_into_another_tenants_row_do_not_open(pool: Database, keys: Keys, tenant: str) -> None:
    copy = (
        "UPDATE connection AS mine JOIN connection AS theirs ON theirs.id = %s"
        " SET mine.credentials = theirs.credentials WHERE mine.id = %s"
    )
    await pool.execute(copy, f"{tenant}-hs", f"{tenant}-fs")
    with pytest.raises(SealBroken):
        await get_connection(pool, tenant, f"{tenant}-fs", keys.credentials)


async def test_after_a_rotation_old_rows_still_open(pool: Database, keys: Keys, tenant: str) -> None:
    rotated = Keyring([b"n" * 32, b"c" * 32])
    assert (await get_connection(pool, tenant, f"{tenant}-fs", rotated)).credentials["api_key"] == "hunter2"


async def test_another_tenants_connection_is_not_there(pool: Database, keys: Keys, tenant: str) -> None:
    id = f"{tenant}-fs"
    for attempt in (
        get_connection(pool, "other", id),
        set_connection_state(pool, "other", id, "paused"),
        set_credentials(pool, keys, "other", id, {}),
        remove_connection(pool, "other", id),
        webhook_token(pool, keys, "other", id),
        renew_webhook_token(pool, keys, "other", id),
    ):
        with pytest.raises(NotThere):
            await attempt
    assert await list_connections(pool, "other") == []
    assert (await get_connection(pool, tenant, id)).state == "active"


async def test_an_id_is_given_once_over_all_tenants(pool: Database, keys: Keys, tenant: str) -> None:
    with pytest.raises(AlreadyThere):
        await add_connection(pool, keys, connection_to(tenant, "hubspot"))


async def test_a_connection_needs_its_tenant(pool: Database, keys: Keys, unique: str) -> None:
    with pytest.raises(NotThere):
        await add_connection(pool, keys, connection_to(unique, "hubspot"))


async def test_every_change_raises_the_revision(pool: Database, keys: Keys, tenant: str) -> None:
    id = f"{tenant}-fs"
    changed = connection_to(tenant, "freshsales")
    revisions = [
        await current_revision(pool),
        await set_connection_state(pool, tenant, id, "paused"),
        await set_connection_state(pool, tenant, id, "active"),
        await set_credentials(pool, keys, tenant, id, {"api_key": "new"}),
        await update_connection(pool, changed),
        (await renew_webhook_token(pool, keys, tenant, id)).revision,
        await remove_connection(pool, tenant, id),
    ]
    assert revisions == sorted(set(revisions))


async def test_a_change_that_fails_leaves_the_revision_alone(pool: Database, tenant: str) -> None:
    before = await current_revision(pool)
    with pytest.raises(NotThere):
        await set_connection_state(pool, tenant, "nothing", "paused")
    assert await current_revision(pool) == before


async def test_a_renewed_token_replaces_the_old_one(pool: Database, keys: Keys, tenant: str) -> None:
    old = await webhook_token(pool, keys, tenant, f"{tenant}-fs")
    added = await renew_webhook_token(pool, keys, tenant, f"{tenant}-fs")
    assert await webhook_token(pool, keys, tenant, f"{tenant}-fs") == added.token != old
    assert added.token not in repr(added)


async def test_only_the_first_to_break_a_connection_is_told(pool: Database, tenant: str) -> None:
    id = f"{tenant}-fs"
    assert await break_connection(pool, tenant, id, "auth_revoked") is not None
    assert await break_connection(pool, tenant, id, "again") is None
    broken = await get_connection(pool, tenant, id)
    assert (broken.state, broken.reason) == ("broken", "auth_revoked")


async def test_a_paused_connection_is_not_broken(pool: Database, tenant: str) -> None:
    await set_connection_state(pool, tenant, f"{tenant}-fs", "paused")
    assert await break_connection(pool, tenant, f"{tenant}-fs", "forbidden") is None


async def test_a_connection_in_use_is_not_removed(pool: Database, tenant: str) -> None:
    await add_installation(pool, installation_of(tenant))
    with pytest.raises(AlreadyThere):
        await remove_connection(pool, tenant, f"{tenant}-fs")


async def test_an_installation_cannot_use_a_foreign_connection(pool: Database, tenant: str) -> None:
    foreign = Installation(tenant=tenant, id=f"{tenant}-x", app="a", version="1", left=f"{tenant}-fs", right="theirs")
    with pytest.raises(NotThere):
        await add_installation(pool, foreign)
