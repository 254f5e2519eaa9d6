"""The built-in documents, and an application that publishes to a list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from prometheus_client import CollectorRegistry

import connectors
from schemas.documents.connector import load_connector
from schemas.sealing import Keyring, token_digest, webhook_secret_place
from schemas.settings import Settings
from webhooks.app import make_app
from webhooks.endpoints import Endpoints
from webhooks.errors import Refused
from webhooks.intake import Intake
from webhooks.metrics import Metrics
from webhooks.rows import EndpointRow, ProductRow
from webhooks.sorting import Message

Client = TestClient[Request, Application]
PUBLIC_URL = "https://hooks.example.com"
CLIENT_SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
RING = Keyring([b"w" * 32])


def document(product: str) -> str:
    """The text of a built-in connector."""
    return (Path(connectors.__file__).parent / f"{product}.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def hubspot() -> Intake:
    return Intake(load_connector(document("hubspot"), "hubspot"))


@pytest.fixture(scope="session")
def freshsales() -> Intake:
    return Intake(load_connector(document("freshsales"), "freshsales"))


@dataclass
class Rows:
    """A webhooks.rows.Source that holds what it is given."""

    endpoints: list[EndpointRow] = field(default_factory=list)
    products: list[ProductRow] = field(default_factory=list)
    number: int = 1

    async def revision(self) -> int:
        return self.number

    async def rows(self) -> tuple[int, Sequence[EndpointRow], Sequence[ProductRow]]:
        return self.number, list(self.endpoints), list(self.products)

    async def close(self) -> None:
        pass


def endpoint_row(token: str, tenant: str, connection: str, product: str, account: str = "") -> EndpointRow:
    return EndpointRow(token_digest(token), tenant, connection, product, account, "", "")


def product_row(product: str, *secrets: str) -> list[ProductRow]:
    place = webhook_secret_place("", product, "client_secret")
    sealed = [("client_secret", RING.seal(secret, place)) for secret in secrets] or [("", "")]
    return [ProductRow(product, document(product), name, text) for name, text in sealed]


@dataclass
class Outbox:
    """A `Publish` that keeps what it gets, or refuses it."""

    messages: list[Message] = field(default_factory=list)
    refusal: Refused | None = None

    async def publish(self, messages: Sequence[Message]) -> None:
        if self.refusal:
            raise self.refusal
        self.messages += messages


@pytest.fixture
def rows() -> Rows:
    """Acme has a Freshsales and a HubSpot account; Globex has another HubSpot account."""
    return Rows(
        endpoints=[
            endpoint_row("acme-fs-token", "acme", "a-fs", "freshsales"),
            endpoint_row("acme-hs-token", "acme", "a-hs", "hubspot", "62515"),
            endpoint_row("globex-hs-token", "globex", "g-hs", "hubspot", "99999"),
        ],
        products=[*product_row("freshsales"), *product_row("hubspot", CLIENT_SECRET)],
    )


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def settings() -> Settings:
    return Settings.model_validate(
        {
            "kafka": {"bootstrap": "127.0.0.1:1"},
            "mysql": {"host": "127.0.0.1", "user": "u", "password": "p"},
            "public_url": PUBLIC_URL,
        }
    )


@pytest.fixture
async def client(rows: Rows, outbox: Outbox, registry: CollectorRegistry, settings: Settings) -> AsyncIterator[Client]:
    """Speaks to an application with these endpoints, whose slowest body may take 0.2 s."""
    endpoints = Endpoints(rows, RING, gap_s=0)
    await endpoints.start()
    await endpoints.refreshed()
    app = make_app(settings, endpoints, outbox.publish, Metrics.of(registry), body_s=0.2)
    async with TestClient(TestServer(app)) as speaking:
        yield speaking
    await endpoints.stop()
