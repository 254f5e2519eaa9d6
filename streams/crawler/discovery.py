"""Gets an account ready and learns which fields it has of its own, again and again: people add fields."""

from __future__ import annotations

from connectors.errors import CallFailed
from schemas.configuration import Connection
from schemas.documents.discovered import encode_discovered
from streams.crawler.context import INACTIVE_PAUSE_MS, Crawl, Listing
from streams.crawler.work import Step, Task
from streams.failures import remedy_of
from streams.registry.discovered import save_discovered

INTERVAL_MS = 3_600_000


async def discover(crawl: Crawl, task: Task) -> Step:
    """Prepare the account once, then describe every entity that may have fields of its own."""
    connection = crawl.active(task.name.connection)
    if connection is None or connection.product not in crawl.documents:
        return Step(crawl.now() + INACTIVE_PAUSE_MS, progress=task.progress)
    progress = dict(task.progress)
    try:
        client = crawl.products.client(connection)
        if not progress.get("prepared"):
            refused = await client.prepare_account()
            progress = {"prepared": True, "refused": {entity: error.category for entity, error in refused.items()}}
        for entity, declared in crawl.documents[connection.product].entities.items():
            if declared.discover is not None:
                await _describe(crawl, connection, client, entity)
    except CallFailed as error:
        return await crawl.after_failure(task, connection, error)
    return Step(crawl.now() + int(INTERVAL_MS * crawl.scale), progress=progress)


async def _describe(crawl: Crawl, connection: Connection, client: Listing, entity: str) -> None:
    """An account that will not tell is taken to have no fields of its own, so that the declared ones go on."""
    try:
        described = encode_discovered(await client.discover(entity, fresh=True))
    except CallFailed as error:
        if remedy_of(error.category) != "person":
            raise
        if (connection.id, entity) in crawl.configuration.tenant(connection.tenant).discovered:
            return
        described = encode_discovered([])
    revision = await save_discovered(crawl.database, connection.tenant, connection.id, entity, described)
    if revision is not None:
        await crawl.announce(connection.tenant, revision, f"discovered/{connection.id}/{entity}/{revision}")
