"""Quotas are spent by all processes together and never exceeded, with Redis or without."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from connectors.quota import Bucket, Quota
from deploy.local.services import Redis as RedisServer


@pytest.fixture
async def client(redis: RedisServer) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis.url)
    yield client
    await client.aclose()


def bucket(limit: int, period_ms: int) -> Bucket:
    return Bucket(f"t:acme:quota:{{{uuid4().hex}}}:burst", limit, period_ms)


def worst_window(times: list[float], period_s: float) -> int:
    """The most calls in any window of the period, half open."""
    return max(sum(1 for other in times if start <= other < start + period_s) for start in times)


async def spend(quota: Quota, of: Bucket, seconds: float, *, background: bool = False) -> list[float]:
    """When each call was let through, trying without a pause."""
    taken: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if await quota.take([of], background=background, patience_ms=int(seconds * 1000)) == 0:
            taken.append(time.monotonic())
    return taken


async def test_processes_together_never_exceed_a_limit_in_any_window(client: Redis) -> None:
    of = bucket(limit=20, period_ms=400)
    runs = await asyncio.gather(*(spend(Quota(client), of, 1.5) for _ in range(4)))
    times = sorted(at for run in runs for at in run)
    assert worst_window(times, 0.4) <= 20
    assert len(times) > of.burst, "calls flow in again after the burst"


async def test_a_call_takes_from_all_of_its_buckets_or_from_none(client: Redis) -> None:
    quota, wide, narrow = Quota(client), bucket(1000, 60_000), bucket(1, 60_000)
    assert await quota.take([wide, narrow]) == 0
    before = await client.hget(wide.key, "tat")
    assert 0 < await quota.take([wide, narrow]) <= 70_000
    assert await client.hget(wide.key, "tat") == before


async def test_background_leaves_room_for_live_calls(client: Redis) -> None:
    quota, of = Quota(client), bucket(1000, 3_600_000)
    while await quota.take([of], background=True) == 0:
        pass
    assert await quota.take([of], background=True) > 0
    live = 0
    while await quota.take([of]) == 0:
        live += 1
    assert live >= of.burst * 0.2


async def test_a_long_wait_is_returned_and_a_short_one_is_waited(client: Redis) -> None:
    quota, slow, quick = Quota(client), bucket(1, 60_000), bucket(1, 50)
    assert await quota.take([slow]) == 0
    started = time.monotonic()
    assert await quota.take([slow], patience_ms=1_000) > 1_000
    assert time.monotonic() - started < 1
    assert await quota.take([quick]) == 0
    assert await quota.take([quick], patience_ms=1_000) == 0


async def test_a_refused_bucket_stays_closed_for_every_process(client: Redis) -> None:
    first, second, of = Quota(client), Quota(client), bucket(100, 1_000)
    assert await first.take([of]) == 0
    await first.penalise([of], 30_000)
    assert 29_000 < await second.take([of]) <= 30_000
    await second.penalise([of], 5)
    assert await second.take([of]) > 29_000


async def test_the_vendors_count_tightens_and_never_loosens(client: Redis) -> None:
    quota, of = Quota(client), bucket(1000, 3_600_000)
    await quota.observe(of, remaining=3)
    taken = 0
    while await quota.take([of]) == 0:
        taken += 1
    assert taken == 3
    await quota.observe(of, remaining=900)
    await quota.observe(of, remaining=100)
    assert await quota.take([of]) > 0
    await quota.observe(of, remaining=0, reset_ms=60_000)
    assert await quota.take([of]) > 50_000


async def test_flushed_redis_is_reloaded_and_starts_cold(client: Redis) -> None:
    quota, of = Quota(client), bucket(100, 600_000)
    taken = 0
    while await quota.take([of]) == 0:
        taken += 1
    await client.delete(of.key)
    await client.script_flush()
    after = 0
    while await quota.take([of]) == 0:
        after += 1
    assert 0 < after <= 10


async def test_without_redis_a_small_share_of_our_own_goes_on() -> None:
    async with Redis(host="127.0.0.1", port=1) as nowhere:
        quota, of = Quota(nowhere), bucket(100, 10_000)
        assert await quota.take([of]) == 0
        wait = await quota.take([of])
        assert 1_000 < wait <= 2_001
        await quota.penalise([of], 60_000)
        assert await quota.take([of]) > 50_000


@given(st.integers(1, 2_000_000), st.integers(50, 86_400_000))
def test_no_window_can_hold_more_than_the_limit(limit: int, period_ms: int) -> None:
    of = Bucket("k", limit, period_ms)
    after_the_burst = -(-period_ms * 1000 // of.interval_us) - 1
    assert of.burst + after_the_burst <= limit
    assert of.room_us(background=True) <= of.room_us(background=False)
    assert 0 <= of.cold_us < of.burst * of.interval_us


async def test_what_is_left_goes_down_with_every_call_and_to_nothing_with_a_refusal(client: Redis) -> None:
    quota, of = Quota(client), bucket(limit=1_000, period_ms=3_600_000)
    assert await quota.take([of]) == 0
    first = await quota.left(of)
    assert await quota.take([of]) == 0
    second = await quota.left(of)
    assert first is not None
    assert second == first - 1
    await quota.penalise([of], 60_000)
    assert await quota.left(of) == 0


async def test_nobody_knows_what_is_left_without_redis() -> None:
    away = Redis.from_url("redis://127.0.0.1:1/0")
    assert await Quota(away).left(bucket(limit=10, period_ms=1_000)) is None
    await away.aclose()
