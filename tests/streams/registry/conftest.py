"""A tenant of this test's own, with two connections."""

from __future__ import annotations

import pytest

from schemas.configuration import Connection, Installation, Tenant
from schemas.sealing import Keyring
from streams.database import Database
from streams.registry.connections import add_connection
from streams.registry.keys import Keys
from streams.registry.tenants import add_tenant


@pytest.fixture
def keys() -> Keys:
    return Keys(credentials=Keyring([b"c" * 32]), webhooks=Keyring([b"w" * 32]))


@pytest.fixture
async def tenant(pool: Database, keys: Keys, unique: str) -> str:
    """Its connections are `<tenant>-fs` and `<tenant>-hs`."""
    await add_tenant(pool, Tenant(id=unique, name="Acme Ltd."))
    for product in ("freshsales", "hubspot"):
        await add_connection(pool, keys, connection_to(unique, product))
    return unique


def connection_to(tenant: str, product: str) -> Connection:
    return Connection(
        tenant=tenant,
        id=f"{tenant}-{'fs' if product == 'freshsales' else 'hs'}",
        product=product,
        base_url=f"https://{tenant}.example.com",
        account=f"account of {tenant}",
        credentials={"api_key": "hunter2", "other": "ünïcode"},
        config={"zone": "00478"},
    )


def installation_of(tenant: str) -> Installation:
    return Installation(
        tenant=tenant,
        id=f"{tenant}-i",
        app="freshsales-hubspot",
        version="1.0.0",
        left=f"{tenant}-fs",
        right=f"{tenant}-hs",
        settings={"master": "fs", "stages": ["lead"], "limit": 3, "on": True, "none": None},
    )
