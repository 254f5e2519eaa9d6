"""What is remembered is loaded once for all who ask, and never if loading failed."""

from __future__ import annotations

import asyncio

import pytest

from connectors.memory import Memory


class Source:
    """Counts its loads; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.loads = 0
        self.failures = failures
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> int:
        self.loads += 1
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise ValueError("not now")
        return self.loads


async def test_all_who_ask_at_once_share_one_load() -> None:
    memory, source = Memory(), Source()
    assert await asyncio.gather(*(memory.get("k", 60, source.load) for _ in range(10))) == [1] * 10
    assert await memory.get("k", 60, source.load) == 1
    assert await memory.get("other", 60, source.load) == 2


async def test_a_failed_load_is_not_kept() -> None:
    memory, source = Memory(), Source(failures=1)
    with pytest.raises(ValueError, match="not now"):
        await memory.get("k", 60, source.load)
    assert await memory.get("k", 60, source.load) == 2


async def test_what_is_old_or_forgotten_is_loaded_anew() -> None:
    memory, source = Memory(), Source()
    assert await memory.get("k", 0, source.load) == 1
    assert await memory.get("k", 60, source.load) == 2
    assert memory.age_s("k") < 60
    memory.forget("k")
    assert memory.age_s("k") == float("inf")
    assert await memory.get("k", 60, source.load) == 3


async def test_the_others_get_the_value_when_the_first_one_is_cancelled() -> None:
    memory, source = Memory(), Source()
    source.gate.clear()
    first = asyncio.create_task(memory.get("k", 60, source.load))
    await asyncio.sleep(0)
    second = asyncio.create_task(memory.get("k", 60, source.load))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    source.gate.set()
    assert await second == 1
    assert first.cancelled()
