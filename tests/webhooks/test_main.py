"""The process as it is run: started with its settings, spoken to, and told to stop."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession

from deploy.local.services import Kafka, MariaDB
from schemas.sealing import BadKey
from schemas.settings import Settings
from streams.migrations import grant_receiver, migrate
from streams.registry.webhooks import add_product_secret
from tests.ports import free_port
from tests.webhooks.conftest import CLIENT_SECRET, PUBLIC_URL
from tests.webhooks.hubspot import APP_PATH, body_of, event, signed
from tests.webhooks.test_endpoints import KEYS, PASSWORD, RECEIVER, Registered, address
from tests.webhooks.test_publisher import stored
from webhooks.main import run

RUN = """
from schemas.logs import configure_logs
from schemas.settings import Settings
from webhooks.main import run
configure_logs("webhooks")
raise SystemExit(run(Settings()))
"""
DEADLINE_S = 60


class Process:
    """A receiver of its own, and what it wrote to standard error."""

    def __init__(self, kafka: Kafka, mysql: MariaDB, database: str, log: Path) -> None:
        self.port, self.metrics_port, self.log = free_port(), free_port(), log
        login = {"user": RECEIVER, "password": PASSWORD, "host": mysql.host, "port": str(mysql.port)}
        settings = {
            "kafka__bootstrap": kafka.bootstrap,
            **{f"mysql__{name}": value for name, value in login.items()},
            "mysql__database": database,
            "webhook_key": base64.b64encode(b"w" * 32).decode(),
            "webhooks_port": str(self.port),
            "metrics_port": str(self.metrics_port),
            "public_url": PUBLIC_URL,
        }
        env = {**os.environ, **{f"FRESHPIPE_{name.upper()}": value for name, value in settings.items()}}
        with log.open("wb") as output:
            self.running = subprocess.Popen([sys.executable, "-c", RUN], env=env, stderr=output)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def process(kafka: Kafka, mysql: MariaDB, database: str, tmp_path: Path) -> Iterator[Process]:
    migrate(address(mysql, database))
    grant_receiver(address(mysql, database), RECEIVER, PASSWORD)
    started = Process(kafka, mysql, database, tmp_path / "log")
    yield started
    started.running.kill()
    started.running.wait()


async def answered(session: ClientSession, process: Process, path: str) -> None:
    """Until it answers 200."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            assert process.running.poll() is None, process.log.read_text()
            with contextlib.suppress(ClientError):
                async with session.get(process.url(path)) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)


async def test_it_receives_publishes_and_stops_when_told(
    process: Process, kafka: Kafka, mysql: MariaDB, database: str, create_topics: Callable[..., None]
) -> None:
    create_topics("changes.hubspot")
    registered = Registered(address(mysql, database))
    await registered.fill()
    await add_product_secret(registered.database, KEYS, "hubspot", "client_secret", CLIENT_SECRET)
    await registered.database.close()
    body, path = body_of(event()), f"/v1/hooks/{registered.token}"
    async with ClientSession() as session:
        await answered(session, process, "/readyz")
        async with session.get(process.url(path)) as probe:
            assert probe.status == 200
        for to in (APP_PATH, path):
            async with session.post(process.url(to), data=body, headers=signed(body, to)) as answer:
                assert answer.status == 202
        async with session.get(f"http://127.0.0.1:{process.metrics_port}/metrics") as metrics:
            assert 'result="accepted"' in await metrics.text()
    keys = [key for key, _ in await stored(kafka.bootstrap, "changes.hubspot")]
    assert keys == [b"a-hs/contact/508369434347"] * 2
    process.running.send_signal(signal.SIGTERM)
    assert process.running.wait(DEADLINE_S) == 0
    log = process.log.read_text()
    for secret in (registered.token, CLIENT_SECRET, PASSWORD, "Maton"):
        assert secret not in log


async def test_a_malformed_request_is_not_quoted_in_the_log(process: Process) -> None:
    async with ClientSession() as session:
        await answered(session, process, "/livez")
    raw = b"POST /v1/hooks/canary-token HTTP/9.9 nonsense\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
    writer.write(raw)
    assert b" 400 " in await reader.readline()
    writer.close()
    assert "canary-token" not in process.log.read_text()


def test_without_its_key_it_does_not_start() -> None:
    settings = Settings.model_validate(
        {"kafka": {"bootstrap": "127.0.0.1:1"}, "mysql": {"host": "127.0.0.1", "user": "u", "password": "p"}}
    )
    with pytest.raises(BadKey):
        run(settings)
