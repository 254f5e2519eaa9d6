"""A private MariaDB with the database `freshpipe`, its owner, and the receiver's restricted user."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pymysql

from deploy.local import secrets
from deploy.local.errors import NotReady
from deploy.local.processes import LOCALE, LOOPBACK, OwnedProcess, program
from deploy.local.services.lifecycle import start_all

DATABASE = "freshpipe"
HOOKS_USER = "freshpipe_hooks"
"""The webhooks process's user: it may do nothing until a migration grants it its read-only view."""
SERVER_OPTIONS = [
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_bin",
    "--default-time-zone=+00:00",
    "--skip-name-resolve",
    "--local-infile=0",
    "--max-connections=200",
    "--innodb-buffer-pool-size=128M",
    "--performance-schema=OFF",
]


class MariaDB:
    """MariaDB on a loopback port; restartable on the same data.

    `.user` owns every database named `freshpipe…` and may create users, for migrations grant the receiver its view.
    """

    def __init__(self, home: Path, port: int) -> None:
        self.home = home.absolute()
        self.host = LOOPBACK
        self.port = port
        self.database = DATABASE
        self.user = "freshpipe"
        self.hooks_user = HOOKS_USER
        self.process = OwnedProcess("mariadb", self.home)

    @property
    def password(self) -> str:
        return secrets.password(self.home / "mysql.password")

    @property
    def hooks_password(self) -> str:
        return secrets.password(self.home / "mysql-hooks.password")

    @property
    def ports(self) -> Sequence[int]:
        return [self.port]

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self) -> None:
        """Returns when the users can log in; raises CannotStart."""
        start_all([self])

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        """As a crash would."""
        self.process.kill()

    def prepare(self) -> None:
        secrets.write_private(self._init, "\n".join(self._accounts()) + "\n")
        if not self._data.exists():
            self._install()

    def launch(self) -> None:
        # The socket's path is relative to the data folder: a Unix socket's path must be shorter than 108 bytes.
        self.process.launch(
            [
                program("mariadbd"),
                "--no-defaults",
                f"--datadir={self._data}",
                f"--user={_system_user()}",
                f"--bind-address={self.host}",
                f"--port={self.port}",
                "--socket=mysql.sock",
                "--pid-file=mysql.pid",
                f"--init-file={self._init}",
                *SERVER_OPTIONS,
            ]
        )

    def answers(self) -> bool:
        with contextlib.suppress(pymysql.MySQLError):
            pymysql.connect(
                host=self.host,
                port=self.port,
                user=self.user,
                password=self.password,
                database=self.database,
                connect_timeout=2,
            ).close()
            return True
        return False

    @property
    def _data(self) -> Path:
        return self.home / "data"

    @property
    def _init(self) -> Path:
        return self.home / "accounts.sql"

    def _accounts(self) -> list[str]:
        """Run by the server at each start, before it listens; one statement a line."""
        owner, hooks = f"'{self.user}'@'%'", f"'{self.hooks_user}'@'%'"
        return [
            f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;",
            f"CREATE USER IF NOT EXISTS {owner};",
            f"ALTER USER {owner} IDENTIFIED BY '{self.password}';",
            f"GRANT ALL PRIVILEGES ON `{DATABASE}%`.* TO {owner} WITH GRANT OPTION;",
            f"GRANT CREATE USER ON *.* TO {owner};",
            f"CREATE USER IF NOT EXISTS {hooks};",
            f"ALTER USER {hooks} IDENTIFIED BY '{self.hooks_password}';",
        ]

    def _install(self) -> None:
        """Make the data folder; complete or not at all, so that an interrupted first start is repeated."""
        draft = self.home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        command = [
            program("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={draft}",
            f"--user={_system_user()}",
            "--auth-root-authentication-method=socket",
            f"--auth-root-socket-user={_system_user()}",
            "--skip-test-db",
        ]
        log = self.home / "mariadb-install.log"
        with log.open("wb") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **LOCALE},
                check=False,
            )
        if done.returncode != 0:
            raise NotReady("mariadb-install-db", f"ended with code {done.returncode}", log)
        draft.rename(self._data)


def _system_user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
