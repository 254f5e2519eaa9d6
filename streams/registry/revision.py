"""The counter that names a state of the configuration: one higher with every change, in that change's transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from streams.database import Database, Transaction

READ = "SELECT number FROM revision WHERE id = 1"


async def current_revision(database: Database) -> int:
    """The newest committed revision."""
    return int((await database.read(READ))[0]["number"])


async def change(database: Database, work: Callable[[Transaction], Awaitable[object]]) -> int:
    """Make a change of configuration and return its revision.

    The counter's row is locked first, so changes commit in the order of their revisions: who has seen a revision has
    seen all before it.
    """

    async def numbered(transaction: Transaction) -> int:
        await transaction.execute("UPDATE revision SET number = number + 1 WHERE id = 1")
        row = await transaction.row(READ)
        await work(transaction)
        return int(row["number"]) if row else 0

    return await database.run(numbered)
