"""Which offset may be committed: the first one that was delivered and is not acknowledged yet.

Events of a partition are delivered in order and acknowledged in any order. Offsets have gaps (compaction,
transaction markers), so "the next offset" is what was delivered next, never offset + 1 guessed across a gap.
"""

from __future__ import annotations

from collections import deque


class Watermark:
    """One partition's deliveries since it was assigned."""

    __slots__ = ("_acked", "_committable", "_delivered")

    def __init__(self) -> None:
        self._delivered: deque[int] = deque()
        self._acked: set[int] = set()
        self._committable: int | None = None

    def deliver(self, offset: int) -> None:
        """A repeated or older offset is not counted twice."""
        if not self._delivered or offset > self._delivered[-1]:
            self._delivered.append(offset)

    def acknowledge(self, offset: int) -> None:
        """An offset that is not under way is ignored."""
        self._acked.add(offset)
        while self._delivered and self._delivered[0] in self._acked:
            first = self._delivered.popleft()
            self._acked.discard(first)
            self._committable = first + 1
        if not self._delivered:
            self._acked.clear()

    @property
    def committable(self) -> int | None:
        """The offset to commit (the next to be read after a restart); None while nothing is acknowledged."""
        return self._committable

    @property
    def under_way(self) -> int:
        """Deliveries at or after the watermark, acknowledged or not."""
        return len(self._delivered)
