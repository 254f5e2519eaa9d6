"""What happened and what waits, as the historian wrote it down. Read-only; every query names its tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas.records import RecordId
from streams.database import Database

TRAIL_COLUMNS = (
    "at, stage, kind, record, other, installation, pair, link, ended, reason, category, message,"
    " changes, fields, received_at"
)
ATTENTION_COLUMNS = (
    "id, state, kind, reason, category, connection, installation, pair, record, other, field, message,"
    " times, opened_at, seen_at"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the trail. `fields` are as in schemas.events.TrailField; times are ms since the epoch."""

    at: int
    stage: str
    kind: str
    record: str
    other: str
    installation: str
    pair: str
    link: str
    end: str
    reason: str
    category: str
    message: str
    changes: Sequence[str] = ()
    fields: Sequence[Mapping[str, Any]] = field(default=())
    received_at: int = 0

    @property
    def time(self) -> str:
        """When it was, as a person reads it (UTC)."""
        return datetime.fromtimestamp(self.at / 1000, UTC).isoformat(sep=" ", timespec="milliseconds")[:-6]

    @property
    def latency_ms(self) -> int | None:
        """From the arrival of the change behind it, where that is known."""
        return self.at - self.received_at if self.received_at else None


async def trail_of(database: Database, tenant: str, record: RecordId, *, limit: int = 200) -> list[Entry]:
    """All that is known of a record, oldest first: also what was decided about it as the other side of a link."""
    rows = await database.read(
        f"SELECT * FROM (SELECT {TRAIL_COLUMNS}, id FROM trail WHERE tenant = %s AND record = %s"  # noqa: S608 - constant
        f" UNION SELECT {TRAIL_COLUMNS}, id FROM trail WHERE tenant = %s AND other = %s) AS known"
        " ORDER BY at DESC, id DESC LIMIT %s",
        *(tenant, str(record), tenant, str(record), limit),
    )
    return [_entry(row) for row in reversed(rows)]


async def trail_since(database: Database, tenant: str, at: int, *, limit: int = 5_000) -> list[Entry]:
    """What was written down from this time on (by the entry's own time), oldest first."""
    rows = await database.read(
        f"SELECT {TRAIL_COLUMNS} FROM trail WHERE tenant = %s AND at >= %s ORDER BY at, id LIMIT %s",  # noqa: S608
        *(tenant, at, limit),
    )
    return [_entry(row) for row in rows]


async def ends(database: Database, tenant: str) -> dict[str, int]:
    """How many changes reached each end."""
    rows = await database.read(
        "SELECT ended, COUNT(*) AS number FROM change_end WHERE tenant = %s GROUP BY ended", tenant
    )
    return {row["ended"]: int(row["number"]) for row in rows}


async def counters(database: Database, tenant: str) -> dict[str, int]:
    """The historian's sums of today and before, by name."""
    rows = await database.read("SELECT name, SUM(value) AS value FROM counter WHERE tenant = %s GROUP BY name", tenant)
    return {row["name"]: int(row["value"]) for row in rows}


async def attention(database: Database, tenant: str, *, limit: int = 500) -> list[dict[str, Any]]:
    """What waits for a person, newest first."""
    rows = await database.read(
        f"SELECT {ATTENTION_COLUMNS} FROM attention WHERE tenant = %s AND state = 'open'"  # noqa: S608 - constant
        " ORDER BY seen_at DESC LIMIT %s",
        *(tenant, limit),
    )
    return [dict(row) for row in rows]


async def causes(database: Database, tenant: str) -> list[dict[str, Any]]:
    """What waits for a person, by cause: one line for a thousand records that wait for the same thing."""
    rows = await database.read(
        "SELECT reason, category, connection, installation, field, COUNT(*) AS records, MAX(message) AS message,"
        " MAX(seen_at) AS seen_at FROM attention WHERE tenant = %s AND state = 'open'"
        " GROUP BY reason, category, connection, installation, field ORDER BY records DESC",
        tenant,
    )
    return [dict(row) for row in rows]


async def links(database: Database, tenant: str, installation: str) -> list[dict[str, Any]]:
    """The records that are linked now: pair, left and right, in their text form."""
    rows = await database.read(
        "SELECT pair, left_record, right_record FROM link_copy WHERE tenant = %s AND installation = %s"
        " AND state = 'linked' AND left_record <> '' AND right_record <> '' ORDER BY pair, link",
        *(tenant, installation),
    )
    return [dict(row) for row in rows]


async def tenant_of(database: Database, connection: str) -> str | None:
    """Whose connection this is. Connection ids are unique over all tenants."""
    rows = await database.read("SELECT tenant FROM connection WHERE id = %s", connection)
    return rows[0]["tenant"] if rows else None


def _entry(row: Mapping[str, Any]) -> Entry:
    changes, fields = orjson.loads(row["changes"] or b"[]"), orjson.loads(row["fields"] or b"[]")
    names = ("at", "stage", "kind", "record", "other", "installation", "pair", "link", "reason", "category", "message")
    facts = {name: row[name] for name in names}
    return Entry(**facts, end=row["ended"], changes=changes, fields=fields, received_at=row["received_at"])
