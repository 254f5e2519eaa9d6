"""The incremental poll: what changed since last time, for products without webhooks and as the net under the others."""

from __future__ import annotations

from connectors.errors import CallFailed
from schemas.configuration import Connection
from streams.crawler.context import INACTIVE_PAUSE_MS, Crawl
from streams.crawler.pages import tell_changed
from streams.crawler.work import Step, Task

INTERVAL_S = 60
"""Where the connector does not say."""


async def poll(crawl: Crawl, task: Task) -> Step:
    """Read one page. The watermark moves only when the last page of a round was told."""
    connection = crawl.active(task.name.connection)
    if connection is None:
        return Step(crawl.now() + INACTIVE_PAUSE_MS, task.cursor, task.watermark, progress=task.progress)
    try:
        client = crawl.products.client(connection)
        operation = client.entity(task.name.entity).ops.get("changes")
        if operation is None:
            return Step(crawl.now() + interval(crawl, connection), watermark=task.watermark)
        page = await client.changes(task.name.entity, task.watermark, task.cursor)
    except CallFailed as error:
        return await crawl.after_failure(task, connection, error)
    await tell_changed(crawl, connection, task.name.entity, page.rows, "poll", partial=operation.partial)
    newest = max([int(task.progress.get("newest", 0)), *(row.reading.updated_at for row in page.rows)])
    if page.cursor is not None:
        return Step(crawl.now(), page.cursor, task.watermark, progress={"newest": newest})
    return Step(crawl.now() + interval(crawl, connection), watermark=max(task.watermark, newest))


def interval(crawl: Crawl, connection: Connection) -> int:
    """Between the rounds of a poll, in ms."""
    document = crawl.documents.get(connection.product)
    return int((document.events.poll_s if document else INTERVAL_S) * 1_000 * crawl.scale)
