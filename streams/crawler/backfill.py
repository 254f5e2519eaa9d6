"""A new installation: first both sides are read and linked, then what is left over is created.

Phase one lists every record of both sides and says so with `linking`: nothing is created or written yet, so no
record is made a second time only because its counterpart had not been read. Phase two asks for a decision about
every record that was met, no faster than the writes get done.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.entities import Found
from connectors.errors import CallFailed
from schemas.configuration import Connection
from schemas.events import Nudge, Snapshot
from schemas.records import RecordId
from streams.crawler.context import INACTIVE_PAUSE_MS, Crawl, Listing, all_of, record_of
from streams.crawler.seen import Place, mark_of, remember
from streams.crawler.work import Step, Task
from streams.engine.plan import InstallationPlan, PairPlan
from streams.errors import NotThere
from streams.registry.installations import set_installation_state

HANDED_ON_AT_ONCE = 25
HAND_ON_PAUSE_MS = 250
FULL_PAUSE_MS = 1_000
UNDESCRIBED_PAUSE_MS = 500
"""How often to look whether the account's own fields are known by now: matching may need them."""

MET = "INSERT IGNORE INTO backfill_record (tenant, installation, pair, side, record) VALUES (%s, %s, %s, %s, %s)"
OPEN = (
    "SELECT side, record FROM backfill_record WHERE tenant = %s AND installation = %s AND pair = %s AND done = 0"
    " ORDER BY side, record LIMIT %s"
)
HANDED_ON = (
    "UPDATE backfill_record SET done = 1"
    " WHERE tenant = %s AND installation = %s AND pair = %s AND side = %s AND record = %s"
)
UNREAD = "SELECT 1 FROM work WHERE tenant = %s AND installation = %s AND kind = 'backfill' AND done = 0 LIMIT 1"


async def backfill(crawl: Crawl, task: Task) -> Step:
    """Phase one: read a page of one side of a pair."""
    connection = crawl.active(task.name.connection)
    installation = planned(crawl, task)
    if connection is None or installation is None or installation.state == "paused":
        return Step(crawl.now() + INACTIVE_PAUSE_MS, task.cursor, progress=task.progress)
    try:
        client = crawl.products.client(connection)
        if not _is_described(crawl, connection, client, task.name.entity):
            return Step(crawl.now() + UNDESCRIBED_PAUSE_MS)
        page = await client.list(task.name.entity, task.cursor)
        rows = await _complete(client, task.name.entity, page.rows)
    except CallFailed as error:
        return await crawl.after_failure(task, connection, error)
    if task.cursor is None:
        revision = crawl.configuration.revision
        await crawl.announce(task.name.tenant, revision, f"backfill/{'/'.join(task.name.key)}/{revision}")
    await _tell(crawl, task, connection, installation, rows)
    progress = {
        "pages": int(task.progress.get("pages", 0)) + 1,
        "records": int(task.progress.get("records", 0)) + len(rows),
    }
    return Step(crawl.now(), page.cursor, done=page.cursor is None, progress=progress)


async def hand_on(crawl: Crawl, task: Task) -> Step:
    """Phase two, once phase one is over: ask for a decision about some of the records that were met."""
    tenant, id = task.name.tenant, task.name.installation
    installation = planned(crawl, task)
    if installation is None or installation.state == "paused":
        return Step(crawl.now() + INACTIVE_PAUSE_MS, progress=task.progress)
    if await crawl.database.read(UNREAD, tenant, id):
        return Step(crawl.now() + HAND_ON_PAUSE_MS, progress=task.progress)
    if not task.progress.get("announced"):
        revision = crawl.configuration.revision
        if installation.state == "linking":
            revision = await set_installation_state(crawl.database, tenant, id, "active")
        await crawl.announce(tenant, revision, f"backfill/{tenant}/{id}/active")
        return Step(crawl.now(), progress={"announced": True})
    if await crawl.full(tenant):
        return Step(crawl.now() + FULL_PAUSE_MS, progress=task.progress)
    for pair in in_order(list(installation.pairs.values())):
        rows = await crawl.database.read(OPEN, tenant, id, pair.name, HANDED_ON_AT_ONCE)
        if rows:
            await all_of([_nudge(crawl, tenant, id, RecordId.parse(row["record"])) for row in rows])
            for row in rows:
                await crawl.database.execute(HANDED_ON, tenant, id, pair.name, row["side"], row["record"])
            return Step(crawl.now() + HAND_ON_PAUSE_MS, progress=task.progress)
    return Step(crawl.now(), done=True, progress=task.progress)


def in_order(pairs: Sequence[PairPlan]) -> list[PairPlan]:
    """Pairs that others refer to come first, so that a contact finds its company linked."""
    waiting, ordered = list(pairs), list[PairPlan]()
    while waiting:
        names = {pair.name for pair in waiting}
        free = [pair for pair in waiting if not (_referred(pair) - {pair.name}) & names]
        ordered += free or waiting
        waiting = [pair for pair in waiting if pair not in ordered]
    return ordered


def planned(crawl: Crawl, task: Task) -> InstallationPlan | None:
    """The installation as it is decided by; None if it is no more."""
    try:
        return crawl.configuration.plan(task.name.tenant).installations.get(task.name.installation)
    except NotThere:
        return None


def _referred(pair: PairPlan) -> set[str]:
    return {line.reference.pair for line in pair.lines if line.reference is not None}


def _is_described(crawl: Crawl, connection: Connection, client: Listing, entity: str) -> bool:
    if client.entity(entity).discover is None:
        return True
    return (connection.id, entity) in crawl.configuration.tenant(connection.tenant).discovered


async def _complete(client: Listing, entity: str, rows: Sequence[Found]) -> list[Found]:
    """The living records of a page; where the product lists them without all fields, each is read."""
    alive = [row for row in rows if not row.deleted]
    operation = client.entity(entity).ops.get("list")
    if operation is None or not operation.partial:
        return alive
    read = [(row.id, await client.get(entity, row.id)) for row in alive]
    return [Found(id, reading) for id, reading in read if reading is not None]


async def _tell(
    crawl: Crawl, task: Task, connection: Connection, installation: InstallationPlan, rows: Sequence[Found]
) -> None:
    name, now = task.name, crawl.now()
    side = "left" if installation.left == connection.id and _is_left(installation, task) else "right"
    snapshots = [
        Snapshot(
            id=f"backfill/{name.installation}/{name.pair}/{record_of(connection, name.entity, row)}",
            tenant=name.tenant,
            record=record_of(connection, name.entity, row),
            source="list",
            reading=row.reading,
            received_at=now,
            linking=True,
        )
        for row in rows
    ]
    await all_of([crawl.tell(snapshot) for snapshot in snapshots])
    met = [(name.tenant, name.installation, name.pair, side, str(snapshot.record)) for snapshot in snapshots]
    await crawl.database.many(MET, met)
    place = Place(name.tenant, connection.id, name.entity)
    await remember(crawl.database, place, {row.id: mark_of(row.reading) for row in rows})


def _is_left(installation: InstallationPlan, task: Task) -> bool:
    """Also where an app keeps two entities of one connection in sync."""
    pair = installation.pairs.get(task.name.pair)
    return pair is not None and pair.left == task.name.entity


async def _nudge(crawl: Crawl, tenant: str, installation: str, record: RecordId) -> None:
    await crawl.emit.sync(Nudge(id=f"backfill/{installation}/{record}", tenant=tenant, record=record), "nudge")
