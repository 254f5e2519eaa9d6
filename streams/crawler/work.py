"""The crawler's tasks in MySQL: what there is to do, who is at it, and how far it has come.

A task is leased, done a page at a time, and saved with its cursor, so that anybody can go on where it was left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from streams.database import Database, Row, Transaction

Kind = Literal["discover", "poll", "reconcile", "backfill", "handover", "retention"]
LEASE_MS = 60_000
"""A page takes less; a crawler that died is missed for no longer."""

KEY_COLUMNS = "tenant, connection, entity, kind, installation, pair"
KEY = "tenant = %s AND connection = %s AND entity = %s AND kind = %s AND installation = %s AND pair = %s"
FREE = (
    f"SELECT {KEY_COLUMNS}, page_cursor, watermark, failures, progress FROM work"  # noqa: S608 - constant
    " WHERE done = 0 AND next_at <= %s AND leased_until <= %s ORDER BY next_at LIMIT %s FOR UPDATE SKIP LOCKED"
)
LEASE = f"UPDATE work SET leased_by = %s, leased_until = %s WHERE {KEY}"  # noqa: S608 - constant
CHANGED = "page_cursor = %s, watermark = %s, next_at = %s, leased_until = 0, done = %s, failures = %s, progress = %s"
SAVE = f"UPDATE work SET {CHANGED} WHERE {KEY} AND leased_by = %s"  # noqa: S608 - constant
ADD = (
    f"INSERT IGNORE INTO work ({KEY_COLUMNS}, watermark, next_at, progress)"  # noqa: S608 - constant
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '{}')"
)
RESUMED = (
    "SELECT w.tenant, w.installation FROM work w JOIN installation i ON i.tenant = w.tenant AND i.id = w.installation"
    " WHERE w.kind = 'handover' AND w.done = 1 AND i.state = 'linking' FOR UPDATE"
)
BEGIN_AGAIN = (
    "UPDATE work SET done = 0, page_cursor = NULL, progress = '{}', next_at = %s, leased_until = 0, failures = 0"
    " WHERE tenant = %s AND installation = %s AND kind IN ('backfill', 'handover')"
)
MEET_AGAIN = "UPDATE backfill_record SET done = 0 WHERE tenant = %s AND installation = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """Which task. `connection`, `entity`, `installation` and `pair` are empty where it is not about one."""

    tenant: str
    kind: Kind
    connection: str = ""
    entity: str = ""
    installation: str = ""
    pair: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        return (self.tenant, self.connection, self.entity, self.kind, self.installation, self.pair)


@dataclass(frozen=True, slots=True)
class Task:
    """A leased task as it was left. `watermark` is ms in the product's clock, or what its kind makes of it."""

    name: Name
    cursor: str | None = None
    watermark: int = 0
    failures: int = 0
    progress: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """How far a task has come, and when it goes on."""

    next_at: int
    cursor: str | None = None
    watermark: int = 0
    done: bool = False
    failures: int = 0
    progress: Mapping[str, Any] = field(default_factory=dict)


async def add(database: Database, names: Iterable[Name], now: int) -> None:
    """Put tasks in place that are not there yet. They begin now, and look at nothing from before now."""
    await database.many(ADD, [(*name.key, now, now) for name in names])


async def names(database: Database) -> list[Name]:
    """All tasks that there are."""
    return [_name(row) for row in await database.read(f"SELECT {KEY_COLUMNS} FROM work")]  # noqa: S608 - constant


async def remove(database: Database, gone: Sequence[Name]) -> None:
    """Forget tasks whose connection or installation is no more."""
    for name in gone:
        await database.execute(f"DELETE FROM work WHERE {KEY}", *name.key)  # noqa: S608 - constant


async def begin_again(database: Database, now: int) -> int:
    """An installation that links again (a person resumed it) is backfilled again; how many those are."""

    async def reset(transaction: Transaction) -> int:
        rows = await transaction.rows(RESUMED)
        for row in rows:
            await transaction.execute(BEGIN_AGAIN, now, row["tenant"], row["installation"])
            await transaction.execute(MEET_AGAIN, row["tenant"], row["installation"])
        return len(rows)

    return await database.run(reset)


async def lease(database: Database, worker: str, now: int, limit: int) -> list[Task]:
    """Take tasks that are due and that nobody is at; no two crawlers get the same."""

    async def take(transaction: Transaction) -> list[Task]:
        rows = await transaction.rows(FREE, now, now, limit)
        for row in rows:
            await transaction.execute(LEASE, worker, now + LEASE_MS, *_name(row).key)
        return [_task(row) for row in rows]

    return await database.run(take)


async def save(database: Database, worker: str, task: Task, step: Step) -> bool:
    """Give a task back. False: the lease was lost, somebody else goes on from where it was before."""
    saved = await database.execute(
        SAVE,
        *(step.cursor, step.watermark, step.next_at, step.done, step.failures),
        *(msgspec.json.encode(step.progress).decode(), *task.name.key, worker),
    )
    return saved == 1


def _name(row: Row) -> Name:
    return Name(
        tenant=row["tenant"],
        kind=row["kind"],
        connection=row["connection"],
        entity=row["entity"],
        installation=row["installation"],
        pair=row["pair"],
    )


def _task(row: Row) -> Task:
    progress = msgspec.json.decode(row["progress"] or "{}")
    return Task(_name(row), row["page_cursor"], row["watermark"], row["failures"], progress)
