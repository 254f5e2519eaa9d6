"""Installations, documents and descriptions come back as they were stored."""

from __future__ import annotations

import msgspec
import pytest

from streams.database import Database
from streams.errors import AlreadyThere, NotThere
from streams.registry.discovered import get_discovered, save_discovered
from streams.registry.documents import list_app_versions, publish_app, publish_connector
from streams.registry.installations import (
    add_installation,
    get_installation,
    list_installations,
    set_installation_settings,
    set_installation_state,
    set_installation_version,
)
from streams.registry.keys import Keys
from streams.registry.revision import current_revision
from streams.registry.webhooks import (
    add_product_secret,
    add_webhook_secret,
    product_secrets,
    remove_product_secret,
    remove_webhook_secret,
)
from tests.streams.registry.conftest import installation_of


async def test_an_installation_comes_back_as_it_was(pool: Database, tenant: str) -> None:
    await add_installation(pool, installation_of(tenant))
    assert await get_installation(pool, tenant, f"{tenant}-i") == installation_of(tenant)
    with pytest.raises(AlreadyThere):
        await add_installation(pool, installation_of(tenant))


async def test_an_installation_changes_piece_by_piece(pool: Database, tenant: str) -> None:
    await add_installation(pool, installation_of(tenant))
    id = f"{tenant}-i"
    override = {"contact/phone": msgspec.Raw(b'{"policy": "left", "n": 1.10}')}
    await set_installation_state(pool, tenant, id, "active")
    await set_installation_version(pool, tenant, id, "1.1.0")
    await set_installation_settings(pool, tenant, id, {"master": "hs"}, override)
    (changed,) = await list_installations(pool, tenant)
    assert (changed.state, changed.version, changed.settings) == ("active", "1.1.0", {"master": "hs"})
    assert {name: bytes(raw) for name, raw in changed.overrides.items()} == {
        name: bytes(raw) for name, raw in override.items()
    }


async def test_another_tenants_installation_is_not_there(pool: Database, tenant: str) -> None:
    await add_installation(pool, installation_of(tenant))
    with pytest.raises(NotThere):
        await set_installation_state(pool, "other", f"{tenant}-i", "removed")
    with pytest.raises(NotThere):
        await get_installation(pool, "other", f"{tenant}-i")
    assert await list_installations(pool, "other") == []


async def test_a_published_version_never_changes(pool: Database, unique: str) -> None:
    assert await publish_app(pool, "", unique, "1.0.0", "text")
    assert not await publish_app(pool, "", unique, "1.0.0", "text")
    with pytest.raises(AlreadyThere):
        await publish_app(pool, "", unique, "1.0.0", "other text")


async def test_a_tenants_own_app_is_seen_by_nobody_else(pool: Database, unique: str) -> None:
    await publish_app(pool, unique, f"{unique}-app", "1.0.0", "text")
    assert f"{unique}-app" in [version.app for version in await list_app_versions(pool, unique)]
    assert f"{unique}-app" not in [version.app for version in await list_app_versions(pool, "other")]


async def test_the_same_connector_is_not_published_twice(pool: Database, unique: str) -> None:
    assert await publish_connector(pool, unique, "1.0.0", "a")
    before = await current_revision(pool)
    assert not await publish_connector(pool, unique, "1.0.0", "a")
    assert await current_revision(pool) == before
    assert await publish_connector(pool, unique, "1.0.1", "b")


async def test_a_description_that_says_nothing_new_raises_no_revision(pool: Database, tenant: str) -> None:
    assert await save_discovered(pool, tenant, f"{tenant}-fs", "contact", "[1]") is not None
    assert await save_discovered(pool, tenant, f"{tenant}-fs", "contact", "[1]") is None
    assert await save_discovered(pool, tenant, f"{tenant}-fs", "contact", "[2]") is not None
    assert await get_discovered(pool, tenant) == {(f"{tenant}-fs", "contact"): "[2]"}


async def test_webhook_secrets_come_and_go(pool: Database, keys: Keys, tenant: str) -> None:
    connection = f"{tenant}-hs"
    ids = [await add_webhook_secret(pool, keys, tenant, connection, "key", secret) for secret in ("old", "new")]
    await remove_webhook_secret(pool, tenant, connection, ids[0])
    with pytest.raises(NotThere):
        await remove_webhook_secret(pool, tenant, connection, ids[0])
    with pytest.raises(NotThere):
        await add_webhook_secret(pool, keys, "other", connection, "key", "s")
    rows = await pool.read("SELECT id, sealed FROM webhook_secret WHERE tenant = %s", tenant)
    assert [row["id"] for row in rows] == [ids[1]]


async def test_product_secrets_come_and_go(
    pool: Database, keys: Keys, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at, secret in enumerate(("old", "new"), start=1):
        monkeypatch.setattr("streams.registry.webhooks.now_ms", lambda at=at: at)
        id = await add_product_secret(pool, keys, unique, "client_secret", secret)
    assert (await product_secrets(pool, keys))[unique] == {"client_secret": "new"}
    await remove_product_secret(pool, unique, id)
    assert (await product_secrets(pool, keys))[unique] == {"client_secret": "old"}
    with pytest.raises(NotThere):
        await remove_product_secret(pool, unique, id)
