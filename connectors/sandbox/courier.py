"""Delivers webhooks: waits, posts, tries again, and is done when the receiver says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from random import Random

import aiohttp
import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Post:
    """One request to a receiver."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Policy:
    """How hard to try. The wait before the n-th retry is `base_ms` · 2^(n-1), at most `most_ms`, jittered by half."""

    timeout_s: float = 5.0
    retries: int = 0
    base_ms: int = 200
    most_ms: int = 10_000


class Courier:
    """Runs deliveries in the background. `concurrent` requests at most are open at any time per receiver URL."""

    def __init__(self, random: Random, concurrent: int = 10) -> None:
        self._random = random
        self._concurrent = concurrent
        self._open: dict[str, asyncio.Semaphore] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    @property
    def busy(self) -> int:
        """Deliveries that wait or are under way."""
        return len(self._tasks)

    def deliver(self, write: Callable[[int], Post], policy: Policy, delay_ms: float = 0) -> None:
        """Deliver what `write` gives for each attempt (0, 1, …), after a delay."""
        self.run(self._deliver(write, policy, delay_ms))

    def run(self, coroutine: Coroutine[None, None, None]) -> None:
        """Keep a background task until it ends or the courier is closed."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up what is not delivered."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _deliver(self, write: Callable[[int], Post], policy: Policy, delay_ms: float) -> None:
        await asyncio.sleep(delay_ms / 1000)
        for attempt in range(policy.retries + 1):
            if attempt:
                await asyncio.sleep(self._wait_s(policy, attempt))
            if await self._accepted(write(attempt), policy):
                return
        log.warning("webhook given up", attempts=policy.retries + 1)

    def _wait_s(self, policy: Policy, attempt: int) -> float:
        wait = min(policy.most_ms, policy.base_ms << (attempt - 1))
        return wait / 1000 * self._random.uniform(0.5, 1.5)

    async def _accepted(self, post: Post, policy: Policy) -> bool:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._open.setdefault(post.url, asyncio.Semaphore(self._concurrent)):
            try:
                async with self._session.request(
                    post.method,
                    post.url,
                    data=post.body,
                    headers=post.headers,
                    timeout=aiohttp.ClientTimeout(total=policy.timeout_s),
                    allow_redirects=False,
                ) as response:
                    return 200 <= response.status < 300
            except (aiohttp.ClientError, TimeoutError):
                return False
