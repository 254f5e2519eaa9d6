"""Ends a process that stands still: work waits, and for a minute nothing of it was finished.

It looks from a thread of its own, so that a stage that never returns to its event loop is caught as well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from streams.lease import EXIT_FENCED, leave

LIMIT_S = 60.0
LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Over all partitions that this worker owns."""

    committed: int
    """The sum of the committed offsets."""
    lag: int
    """Events after them."""
    excused: bool = False
    """Nothing can move now: a rebalance, or the broker is away."""


class StandStill:
    """How long nothing has moved although something waits."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._committed = -1

    def seconds(self, now: float, progress: Progress) -> float:
        """Since the last progress, after this look at it; seconds of the same clock as `now`."""
        if progress.excused or not progress.lag or progress.committed != self._committed:
            self._since = now
            self._committed = progress.committed
        return now - self._since


def start_watchdog(look: Callable[[], Progress], limit_s: float = LIMIT_S) -> None:
    """Watch until the process ends."""
    threading.Thread(target=_watch, args=(look, limit_s), name="watchdog", daemon=True).start()


def _watch(look: Callable[[], Progress], limit_s: float) -> None:
    still = StandStill(time.monotonic())
    while True:
        time.sleep(LOOK_EVERY_S)
        if still.seconds(time.monotonic(), look()) > limit_s:
            leave(EXIT_FENCED, f"nothing finished for {limit_s:g} s although events wait")
