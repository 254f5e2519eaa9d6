"""A tenant with two accounts on a real database, and a product that lists what a test puts there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import pytest

from connectors.discovery import DiscoveredField
from connectors.entities import Found
from connectors.errors import CallFailed
from connectors.reads import Page
from schemas.configuration import Connection, ConnectionState, Installation, Tenant
from schemas.documents.connector import Entity
from schemas.events import Category, Change, Control, Due, Nudge, Reading, Snapshot, SyncEvent, Trail
from schemas.headers import Headers
from schemas.records import RecordId
from schemas.sealing import Keyring
from schemas.values import Value
from streams.crawler.context import Crawl
from streams.crawler.work import Kind, Name, Step, Task
from streams.database import Database
from streams.emit import Emit
from streams.engine.plan import InstallationPlan, Line, PairPlan, Plan, Reference
from streams.registry.configuration import Configuration
from streams.registry.connections import add_connection
from streams.registry.installations import add_installation
from streams.registry.keys import Keys
from streams.registry.loading import TenantConfiguration
from streams.registry.tenants import add_tenant
from tests.streams.product import CONTACT_DOCUMENT, CONTACT_OPERATIONS, Clock

PAGED = {
    **CONTACT_OPERATIONS,
    "list": {"call": "GET /contacts"},
    "changes": {"call": "GET /contacts", "since": {"field": "name"}},
}


def entity_of(**changes: object) -> Entity:
    return Entity.model_validate_json(msgspec.json.encode({**CONTACT_DOCUMENT, "ops": PAGED, **changes}))


@dataclass
class Account:
    """Lists two records a page. `failures` are raised first; `calls` says what was asked."""

    clock: Clock
    records: dict[str, Found] = field(default_factory=dict)
    failures: list[CallFailed] = field(default_factory=list)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    document: Entity = field(default_factory=entity_of)

    def put(self, id: str, updated_at: int = 0, deleted: bool = False, **fields: Value) -> None:
        reading = Reading(fields=fields, updated_at=updated_at, read_from=self.clock.at, read_to=self.clock.at)
        self.records[id] = Found(id, reading, deleted)

    def entity(self, name: str) -> Entity:
        return self.document

    async def get(self, entity: str, id: str) -> Reading | None:
        self.calls.append(("get", id))
        found = self.records.get(id)
        return found.reading if found else None

    async def list(self, entity: str, cursor: str | None = None) -> Page:
        return self._page(("list", cursor), sorted(self.records.items()), cursor)

    async def changes(self, entity: str, since_ms: int, cursor: str | None = None) -> Page:
        rows = [item for item in sorted(self.records.items()) if item[1].reading.updated_at >= since_ms]
        return self._page(("changes", since_ms, cursor), rows, cursor)

    async def prepare_account(self) -> Mapping[str, CallFailed]:
        self.calls.append(("prepare",))
        return {}

    async def discover(self, entity: str, *, fresh: bool = False) -> Sequence[DiscoveredField]:
        self.calls.append(("discover", entity))
        self._fail()
        return []

    def _page(self, call: tuple[object, ...], rows: Sequence[tuple[str, Found]], cursor: str | None) -> Page:
        self.calls.append(call)
        self._fail()
        start = int(cursor or 0)
        following = str(start + 2) if len(rows) > start + 2 else None
        return Page(tuple(found for _, found in rows[start : start + 2]), following)

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class World:
    """Implements the crawler's Listings, and keeps what was published."""

    tenant: str
    configuration: Configuration
    clock: Clock
    account: Account
    states: dict[str, ConnectionState] = field(default_factory=dict)
    said: list[tuple[str, bytes]] = field(default_factory=list)

    def connection(self, id: str) -> Connection | None:
        known = self.configuration.connection(id)
        state = self.states.get(id)
        return known if known is None or state is None else msgspec.structs.replace(known, state=state)

    def client(self, connection: Connection) -> Account:
        return self.account

    async def broken(self, connection: Connection, category: Category, message: str) -> bool:
        first = self.states.get(connection.id) != "broken"
        self.states[connection.id] = "broken"
        return first

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        self.said.append((topic, value))

    @property
    def sync(self) -> list[SyncEvent]:
        """This tenant's: tests share a database, and a crawler serves everybody."""
        events = [msgspec.json.decode(value, type=SyncEvent) for topic, value in self.said if topic == "sync"]
        return [event for event in events if event.tenant == self.tenant]

    @property
    def snapshots(self) -> list[Snapshot]:
        return [event for event in self.sync if isinstance(event, Snapshot)]

    @property
    def nudges(self) -> list[Nudge]:
        return [event for event in self.sync if isinstance(event, Nudge)]

    @property
    def controls(self) -> list[Control]:
        return [event for event in self.sync if isinstance(event, Control)]

    @property
    def hints(self) -> list[Change]:
        return [msgspec.json.decode(value, type=Change) for topic, value in self.said if topic.startswith("changes.")]

    @property
    def trail(self) -> list[Trail]:
        return [msgspec.json.decode(value, type=Trail) for topic, value in self.said if topic == "trail"]

    def task(self, kind: Kind, *, entity: str = "contact", installation: str = "", pair: str = "") -> Task:
        """A task of the left account, at its beginning."""
        connection = "" if kind in ("handover", "retention") else f"{self.tenant}-fs"
        name = Name(
            tenant=self.tenant,
            kind=kind,
            connection=connection,
            entity=entity if connection else "",
            installation=installation,
            pair=pair,
        )
        return Task(name)

    def due(self, id: str, at: int, side: str = "fs") -> Due:
        nudge = Nudge(id=id, tenant=self.tenant, record=RecordId(f"{self.tenant}-{side}", "contact", "1"))
        return Due(id=id, tenant=self.tenant, at=at, event=nudge)


def after(task: Task, step: Step) -> Task:
    """The task as it goes on after a step."""
    return Task(task.name, step.cursor, step.watermark, step.failures, step.progress)


def make_plan(configuration: TenantConfiguration, revision: int) -> Plan:
    """Contacts refer to companies."""
    company = PairPlan(name="company", left="company", right="company", lines=(), match=())
    reference = Line(name="company", left="company", right="company", reference=Reference(pair="company"))
    contact = PairPlan(name="contact", left="contact", right="contact", lines=(reference,), match=())
    return Plan(
        tenant=configuration.tenant.id,
        revision=revision,
        installations={
            one.id: InstallationPlan(
                id=one.id,
                left=one.left,
                right=one.right,
                state=one.state,
                pairs={"contact": contact, "company": company},
            )
            for one in configuration.installations.values()
        },
    )


@pytest.fixture
async def world(pool: Database, unique: str) -> AsyncIterator[World]:
    """Connections `<tenant>-fs` and `<tenant>-hs`, installation `<tenant>-i` in state linking."""
    keys = Keys(credentials=Keyring([b"c" * 32]), webhooks=Keyring([b"w" * 32]))
    await add_tenant(pool, Tenant(id=unique, name="Acme"))
    for side, product in (("fs", "freshsales"), ("hs", "hubspot")):
        connection = Connection(
            tenant=unique, id=f"{unique}-{side}", product=product, base_url=f"https://{side}.example.com"
        )
        await add_connection(pool, keys, connection)
    installation = Installation(
        tenant=unique, id=f"{unique}-i", app="a", version="1.0.0", left=f"{unique}-fs", right=f"{unique}-hs"
    )
    await add_installation(pool, installation)
    configuration = Configuration(pool, make_plan, poll_s=0.05)
    await configuration.start()
    clock = Clock()
    yield World(unique, configuration, clock, Account(clock))
    await configuration.stop()


@pytest.fixture
def crawl(world: World, pool: Database) -> Crawl:
    return Crawl(
        database=pool,
        configuration=world.configuration,
        products=world,
        emit=Emit(world.publish, "crawler"),
        now=world.clock,
    )
