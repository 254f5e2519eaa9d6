"""Why a local process could not be started: each message is a sentence that says what to do about it."""

from __future__ import annotations

from pathlib import Path


class CannotStart(Exception):
    """Nothing was started, or what was started has been ended again."""


class ProgramMissing(CannotStart):
    """A program that we need is not installed on this machine."""

    def __init__(self, program: str) -> None:
        super().__init__(f"{program} is not installed or not on PATH: run `make install`")
        self.program = program


class PortTaken(CannotStart):
    """Somebody else listens on the port."""

    def __init__(self, port: int, wanted_by: str) -> None:
        super().__init__(
            f"port {port}, which {wanted_by} needs, is taken by another program: end it or choose other ports "
            "with --port-base"
        )
        self.port = port


class NotReady(CannotStart):
    """A process ended, or did not answer in time; the message carries the end of its log."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        super().__init__(f"{name} {reason}; the end of {log}:\n{tail(log)}")
        self.name = name


class HomeInUse(CannotStart):
    """Another `freshpipe up` runs on the same folder."""

    def __init__(self, home: Path, pid: int) -> None:
        super().__init__(
            f"{home} is in use by another freshpipe (process {pid}): stop that one or choose another --home"
        )


class DiskFull(CannotStart):
    """Too little room for the services' data."""

    def __init__(self, home: Path, free_mb: int, needed_mb: int) -> None:
        super().__init__(f"{home} has {free_mb} MB left and at least {needed_mb} MB are needed: free some disk space")


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log, or a note that it is empty."""
    if not log.exists():
        return "(no log)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:]) or "(empty log)"
