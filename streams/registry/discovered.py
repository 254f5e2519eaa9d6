"""What fields an account has of its own, as its product last described them."""

from __future__ import annotations

from streams.database import Database
from streams.ports import now_ms
from streams.registry.revision import change


async def save_discovered(database: Database, tenant: str, connection: str, entity: str, fields: str) -> int | None:
    """Keep the description (JSON text); the new revision, or None if it says the same as before."""
    sql = "SELECT fields FROM discovered WHERE tenant = %s AND connection = %s AND entity = %s"
    rows = await database.read(sql, tenant, connection, entity)
    if rows and rows[0]["fields"] == fields:
        return None
    upsert = (
        "INSERT INTO discovered (tenant, connection, entity, fields, discovered_at) VALUES (%s, %s, %s, %s, %s)"
        " ON DUPLICATE KEY UPDATE fields = VALUES(fields), discovered_at = VALUES(discovered_at)"
    )
    row = (tenant, connection, entity, fields, now_ms())
    return await change(database, lambda transaction: transaction.execute(upsert, *row))


async def get_discovered(database: Database, tenant: str) -> dict[tuple[str, str], str]:
    """(connection, entity) → the description, as JSON text."""
    sql = "SELECT connection, entity, fields FROM discovered WHERE tenant = %s"
    return {(row["connection"], row["entity"]): row["fields"] for row in await database.read(sql, tenant)}
