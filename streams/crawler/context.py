"""What every task of the crawler works with, and what they have in common: asking, telling, failing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from connectors.discovery import DiscoveredField
from connectors.entities import Found
from connectors.errors import CallFailed
from connectors.reads import Page
from schemas.configuration import Connection
from schemas.documents.connector import ConnectorDocument, Entity
from schemas.events import Category, Change, Control, Reading, Snapshot, Trail
from schemas.records import RecordId
from streams.crawler.work import Step, Task
from streams.database import Database
from streams.emit import Emit
from streams.failures import break_connection, remedy_of, wait_ms
from streams.ports import now_ms
from streams.registry.configuration import Configuration

PATIENCE = 3
"""Failures in a row before a person is told."""
SHORTEST_PAUSE_MS = 5_000
LONGEST_PAUSE_MS = 600_000
INACTIVE_PAUSE_MS = 5_000

log = structlog.get_logger()


class Listing(Protocol):
    """A product as the crawler reads it, with a share of the quota that leaves room for live edits."""

    def entity(self, name: str) -> Entity: ...

    async def get(self, entity: str, id: str) -> Reading | None: ...

    async def list(self, entity: str, cursor: str | None = None) -> Page: ...

    async def changes(self, entity: str, since_ms: int, cursor: str | None = None) -> Page: ...

    async def prepare_account(self) -> Mapping[str, CallFailed]: ...

    async def discover(self, entity: str, *, fresh: bool = False) -> Sequence[DiscoveredField]: ...


class Listings(Protocol):
    """The tenants' connections and their products."""

    def connection(self, id: str) -> Connection | None: ...

    def client(self, connection: Connection) -> Listing: ...

    async def broken(self, connection: Connection, category: Category, message: str) -> bool: ...


async def never_full(_: str) -> bool:
    """A gate that is always open."""
    return False


@dataclass(frozen=True, slots=True)
class Crawl:
    """One crawler's means. `full` says whether a tenant has so much under way that its backfill has to wait."""

    database: Database
    configuration: Configuration
    products: Listings
    emit: Emit
    scale: float = 1.0
    """All intervals are multiplied by it."""
    now: Callable[[], int] = now_ms
    documents: Mapping[str, ConnectorDocument] = field(default_factory=dict)
    """The connectors by product."""
    full: Callable[[str], Awaitable[bool]] = field(default=never_full)

    def active(self, id: str) -> Connection | None:
        """The connection, if it may be called now."""
        connection = self.products.connection(id)
        return connection if connection is not None and connection.state == "active" else None

    async def announce(self, tenant: str, revision: int, id: str) -> None:
        """From here on the tenant is decided about with a configuration of at least this revision."""
        await self.emit.sync(Control(id=id, tenant=tenant, action="configuration", revision=revision), "control")

    async def hint(self, connection: Connection, change: Change) -> None:
        """Have a record read."""
        await self.emit.change(connection.product, change)

    async def tell(self, snapshot: Snapshot) -> None:
        """What a page said of a record; the changes in it are noted as received, as those of webhooks are."""
        for change in snapshot.changes:
            await self.emit.trail(
                Trail(
                    id=f"{change}/received",
                    tenant=snapshot.tenant,
                    at=snapshot.received_at,
                    stage="crawler",
                    kind="received",
                    record=snapshot.record,
                    changes=(change,),
                    reason="poll",
                    received_at=snapshot.received_at,
                )
            )
        await self.emit.sync(snapshot, "snapshot")

    async def after_failure(self, task: Task, connection: Connection, error: CallFailed) -> Step:
        """The page is asked for again later: a failed page is never the end of the data."""
        now, failures = self.now(), task.failures + 1
        remedy = remedy_of(error.category)
        if remedy == "reconnect":
            await break_connection(self.products, self.emit, connection, error, now)
        if failures == PATIENCE and remedy in ("person", "gone"):
            await self._ask_a_person(task, connection, error, now)
        pause = min(SHORTEST_PAUSE_MS << min(failures - 1, 10), LONGEST_PAUSE_MS)
        if remedy == "wait":
            pause = wait_ms(error, 0, now)
            failures = task.failures
        log.warning("pause_task", kind=task.name.kind, connection=connection.id, category=error.category, ms=pause)
        return Step(now + pause, task.cursor, task.watermark, failures=failures, progress=task.progress)

    async def _ask_a_person(self, task: Task, connection: Connection, error: CallFailed, now: int) -> None:
        await self.emit.trail(
            Trail(
                id=f"{'/'.join(task.name.key)}/failed/{now}",
                tenant=task.name.tenant,
                at=now,
                stage="crawler",
                kind="attention",
                installation=task.name.installation,
                reason=f"{task.name.kind}_failed",
                category=error.category,
                message=f"{connection.id} {task.name.entity}: {error.message}"[:500],
            )
        )


async def all_of(work: Sequence[object]) -> None:
    """Await several things at once; the first failure is raised after all have ended."""
    results = await asyncio.gather(*work, return_exceptions=True)  # type: ignore[call-overload]  # coroutines
    failed = next((result for result in results if isinstance(result, BaseException)), None)
    if failed is not None:
        raise failed


def record_of(connection: Connection, entity: str, found: Found) -> RecordId:
    """The name of a listed record."""
    return RecordId(connection.id, entity, found.id)
