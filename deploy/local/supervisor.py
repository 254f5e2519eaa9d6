"""Keeps child processes running: starts them, starts a dead one again after a pause, ends them all together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from deploy.local.errors import NotReady
from deploy.local.processes import POLL_S, OwnedProcess

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
SETTLED_S = 10.0
"""A child that ran this long starts again without delay of earlier failures."""
FAILURES_AT_START = 3
"""So many ends before it ever answered, and the start is given up."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Child:
    """What to keep running: `launch` starts `process` and returns; `ready` says whether it serves."""

    process: OwnedProcess
    launch: Callable[[], None]
    ready: Callable[[], bool]

    @property
    def name(self) -> str:
        return self.process.name


@dataclass(slots=True)
class _Watch:
    """What the supervisor knows of a child. Times are of the monotonic clock."""

    child: Child
    launched_at: float = 0.0
    pause: float = FIRST_PAUSE_S
    due_at: float | None = None
    failures: int = 0


class Supervisor:
    """Not thread-safe: `add`, `wait_until_ready` and `tick` belong to one long-lived thread (see OwnedProcess)."""

    def __init__(self, on_pids: Callable[[Mapping[str, int]], None] = lambda pids: None) -> None:
        self._on_pids = on_pids
        self._watches: dict[str, _Watch] = {}

    @property
    def pids(self) -> dict[str, int]:
        """Of the children that run now, by name."""
        watched = [watch.child.process for watch in self._watches.values()]
        return {process.name: process.pid for process in watched if process.running}

    def add(self, child: Child) -> None:
        """Start the child unless it runs already, and keep it running from now on."""
        watch = self._watches[child.name] = _Watch(child, launched_at=time.monotonic())
        if not child.process.running:
            self._launch(watch)

    def wait_until_ready(self, timeout: float, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Keep the children running until all are ready; raises NotReady for one that fails or takes too long."""
        deadline = time.monotonic() + timeout
        waiting = list(self._watches.values())
        while not cancelled():
            self.tick()
            waiting = [watch for watch in waiting if not (watch.child.process.running and watch.child.ready())]
            if not waiting:
                return
            self._give_up_on_failing(waiting)
            if time.monotonic() > deadline:
                late = waiting[0].child
                raise NotReady(late.name, f"was not ready within {timeout:g} s", late.process.log)
            time.sleep(POLL_S)

    def tick(self) -> None:
        """Notice the dead, start those again whose pause is over. Takes no time; call it several times a second."""
        now = time.monotonic()
        started = False
        for watch in self._watches.values():
            if watch.due_at is not None and now >= watch.due_at:
                self._launch(watch)
                started = True
            elif watch.due_at is None and not watch.child.process.running:
                self._note_end(watch, now)
        if started:
            self._on_pids(self.pids)

    def watch(self, stopping: threading.Event) -> None:
        """Tick until `stopping` is set."""
        while not stopping.wait(2 * POLL_S):
            self.tick()

    def stop(self, names: Collection[str], grace: float) -> None:
        """End these children with their process groups: SIGTERM, `grace` seconds later SIGKILL; all at once."""
        stopped = [self._watches.pop(name).child.process for name in names if name in self._watches]
        for process in stopped:
            process.terminate()
        with ThreadPoolExecutor(max_workers=max(1, len(stopped))) as pool:
            list(pool.map(lambda process: process.stop(grace), stopped))

    def _launch(self, watch: _Watch) -> None:
        watch.child.launch()
        watch.launched_at = time.monotonic()
        watch.due_at = None

    def _note_end(self, watch: _Watch, now: float) -> None:
        if now - watch.launched_at > SETTLED_S:
            watch.pause = FIRST_PAUSE_S
        watch.failures += 1
        watch.due_at = now + watch.pause
        watch.child.process.kill()  # what the dead child's group still has
        code = watch.child.process.exit_code()
        log.warning("restarting process", name=watch.child.name, exit_code=code, pause_s=watch.pause)
        watch.pause = min(2 * watch.pause, LONGEST_PAUSE_S)

    def _give_up_on_failing(self, waiting: Sequence[_Watch]) -> None:
        for watch in waiting:
            if watch.failures >= FAILURES_AT_START:
                code = watch.child.process.exit_code()
                raise NotReady(
                    watch.child.name, f"ended {watch.failures} times, last with code {code}", watch.child.process.log
                )
