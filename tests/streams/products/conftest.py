"""The stages between a product's stand-in and a real ledger of creates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import pytest

from connectors.client import Client, Clients
from connectors.sandbox.server import Running
from schemas.configuration import Connection
from schemas.events import Category, Change, Command, FieldWrite, Outcome, Snapshot
from schemas.headers import Headers
from schemas.records import RecordId
from schemas.values import Value
from schemas.versions import Version
from streams.database import Database
from streams.engine.plan import FieldPlan, Side
from streams.intents import Intents
from streams.ports import now_ms
from streams.sink import SinkStage
from streams.source import SourceStage
from tests.connectors.accounts import Opened, open_account
from tests.connectors.conftest import clients, product, sandbox

__all__ = ["clients", "product", "sandbox"]


@dataclass
class Bench:
    """Implements Accounts for one account of the sandbox, and keeps what the stages say."""

    account: Opened
    connection_now: Connection
    said: list[tuple[str, bytes]] = field(default_factory=list)
    later_ms: int = 0
    """How far our clock is moved ahead."""
    sequence: int = 0

    def now(self) -> int:
        return now_ms() + self.later_ms

    def connection(self, id: str) -> Connection | None:
        return self.connection_now

    def client(self, connection: Connection) -> Client:
        return self.account.clients.of(connection)

    def fields(self, connection: Connection, entity: str) -> Mapping[str, FieldPlan]:
        return {}

    def side(self, connection: Connection, installation: str) -> Side | None:
        return "right"

    async def broken(self, connection: Connection, category: Category, message: str) -> bool:
        self.connection_now = msgspec.structs.replace(self.connection_now, state="broken")
        return True

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        self.said.append((topic, value))

    def record(self, id: str) -> RecordId:
        return RecordId(self.account.connection.id, "contact", id)

    def change(self, id: str) -> Change:
        return Change(id=f"c{id}", tenant=self.account.connection.tenant, record=self.record(id), received_at=now_ms())

    def command(self, id: str, fields: dict[str, FieldWrite], **given: object) -> Command:
        self.sequence += 1
        made = Command(
            id=f"cmd{self.sequence}",
            tenant=self.account.connection.tenant,
            record=self.record(id),
            sequence=self.sequence,
            fields=fields,
            link=f"link-{self.account.name}",
            issued_at=now_ms(),
        )
        return msgspec.structs.replace(made, **given)

    def create(self, email: str) -> Command:
        fields = {"email": set_to(email), self.account.first_name: set_to("Zoë")}
        placeholder = f"new:{self.account.name}"
        return self.command(placeholder, fields, action="create", keys=(("email", email),))

    @property
    def snapshot(self) -> Snapshot:
        return msgspec.json.decode([value for topic, value in self.said if topic == "sync"][-1], type=Snapshot)

    @property
    def outcome(self) -> Outcome:
        return msgspec.json.decode([value for topic, value in self.said if topic == "sync"][-1], type=Outcome)


def set_to(value: Value, expected: Value | msgspec.UnsetType = msgspec.UNSET) -> FieldWrite:
    return FieldWrite(value=value, version=Version(1), expected=expected)


@pytest.fixture
async def bench(sandbox: Running, clients: Clients, product: str) -> Bench:
    account = await open_account(sandbox, clients, product, contacts=2)
    await account.client.prepare_account()
    return Bench(account, account.connection)


@pytest.fixture
def source(bench: Bench) -> SourceStage:
    return SourceStage(bench, bench.publish, bench.now)


@pytest.fixture
def sink(bench: Bench, pool: Database) -> SinkStage:
    return SinkStage(bench, Intents(pool), bench.publish, bench.now)
