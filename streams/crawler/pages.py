"""From a page of records to what is told about them: only what is not as it was when it was listed before."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.entities import Found
from schemas.configuration import Connection
from schemas.events import Change, ChangeKind, ChangeSource, Snapshot
from streams.crawler.context import Crawl, all_of, record_of
from streams.crawler.seen import Place, known_marks, mark_of, remember


async def tell_changed(
    crawl: Crawl,
    connection: Connection,
    entity: str,
    rows: Sequence[Found],
    source: ChangeSource,
    *,
    partial: bool,
    sweep: int = 0,
) -> int:
    """Tell of the records that changed since they were last listed, and remember how they stand; how many those are.

    A complete row goes to the decision as it is: it proves at no further cost that nothing changed, and causes a
    read only where it differs from what is known. A `partial` row, and one that says it was deleted, is a hint.
    """
    place = Place(connection.tenant, connection.id, entity)
    known = await known_marks(crawl.database, place, (row.id for row in rows))
    marks = {row.id: f"deleted.{row.reading.updated_at}" if row.deleted else mark_of(row.reading) for row in rows}
    changed = [row for row in {row.id: row for row in rows}.values() if known.get(row.id) != marks[row.id]]
    await all_of([_tell(crawl, connection, entity, row, marks[row.id], source, partial) for row in changed])
    news = {row.id: marks[row.id] for row in (rows if sweep else changed)}
    await remember(crawl.database, place, news, sweep)
    return len(changed)


async def _tell(
    crawl: Crawl, connection: Connection, entity: str, row: Found, mark: str, source: ChangeSource, partial: bool
) -> None:
    record = record_of(connection, entity, row)
    name = f"{source}/{record}/{mark}"
    now = crawl.now()
    if partial or row.deleted:
        kind: ChangeKind = "delete" if row.deleted else "upsert"
        at = row.reading.updated_at or None
        change = Change(
            id=name, tenant=connection.tenant, record=record, kind=kind, source=source, at=at, received_at=now
        )
        await crawl.hint(connection, change)
        return
    await crawl.tell(
        Snapshot(
            id=f"{name}/read/{row.reading.read_from}",
            tenant=connection.tenant,
            record=record,
            source="list",
            reading=row.reading,
            changes=(name,),
            received_at=now,
        )
    )
