"""The configuration as a process sees it: a copy in memory, followed by revision, good while MySQL is away."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from contextlib import suppress

import structlog

from schemas.configuration import Connection
from schemas.sealing import Keyring
from streams.database import Database
from streams.engine.plan import Plan
from streams.errors import DatabaseAway, NotThere
from streams.registry.loading import Everything, TenantConfiguration, load
from streams.registry.revision import current_revision

log = structlog.get_logger()

MakePlan = Callable[[TenantConfiguration, int], Plan]
"""Compiles what a tenant has into what the engine decides by; the number is the revision."""

SHORTEST_WAIT_S = 0.05
"""Between two looks at the revision, however much somebody waits for a new one."""


class Configuration:
    """Start it once per process; ask it as often as you like: only `at_least` waits.

    `ring` opens the API credentials; without it connections come without them.
    """

    def __init__(
        self, database: Database, make_plan: MakePlan, *, ring: Keyring | None = None, poll_s: float = 1.0
    ) -> None:
        self._database = database
        self._make_plan = make_plan
        self._ring = ring
        self._poll_s = poll_s
        self._everything = Everything(0, {})
        self._connections: dict[str, Connection] = {}
        self._plans: dict[str, tuple[TenantConfiguration, Plan]] = {}
        self._callbacks: list[Callable[[int], None]] = []
        self._wanted = asyncio.Event()
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load everything, then follow. Raises DatabaseAway: without a first copy there is nothing to work with."""
        await self._take(await load(self._database, self._ring))
        self._task = asyncio.create_task(self._follow(), name="configuration")

    async def stop(self) -> None:
        """Follow no longer; what is cached stays readable."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @property
    def revision(self) -> int:
        """Of the copy in memory."""
        return self._everything.revision

    async def at_least(self, revision: int) -> None:
        """Return when the copy is of this revision or a later one; that may take as long as MySQL is away."""
        async with self._changed:
            while self.revision < revision:
                self._wanted.set()
                await self._changed.wait()

    def on_change(self, callback: Callable[[int], None]) -> None:
        """Call it with the revision, in the event loop, after every change. It must not block or raise."""
        self._callbacks.append(callback)

    def tenants(self) -> list[str]:
        """The ids of all tenants."""
        return list(self._everything.tenants)

    def tenant(self, id: str) -> TenantConfiguration:
        """Raises NotThere."""
        found = self._everything.tenants.get(id)
        if found is None:
            raise NotThere(f"tenant {id}")
        return found

    def connection(self, id: str) -> Connection | None:
        """By its id, which no two tenants share; None if there is none (any more)."""
        return self._connections.get(id)

    def plan(self, tenant: str) -> Plan:
        """What the engine decides by for this tenant, compiled once per change of what it has.

        Raises NotThere, and what `make_plan` raises for documents that do not compile.
        """
        configuration = self.tenant(tenant)
        known = self._plans.get(tenant)
        if known is None or known[0] is not configuration:
            plan = self._make_plan(configuration, self.revision)
        elif known[1].revision == self.revision:
            return known[1]
        else:
            plan = dataclasses.replace(known[1], revision=self.revision)
        self._plans[tenant] = (configuration, plan)
        return plan

    async def _follow(self) -> None:
        stale = False
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._poll_s)
            self._wanted.clear()
            try:
                await self._look()
                stale = False
            except DatabaseAway as error:
                if not stale:
                    log.warning("configuration_not_followed", reason=str(error), revision=self.revision)
                stale = True
            except Exception:
                log.exception("configuration_not_loaded", revision=self.revision)
            await asyncio.sleep(SHORTEST_WAIT_S)

    async def _look(self) -> None:
        """Load if there is something new; whoever waits for a revision has another look, too."""
        if await current_revision(self._database) != self.revision:
            await self._take(await load(self._database, self._ring))
            return
        async with self._changed:
            self._changed.notify_all()

    async def _take(self, everything: Everything) -> None:
        """Adopt a new copy; tenants that did not change keep their old object, and so their compiled plan."""
        before = self._everything.tenants
        tenants = {id: before[id] if before.get(id) == now else now for id, now in everything.tenants.items()}
        self._everything = Everything(everything.revision, tenants)
        self._connections = {id: found for tenant in tenants.values() for id, found in tenant.connections.items()}
        self._plans = {id: known for id, known in self._plans.items() if id in tenants}
        for callback in self._callbacks:
            callback(everything.revision)
        async with self._changed:
            self._changed.notify_all()
