"""What a process remembers of a connection: choices, views, discovered fields. Loaded once for all who ask at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")


@dataclass(slots=True)
class Memory:
    """Values by key, each for its time. Not for what must survive the process."""

    _kept: dict[Hashable, tuple[float, float, Any]] = field(default_factory=dict)
    _loading: dict[Hashable, asyncio.Task[Any]] = field(default_factory=dict)

    async def get(self, key: Hashable, ttl_s: float, load: Callable[[], Awaitable[T]]) -> T:
        """The value, loaded if there is none or it is older than `ttl_s`. A failed load raises and is not kept."""
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() < kept[1]:
            return cast(T, kept[2])
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.create_task(self._load(key, ttl_s, load))
            task.add_done_callback(_look_at_failure)
        # Shielded: whoever asked first may be cancelled, the others still wait for the value.
        return cast(T, await asyncio.shield(task))

    def age_s(self, key: Hashable) -> float:
        """How long ago the value was loaded; infinite if there is none."""
        kept = self._kept.get(key)
        return time.monotonic() - kept[0] if kept else float("inf")

    def forget(self, key: Hashable) -> None:
        """The value is out of date: the next to ask loads it anew."""
        self._kept.pop(key, None)

    async def _load(self, key: Hashable, ttl_s: float, load: Callable[[], Awaitable[T]]) -> T:
        try:
            value = await load()
        finally:
            self._loading.pop(key, None)
        now = time.monotonic()
        self._kept[key] = (now, now + ttl_s, value)
        return value


def _look_at_failure(task: asyncio.Task[Any]) -> None:
    """If all who asked were cancelled, nobody else looks, and asyncio would complain."""
    if not task.cancelled():
        task.exception()
