"""One process of ours, recorded on disk so that a later run can tell it from a stranger's and end it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from deploy.local.errors import NotReady, PortTaken, ProgramMissing

POLL_S = 0.05
LOOPBACK = "127.0.0.1"
LOCALE = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}
"""Ours, not the user's: a locale that is not installed makes Java and MariaDB warn or fail."""


class OwnedProcess:
    """A child process in its own process group, with a log and a record `<name>.pid.json` under `home`.

    The kernel ends it when the *thread* that launched it ends (PR_SET_PDEATHSIG), so launch from a thread that
    lives as long as the child should.
    """

    def __init__(self, name: str, home: Path, *, log: Path | None = None) -> None:
        self.name = name
        self.log = log or home / f"{name}.log"
        self._record = home / f"{name}.pid.json"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process; raises RuntimeError when none was launched."""
        if self._child is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def exit_code(self) -> int | None:
        """None while it runs or was never launched; negative: the signal that ended it."""
        return None if self._child is None else self._child.poll()

    def launch(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        withheld: Collection[str] = (),
        orphaned: str = "TERM",
    ) -> None:
        """Start it with our environment, but for the `withheld` names, and `env` added.

        `orphaned` is the signal that it gets when we die. Raises ProgramMissing.
        """
        inherited = {name: value for name, value in os.environ.items() if name not in withheld}
        program(argv[0])
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                [program("setpriv"), "--pdeathsig", orphaned, "--", *argv],
                env={**inherited, **LOCALE, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _write_atomically(self._record, json.dumps({"pid": self.pid, "birth": _birth(self.pid)}))

    def wait_until(self, answers: Callable[[], bool], timeout: float) -> None:
        """Block until `answers()`; raises NotReady when the process ends first or `timeout` seconds pass."""
        deadline = time.monotonic() + timeout
        while not answers():
            if not self.running:
                raise NotReady(self.name, f"ended with code {self.exit_code()}", self.log)
            if time.monotonic() > deadline:
                self.kill()
                raise NotReady(self.name, f"did not answer within {timeout:g} s", self.log)
            time.sleep(POLL_S)

    def terminate(self) -> None:
        """Ask its whole group to end; do not wait."""
        self._signal(signal.SIGTERM)

    def stop(self, grace: float = 10.0) -> None:
        """Ask it to end, wait up to `grace` seconds, then kill what is left of its group."""
        self.terminate()
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(grace)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole group; returns when it is gone."""
        self._signal(signal.SIGKILL)
        if self._child is not None:
            self._child.wait()
        self._record.unlink(missing_ok=True)

    def end_stale(self, grace: float = 10.0) -> None:
        """End the process that an earlier run left behind, if it is alive and provably the recorded one."""
        if self.running:
            return
        try:
            record = json.loads(self._record.read_text())
            pid, birth = int(record["pid"]), str(record["birth"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
            if _birth(pid) != birth:
                break
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, number)
            _wait_for(lambda: _birth(pid) != birth, patience)
        self._record.unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)


def program(name: str) -> str:
    """The program's path; raises ProgramMissing. Looks into the sbin folders too, which a user's PATH may lack."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    found = shutil.which(name, path=path)
    if found is None:
        raise ProgramMissing(name)
    return found


def require_free(port: int, wanted_by: str) -> None:
    """Raises PortTaken when somebody listens on the loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortTaken(port, wanted_by) from error


def accepts(port: int) -> bool:
    """Whether somebody listens on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _birth(pid: int) -> str:
    """What tells a process from a later one with the same id: boot and start time. Empty: gone, or a zombie."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    state, start_time = after_name[0], after_name[19]
    return "" if state == "Z" else f"{boot}/{start_time}"


def _wait_for(condition: Callable[[], bool], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not condition() and time.monotonic() < deadline:
        time.sleep(POLL_S)


def _write_atomically(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(text)
    draft.replace(path)
