"""A circuit breaker per connection: an account that only fails is left alone for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FAILURES = 5
"""In a row, after which an account is left alone."""
FIRST_PAUSE_MS = 2_000
LONGEST_PAUSE_MS = 60_000


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    pause_ms: int = 0
    closed_at: int = 0
    """From then on calls are let through again; 0: no pause under way."""


class Breaker:
    """In this process's memory, for transient failures only. After a pause one call decides whether another follows."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._circuits: dict[str, _Circuit] = {}

    def wait_ms(self, connection: str) -> int:
        """0: call. Else the ms for which the account is left alone; the first caller after them goes alone."""
        circuit = self._circuits.get(connection)
        if circuit is None or not circuit.closed_at:
            return 0
        now = self._now()
        if now < circuit.closed_at:
            return circuit.closed_at - now
        circuit.closed_at = now + circuit.pause_ms
        return 0

    def succeeded(self, connection: str) -> None:
        """The account answered."""
        self._circuits.pop(connection, None)

    def failed(self, connection: str) -> None:
        """A call ended without a proper answer."""
        circuit = self._circuits.setdefault(connection, _Circuit())
        circuit.failures += 1
        if circuit.failures < FAILURES:
            return
        circuit.pause_ms = min(max(circuit.pause_ms * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
        circuit.closed_at = self._now() + circuit.pause_ms
