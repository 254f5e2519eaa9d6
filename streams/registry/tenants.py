"""The customers of ours."""

from __future__ import annotations

from pymysql.err import IntegrityError

from schemas.configuration import Tenant
from streams.database import Database
from streams.errors import AlreadyThere, NotThere
from streams.ports import now_ms
from streams.registry.revision import change


async def add_tenant(database: Database, tenant: Tenant) -> int:
    """The new revision. Raises AlreadyThere if the id is taken."""
    try:
        return await change(
            database,
            lambda transaction: transaction.execute(
                "INSERT INTO tenant (id, name, created_at) VALUES (%s, %s, %s)", tenant.id, tenant.name, now_ms()
            ),
        )
    except IntegrityError as error:
        raise AlreadyThere(f"tenant {tenant.id}") from error


async def list_tenants(database: Database) -> list[Tenant]:
    """All of them, by id: for operators, and never for a customer's eyes."""
    return [
        Tenant(id=row["id"], name=row["name"]) for row in await database.read("SELECT id, name FROM tenant ORDER BY id")
    ]


async def get_tenant(database: Database, tenant: str) -> Tenant:
    """Raises NotThere."""
    rows = await database.read("SELECT id, name FROM tenant WHERE id = %s", tenant)
    if not rows:
        raise NotThere(f"tenant {tenant}")
    return Tenant(id=rows[0]["id"], name=rows[0]["name"])
