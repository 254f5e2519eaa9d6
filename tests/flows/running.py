"""All of Freshpipe as a user runs it, and the people who work in its tenants' products."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from connectors.sandbox.admin_client import AdminClient
from console import history
from console.demo.people import Person, person
from console.verification import verify_installation
from schemas.records import RecordId
from schemas.settings import Settings
from streams.database import Database
from tests.ports import free_port

JSON = Any
T = TypeVar("T")
FRESHPIPE = str(Path(sys.executable).with_name("freshpipe"))
START_S, CALM_S, ARRIVAL_S = 120.0, 120.0, 60.0
"""Deadlines against a hang, not expectations."""
PORTS = 40
TUNING = {"FRESHPIPE_POLL_SCALE": "0.05", "FRESHPIPE_COALESCE_MS": "50"}


@dataclass(slots=True)
class Running:
    """A running `freshpipe up --sandbox`."""

    home: Path
    ready_file: Path
    process: subprocess.Popen[bytes]
    port_base: int
    _environment: dict[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> JSON:
        """What the ready file says now."""
        return json.loads(self.ready_file.read_text())

    def tenant(self, number: int = 0) -> JSON:
        return self.ready["tenants"][number]

    def run(self, *arguments: str, stdin: str = "", without: str = "") -> subprocess.CompletedProcess[str]:
        """A `freshpipe` command with the settings of what runs, but for the one that is named in `without`."""
        environment = {name: value for name, value in self.environment.items() if name != without}
        return subprocess.run(
            [FRESHPIPE, *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            env=environment,
            cwd=self.home / "logs",  # where no settings are found
            timeout=120,
            check=False,
        )

    def command(self, *arguments: str) -> JSON:
        """The answer of a command that succeeds."""
        ended = self.run(*arguments, "--json")
        assert ended.returncode == 0, ended.stderr + ended.stdout
        return json.loads(ended.stdout)

    @property
    def environment(self) -> Mapping[str, str]:
        """For commands run beside it."""
        if not self._environment:
            lines = (self.home / "freshpipe.env").read_text().splitlines()
            pairs = (line.partition("=")[::2] for line in lines)
            self._environment |= {name: value.strip("'") for name, value in pairs}
        return self._environment

    @property
    def settings(self) -> Settings:
        """The same, for what a test does in its own process."""
        return Settings(_env_file=self.home / "freshpipe.env")

    def logs(self) -> str:
        """Everything that any process logged."""
        return "\n".join(path.read_text(errors="replace") for path in sorted((self.home / "logs").glob("*.log")))


@contextmanager
def run_up(home: Path, *options: str, contacts: int = 20, **environment: str) -> Iterator[Running]:
    """Run it for as long as the block lasts; ended by SIGTERM, as a supervisor would."""
    base = free_port(PORTS)
    ready = home / "ready-for-tests.json"
    home.mkdir(parents=True, exist_ok=True)
    places = [f"--home={home}", f"--port-base={base}", f"--ready-file={ready}"]
    with (home / "up.log").open("ab") as output:
        process = subprocess.Popen(
            [FRESHPIPE, "up", "--sandbox", f"--contacts={contacts}", *places, *options],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **TUNING, **environment},
        )
    running = Running(home, ready, process, base)
    try:
        until(lambda: ready.exists() or process.poll() is not None, START_S, "everything is ready")
        assert process.poll() is None, (home / "up.log").read_text()
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for a condition; fails with `what` if it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain until {what}"
        time.sleep(0.1)


@dataclass(slots=True)
class Office:
    """One tenant's two products, with somebody at work in each, and an eye on what Freshpipe does there."""

    running: Running
    tenant: str
    installation: str
    sales: Person
    marketing: Person
    admin: AdminClient
    database: Database
    settings: Settings

    async def links(self, pair: str = "contact") -> list[tuple[str, str]]:
        """(Freshsales id, HubSpot id) of what is linked."""
        found = await history.links(self.database, self.tenant, self.installation)
        return [
            (link["left_record"].split("/")[2], link["right_record"].split("/")[2])
            for link in found
            if link["pair"] == pair
        ]

    async def writes(self, since: int, product: str = "") -> list[JSON]:
        """What Freshpipe changed in this tenant's accounts from then on, as the products logged it."""
        log = await self.admin.log(since, account=self.tenant, **({"product": product} if product else {}))
        return [entry for entry in log if entry["by"] == "freshpipe" and entry["fields"]]

    async def eventually(self, look: Callable[[], Awaitable[T]], good: Callable[[T], bool]) -> T:
        """What `look` returns once it is good; fails with the last of it otherwise."""
        deadline = time.monotonic() + ARRIVAL_S
        while not good(seen := await look()):
            assert time.monotonic() < deadline, f"waited in vain; last seen: {seen}"
        return seen

    async def calm(self) -> None:
        """Return when both sides are equal and nothing was written for a moment."""
        deadline = time.monotonic() + CALM_S
        while True:
            began = now_ms()
            found = await verify_installation(self.database, self.settings, self.tenant, self.installation)
            if found.equal and found.links and not await self.writes(began - 1_000):
                return
            assert time.monotonic() < deadline, f"not calm: {found.differences[:5]}"
            await asyncio.sleep(0.2)

    async def attention(self) -> list[JSON]:
        """What waits for a person."""
        return await history.attention(self.database, self.tenant)

    async def trail(self, product: str, id: str) -> list[history.Entry]:
        """All that is known of a contact."""
        record = RecordId(f"{self.tenant}-{product}", "contact", id)
        return await history.trail_of(self.database, self.tenant, record)


@asynccontextmanager
async def office(running: Running, number: int = 0) -> AsyncIterator[Office]:
    """The office of the n-th tenant."""
    tenant = running.tenant(number)
    by_product = {one["product"]: one for one in tenant["connections"]}
    async with aiohttp.ClientSession() as session, AdminClient(running.ready["sandbox_admin"]) as admin:
        people = [
            person(session, product, by_product[product]["base_url"], by_product[product]["person_credentials"])
            for product in ("freshsales", "hubspot")
        ]
        installation = tenant["installations"][0]["id"]
        settings = running.settings
        database = Database(settings.mysql, size=2)
        yield Office(running, tenant["id"], installation, people[0], people[1], admin, database, settings)
        await database.close()


def now_ms() -> int:
    return time.time_ns() // 1_000_000
