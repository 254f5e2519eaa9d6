"""Runs the sandbox: one port per product, one for the admin API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from connectors.sandbox import snapshot
from connectors.sandbox.admin import Admin
from connectors.sandbox.admin_client import AdminClient
from connectors.sandbox.clock import Clock
from connectors.sandbox.front import Front
from connectors.sandbox.world import World, make_world

SAVE_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox in this process. `urls` maps a product to the address of its port."""

    world: World
    urls: Mapping[str, str]
    admin_url: str
    admin: AdminClient


@asynccontextmanager
async def run(
    ports: Mapping[str, int] | None = None,
    *,
    admin_port: int = 0,
    host: str = "127.0.0.1",
    snapshot_file: Path | None = None,
    clock: Clock | None = None,
    seed: int = 1,
) -> AsyncIterator[Running]:
    """Serve until the block is left. A port of 0 is a free one; a snapshot is restored first and written last."""
    world = make_world(clock, seed)
    if snapshot_file is not None:
        snapshot.restore(world, await asyncio.to_thread(snapshot.read, snapshot_file))
    keeper = Keeper(world, snapshot_file) if snapshot_file is not None else None
    async with AsyncExitStack() as stack:
        stack.push_async_callback(world.courier.close)
        if keeper is not None:
            stack.push_async_callback(keeper.save)
            await stack.enter_async_context(keeper.saving())
        urls = {}
        for name, product in world.products.items():
            front = Front(product, world.accounts, world.faults[name], world.log, world.clock)
            urls[name] = await stack.enter_async_context(_serving(front.app(), host, (ports or {}).get(name, 0)))
        admin_app = Admin(world, keeper.save if keeper else None).app()
        admin_url = await stack.enter_async_context(_serving(admin_app, host, admin_port))
        client = await stack.enter_async_context(AdminClient(admin_url))
        yield Running(world, urls, admin_url, client)


class Keeper:
    """Writes the snapshot every few seconds, if anything was called since the last time."""

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._path = path
        self._last = b""

    async def save(self) -> None:
        """Write the file, if the state is another one than last time."""
        content = snapshot.taken(self._world)
        if content == self._last:
            return
        await asyncio.to_thread(snapshot.write, self._path, content)
        self._last = content

    @asynccontextmanager
    async def saving(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._save_often())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _save_often(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            await self.save()


@asynccontextmanager
async def _serving(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """An application on a port; its address. Calls that hang are cut off on leaving."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.5, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
