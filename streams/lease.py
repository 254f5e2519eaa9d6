"""Proof that this process still belongs to its consumer group, and the way out when it does not.

A worker that was paused (SIGSTOP, a stalled machine) must not write over the work of whoever owns its partitions
now. It may produce only while a heartbeat that it *sent* less than `LEASE_SHARE` of a session ago was answered: the
broker hands its partitions on only a whole session after the last heartbeat it got.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from typing import NoReturn

import structlog

EXIT_OK = 0
EXIT_CRASHED = 1
EXIT_PRODUCE_FAILED = os.EX_IOERR
"""74: a record was not stored, so its cause must not be committed. Start again."""
EXIT_FENCED = os.EX_TEMPFAIL
"""75: no longer a member of the group, or nothing moves. Start again."""
LEASE_SHARE = 0.8
POLL_S = 0.05

log = structlog.get_logger()


def leave(status: int, reason: str) -> NoReturn:
    """End the process as kill -9 would: nothing more is produced or committed. A supervisor starts it again."""
    log.critical("leave", status=status, reason=reason)
    logging.shutdown()
    os._exit(status)


class Lease:
    """The proof, renewed by heartbeats; `armed` while this worker owns partitions. Shared between threads."""

    def __init__(
        self,
        session_s: float,
        clock: Callable[[], float] = time.monotonic,
        leave: Callable[[int, str], NoReturn] = leave,
    ) -> None:
        self._armed = False
        self._closed = False
        self._valid_s = session_s * LEASE_SHARE
        self._clock = clock
        self._leave = leave
        self._renewed = float("-inf")

    @property
    def armed(self) -> bool:
        return self._armed

    @armed.setter
    def armed(self, owns_partitions: bool) -> None:
        self._armed = owns_partitions and not self._closed

    def close(self) -> None:
        """All is done: leaving the group is no loss any more."""
        self._closed = True
        self._armed = False

    @property
    def valid(self) -> bool:
        """Whether records may be produced now."""
        return not self.armed or self._clock() - self._renewed <= self._valid_s

    def now(self) -> float:
        """The time to note before a heartbeat is sent, for `renew`."""
        return self._clock()

    def renew(self, sent_at: float) -> None:
        """A heartbeat that was sent then has been answered."""
        self._renewed = max(self._renewed, sent_at)

    def lost(self) -> None:
        """The broker no longer knows this member: records of partitions that others own now may be under way."""
        if self.armed:
            self._leave(EXIT_FENCED, "group membership lost")

    async def hold(self) -> None:
        """Return once membership is proven; waits while the group's coordinator is away."""
        while not self.valid:  # noqa: ASYNC110  renewed by another thread, which has no way to wake this one
            await asyncio.sleep(POLL_S)
