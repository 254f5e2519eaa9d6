"""A tenant's accounts on products: their addresses, states and sealed credentials."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from pymysql.err import IntegrityError

from schemas.configuration import Connection, ConnectionState
from schemas.sealing import Keyring, token_digest
from streams.database import Database, Row, Transaction
from streams.errors import AlreadyThere, NotThere
from streams.ports import now_ms
from streams.registry.keys import Keys, open_credentials, seal_credentials, token_place
from streams.registry.revision import change

COLUMNS = "tenant, id, product, base_url, account, config, guard, state, reason, credentials"
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class Added:
    """A connection that was just made, and the token of its webhook address."""

    revision: int
    token: str


async def add_connection(database: Database, keys: Keys, connection: Connection) -> Added:
    """Store a connection, its credentials sealed, under a fresh webhook token.

    Raises AlreadyThere if the id is taken, by whatever tenant, and NotThere if there is no such tenant.
    """
    token = new_token()
    row = (
        *(connection.tenant, connection.id, connection.product, connection.base_url, connection.account),
        *(_json(connection.config), connection.guard, connection.state, connection.reason),
        seal_credentials(keys.credentials, connection.tenant, connection.id, connection.credentials),
        *(token_digest(token), keys.credentials.seal(token, token_place(connection.tenant, connection.id))),
        *(now_ms(), now_ms()),
    )
    sql = (
        f"INSERT INTO connection ({COLUMNS}, token_hash, webhook_token, created_at, updated_at)"  # noqa: S608 - constant
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    )
    await _require_tenant(database, connection.tenant)
    try:
        return Added(await change(database, lambda transaction: transaction.execute(sql, *row)), token)
    except IntegrityError as error:
        raise AlreadyThere(f"connection {connection.id}") from error


async def get_connection(database: Database, tenant: str, id: str, ring: Keyring | None = None) -> Connection:
    """The connection; its credentials only for who brings the key. Raises NotThere, SealBroken."""
    sql = f"SELECT {COLUMNS} FROM connection WHERE tenant = %s AND id = %s"  # noqa: S608 - constant
    rows = await database.read(sql, tenant, id)
    if not rows:
        raise NotThere(f"connection {id}")
    return connection_of(rows[0], ring)


async def list_connections(database: Database, tenant: str) -> list[Connection]:
    """The tenant's connections by id, without credentials."""
    sql = f"SELECT {COLUMNS} FROM connection WHERE tenant = %s ORDER BY id"  # noqa: S608 - constant
    return [connection_of(row) for row in await database.read(sql, tenant)]


async def update_connection(database: Database, connection: Connection) -> int:
    """Give it this address, account, config and guard; state and credentials stay. Raises NotThere."""
    return await _update(
        database,
        (connection.tenant, connection.id),
        base_url=connection.base_url,
        account=connection.account,
        config=_json(connection.config),
        guard=connection.guard,
    )


async def set_connection_state(
    database: Database, tenant: str, id: str, state: ConnectionState, reason: str = ""
) -> int:
    """Pause it, break it (with the reason that people see) or let it go on. Raises NotThere."""
    return await _update(database, (tenant, id), state=state, reason=reason[:500])


async def break_connection(database: Database, tenant: str, id: str, reason: str) -> int | None:
    """Mark an active connection as broken; the new revision for the one caller that did it, None for the others."""
    sql = (
        "UPDATE connection SET state = 'broken', reason = %s, updated_at = %s"
        " WHERE tenant = %s AND id = %s AND state = 'active'"
    )
    done: list[int] = []

    async def mark(transaction: Transaction) -> None:
        done[:] = [await transaction.execute(sql, reason[:500], now_ms(), tenant, id)]

    revision = await change(database, mark)
    return revision if done[0] else None


async def set_credentials(database: Database, keys: Keys, tenant: str, id: str, credentials: Mapping[str, str]) -> int:
    """Replace all of its credentials. Raises NotThere."""
    return await _update(
        database, (tenant, id), credentials=seal_credentials(keys.credentials, tenant, id, credentials)
    )


async def remove_connection(database: Database, tenant: str, id: str) -> int:
    """Forget it, and its secrets. Raises NotThere, and AlreadyThere while something is installed on it."""

    async def remove(transaction: Transaction) -> None:
        if not await transaction.execute("DELETE FROM connection WHERE tenant = %s AND id = %s", tenant, id):
            raise NotThere(f"connection {id}")

    try:
        return await change(database, remove)
    except IntegrityError as error:
        raise AlreadyThere(f"an installation uses connection {id}") from error


def connection_of(row: Row, ring: Keyring | None = None) -> Connection:
    """The connection that a row of COLUMNS holds."""
    credentials = open_credentials(ring, row["tenant"], row["id"], row["credentials"]) if ring else {}
    return Connection(
        tenant=row["tenant"],
        id=row["id"],
        product=row["product"],
        base_url=row["base_url"],
        account=row["account"],
        credentials=credentials,
        config=msgspec.json.decode(row["config"], type=dict[str, str]),
        guard=row["guard"],
        state=row["state"],
        reason=row["reason"],
    )


def new_token() -> str:
    """An unguessable part of a path: 256 random bits."""
    return secrets.token_urlsafe(TOKEN_BYTES)


async def _update(database: Database, key: tuple[str, str], **columns: str) -> int:
    names = ", ".join(f"{name} = %s" for name in columns)
    sql = f"UPDATE connection SET {names}, updated_at = %s WHERE tenant = %s AND id = %s"  # noqa: S608 - our own names

    async def update(transaction: Transaction) -> None:
        if not await transaction.execute(sql, *columns.values(), now_ms(), *key):
            raise NotThere(f"connection {key[1]}")

    return await change(database, update)


async def _require_tenant(database: Database, tenant: str) -> None:
    if not await database.read("SELECT id FROM tenant WHERE id = %s", tenant):
        raise NotThere(f"tenant {tenant}")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
