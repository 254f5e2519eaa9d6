"""Runs I/O work in parallel across keys and in order within one, bounded, every item finished exactly once.

No Kafka and no Faust inside: a stage's shell submits what it took from its topic and acknowledges in `done`.
Whatever waits for a key is handed over together, oldest first, so that a handler can answer several with one call.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """One piece of work. `lane` shares a concurrency cap (a connection); `token` is what the shell acks by."""

    key: bytes
    lane: str
    partition: int
    value: T
    token: object = None
    delay_s: float = 0.0
    """Run no sooner than this after it was submitted; other items of its key do not wait for it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once."""

    items: int = 4_096
    """Unfinished in all; `submit` waits beyond it."""
    running: int = 128
    lane_running: int = 8
    lane_waiting: int = 1_024
    """A lane with so many waiting sheds what is new: one slow account delays nobody else."""
    handle_s: float = 15.0
    """A handler's time in total: a third of the shortest group session that we run with, or less."""
    gather_s: float = 0.0
    """A key's next run starts no sooner than this after its last one started."""


class Handler(Protocol[T]):
    """What is done with items of one key, oldest first. Outputs are durable when a method returns."""

    async def handle(self, items: Sequence[Item[T]]) -> None: ...

    async def shed(self, items: Sequence[Item[T]]) -> None:
        """Put them off: their lane is full."""

    async def failed(self, items: Sequence[Item[T]], error: Exception) -> None:
        """`handle` raised or took too long: leave them where a person sees them. Raising here is fatal."""


@dataclass(slots=True)
class _Key(Generic[T]):
    name: bytes
    lane: str
    waiting: list[tuple[float, Item[T]]] = field(default_factory=list)
    """(loop time from which it may run, item)"""
    busy: bool = False
    """Running, or in its lane's queue."""
    next_start: float = 0.0
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class _Lane(Generic[T]):
    running: int = 0
    waiting: int = 0
    queue: deque[_Key[T]] = field(default_factory=deque)


class Executor(Generic[T]):
    """`done` acknowledges an item and is called once for each; `fatal` is told what must end the process."""

    def __init__(
        self,
        handler: Handler[T],
        done: Callable[[Item[T]], Awaitable[None]],
        fatal: Callable[[BaseException], None],
        limits: Limits | None = None,
    ) -> None:
        self._handler = handler
        self._done = done
        self._fatal = fatal
        self._limits = limits or Limits()
        self._room = asyncio.Semaphore(self._limits.items)
        self._keys: dict[bytes, _Key[T]] = {}
        self._lanes: dict[str, _Lane[T]] = {}
        self._turns: deque[str] = deque()
        """Lanes that have a key to run, in turn."""
        self._running: dict[asyncio.Task[None], Sequence[Item[T]]] = {}
        self._unfinished = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def unfinished(self) -> int:
        """Items that were submitted and neither acknowledged nor dropped."""
        return self._unfinished

    async def submit(self, item: Item[T]) -> None:
        """Take an item; waits while there are too many."""
        await self._room.acquire()
        self._unfinished += 1
        self._idle.clear()
        lane = self._lanes.setdefault(item.lane, _Lane())
        key = self._keys.get(item.key)
        if key is None and lane.waiting >= self._limits.lane_waiting:
            self._start(self._run([item], self._handler.shed), [item])
            return
        if key is None:
            key = self._keys[item.key] = _Key(item.key, item.lane)
        key.waiting.append((asyncio.get_running_loop().time() + item.delay_s, item))
        lane.waiting += 1
        self._offer(key)

    async def revoke(self, partitions: Collection[int]) -> list[Item[T]]:
        """Drop what has not started of these partitions, and return it; wait for what runs of them."""
        dropped: list[Item[T]] = []
        for key in list(self._keys.values()):
            kept = [entry for entry in key.waiting if entry[1].partition not in partitions]
            gone = [item for _, item in key.waiting if item.partition in partitions]
            key.waiting = kept
            self._lanes[key.lane].waiting -= len(gone)
            dropped.extend(gone)
            self._offer(key)
        self._leave(len(dropped))
        running = [task for task, items in self._running.items() if any(i.partition in partitions for i in items)]
        if running:
            await asyncio.wait(running)
        return dropped

    async def drain(self) -> None:
        """Wait until nothing runs and nothing waits."""
        await self._idle.wait()

    def _offer(self, key: _Key[T]) -> None:
        """Queue the key if it has something to run now; else come back when it has, or forget it."""
        if key.busy:
            return
        if key.timer is not None:
            key.timer.cancel()
            key.timer = None
        loop = asyncio.get_running_loop()
        start = max(key.next_start, min((at for at, _ in key.waiting), default=0.0))
        if start > loop.time():
            key.timer = loop.call_at(start, self._offer, key)
            return
        if not key.waiting:
            del self._keys[key.name]
            return
        key.busy = True
        lane = self._lanes[key.lane]
        if not lane.queue:
            self._turns.append(key.lane)
        lane.queue.append(key)
        self._pump()

    def _pump(self) -> None:
        """Start what may start, one key per lane in turn."""
        for _ in range(len(self._turns)):
            if len(self._running) >= self._limits.running:
                return
            name = self._turns.popleft()
            lane = self._lanes[name]
            while lane.queue and lane.running < self._limits.lane_running:
                if self._begin(lane.queue.popleft(), lane):
                    break
            if lane.queue:
                self._turns.append(name)

    def _begin(self, key: _Key[T], lane: _Lane[T]) -> bool:
        now = asyncio.get_running_loop().time()
        items = [item for at, item in key.waiting if at <= now]
        key.waiting = [entry for entry in key.waiting if entry[0] > now]
        if not items:  # revoked while it was queued
            key.busy = False
            self._offer(key)
            return False
        lane.waiting -= len(items)
        lane.running += 1
        key.next_start = now + self._limits.gather_s
        self._start(self._run_key(key, lane, items), items)
        return True

    def _start(self, work: Coroutine[Any, Any, None], items: Sequence[Item[T]]) -> None:
        task = asyncio.create_task(work)
        self._running[task] = items
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._leave(len(self._running.pop(task)))
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fatal(error)
        self._pump()

    def _leave(self, count: int) -> None:
        self._unfinished -= count
        for _ in range(count):
            self._room.release()
        if not self._unfinished:
            self._idle.set()

    async def _run_key(self, key: _Key[T], lane: _Lane[T], items: Sequence[Item[T]]) -> None:
        try:
            await self._run(items, self._handler.handle)
        finally:
            lane.running -= 1
            key.busy = False
            self._offer(key)

    async def _run(self, items: Sequence[Item[T]], work: Callable[[Sequence[Item[T]]], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(self._limits.handle_s):
                await work(items)
        except Exception as error:  # the stage's one boundary: whatever it is, it is parked
            await self._handler.failed(items, error)
        for item in items:
            await self._done(item)
