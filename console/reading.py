"""Reading whole accounts for a person who waits: page after page, patient with quotas, never over them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from connectors.client import Client
from connectors.entities import Found
from connectors.errors import CallFailed

T = TypeVar("T")
PATIENCE_MS = 120_000
"""A quota that has no room for longer than this is an answer, too."""


async def every_record(client: Client, entity: str) -> AsyncIterator[Found]:
    """All records of an entity; one that changes meanwhile may come twice. Raises CallFailed."""
    cursor: str | None = None
    while True:
        page = await patiently(lambda at=cursor: client.list(entity, at))  # type: ignore[misc]
        for row in page.rows:
            yield row
        cursor = page.cursor
        if cursor is None:
            return


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """The call's answer, after as many waits for room in the quota as it takes. Raises CallFailed."""
    while True:
        try:
            return await call()
        except CallFailed as failed:
            wait = failed.retry_after_ms or 1_000
            if failed.category != "rate_limited" or wait > PATIENCE_MS:
                raise
            await asyncio.sleep(wait / 1_000)
