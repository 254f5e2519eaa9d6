"""(a) Durable webhooks per second and CPU per webhook, against a bare aiohttp echo under the same load."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from console.setup import prepare
from deploy.local.processes import accepts
from deploy.local.secrets import key
from deploy.local.services import Kafka, MariaDB
from schemas.configuration import Connection, Tenant
from schemas.settings import Settings
from streams.database import Database
from streams.migrations import grant_receiver
from streams.registry.connections import add_connection
from streams.registry.keys import Keys
from streams.registry.tenants import add_tenant
from streams.registry.webhooks import add_product_secret
from tests.bench.cpu import cpu_us, rss_mb
from tests.bench.load import Load, post, press
from tests.ports import free_port

CONNECTIONS = 256
PREPARED = 2_000
PORTAL = "147893286"
FRESHPIPE = str(Path(sys.executable).with_name("freshpipe"))
START_S = 60


@dataclass(frozen=True, slots=True)
class Served:
    """What a server did under load."""

    load: Load
    cpu_us: float
    """Per request."""
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Receiver:
    """The receiver and its bare counterpart."""

    ours: Served
    bare: Served

    @property
    def ratio(self) -> float:
        return self.ours.load.rate / self.bare.load.rate


def measure_receiver(kafka: Kafka, mysql: MariaDB, home: Path, seconds: float) -> Receiver:
    """Signed HubSpot webhooks of one event, 202 after the broker's acknowledgement; then the echo."""
    port, secret = free_port(), secrets.token_urlsafe(24)
    environment = _environment(kafka, mysql, home, port)
    written = home / "bench.env"
    written.write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    asyncio.run(_set_up(Settings(_env_file=written), secret, mysql.hooks_user))
    url = f"http://127.0.0.1:{port}/v1/hooks/app/hubspot"
    requests = [_webhook(number, secret, url) for number in range(PREPARED)]
    restricted = environment | {
        "FRESHPIPE_MYSQL__USER": mysql.hooks_user,
        "FRESHPIPE_MYSQL__PASSWORD": mysql.hooks_password,
        "FRESHPIPE_CREDENTIALS_KEY": "",
    }
    with _server([FRESHPIPE, "webhooks"], restricted, port) as pid:
        ours = _press(pid, port, requests, seconds)
    echo_port = free_port()
    with _server([sys.executable, "-m", "tests.bench.echo", str(echo_port)], {}, echo_port) as pid:
        bare = _press(
            pid, echo_port, [post("/echo", request.split(b"\r\n\r\n", 1)[1], {}) for request in requests], seconds
        )
    return Receiver(ours, bare)


def _press(pid: int, port: int, requests: list[bytes], seconds: float) -> Served:
    def request(number: int) -> bytes:
        return requests[number % PREPARED]

    asyncio.run(press("127.0.0.1", port, request, seconds=0.5, connections=CONNECTIONS, ok=b"202"))
    before = cpu_us([pid])
    load = asyncio.run(press("127.0.0.1", port, request, seconds=seconds, connections=CONNECTIONS, ok=b"202"))
    if load.failures or not load.requests:
        raise RuntimeError(f"{load.failures} of {load.requests + load.failures} requests were not answered 202")
    return Served(load, (cpu_us([pid]) - before) / load.requests, rss_mb(pid))


def _webhook(number: int, secret: str, url: str) -> bytes:
    now = time.time_ns() // 1_000_000
    event = {
        "eventId": 60_775_291 + number,
        "subscriptionId": 6_527_612,
        "portalId": int(PORTAL),
        "appId": 39_522_895,
        "occurredAt": now + number,
        "subscriptionType": "contact.propertyChange",
        "attemptNumber": 0,
        "objectId": 508_369_434_347 + number,
        "propertyName": "firstname",
        "propertyValue": "Maton",
        "changeSource": "CRM_UI",
        "sourceId": "userId:47812075",
    }
    body = json.dumps([event]).encode()
    signed = hmac.new(secret.encode(), f"POST{url}".encode() + body + str(now).encode(), hashlib.sha256).digest()
    headers = {"Content-Type": "application/json", "X-HubSpot-Request-Timestamp": str(now)}
    headers["X-HubSpot-Signature-v3"] = base64.b64encode(signed).decode()
    return post("/v1/hooks/app/hubspot", body, headers)


async def _set_up(settings: Settings, secret: str, hooks_user: str) -> None:
    await prepare(settings)
    await asyncio.to_thread(grant_receiver, settings.mysql, hooks_user)
    database, keys = Database(settings.mysql, size=1), Keys.of(settings)
    await add_tenant(database, Tenant(id="bench", name="Bench"))
    connection = Connection(
        tenant="bench", id="bench-hubspot", product="hubspot", base_url="http://127.0.0.1:1", account=PORTAL
    )
    await add_connection(database, keys, connection)
    await add_product_secret(database, keys, "hubspot", "client_secret", secret)
    await database.close()


def _environment(kafka: Kafka, mysql: MariaDB, home: Path, port: int) -> dict[str, str]:
    return {
        "FRESHPIPE_KAFKA__BOOTSTRAP": kafka.bootstrap,
        "FRESHPIPE_KAFKA__PARTITIONS": "4",
        "FRESHPIPE_KAFKA__REPLICATION": "1",
        "FRESHPIPE_KAFKA__MIN_INSYNC": "1",
        "FRESHPIPE_MYSQL__HOST": mysql.host,
        "FRESHPIPE_MYSQL__PORT": str(mysql.port),
        "FRESHPIPE_MYSQL__USER": mysql.user,
        "FRESHPIPE_MYSQL__PASSWORD": mysql.password,
        "FRESHPIPE_CREDENTIALS_KEY": key(home / "credentials.key"),
        "FRESHPIPE_WEBHOOK_KEY": key(home / "webhook.key"),
        "FRESHPIPE_WEBHOOKS_PORT": str(port),
        "FRESHPIPE_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }


@contextmanager
def _server(argv: list[str], environment: dict[str, str], port: int) -> Iterator[int]:
    process = subprocess.Popen(argv, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_S
        while not accepts(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{argv[-1]} did not start")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait(15)
