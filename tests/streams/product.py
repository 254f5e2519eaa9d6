"""A scripted product, ledger and broker for the stages' tests: state in memory, failures on demand, a clock by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from connectors.errors import CallFailed
from schemas.configuration import Connection
from schemas.documents.connector import Entity
from schemas.events import Category, Change, Command, Due, FieldWrite, Outcome, Reading, Snapshot, Trail
from schemas.headers import Headers
from schemas.records import RecordId
from schemas.values import Value
from schemas.versions import Version
from streams.engine.plan import FieldPlan, Side
from streams.errors import DatabaseAway
from streams.intents import Intent, State

CONTACT_OPERATIONS = {
    "get": {"call": "GET /contacts/{id}"},
    "find": {"call": "GET /find", "by": ["email", "external_id", "phone"], "lag_s": 10},
    "create": {"call": "POST /contacts"},
    "update": {"call": "PUT /contacts/{id}"},
    "delete": {"call": "DELETE /contacts/{id}"},
}
CONTACT_DOCUMENT = {
    "item": {"id": "/id"},
    "keys": [["email"]],
    "stamp": "external_id",
    "fields": {
        "email": {"type": "email"},
        "name": {"type": "string", "required": True},
        "phone": {"type": "phone"},
        "city": {"type": "string"},
        "external_id": {"type": "string"},
    },
    "ops": CONTACT_OPERATIONS,
}
CONTACT = Entity.model_validate_json(msgspec.json.encode(CONTACT_DOCUMENT))


class Clock:
    """Our clock, moved by hand."""

    def __init__(self, at: int = 1_800_000_000_000) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


@dataclass(frozen=True)
class Made:
    id: str
    reading: Reading


@dataclass
class Product:
    """`failures[call]` are raised one after the other; `refuses[field]` whenever that field is written."""

    clock: Clock
    entity_document: Entity = CONTACT
    records: dict[str, Reading] = field(default_factory=dict)
    failures: dict[str, list[CallFailed | None]] = field(default_factory=lambda: defaultdict(list))
    refuses: dict[str, CallFailed] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Ids that the search does not know yet."""
    effects: bool = True
    """Whether a write that then fails as `sent` takes effect."""
    shows: bool = True
    calls: list[tuple[str, str]] = field(default_factory=list)

    def entity(self, name: str) -> Entity:
        return self.entity_document

    def put(self, id: str, updated_at: int = 0, stamp: str | None = None, **fields: Value) -> None:
        self.store(id, fields, updated_at, stamp)

    def store(self, id: str, fields: Mapping[str, Value], updated_at: int = 0, stamp: str | None = None) -> None:
        at = self.clock.at
        self.records[id] = Reading(
            fields=dict(fields), updated_at=updated_at or at, stamp=stamp, read_from=at, read_to=at
        )

    def _fail(self, call: str, about: str) -> CallFailed | None:
        self.calls.append((call, about))
        return self.failures[call].pop(0) if self.failures[call] else None

    async def get(self, entity: str, id: str) -> Reading | None:
        if failure := self._fail("get", id):
            raise failure
        found = self.records.get(id)
        return found and msgspec.structs.replace(found, read_from=self.clock.at, read_to=self.clock.at)

    async def find(self, entity: str, field: str, value: Value) -> Sequence[Made]:
        if failure := self._fail("find", field):
            raise failure
        return [
            Made(id, reading)
            for id, reading in self.records.items()
            if id not in self.hidden
            and value == (reading.stamp if field == "external_id" else reading.fields.get(field))
        ]

    async def create(self, entity: str, fields: Mapping[str, Value], stamp: str) -> Made:
        failure = self._fail("create", stamp)
        self._refuse(fields)
        if failure and not (failure.sent and self.effects):
            raise failure
        id = str(len(self.records) + 1)
        self.store(id, {name: _normal(value) for name, value in fields.items()}, stamp=stamp)
        if failure:
            raise failure
        return Made(id, self.records[id])

    async def update(self, entity: str, id: str, fields: Mapping[str, Value]) -> Reading | None:
        failure = self._fail("update", ",".join(fields))
        self._refuse(fields)
        if failure and not (failure.sent and self.effects):
            raise failure
        held = self.records[id].fields
        self.store(id, held | {name: _normal(value) for name, value in fields.items()})
        if failure:
            raise failure
        return self.records[id] if self.shows else None

    async def delete(self, entity: str, id: str) -> None:
        if failure := self._fail("delete", id):
            raise failure
        del self.records[id]

    def _refuse(self, fields: Mapping[str, Value]) -> None:
        for name in fields:
            if name in self.refuses:
                raise self.refuses[name]


def _normal(value: Value) -> Value:
    return value.strip() if isinstance(value, str) else value


def _lower(value: Value) -> Value:
    return value.strip().lower() if isinstance(value, str) else value


@dataclass
class World:
    """Everything that a stage calls, and what it said."""

    clock: Clock = field(default_factory=Clock)
    connection_state: Connection = field(
        default_factory=lambda: Connection(
            tenant="acme", id="hs", product="hubspot", base_url="https://hubspot.example"
        )
    )
    known: bool = True
    said: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    intents: dict[tuple[str, str], Intent] = field(default_factory=dict)
    ledger_away: bool = False
    broken_calls: int = 0

    def __post_init__(self) -> None:
        self.product = Product(self.clock)

    # Accounts

    def connection(self, id: str) -> Connection | None:
        return self.connection_state if self.known and id == "hs" else None

    def client(self, connection: Connection) -> Product:
        return self.product

    def fields(self, connection: Connection, entity: str) -> Mapping[str, FieldPlan]:
        return {"email": FieldPlan(name="email", canonical=_lower), "name": FieldPlan(name="name", canonical=_strip)}

    def side(self, connection: Connection, installation: str) -> Side | None:
        return "right" if installation == "app" else None

    async def broken(self, connection: Connection, category: Category, message: str) -> bool:
        self.broken_calls += 1
        first = self.connection_state.state == "active"
        self.connection_state = msgspec.structs.replace(self.connection_state, state="broken")
        return first

    # Publish

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        self.said.append((topic, key, value))

    def said_as(self, topic: str) -> list[bytes]:
        return [value for name, _, value in self.said if name == topic]

    @property
    def snapshots(self) -> list[Snapshot]:
        return [msgspec.json.decode(value, type=Snapshot) for value in self.said_as("sync")]

    @property
    def outcomes(self) -> list[Outcome]:
        return [msgspec.json.decode(value, type=Outcome) for value in self.said_as("sync")]

    @property
    def trail(self) -> list[Trail]:
        return [msgspec.json.decode(value, type=Trail) for value in self.said_as("trail")]

    @property
    def due(self) -> list[Due]:
        return [msgspec.json.decode(value, type=Due) for value in self.said_as("due")]

    # Ledger

    async def find(self, command: Command, side: Side) -> Intent | None:
        if self.ledger_away:
            raise DatabaseAway("mysql")
        return self.intents.get((command.link, side))

    async def sending(self, command: Command, side: Side, known: Intent | None) -> bool:
        present = self.intents.get((command.link, side))
        if (present.attempt if present else None) != (known.attempt if known else None):
            return False
        attempt = present.attempt + 1 if present else 1
        self.intents[command.link, side] = Intent("sent", attempt, self.clock.at, None)
        return True

    async def ended(self, command: Command, side: Side, state: State, created_id: str | None = None) -> None:
        present = self.intents.get((command.link, side))
        if present is not None:
            self.intents[command.link, side] = Intent(state, present.attempt, present.sent_at, created_id)


def _strip(value: Value) -> Value:
    return value.strip() if isinstance(value, str) else value


def contact(id: str = "1") -> RecordId:
    return RecordId("hs", "contact", id)


def change(id: str = "c1", **given: object) -> Change:
    base = Change(id=id, tenant="acme", record=contact(), received_at=1_800_000_000_000)
    return msgspec.structs.replace(base, **given)


def write(value: Value, expected: Value | msgspec.UnsetType = msgspec.UNSET) -> FieldWrite:
    return FieldWrite(value=value, version=Version(1), expected=expected)


def command(fields: dict[str, FieldWrite], **given: object) -> Command:
    base = Command(
        id="cmd1",
        tenant="acme",
        record=contact(),
        sequence=1,
        fields=fields,
        installation="app",
        pair="contact",
        link="l1",
        issued_at=1_800_000_000_000,
        received_at=1_800_000_000_000,
    )
    return msgspec.structs.replace(base, **given)
