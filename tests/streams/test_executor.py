"""The laws of the executor: every item finished once, a key in order, caps kept, nothing started after a revoke."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.executor import Executor, Item, Limits

Work = Item[int]


class Recorder:
    """A handler that notes what it was given; `gate` holds every run until it is set."""

    def __init__(self, fail: frozenset[int] = frozenset(), open_gate: bool = True) -> None:
        self.fail = fail
        self.gate = asyncio.Event()
        if open_gate:
            self.gate.set()
        self.runs: dict[bytes, list[list[int]]] = defaultdict(list)
        self.starts: list[float] = []
        self.now: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()
        self.overlap = False
        self.busy: set[bytes] = set()
        self.put_off: list[int] = []
        self.parked: list[int] = []
        self.acked: list[int] = []
        self.deaths: list[BaseException] = []

    async def handle(self, items: Sequence[Work]) -> None:
        key, lane = items[0].key, items[0].lane
        self.overlap |= key in self.busy
        self.busy.add(key)
        self.starts.append(asyncio.get_running_loop().time())
        for name in (lane, "all"):
            self.now[name] += 1
            self.peak[name] = max(self.peak[name], self.now[name])
        self.runs[key].append([item.value for item in items])
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
            if any(item.value in self.fail for item in items):
                raise RuntimeError("refused")
        finally:
            self.busy.discard(key)
            for name in (lane, "all"):
                self.now[name] -= 1

    async def shed(self, items: Sequence[Work]) -> None:
        self.put_off.extend(item.value for item in items)

    async def failed(self, items: Sequence[Work], error: Exception) -> None:
        self.parked.extend(item.value for item in items)

    async def done(self, item: Work) -> None:
        self.acked.append(item.value)

    def executor(self, limits: Limits) -> Executor[int]:
        return Executor(self, self.done, self.deaths.append, limits)


def work(value: int, key: str = "k", lane: str = "lane", partition: int = 0, delay_s: float = 0.0) -> Work:
    return Item(key.encode(), lane, partition, value, delay_s=delay_s)


@settings(max_examples=60, deadline=None)
@given(
    keys=st.lists(st.integers(0, 5), max_size=60),
    fail=st.frozensets(st.integers(0, 59), max_size=8),
    running=st.integers(1, 4),
    lane_running=st.integers(1, 3),
    items=st.integers(1, 20),
)
def test_every_item_is_finished_once_in_order_and_within_the_caps(
    keys: list[int], fail: frozenset[int], running: int, lane_running: int, items: int
) -> None:
    async def run() -> None:
        recorder = Recorder(fail)
        executor = recorder.executor(Limits(items=items, running=running, lane_running=lane_running))
        for value, key in enumerate(keys):
            await executor.submit(work(value, key=str(key), lane=f"lane{key % 2}"))
            assert executor.unfinished <= items
        await executor.drain()
        assert Counter(recorder.acked) == Counter(range(len(keys)))
        assert not recorder.overlap
        for key in set(keys):
            handled = [value for batch in recorder.runs[str(key).encode()] for value in batch]
            assert handled == [value for value, of in enumerate(keys) if of == key]
        assert recorder.peak["all"] <= running
        assert max(recorder.peak["lane0"], recorder.peak["lane1"]) <= lane_running
        assert fail & set(range(len(keys))) <= set(recorder.parked)
        assert not recorder.deaths

    asyncio.run(run())


async def test_what_waits_for_a_key_is_handed_over_together() -> None:
    recorder = Recorder(open_gate=False)
    executor = recorder.executor(Limits())
    for value in range(5):
        await executor.submit(work(value))
        await asyncio.sleep(0)
    recorder.gate.set()
    await executor.drain()
    assert recorder.runs[b"k"] == [[0], [1, 2, 3, 4]]


async def test_hints_within_the_gathering_time_share_one_more_run() -> None:
    recorder = Recorder()
    executor = recorder.executor(Limits(gather_s=0.1))
    await executor.submit(work(0))
    await executor.drain()
    for value in (1, 2, 3):
        await executor.submit(work(value))
        await asyncio.sleep(0.005)
    await executor.drain()
    assert recorder.runs[b"k"] == [[0], [1, 2, 3]]
    assert recorder.starts[1] - recorder.starts[0] >= 0.099


async def test_an_item_with_a_delay_waits_and_holds_up_nobody() -> None:
    recorder = Recorder()
    executor = recorder.executor(Limits())
    await executor.submit(work(0, delay_s=0.05))
    await executor.submit(work(1))
    await executor.drain()
    assert recorder.runs[b"k"] == [[1], [0]]


async def test_a_slow_lane_sheds_and_delays_no_other_lane() -> None:
    recorder = Recorder(open_gate=False)
    executor = recorder.executor(Limits(lane_running=1, lane_waiting=2))
    for value in range(6):
        await executor.submit(work(value, key=str(value), lane="slow"))
    await executor.submit(work(10, key="x", lane="quick"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert recorder.runs[b"x"] == [[10]]
    assert recorder.put_off == [3, 4, 5]
    recorder.gate.set()
    await executor.drain()
    assert sorted(recorder.acked) == [0, 1, 2, 3, 4, 5, 10]


async def test_a_revoke_drops_what_has_not_started_and_finishes_what_runs() -> None:
    recorder = Recorder(open_gate=False)
    executor = recorder.executor(Limits(lane_running=1))
    await executor.submit(work(0, key="a", partition=0))
    await executor.submit(work(1, key="a", partition=0))
    await executor.submit(work(2, key="b", partition=0))
    await executor.submit(work(3, key="c", partition=1))
    await asyncio.sleep(0)
    revoking = asyncio.create_task(executor.revoke({0}))
    await asyncio.sleep(0)
    assert not revoking.done()
    recorder.gate.set()
    assert [item.value for item in await revoking] == [1, 2]
    await executor.drain()
    assert recorder.acked == [0, 3]


async def test_a_handler_that_takes_too_long_is_stopped_and_parked() -> None:
    recorder = Recorder(open_gate=False)
    executor = recorder.executor(Limits(handle_s=0.02))
    await executor.submit(work(0))
    await executor.drain()
    assert recorder.parked == [0]
    assert recorder.acked == [0]


async def test_what_cannot_even_be_parked_is_not_acknowledged_and_is_fatal() -> None:
    class Broken(Recorder):
        async def failed(self, items: Sequence[Work], error: Exception) -> None:
            raise ConnectionError("broker away")

    recorder = Broken(frozenset({0}))
    executor = recorder.executor(Limits())
    await executor.submit(work(0))
    await executor.drain()
    assert recorder.acked == []
    with pytest.raises(ConnectionError):
        raise recorder.deaths[0]
