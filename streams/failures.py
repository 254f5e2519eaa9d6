"""What the stages do about a failed call: which categories break a connection, how long the others wait."""

from __future__ import annotations

import random
from typing import Literal, Protocol

from connectors.errors import CallFailed
from schemas.configuration import Connection
from schemas.events import Category, Trail
from schemas.records import RecordId
from streams.emit import Emit
from streams.errors import DatabaseAway

Remedy = Literal["reconnect", "wait", "retry", "gone", "person"]

REMEDIES: dict[Category, Remedy] = {
    "auth_expired": "reconnect",
    "auth_revoked": "reconnect",
    "forbidden": "reconnect",
    "rate_limited": "wait",
    "quota_exhausted": "wait",
    "transient": "retry",
    "timeout": "retry",
    "not_found": "gone",
}
"""By category; every other one needs a person. An expired token that reaches us could not be refreshed."""

DEFAULT_WAIT_MS = 10_000
SHORTEST_RETRY_MS = 2_000
LONGEST_RETRY_MS = 600_000
INACTIVE_WAIT_MS = 5_000
"""Of what a paused or broken connection keeps waiting: the crawler holds it until the connection is active again."""
GIVE_UP_MS = 86_400_000
"""A change that could not be read for so long goes to a person."""


class Breaks(Protocol):
    """Keeps the connections' states."""

    async def broken(self, connection: Connection, category: Category, message: str) -> bool:
        """Mark an active connection as broken. True for the one caller that did it. Raises DatabaseAway."""


def remedy_of(category: Category) -> Remedy:
    """What a failure of this category asks for."""
    return REMEDIES.get(category, "person")


def wait_ms(error: CallFailed, since: int, now: int) -> int:
    """How long to wait before another try: what the vendor asked for, else longer the longer it has gone on.

    Half of the time since the change reached us, within bounds: an exponential back-off that needs no counter.
    """
    if error.retry_after_ms is not None:
        return error.retry_after_ms + random.randrange(500)  # noqa: S311  spreads those who wait for the same bucket
    if remedy_of(error.category) == "wait":
        return DEFAULT_WAIT_MS + random.randrange(1_000)  # noqa: S311  as above
    age = now - since if since else 0
    wait = min(max(age // 2, SHORTEST_RETRY_MS), LONGEST_RETRY_MS)
    return wait + random.randrange(wait // 4)  # noqa: S311  as above


async def break_connection(accounts: Breaks, emit: Emit, connection: Connection, error: CallFailed, now: int) -> None:
    """Mark the connection as broken; whoever is first also tells people, once. Without MySQL the next failure will."""
    try:
        first = await accounts.broken(connection, error.category, error.message)
    except DatabaseAway:
        return
    if not first:
        return
    await emit.trail(
        Trail(
            id=f"{connection.id}/broken/{now}",
            tenant=connection.tenant,
            at=now,
            stage=emit.stage,
            kind="attention",
            record=RecordId.of_connection(connection.id),
            reason="connection_broken",
            category=error.category,
            message=f"{connection.id}: {error.message}"[:500],
        )
    )
