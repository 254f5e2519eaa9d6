"""What is installed between a tenant's connections."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from pymysql.err import IntegrityError

from schemas.configuration import Installation, InstallationState
from streams.database import Database, Row, Transaction
from streams.errors import AlreadyThere, NotThere
from streams.ports import now_ms
from streams.registry.revision import change

COLUMNS = "tenant, id, app, version, left_connection, right_connection, state, settings, overrides"
NO_SUCH_PARENT = 1452

Setting = str | int | bool | list[str] | None


async def add_installation(database: Database, installation: Installation) -> int:
    """The new revision. Raises AlreadyThere if the id is taken, NotThere unless both connections are the tenant's."""
    sql = (
        f"INSERT INTO installation ({COLUMNS}, created_at, updated_at)"  # noqa: S608 - constant
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    )
    row = (
        *(installation.tenant, installation.id, installation.app, installation.version),
        *(installation.left, installation.right, installation.state),
        *(_json(installation.settings), _json(installation.overrides), now_ms(), now_ms()),
    )
    try:
        return await change(database, lambda transaction: transaction.execute(sql, *row))
    except IntegrityError as error:
        if error.args[0] == NO_SUCH_PARENT:
            raise NotThere(f"connection {installation.left} or {installation.right}") from error
        raise AlreadyThere(f"installation {installation.id}") from error


async def get_installation(database: Database, tenant: str, id: str) -> Installation:
    """Raises NotThere."""
    sql = f"SELECT {COLUMNS} FROM installation WHERE tenant = %s AND id = %s"  # noqa: S608 - constant
    rows = await database.read(sql, tenant, id)
    if not rows:
        raise NotThere(f"installation {id}")
    return installation_of(rows[0])


async def list_installations(database: Database, tenant: str) -> list[Installation]:
    """The tenant's installations by id, removed ones too."""
    sql = f"SELECT {COLUMNS} FROM installation WHERE tenant = %s ORDER BY id"  # noqa: S608 - constant
    return [installation_of(row) for row in await database.read(sql, tenant)]


async def set_installation_state(database: Database, tenant: str, id: str, state: InstallationState) -> int:
    """Raises NotThere. A removed one stays as a row, so that its history keeps its name."""
    return await _update(database, (tenant, id), state=state)


async def set_installation_settings(
    database: Database, tenant: str, id: str, settings: Mapping[str, Setting], overrides: Mapping[str, msgspec.Raw]
) -> int:
    """Replace both. Raises NotThere."""
    return await _update(database, (tenant, id), settings=_json(dict(settings)), overrides=_json(dict(overrides)))


async def set_installation_version(database: Database, tenant: str, id: str, version: str) -> int:
    """Run another published version of the app from now on. Raises NotThere."""
    return await _update(database, (tenant, id), version=version)


def installation_of(row: Row) -> Installation:
    """The installation that a row of COLUMNS holds."""
    return Installation(
        tenant=row["tenant"],
        id=row["id"],
        app=row["app"],
        version=row["version"],
        left=row["left_connection"],
        right=row["right_connection"],
        state=row["state"],
        settings={**msgspec.json.decode(row["settings"], type=dict[str, Setting])},
        overrides=msgspec.json.decode(row["overrides"], type=dict[str, msgspec.Raw]),
    )


async def _update(database: Database, key: tuple[str, str], **columns: str) -> int:
    names = ", ".join(f"{name} = %s" for name in columns)
    sql = f"UPDATE installation SET {names}, updated_at = %s WHERE tenant = %s AND id = %s"  # noqa: S608 - our own names

    async def update(transaction: Transaction) -> None:
        if not await transaction.execute(sql, *columns.values(), now_ms(), *key):
            raise NotThere(f"installation {key[1]}")

    return await change(database, update)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
