"""A private Redis. It keeps nothing over a restart: quotas fall back to a safe share, people log in again."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import redis

from deploy.local import secrets
from deploy.local.processes import LOOPBACK, OwnedProcess, program
from deploy.local.services.lifecycle import start_all


class Redis:
    """Redis on a loopback port, behind a password; restartable."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home.absolute()
        self.host = LOOPBACK
        self.port = port
        self.process = OwnedProcess("redis", self.home)

    @property
    def url(self) -> str:
        """With the password: not for logs."""
        return f"redis://:{self._password()}@{self.host}:{self.port}/0"

    @property
    def ports(self) -> Sequence[int]:
        return [self.port]

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self) -> None:
        """Returns when it answers; raises CannotStart."""
        start_all([self])

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        """As a crash would."""
        self.process.kill()

    def prepare(self) -> None:
        options = {
            "bind": self.host,
            "port": str(self.port),
            "dir": f'"{self.home}"',
            "requirepass": self._password(),
            "daemonize": "no",
            "appendonly": "no",
            "save": '""',
        }
        secrets.write_private(self._config, "".join(f"{name} {value}\n" for name, value in options.items()))

    def launch(self) -> None:
        self.process.launch([program("redis-server"), str(self._config)])

    def answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.url, socket_timeout=1) as client:
            return bool(client.ping())
        return False

    @property
    def _config(self) -> Path:
        return self.home / "redis.conf"

    def _password(self) -> str:
        return secrets.password(self.home / "redis.password")
