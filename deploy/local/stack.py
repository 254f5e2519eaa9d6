"""All of Freshpipe on one machine: services, preparation, our processes, a ready file; and the orderly end."""

from __future__ import annotations

import errno
import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from deploy.local import programs, secrets
from deploy.local.errors import CannotStart
from deploy.local.layout import SANDBOX_PRODUCTS, Layout, Ports
from deploy.local.processes import OwnedProcess, require_free
from deploy.local.services import Kafka, MariaDB, Redis, start_all
from deploy.local.supervisor import Child, Supervisor

PROGRAMS_READY_S = 60.0
PROGRAMS_GRACE_S = 5.0
SERVICES_GRACE_S = 4.0
"""Together below the 10 seconds that `stop` may take."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
"""What the user has to mend; any other error of the system is ours."""
FRESHPIPE = (str(Path(sys.executable).with_name("freshpipe")),)


class Stack:
    """Freshpipe under `home`, on the ports from `port_base` on.

    `prepare` is called when the services answer and before our processes start: for migrations and topics;
    `furnish` when our processes answer and before anybody is told that all is ready. `command` is how our
    processes are called.
    """

    def __init__(
        self,
        home: Path,
        port_base: int = 7000,
        processes: Sequence[str] = programs.ALL,
        *,
        prepare: Callable[[Stack], None] = lambda stack: None,
        furnish: Callable[[Stack], None] = lambda stack: None,
        ready_file: Path | None = None,
        command: Sequence[str] = FRESHPIPE,
    ) -> None:
        self.ports = Ports(port_base)
        self.layout = Layout(home.absolute())
        self.services = programs.Services(
            kafka=Kafka(self.layout.home / "kafka", self.ports.kafka),
            mysql=MariaDB(self.layout.home / "mysql", self.ports.mysql),
            redis=Redis(self.layout.home / "redis", self.ports.redis),
        )
        self._programs = programs.programs(processes, self.layout, self.ports, self.services)
        self._prepare = prepare
        self._furnish = furnish
        self._ready_file = ready_file or self.layout.home / "ready.json"
        self._command = command
        self._supervisor = Supervisor(self._on_pids)
        self._stopping = threading.Event()
        self._is_ready = False
        self.details: dict[str, object] = {}
        """More for the ready file; `prepare` and `furnish` may fill it."""

    @property
    def environment(self) -> dict[str, str]:
        """Of a fully trusted process: for preparation, and for commands run beside the stack."""
        return programs.environment(self.layout, self.ports, self.services)

    @property
    def pids(self) -> dict[str, int]:
        return self._supervisor.pids

    @property
    def addresses(self) -> dict[str, str]:
        """Where to find what, MySQL apart; no secrets."""
        sandboxes = {product: f"http://127.0.0.1:{self.ports.sandbox(product)}" for product in SANDBOX_PRODUCTS}
        return {
            "webhooks": f"http://127.0.0.1:{self.ports.webhooks}",
            "console": f"http://127.0.0.1:{self.ports.console}",
            "kafka": self.services.kafka.bootstrap,
            "redis": f"{self.services.redis.host}:{self.ports.redis}",
            "sandbox_admin": f"http://127.0.0.1:{self.ports.sandbox_admin}",
            **sandboxes,
        }

    def run(self, on_ready: Callable[[Stack], None] = lambda stack: None) -> None:
        """Start, call `on_ready`, keep everything running until SIGTERM, SIGINT or SIGHUP, stop. Main thread only.

        Raises CannotStart, after ending whatever was started.
        """
        with _signals_call(self.stop):
            self._live(lambda: on_ready(self))

    @contextmanager
    def beside(self) -> Iterator[Stack]:
        """Everything ready and kept running inside, everything ended after: for a caller with work of its own.

        Raises CannotStart. Not for use after `stop`.
        """
        ready = threading.Event()
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="stack") as pool:
            life = pool.submit(self._live, ready.set)
            life.add_done_callback(lambda _: ready.set())
            try:
                ready.wait()
                if life.done():
                    life.result()
                yield self
            finally:
                self.stop()
            life.result()

    def stop(self) -> None:
        """Make `run` return soon; from any thread or signal handler."""
        self._stopping.set()

    def _live(self, on_ready: Callable[[], None]) -> None:
        """In one thread from start to end, because the children end with the thread that launched them."""
        self.layout.prepare()
        with self.layout.locked():
            self._ready_file.unlink(missing_ok=True)
            try:
                if self._start():
                    on_ready()
                self._supervisor.watch(self._stopping)
            except OSError as error:
                if error.errno not in NO_ROOM:
                    raise
                raise CannotStart(f"cannot write {error.filename or self.layout.home}: {error.strerror}") from error
            finally:
                self._ready_file.unlink(missing_ok=True)
                self._supervisor.stop([program.name for program in self._programs], PROGRAMS_GRACE_S)
                self._supervisor.stop([*self._supervisor.pids], SERVICES_GRACE_S)

    def _start(self) -> bool:
        """Whether all is ready; False: told to stop in between."""
        ours = [self._child(program) for program in self._programs]
        for child in ours:
            child.process.end_stale()
        for port, name in self._program_ports().items():
            require_free(port, name)
        start_all([self.services.kafka, self.services.mysql, self.services.redis])
        for service in (self.services.kafka, self.services.mysql, self.services.redis):
            self._supervisor.add(Child(service.process, service.launch, service.answers))
        if self._stopping.is_set():
            return False
        secrets.write_private(self.layout.home / "freshpipe.env", _as_env_file(self.environment))
        self._prepare(self)
        for child in ours:
            self._supervisor.add(child)
        self._supervisor.wait_until_ready(PROGRAMS_READY_S, self._stopping.is_set)
        if self._stopping.is_set():
            return False
        self._furnish(self)
        self._write_ready_file(self.pids)
        self._is_ready = True
        return True

    def _program_ports(self) -> dict[int, str]:
        return {port: program.name for program in self._programs for port in program.ports}

    def _child(self, program: programs.Program) -> Child:
        process = OwnedProcess(program.name, self.layout.pids, log=self.layout.logs / f"{program.name}.log")

        def launch() -> None:
            arguments = [*self._command, *program.arguments]
            process.launch(arguments, program.env, withheld=self.environment.keys(), orphaned="KILL")

        return Child(process, launch, program.ready)

    def _on_pids(self, pids: Mapping[str, int]) -> None:
        if self._is_ready:
            self._write_ready_file(pids)

    def _write_ready_file(self, pids: Mapping[str, int]) -> None:
        """It exists from when everything is ready until the end; `pids` follow every restart.

        `pid` is ours: a file that a killed run left behind names a process that is gone.
        """
        own = {"pid": os.getpid(), "home": str(self.layout.home), "mysql": self._mysql()}
        running = {name: [pid] for name, pid in pids.items()}
        content = {**self.addresses, **own, **self.details, "pids": running}
        secrets.write_private(self._ready_file, json.dumps(content, indent=2) + "\n")

    def _mysql(self) -> dict[str, object]:
        mysql = self.services.mysql
        login = {"user": mysql.user, "password": mysql.password, "database": mysql.database}
        return {"host": mysql.host, "port": self.ports.mysql, **login}


@contextmanager
def _signals_call(stop: Callable[[], None]) -> Iterator[None]:
    """Inside, the signals that ask a process to end call `stop` instead."""

    def handle(number: int, frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _as_env_file(environment: Mapping[str, str]) -> str:
    """For a shell (`set -a; . FILE`) and for the settings alike, so that commands can be run beside the stack."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(environment.items()))
