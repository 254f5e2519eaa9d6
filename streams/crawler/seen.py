"""What was listed before, and how it stood then: the reason why unchanged records cost no call."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from schemas.events import Reading
from streams.database import Database

UPSERT = (
    "INSERT INTO seen (tenant, connection, entity, id, mark, sweep) VALUES (%s, %s, %s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE mark = VALUES(mark), sweep = GREATEST(sweep, VALUES(sweep))"
)
MISSED = (
    "SELECT id FROM seen WHERE tenant = %s AND connection = %s AND entity = %s AND sweep < %s"
    " ORDER BY sweep, id LIMIT %s"
)


@dataclass(frozen=True, slots=True)
class Place:
    """An entity of a connection."""

    tenant: str
    connection: str
    entity: str

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.tenant, self.connection, self.entity)


def mark_of(reading: Reading) -> str:
    """How a record stands: its change time where the product tells it, and a digest of what was read of it.

    The time alone would hide a second edit within the resolution of the product's clock.
    """
    digest = hashlib.sha256(msgspec.json.encode(sorted(reading.fields.items()))).hexdigest()
    return f"{reading.updated_at}.{digest[:40]}"


async def known_marks(database: Database, place: Place, ids: Iterable[str]) -> dict[str, str]:
    """id → mark, of those of these records that were listed before."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    marks = ", ".join(["%s"] * len(wanted))
    sql = f"SELECT id, mark FROM seen WHERE tenant = %s AND connection = %s AND entity = %s AND id IN ({marks})"  # noqa: S608
    return {row["id"]: row["mark"] for row in await database.read(sql, *place.key, *wanted)}


async def remember(database: Database, place: Place, marks: Mapping[str, str], sweep: int = 0) -> None:
    """Note how records stand; `sweep`: the number of the sweep that met them."""
    await database.many(UPSERT, [(*place.key, id, mark, sweep) for id, mark in marks.items()])


async def missed(database: Database, place: Place, sweep: int, limit: int) -> list[str]:
    """Records that this sweep should have met and did not."""
    return [row["id"] for row in await database.read(MISSED, *place.key, sweep, limit)]


async def forget(database: Database, place: Place, ids: Iterable[str]) -> None:
    """They are somebody else's concern now; if they are listed again, they count as new."""
    for id in ids:
        await database.execute(
            "DELETE FROM seen WHERE tenant = %s AND connection = %s AND entity = %s AND id = %s", *place.key, id
        )
