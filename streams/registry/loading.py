"""Everything that is configured, read at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from schemas.configuration import Connection, Installation, Tenant
from schemas.sealing import Keyring, SealBroken
from streams.database import Database, Row, Transaction
from streams.registry import connections, installations
from streams.registry.documents import AppVersion, app_version_of
from streams.registry.installations import installation_of
from streams.registry.revision import READ

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TenantConfiguration:
    """What one tenant has. `apps`: by (app, version), its own and those for everybody; a tenant's own goes before."""

    tenant: Tenant
    connections: dict[str, Connection] = field(default_factory=dict)
    installations: dict[str, Installation] = field(default_factory=dict)
    apps: dict[tuple[str, str], AppVersion] = field(default_factory=dict)
    discovered: dict[tuple[str, str], str] = field(default_factory=dict)
    """(connection, entity) → the fields that its product described, as JSON text."""


@dataclass(frozen=True, slots=True)
class Everything:
    """All tenants, as they were at this revision."""

    revision: int
    tenants: Mapping[str, TenantConfiguration]


async def load(database: Database, ring: Keyring | None) -> Everything:
    """Read it all in one consistent snapshot. Credentials only for who brings the key.

    A connection whose credentials do not open is handed out as broken, so that it stops alone.
    """
    return await database.snapshot(lambda transaction: _load(transaction, ring))


async def _load(transaction: Transaction, ring: Keyring | None) -> Everything:
    number = await transaction.row(READ)
    tenants = {
        row["id"]: TenantConfiguration(Tenant(id=row["id"], name=row["name"]))
        for row in await transaction.rows("SELECT id, name FROM tenant")
    }
    for row in await transaction.rows(f"SELECT {connections.COLUMNS} FROM connection"):  # noqa: S608 - constant
        tenants[row["tenant"]].connections[row["id"]] = _opened(row, ring)
    for row in await transaction.rows(f"SELECT {installations.COLUMNS} FROM installation"):  # noqa: S608 - constant
        tenants[row["tenant"]].installations[row["id"]] = installation_of(row)
    for row in await transaction.rows("SELECT tenant, connection, entity, fields FROM discovered"):
        tenants[row["tenant"]].discovered[row["connection"], row["entity"]] = row["fields"]
    await _load_apps(transaction, tenants)
    return Everything(int(number["number"]) if number else 0, tenants)


async def _load_apps(transaction: Transaction, tenants: Mapping[str, TenantConfiguration]) -> None:
    sql = "SELECT tenant, app, version, digest, document FROM app_version"
    versions = [app_version_of(row) for row in await transaction.rows(sql)]
    public = {(version.app, version.version): version for version in versions if not version.tenant}
    for tenant in tenants.values():
        tenant.apps.update(public)
    for version in versions:
        if version.tenant in tenants:
            tenants[version.tenant].apps[version.app, version.version] = version


def _opened(row: Row, ring: Keyring | None) -> Connection:
    try:
        return connections.connection_of(row, ring)
    except SealBroken as error:
        log.warning("credentials_do_not_open", tenant=row["tenant"], connection=row["id"], reason=str(error))
        return connections.connection_of({**row, "state": "broken", "reason": "its credentials cannot be opened"})
