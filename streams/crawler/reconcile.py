"""The slow, full sweep: finds drift, and records that are gone without a word.

That a record was not listed proves nothing by itself. Only after a sweep that came to its end are the missed ones
asked for, each by its own read; the source stage tells what is really gone.
"""

from __future__ import annotations

from connectors.errors import CallFailed
from schemas.configuration import Connection
from schemas.events import Change
from schemas.records import RecordId
from streams.crawler.context import INACTIVE_PAUSE_MS, Crawl, all_of
from streams.crawler.pages import tell_changed
from streams.crawler.seen import Place, forget, missed
from streams.crawler.work import Step, Task

INTERVAL_MS = 86_400_000
FIRST_MS = 3_600_000
"""After a connection is new: its backfill lists everything anyway."""
PAGE_PAUSE_MS = 1_000
MISSED_AT_ONCE = 50


async def reconcile(crawl: Crawl, task: Task) -> Step:
    """Read one page, or ask for some of the records that a complete sweep has missed. `watermark` is the sweep."""
    connection = crawl.active(task.name.connection)
    if connection is None:
        return Step(crawl.now() + INACTIVE_PAUSE_MS, task.cursor, task.watermark, progress=task.progress)
    match task.progress.get("phase"):
        case "list":
            return await _list(crawl, task, connection)
        case "missed":
            return await _ask_for_missed(crawl, task, connection)
        case "waited":
            return Step(crawl.now(), watermark=crawl.now(), progress={"phase": "list"})
    return Step(crawl.now() + int(FIRST_MS * crawl.scale), progress={"phase": "waited"})


async def _list(crawl: Crawl, task: Task, connection: Connection) -> Step:
    entity, sweep = task.name.entity, task.watermark
    try:
        client = crawl.products.client(connection)
        operation = client.entity(entity).ops.get("list")
        if operation is None:
            return _over(crawl)
        page = await client.list(entity, task.cursor)
    except CallFailed as error:
        return await crawl.after_failure(task, connection, error)
    alive = [row for row in page.rows if not row.deleted]
    await tell_changed(crawl, connection, entity, alive, "reconcile", partial=operation.partial, sweep=sweep)
    if page.cursor is not None:
        pause = int(PAGE_PAUSE_MS * crawl.scale)
        return Step(crawl.now() + pause, page.cursor, sweep, progress=task.progress)
    return Step(crawl.now(), watermark=sweep, progress={"phase": "missed"})


async def _ask_for_missed(crawl: Crawl, task: Task, connection: Connection) -> Step:
    place = Place(connection.tenant, connection.id, task.name.entity)
    ids = await missed(crawl.database, place, task.watermark, MISSED_AT_ONCE)
    if not ids:
        return _over(crawl)
    now = crawl.now()
    changes = [
        Change(
            id=f"reconcile/{connection.id}/{place.entity}/{id}/missed/{task.watermark}",
            tenant=connection.tenant,
            record=RecordId(connection.id, place.entity, id),
            source="reconcile",
            received_at=now,
        )
        for id in ids
    ]
    await all_of([crawl.hint(connection, change) for change in changes])
    await forget(crawl.database, place, ids)
    return Step(now + int(PAGE_PAUSE_MS * crawl.scale), watermark=task.watermark, progress=task.progress)


def _over(crawl: Crawl) -> Step:
    return Step(crawl.now() + int(INTERVAL_MS * crawl.scale), progress={"phase": "waited"})
