"""The whole of Freshpipe on one machine, with real services and stand-ins for our processes."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import SettingsConfigDict

from deploy.local import programs
from deploy.local.errors import CannotStart, HomeInUse, PortTaken
from deploy.local.stack import Stack
from schemas.settings import Settings
from tests.deploy.local.run_stack import STAND_IN
from tests.deploy.waiting import eventually, is_alive
from tests.ports import free_port

PORTS_USED = 30


class Running:
    """A stack in a process of its own."""

    def __init__(self, home: Path, port_base: int) -> None:
        self.home = home
        self.port_base = port_base
        command = [sys.executable, "-m", "tests.deploy.local.run_stack", str(home), str(port_base)]
        inherited = os.environ | {"FRESHPIPE_CREDENTIALS_KEY": "of somebody else", "FRESHPIPE_POLL_SCALE": "0.5"}
        self.process = subprocess.Popen(command, env=inherited)
        eventually(lambda: self.details() or self.process.poll() is not None, timeout=60)

    def details(self) -> dict[str, Any]:
        """The ready file's content; empty before this run has written it."""
        with contextlib.suppress(FileNotFoundError):
            content: dict[str, Any] = json.loads((self.home / "ready.json").read_text())
            return content if content["pid"] == self.process.pid else {}
        return {}

    @property
    def pids(self) -> Mapping[str, int]:
        pids: Mapping[str, list[int]] = self.details().get("pids", {})
        return {name: running[0] for name, running in pids.items()}

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("stack"), free_port(PORTS_USED))
    yield running
    running.end()


def test_the_ready_file_says_where_everything_is(running: Running) -> None:
    details = running.details()
    assert details["webhooks"] == f"http://127.0.0.1:{running.port_base}"
    assert details["console"] == f"http://127.0.0.1:{running.port_base + 1}"
    assert set(details["pids"]) == {*programs.ALL, "kafka", "mariadb", "redis"}
    assert all(is_alive(pid) for pids in details["pids"].values() for pid in pids)
    assert stat.S_IMODE((running.home / "ready.json").stat().st_mode) == 0o600


def test_the_receiver_gets_no_key_to_the_credentials(running: Running) -> None:
    receiver, worker = seen(running, "webhooks"), seen(running, "worker-sync")
    assert set(worker) - set(receiver) == set(programs.WITHHELD_FROM_RECEIVER)
    assert receiver["FRESHPIPE_WEBHOOK_KEY"] == worker["FRESHPIPE_WEBHOOK_KEY"]
    assert receiver["FRESHPIPE_MYSQL__USER"] == "freshpipe_hooks"
    assert receiver["FRESHPIPE_MYSQL__PASSWORD"] != worker["FRESHPIPE_MYSQL__PASSWORD"]


def test_the_sandbox_gets_no_secret_and_tuning_reaches_all(running: Running) -> None:
    assert seen(running, "sandbox") == {"FRESHPIPE_POLL_SCALE": "0.5"}
    assert seen(running, "worker-sync")["FRESHPIPE_POLL_SCALE"] == "0.5"


def test_the_settings_read_what_the_processes_get(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    given = seen(running, "worker-sync")
    known = {name for name in given if name.removeprefix("FRESHPIPE_").split("__")[0].lower() in Settings.model_fields}
    assert known == set(given)
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    class OnlyEnvironment(Settings):
        model_config = SettingsConfigDict(env_file=None)

    settings = OnlyEnvironment()
    assert settings.kafka.bootstrap == running.details()["kafka"]
    assert settings.kafka.instance == "worker-sync-0"
    assert settings.products == ["hubspot", "freshsales"]


@pytest.mark.parametrize("name", ["worker-sync", "kafka", "mariadb"])
def test_what_is_killed_comes_back_and_the_ready_file_follows(running: Running, name: str) -> None:
    killed = running.pids[name]
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: running.pids.get(name, killed) != killed and is_alive(running.pids[name]))


def test_a_second_run_on_the_same_home_is_refused(running: Running) -> None:
    with pytest.raises(HomeInUse, match=f"process {running.process.pid}"), Stack(running.home, 9000).beside():
        pass


def test_ports_of_another_run_are_named(running: Running, tmp_path: Path) -> None:
    other = Stack(tmp_path / "other", running.port_base, command=STAND_IN)
    with pytest.raises(PortTaken, match="--port-base"), other.beside():
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_in_order(tmp_path: Path, number: signal.Signals) -> None:
    running = Running(tmp_path / "home", free_port(PORTS_USED))
    pids = running.pids
    assert running.end(number) == 0
    assert not [name for name, pid in pids.items() if is_alive(pid)]
    assert not (running.home / "ready.json").exists()


def test_nothing_outlives_a_killed_run_and_the_next_one_starts(tmp_path: Path) -> None:
    killed = Running(tmp_path / "home", free_port(PORTS_USED))
    pids = killed.pids
    killed.end(signal.SIGKILL)
    eventually(lambda: not [pid for pid in pids.values() if is_alive(pid)])
    following = Running(killed.home, killed.port_base)
    assert set(following.pids) == set(pids)
    assert following.end() == 0


def test_work_beside_the_stack_sees_it_ready_and_leaves_nothing(tmp_path: Path) -> None:
    prepared: list[str] = []
    stack = Stack(
        tmp_path / "home",
        free_port(PORTS_USED),
        ["console"],
        command=STAND_IN,
        prepare=lambda stack: prepared.append(stack.environment["FRESHPIPE_KAFKA__BOOTSTRAP"]),
    )
    with stack.beside() as ready:
        pids = ready.pids
        assert set(pids) == {"console", "kafka", "mariadb", "redis"}
        assert prepared == [ready.services.kafka.bootstrap]
    assert not [name for name, pid in pids.items() if is_alive(pid)]


def test_a_process_that_cannot_start_ends_the_rest(tmp_path: Path) -> None:
    failing = Stack(tmp_path / "home", free_port(PORTS_USED), ["historian"], command=("bash", "-c", "exit 64", "-"))
    with pytest.raises(CannotStart, match="historian ended 3 times, last with code 64"), failing.beside():
        pass
    assert failing.pids == {}
    assert not failing.services.kafka.process.running


def test_a_disk_that_fills_up_is_said_and_everything_ended(tmp_path: Path) -> None:
    def fill_up(_: Stack) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some/file")

    full = Stack(tmp_path / "home", free_port(PORTS_USED), [], prepare=fill_up)
    with pytest.raises(CannotStart, match="cannot write some/file: No space left on device"), full.beside():
        pass
    assert full.pids == {}


def seen(running: Running, name: str) -> dict[str, str]:
    """The Freshpipe settings that the process was started with."""
    environment: dict[str, str] = json.loads((running.home / "logs" / f"{name}.log").read_text().splitlines()[0])
    return environment
