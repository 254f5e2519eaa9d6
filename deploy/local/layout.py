"""Where things are on one machine: ports counted from a base, folders and kept secrets under a home."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import secrets
from deploy.local.errors import CannotStart, DiskFull, HomeInUse

SANDBOX_PRODUCTS = ("hubspot", "freshsales")
"""In the order of their ports; a new one is appended, so that the ports of the others stay."""
NEEDED_MB = 1024
METRICS_OFFSET = 20


@dataclass(frozen=True, slots=True)
class Ports:
    """All loopback ports of one running Freshpipe: `base` and those after it."""

    base: int = 7000

    def __post_init__(self) -> None:
        if not 1024 <= self.base <= 65_000:
            raise CannotStart(f"--port-base {self.base} is out of range: choose one from 1024 to 65000")

    @property
    def webhooks(self) -> int:
        return self.base

    @property
    def console(self) -> int:
        return self.base + 1

    @property
    def kafka(self) -> int:
        """Its controller listens on the next one."""
        return self.base + 2

    @property
    def mysql(self) -> int:
        return self.base + 4

    @property
    def redis(self) -> int:
        return self.base + 5

    @property
    def sandbox_admin(self) -> int:
        return self.base + 10

    def sandbox(self, product: str) -> int:
        return self.base + 11 + SANDBOX_PRODUCTS.index(product)

    def metrics(self, ordinal: int) -> int:
        """Of the process with this place in the list of processes."""
        return self.base + METRICS_OFFSET + ordinal


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and kept secrets under `home`."""

    home: Path

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def pids(self) -> Path:
        return self.home / "pids"

    @property
    def credentials_key(self) -> str:
        return secrets.key(self.home / "credentials.key")

    @property
    def webhook_key(self) -> str:
        return secrets.key(self.home / "webhook.key")

    @property
    def console_token(self) -> str:
        return secrets.password(self.home / "console.token")

    def prepare(self) -> None:
        """Make the folders. Raises CannotStart when there is no room or no permission."""
        try:
            for folder in (self.home, self.logs, self.pids):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotStart(f"cannot write to {self.home}: {error.strerror}") from error
        free_mb = shutil.disk_usage(self.home).free // 2**20
        if free_mb < NEEDED_MB:
            raise DiskFull(self.home, free_mb, NEEDED_MB)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the home for this process. Raises HomeInUse when another one holds it; a dead one holds nothing."""
        with (self.home / "lock").open("a+") as lock:
            lock.seek(0)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise HomeInUse(self.home, int(lock.read() or 0)) from error
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield
