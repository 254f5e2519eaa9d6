"""A process of ours ends with its group and with us, and is told from a stranger's."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.errors import NotReady, PortTaken, ProgramMissing
from deploy.local.processes import OwnedProcess, require_free
from tests.deploy.waiting import eventually, is_alive
from tests.ports import free_port

FOREVER = ["sleep", "300"]
STUBBORN = ["bash", "-c", "trap '' TERM; echo ready; while true; do sleep 300; done"]
WITH_CHILD = ["bash", "-c", "sleep 300 & echo $!; wait"]
LAUNCH_AND_WAIT = """
import sys, time
from pathlib import Path
from deploy.local.processes import OwnedProcess
process = OwnedProcess("child", Path(sys.argv[1]))
process.launch(["sleep", "300"])
print(process.pid, flush=True)
time.sleep(300)
"""


@pytest.fixture
def process(tmp_path: Path) -> OwnedProcess:
    return OwnedProcess("child", tmp_path)


def test_stopping_ends_the_whole_group(process: OwnedProcess) -> None:
    process.launch(WITH_CHILD)
    eventually(lambda: process.log.read_text().strip())
    grandchild = int(process.log.read_text())
    process.stop()
    assert not process.running
    eventually(lambda: not is_alive(grandchild))


def test_a_process_that_ignores_the_request_is_killed(process: OwnedProcess) -> None:
    process.launch(STUBBORN)
    eventually(lambda: process.log.exists() and "ready" in process.log.read_text())
    process.stop(grace=0.2)
    assert process.exit_code() == -signal.SIGKILL


def test_a_process_dies_with_its_launcher(tmp_path: Path) -> None:
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCH_AND_WAIT, str(tmp_path)], stdout=subprocess.PIPE)
    with launcher:
        assert launcher.stdout is not None
        child = int(launcher.stdout.readline())
        # Before it is the program itself, the child has not asked for the signal yet.
        eventually(lambda: Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"sleep"))
        launcher.kill()
    eventually(lambda: not is_alive(child))


def test_a_process_left_by_an_earlier_run_is_ended(process: OwnedProcess, tmp_path: Path) -> None:
    process.launch(FOREVER)
    OwnedProcess("child", tmp_path).end_stale()
    eventually(lambda: process.exit_code() == -signal.SIGTERM)


def test_a_stranger_with_the_recorded_id_is_left_alone(
    process: OwnedProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.launch(FOREVER)
    record = tmp_path / "child.pid.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "birth": "another boot/1"}))
    signalled: list[int] = []
    with monkeypatch.context() as watched:
        watched.setattr(os, "killpg", lambda group, number: signalled.append(group))
        OwnedProcess("child", tmp_path).end_stale()
    assert signalled == []
    process.stop()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_a_damaged_record_ends_nothing(process: OwnedProcess, tmp_path: Path, text: str) -> None:
    (tmp_path / "child.pid.json").write_text(text)
    process.end_stale()


def test_an_early_end_is_told_with_the_end_of_the_log(process: OwnedProcess) -> None:
    process.launch(["bash", "-c", "echo no room left; exit 3"])
    with pytest.raises(NotReady, match=r"(?s)ended with code 3.*no room left"):
        process.wait_until(lambda: False, timeout=30)


def test_a_process_that_never_answers_is_ended(process: OwnedProcess) -> None:
    process.launch(FOREVER)
    with pytest.raises(NotReady, match=r"did not answer within 0\.1 s"):
        process.wait_until(lambda: False, timeout=0.1)
    assert not process.running


def test_a_missing_program_is_named(process: OwnedProcess) -> None:
    with pytest.raises(ProgramMissing, match="no-such-program is not installed"):
        process.launch(["no-such-program"])


def test_a_taken_port_is_named() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken, match=f"port {port}, which redis needs"):
        require_free(port, "redis")
    require_free(port, "redis")


def test_the_environment_has_a_locale_that_exists(process: OwnedProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    process.launch(["bash", "-c", "echo $LC_ALL $GIVEN"], {"GIVEN": "too"})
    eventually(lambda: process.exit_code() == 0)
    assert process.log.read_text() == "C.UTF-8 too\n"
    assert os.environ["LC_ALL"] == "xx_XX.UTF-8"
