"""The sync stage's table: its changelog first, then the local copy; the rows of a batch of events together.

What can survive of a crash, and why it is always whole:
- The changelog gets all rows of a batch as *one* Kafka record batch, which a partition takes as a whole or not at
  all. Whoever reads the changelog afterwards has all of them or none.
- RocksDB gets them only when the broker has acknowledged that record batch, in one write batch together with the
  changelog offset up to which it is complete. So the local copy is never ahead of the changelog: there is no row
  that this worker believes and its successor lacks, and nothing has to be written again on a replay.
- The changelog may be ahead of the committed source offset (rows stored, not yet committed): the events are
  delivered again to a state that has them already. The engine is idempotent under that, and it is the only case.
- A new owner without local files reads the whole changelog; one with old files reads from their offset on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import rocksdict

OFFSET_KEY = b"__faust\0offset__"
"""Where Faust looks for the changelog offset that a local copy has reached."""


class Database(Protocol):
    """The part of RocksDB that we use."""

    def get(self, key: bytes) -> bytes | None: ...

    def write(self, batch: rocksdict.WriteBatch) -> None: ...


class StateStore:
    """Rows by partition. `append` stores rows in the changelog, all or none, and returns the last one's offset."""

    def __init__(
        self,
        database: Callable[[int], Database],
        append: Callable[[int, Mapping[bytes, bytes]], Awaitable[int]],
    ) -> None:
        self._database = database
        self._append = append

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The row as last written; only for partitions that this worker owns."""
        return self._database(partition).get(key)

    async def write(self, partition: int, rows: Mapping[bytes, bytes]) -> None:
        """Returns when all of them are stored and visible. Raises TooLarge."""
        if not rows:
            return
        offset = await self._append(partition, rows)
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, value in rows.items():
            batch.put(key, value)
        batch.put(OFFSET_KEY, str(offset).encode())
        self._database(partition).write(batch)
