"""Starting services together: the slow parts side by side, the launch itself in the caller's thread."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from deploy.local.processes import OwnedProcess, require_free


class Service(Protocol):
    """What the three services have in common."""

    home: Path
    process: OwnedProcess

    @property
    def ports(self) -> Sequence[int]:
        """The loopback ports that it will listen on."""

    def prepare(self) -> None:
        """Lay out its folder; safe to repeat."""

    def launch(self) -> None:
        """Start its process and return at once."""

    def answers(self) -> bool:
        """Whether it serves a client now."""


def start_all(services: Sequence[Service], timeout: float = 60.0) -> None:
    """Start what does not run yet and return when all answer; on CannotStart, those started here are killed.

    Launched from the calling thread, which must outlive them (see OwnedProcess).
    """
    idle = [service for service in services if not service.process.running]
    with ThreadPoolExecutor(max_workers=max(1, len(idle))) as pool:
        list(pool.map(_make_ready_to_launch, idle))
        try:
            for service in idle:
                service.launch()
            list(pool.map(lambda service: service.process.wait_until(service.answers, timeout), idle))
        except BaseException:
            for service in idle:
                service.process.kill()
            raise


def _make_ready_to_launch(service: Service) -> None:
    service.home.mkdir(parents=True, exist_ok=True)
    service.process.end_stale()
    for port in service.ports:
        require_free(port, service.process.name)
    service.prepare()
