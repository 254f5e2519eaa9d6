"""The sandbox's time: the system's, moved by an offset or standing still on demand."""

from __future__ import annotations

import time


class Clock:
    """Milliseconds since the epoch, UTC. A clock that stands still makes a run repeatable to the byte."""

    def __init__(self, stands_at: int | None = None) -> None:
        self.stands_at = stands_at
        self.offset = 0

    def now(self) -> int:
        if self.stands_at is not None:
            return self.stands_at
        return int(time.time() * 1000) + self.offset

    def advance(self, milliseconds: int) -> None:
        """Move ahead (or back, with a negative number), running or not."""
        if self.stands_at is not None:
            self.stands_at += milliseconds
            return
        self.offset += milliseconds

    def stand(self, at: int | None) -> None:
        """Stop at a moment; None: run with the system's time again."""
        self.stands_at = at
        self.offset = 0
