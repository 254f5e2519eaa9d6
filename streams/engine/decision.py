"""What a decision reads and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from schemas.events import Change, Command, Due, Trail


class Rows(Protocol):
    """A tenant's part of the state table, as it was before the event."""

    def get(self, key: str) -> bytes | None:
        """The row, or None. A key begins with its tenant: `{tenant}|r|{connection}/{entity}/{id}` and the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one event changes and causes.

    `streams.engine.decide.decide(rows, event, plan, position, now)` makes it: `position` is the event's place in
    the tenant's order (its Kafka offset), `now` the time its record carries (ms). The outputs must be durable
    before the rows are, and the rows of one event must survive together. Ids of outputs derive from `position`
    and their index, so that a repeated decision repeats its ids.
    """

    rows: Mapping[str, bytes]
    """The rows that changed, in an order in which any prefix can be repaired by a replay. Never a tombstone."""
    read: frozenset[str]
    """Every row that was looked at: on a replay the shell writes them anew, changed or not."""
    commands: tuple[Command, ...] = ()
    trail: tuple[Trail, ...] = ()
    due: tuple[Due, ...] = ()
    """Nudges and re-reads for later."""
    changes: tuple[Change, ...] = ()
    """Re-reads for the source agent, each no sooner than its `not_before`."""
