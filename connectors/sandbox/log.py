"""The request log: a bounded ring, newest last."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import msgspec

from connectors.sandbox.calls import By

CAPACITY = 200_000


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One request, without any value of a record: `fields` are the names of the fields that it wrote."""

    at: int
    product: str
    account: str
    method: str
    path: str
    status: int
    by: By
    fields: list[str] = []
    fault: str = ""
    """The kind of the injected fault that decided the answer."""


class Log:
    """Appending is O(1); reading goes back from the newest and stops at the time asked for."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)

    def append(self, entry: Entry) -> None:
        self._entries.append(entry)

    def since(self, at: int) -> list[Entry]:
        """The entries at or after `at` (ms), oldest first."""
        found = list(self._newest_until(at))
        found.reverse()
        return found

    def clear(self) -> None:
        self._entries.clear()

    def _newest_until(self, at: int) -> Iterator[Entry]:
        for entry in reversed(self._entries):
            if entry.at < at:
                return
            yield entry
