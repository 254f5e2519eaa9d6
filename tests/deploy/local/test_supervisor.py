"""The supervisor starts the dead again, gives up on what never works, and ends all together."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from deploy.local.errors import NotReady
from deploy.local.processes import OwnedProcess
from deploy.local.supervisor import Child, Supervisor
from tests.deploy.waiting import eventually

FOREVER = ["sleep", "300"]
STUBBORN = ["bash", "-c", "trap '' TERM; echo ready; while true; do sleep 300; done"]


def on_request(script: str) -> Sequence[str]:
    """Runs until asked to end, then runs the script and ends."""
    return ["bash", "-c", f"trap '{script}; exit 0' TERM; echo ready; while true; do sleep 0.02; done"]


def is_started(child: Child) -> bool:
    return child.process.log.exists() and "ready" in child.process.log.read_text()


def make_child(home: Path, name: str, argv: Sequence[str], ready: Callable[[], bool] = lambda: True) -> Child:
    process = OwnedProcess(name, home)
    return Child(process, lambda: process.launch(argv), ready)


def test_a_dead_child_is_started_again_and_its_new_pid_told(tmp_path: Path) -> None:
    told: list[Mapping[str, int]] = []
    supervisor = Supervisor(told.append)
    supervisor.add(make_child(tmp_path, "worker", FOREVER))
    first = supervisor.pids["worker"]
    os.kill(first, signal.SIGKILL)

    def started_again() -> bool:
        supervisor.tick()
        return bool(told)

    eventually(started_again)
    assert told[-1]["worker"] == supervisor.pids["worker"] != first
    supervisor.stop(["worker"], grace=5)


def test_the_pause_grows_with_each_failure(tmp_path: Path) -> None:
    supervisor = Supervisor()
    runs = tmp_path / "runs"
    supervisor.add(make_child(tmp_path, "worker", ["bash", "-c", f"date +%s%N >>{runs}; exit 75"]))

    def three_runs() -> bool:
        supervisor.tick()
        return runs.exists() and len(runs.read_text().split()) >= 3

    eventually(three_runs)
    first, second, third = [int(line) / 1e9 for line in runs.read_text().split()[:3]]
    assert second - first >= 0.2
    assert third - second >= 0.4
    supervisor.stop(["worker"], grace=5)


def test_all_are_asked_to_end_before_any_is_waited_for(tmp_path: Path) -> None:
    supervisor = Supervisor()
    last_asked = tmp_path / "last-asked"
    patient = f"until [[ -e {last_asked} ]]; do sleep 0.02; done"
    last = f"touch {last_asked}"
    children = [make_child(tmp_path, "a", on_request(patient)), make_child(tmp_path, "b", on_request(last))]
    for child in children:
        supervisor.add(child)
    eventually(lambda: all(is_started(child) for child in children))
    supervisor.stop(["a", "b"], grace=20)
    assert [child.process.exit_code() for child in children] == [0, 0]
    assert supervisor.pids == {}


def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    supervisor = Supervisor()
    child = make_child(tmp_path, "worker", STUBBORN)
    supervisor.add(child)
    eventually(lambda: is_started(child))
    supervisor.stop(["worker"], grace=0.2)
    assert child.process.exit_code() == -signal.SIGKILL


def test_a_stopped_child_is_not_started_again(tmp_path: Path) -> None:
    supervisor = Supervisor()
    child = make_child(tmp_path, "worker", FOREVER)
    supervisor.add(child)
    supervisor.stop(["worker"], grace=5)
    supervisor.tick()
    assert not child.process.running


def test_a_child_that_never_works_fails_the_start_with_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor()
    supervisor.add(make_child(tmp_path, "worker", ["bash", "-c", "echo setting missing; exit 1"], ready=lambda: False))
    with pytest.raises(NotReady, match=r"(?s)worker ended 3 times, last with code 1.*setting missing"):
        supervisor.wait_until_ready(timeout=30)


def test_a_child_that_is_never_ready_fails_the_start(tmp_path: Path) -> None:
    supervisor = Supervisor()
    supervisor.add(make_child(tmp_path, "worker", FOREVER, ready=lambda: False))
    with pytest.raises(NotReady, match=r"worker was not ready within 0.2 s"):
        supervisor.wait_until_ready(timeout=0.2)
    supervisor.stop(["worker"], grace=5)


def test_waiting_ends_when_told_to(tmp_path: Path) -> None:
    supervisor = Supervisor()
    supervisor.add(make_child(tmp_path, "worker", FOREVER, ready=lambda: False))
    supervisor.wait_until_ready(timeout=30, cancelled=lambda: True)
    supervisor.stop(["worker"], grace=5)
