"""How things stand: tenants, their connections and installations, backfills, open work. Read-only."""

from __future__ import annotations

from typing import Any

import orjson

from console import history
from streams.database import Database


async def tenants(database: Database) -> list[dict[str, Any]]:
    """All tenants with the numbers of what they have."""
    rows = await database.read(
        "SELECT t.id, t.name, (SELECT COUNT(*) FROM connection c WHERE c.tenant = t.id) AS connections,"
        " (SELECT COUNT(*) FROM installation i WHERE i.tenant = t.id) AS installations,"
        " (SELECT COUNT(*) FROM attention a WHERE a.tenant = t.id AND a.state = 'open') AS attention"
        " FROM tenant t ORDER BY t.id"
    )
    return [dict(row) for row in rows]


async def connections(database: Database, tenant: str) -> list[dict[str, Any]]:
    """A tenant's connections, without anything secret."""
    rows = await database.read(
        "SELECT id, product, base_url, account, state, reason, guard FROM connection WHERE tenant = %s ORDER BY id",
        tenant,
    )
    return [dict(row) for row in rows]


async def installations(database: Database, tenant: str) -> list[dict[str, Any]]:
    """A tenant's installations."""
    rows = await database.read(
        "SELECT id, app, version, left_connection, right_connection, state FROM installation WHERE tenant = %s"
        " ORDER BY id",
        tenant,
    )
    return [dict(row) for row in rows]


async def backfills(database: Database, tenant: str) -> list[dict[str, Any]]:
    """How far each installation's backfill is: pages read so far, records met, records handed on."""
    rows = await database.read(
        "SELECT w.installation, w.pair, w.connection, w.entity, w.done, w.progress FROM work w"
        " WHERE w.tenant = %s AND w.kind = 'backfill' ORDER BY w.installation, w.pair, w.connection",
        tenant,
    )
    counts = await database.read(
        "SELECT installation, COUNT(*) AS met, SUM(done) AS handed_on FROM backfill_record"
        " WHERE tenant = %s GROUP BY installation",
        tenant,
    )
    met = {row["installation"]: (int(row["met"]), int(row["handed_on"] or 0)) for row in counts}
    found = []
    for row in rows:
        records, handed_on = met.get(row["installation"], (0, 0))
        progress = orjson.loads(row["progress"] or b"{}")
        found.append({**row, "done": bool(row["done"]), "progress": progress, "met": records, "handed_on": handed_on})
    return found


async def waiting(database: Database, tenant: str) -> int:
    """How many things wait for their time."""
    rows = await database.read("SELECT COUNT(*) AS number FROM due WHERE tenant = %s", tenant)
    return int(rows[0]["number"])


async def status(database: Database, tenant: str) -> dict[str, Any]:
    """Everything above about one tenant, in one answer."""
    return {
        "tenant": tenant,
        "connections": await connections(database, tenant),
        "installations": await installations(database, tenant),
        "backfills": await backfills(database, tenant),
        "ends": await history.ends(database, tenant),
        "counters": await history.counters(database, tenant),
        "waiting": await waiting(database, tenant),
        "attention": await history.causes(database, tenant),
    }
