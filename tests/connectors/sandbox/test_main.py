"""The sandbox as a process."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp

from connectors.sandbox.admin_client import AdminClient
from tests.ports import free_port

PATIENCE_S = 20


async def test_the_process_serves_and_ends_on_sigterm_without_telling_secrets(tmp_path: Path) -> None:
    admin, hubspot, freshsales = free_port(), free_port(), free_port()
    arguments = ["--admin-port", admin, "--port", f"hubspot={hubspot}", "--port", f"freshsales={freshsales}"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "connectors.sandbox", *map(str, arguments)),
        *("--snapshot", str(tmp_path / "state.json")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with AdminClient(f"http://127.0.0.1:{admin}") as client, asyncio.timeout(PATIENCE_S):
        await _answering(client)
        keys = {"integration": {"access_token": "pat-eu1-secret"}, "person": {"access_token": "pat-eu1-other"}}
        await client.open_account("hubspot", "acme", **keys)
        headers = {"Authorization": "Bearer pat-eu1-secret"}
        address = f"http://127.0.0.1:{hubspot}/account-info/v3/details"
        async with aiohttp.ClientSession() as session, session.get(address, headers=headers) as response:
            assert response.status == 200
        process.send_signal(signal.SIGTERM)
        output, _ = await process.communicate()
    assert process.returncode == 0
    assert b"secret" not in output
    assert b"sandbox stopped" in output
    assert (tmp_path / "state.json").exists()


async def _answering(client: AdminClient) -> None:
    while True:
        try:
            await client.health()
        except aiohttp.ClientError:
            await asyncio.sleep(0.02)
            continue
        return
