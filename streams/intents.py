"""The ledger of creates in MySQL: a row stands before the call is made, one per link and side.

A row that says `sent` or `ambiguous` forbids another try until the product was searched for what the first one made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.events import Command
from streams.database import Database
from streams.engine.plan import Side
from streams.ports import now_ms

State = Literal["intent", "sent", "confirmed", "ambiguous", "failed"]


@dataclass(frozen=True, slots=True)
class Intent:
    """`intent`: not made, certainly. `failed`: looked for in vain, and given to a person."""

    state: State
    attempt: int
    sent_at: int
    created_id: str | None


class Intents:
    """Every method may raise DatabaseAway: then nothing may be created."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, command: Command, side: Side) -> Intent | None:
        """The row of the command's link and side."""
        rows = await self._database.read(
            "SELECT state, attempt, sent_at, created_id FROM intent WHERE tenant = %s AND link = %s AND side = %s",
            *(command.tenant, command.link, side),
        )
        return Intent(**rows[0]) if rows else None

    async def sending(self, command: Command, side: Side, known: Intent | None) -> bool:
        """Note that the call is made now. False: somebody else noted it since `known` was read, so do not make it."""
        now = now_ms()
        if known is None:
            inserted = await self._database.execute(
                "INSERT IGNORE INTO intent (tenant, link, side, installation, pair, record, sequence, state, attempt,"
                " sent_at, created_at, updated_at) VALUES (%s, %s, %s, %s, %s, %s, %s, 'sent', 1, %s, %s, %s)",
                *(command.tenant, command.link, side, command.installation, command.pair, str(command.record)),
                *(command.sequence, now, now, now),
            )
            return inserted == 1
        updated = await self._database.execute(
            "UPDATE intent SET state = 'sent', attempt = attempt + 1, sequence = %s, sent_at = %s, updated_at = %s"
            " WHERE tenant = %s AND link = %s AND side = %s AND attempt = %s",
            *(command.sequence, now, now, command.tenant, command.link, side, known.attempt),
        )
        return updated == 1

    async def ended(self, command: Command, side: Side, state: State, created_id: str | None = None) -> None:
        """Note what became of the call."""
        await self._database.execute(
            "UPDATE intent SET state = %s, created_id = COALESCE(%s, created_id), updated_at = %s"
            " WHERE tenant = %s AND link = %s AND side = %s",
            *(state, created_id, now_ms(), command.tenant, command.link, side),
        )
