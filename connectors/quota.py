"""The vendors' quotas: spent by all processes together from buckets in Redis, never exceeded.

A bucket follows the generic cell rate algorithm, sized so that no window of the vendor's period, wherever it
begins, holds more calls than the limit: what may come at once and what flows in during a period add up to less
than it. The vendor's own headers tighten a bucket, a refusal closes it; nothing loosens it. Without Redis every
process goes on with a small share of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

import structlog
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

log = structlog.get_logger()

BURST = 0.20
"""Part of a limit that may be spent at once."""
SAFE = 0.90
"""Part of a limit that any window may hold; the rest is for calls that overtake each other on their way."""
COLD = 0.10
"""Part of a limit in a bucket that nobody knows: with SAFE no more than all, even if Redis lost everything just now."""
BACKGROUND = 0.75
"""Part of a burst that polls and backfills may use; the rest is kept for live edits."""
LOCAL_SHARE = 0.05
"""Part of a limit that a process takes for itself while Redis is away."""
REDIS_PAUSE_S = 1.0
"""How long Redis is left alone after it failed."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One of a vendor's limits as it holds for one account: at most `limit` calls in any `period_ms`."""

    key: str
    limit: int
    period_ms: int

    @property
    def burst(self) -> int:
        """Calls that may be made at once when the bucket is full."""
        return max(1, int(self.limit * BURST))

    @property
    def interval_us(self) -> int:
        """Time in which one call flows in. A window holds at most the burst and, after it, ⌈period/interval⌉ − 1."""
        return int(self.period_ms * 1000 / (self.limit * SAFE - self.burst + 1)) + 1

    def room_us(self, background: bool) -> int:
        """How far ahead of now the bucket may be spent."""
        burst = max(1.0, self.burst * BACKGROUND) if background else self.burst
        return int(burst * self.interval_us)

    @property
    def cold_us(self) -> int:
        """How far ahead of now a bucket stands that nobody knows."""
        return (self.burst - min(self.burst, max(1, int(self.limit * COLD)))) * self.interval_us

    @property
    def kept_ms(self) -> int:
        """How long Redis remembers it: until it is full again, and a period more."""
        return 2 * self.period_ms + 1000


@dataclass(slots=True)
class _Local:
    """A bucket in this process's own memory, at LOCAL_SHARE of the limit, one call at a time."""

    arrival: float = 0.0
    until: float = 0.0


@dataclass(slots=True)
class Quota:
    """The buckets of all connections. One per process; safe for concurrent use within its event loop."""

    redis: Redis
    _local: dict[str, _Local] = field(default_factory=dict)
    _lanes: dict[tuple[str, bool], asyncio.Lock] = field(default_factory=dict)
    _shas: dict[str, str] = field(default_factory=dict)
    _away_until: float = 0.0

    async def take(self, buckets: Sequence[Bucket], *, background: bool = False, patience_ms: int = 0) -> int:
        """Take one call's token from every bucket, or from none. Returns 0, or the ms to wait before trying again.

        Waits itself for at most `patience_ms`. Live calls go before `background` ones: these leave a part of
        every bucket untouched.
        """
        if not buckets:
            return 0
        lane = self._lanes.setdefault((buckets[0].key, background), asyncio.Lock())
        deadline = time.monotonic() + patience_ms / 1000
        if not lane.locked():
            wait = await self._try(buckets, background)
            if wait == 0 or wait > patience_ms:
                return wait
        return await self._queue(lane, buckets, background, deadline)

    async def observe(self, bucket: Bucket, remaining: int, reset_ms: int = 0) -> None:
        """The vendor says that so many calls remain; with none left, the bucket is closed for `reset_ms`."""
        if remaining >= bucket.burst:
            return
        ahead = (bucket.burst - max(remaining, 0)) * bucket.interval_us
        await self._tighten(bucket, ahead, reset_ms if remaining <= 0 else 0)

    async def left(self, bucket: Bucket) -> int | None:
        """How many calls could be made at once now, live ones; None while Redis is away."""
        try:
            seconds, micros = await self.redis.time()
            tat, until = await self.redis.hmget(bucket.key, ["tat", "until"])
        except (RedisError, OSError, TimeoutError):
            return None
        now = seconds * 1_000_000 + micros
        if now < int(until or 0):
            return 0
        ahead = max(int(float(tat)) - now, 0) if tat else bucket.cold_us
        return max(0, (bucket.room_us(False) - ahead) // bucket.interval_us)

    async def penalise(self, buckets: Iterable[Bucket], wait_ms: int) -> None:
        """The vendor refused a call: nothing is taken from these buckets for `wait_ms`, by any process."""
        for bucket in buckets:
            await self._tighten(bucket, bucket.burst * bucket.interval_us, max(wait_ms, 1))

    async def _queue(self, lane: asyncio.Lock, buckets: Sequence[Bucket], background: bool, deadline: float) -> int:
        """Only the first of a lane asks Redis again and again; the others stand in line behind it."""
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + max(deadline - time.monotonic(), 0)):
                await lane.acquire()
        except TimeoutError:
            return max(1, max(bucket.interval_us for bucket in buckets) // 1000)
        try:
            while (wait := await self._try(buckets, background)) > 0:
                if time.monotonic() + wait / 1000 > deadline:
                    return wait
                await asyncio.sleep(wait / 1000)
            return 0
        finally:
            lane.release()

    async def _try(self, buckets: Sequence[Bucket], background: bool) -> int:
        if time.monotonic() >= self._away_until:
            arguments = [
                str(number)
                for bucket in buckets
                for number in (bucket.interval_us, bucket.room_us(background), bucket.cold_us, bucket.kept_ms)
            ]
            try:
                wait = await self._run(_TAKE, [bucket.key for bucket in buckets], arguments)
                return int(str(wait))
            except (RedisError, OSError, TimeoutError) as error:
                self._lose_redis(error)
        return self._try_locally(buckets)

    def _try_locally(self, buckets: Sequence[Bucket]) -> int:
        now = time.monotonic()
        states = [self._local.setdefault(bucket.key, _Local()) for bucket in buckets]
        wait = max(max(state.arrival, state.until) - now for state in states)
        if wait > 0:
            return int(wait * 1000) + 1
        for bucket, state in zip(buckets, states, strict=True):
            state.arrival = now + bucket.period_ms / 1000 / (bucket.limit * LOCAL_SHARE)
        return 0

    async def _tighten(self, bucket: Bucket, ahead_us: int, block_ms: int) -> None:
        """Both memories are told: Redis may go away before the time is over."""
        state = self._local.setdefault(bucket.key, _Local())
        state.until = max(state.until, time.monotonic() + block_ms / 1000)
        if time.monotonic() < self._away_until:
            return
        try:
            await self._run(_TIGHTEN, [bucket.key], [str(ahead_us), str(block_ms), str(bucket.kept_ms)])
        except (RedisError, OSError, TimeoutError) as error:
            self._lose_redis(error)

    async def _run(self, script: str, keys: list[str], arguments: list[str]) -> object:
        sha = self._shas.get(script)
        if sha is None:
            sha = self._shas[script] = _text(await self.redis.script_load(_SOURCES[script]))
        try:
            return await self.redis.evalsha(sha, len(keys), *keys, *arguments)
        except NoScriptError:  # Redis was restarted or flushed
            await self.redis.script_load(_SOURCES[script])
            return await self.redis.evalsha(sha, len(keys), *keys, *arguments)

    def _lose_redis(self, error: Exception) -> None:
        self._away_until = time.monotonic() + REDIS_PAUSE_S
        log.warning("lost redis: spending a local share of the quotas", error=type(error).__name__)


_TAKE, _TIGHTEN = "quota.lua", "tighten.lua"
_SOURCES: Mapping[str, str] = {
    name: files("connectors").joinpath(name).read_text(encoding="utf-8") for name in (_TAKE, _TIGHTEN)
}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
