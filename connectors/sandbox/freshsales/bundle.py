"""A bundle: everything that one Freshsales account holds."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import msgspec

from connectors.sandbox.calls import JSON, Announce, By
from connectors.sandbox.freshsales import choices, fields
from connectors.sandbox.freshsales.choices import Choice
from connectors.sandbox.freshsales.fields import ENTITIES, Entity, Field
from connectors.sandbox.freshsales.shelf import Record, Shelf
from connectors.sandbox.settings import FreshsalesSettings

_FIRST = {
    "contacts": 70_042_006_456,
    "sales_accounts": 70_003_771_198,
    "deals": 70_001_446_210,
    "emails": 70_037_311_213,
}
FIRST_USER = 70_000_012_345
FIRST_JOB = 5_501


class User(msgspec.Struct, frozen=True):
    """A user of the CRM, who may own records."""

    id: int
    email: str
    display_name: str


class Job(msgspec.Struct):
    """A bulk upsert. It runs when its time has come; `report` is what came out."""

    id: int
    runs_at: int
    by: By
    items: list[JSON]
    report: JSON = None


class BundleState(msgspec.Struct, kw_only=True):
    """What a snapshot keeps of a bundle."""

    settings: FreshsalesSettings = msgspec.field(default_factory=FreshsalesSettings)
    records: dict[str, list[Record]] = {}
    fields: dict[str, list[Field]] = {}
    """The custom ones, per record type."""
    choices: dict[str, list[Choice]] = msgspec.field(default_factory=choices.standard)
    users: list[User] = msgspec.field(
        default_factory=lambda: [
            User(FIRST_USER, "integration@freshpipe.example", "Integration"),
            User(FIRST_USER + 1, "admin@customer.example", "Admin"),
        ]
    )
    jobs: list[Job] = []
    issued: dict[str, int] = {}


class Bundle:
    """The records of one account with their definitions; the rules of writing are in `writes`."""

    def __init__(self, name: str, state: BundleState, announce: Announce, random: Random) -> None:
        self.name = name
        self.state = state
        self.announce = announce
        self.random = random
        self.fields = {plural: self._definitions(entity) for plural, entity in ENTITIES.items()}
        self.shelves = {plural: Shelf(entity) for plural, entity in ENTITIES.items()}
        for plural, records in state.records.items():
            for record in sorted(records, key=lambda record: record.updated):
                self.shelves[plural].put(record)

    @property
    def settings(self) -> FreshsalesSettings:
        return self.state.settings

    def saved(self) -> BundleState:
        """The state as it is now, for a snapshot."""
        self.state.records = {plural: list(shelf.records.values()) for plural, shelf in self.shelves.items()}
        return self.state

    def new_id(self, what: str) -> int:
        """The next id: eleven digits, rising, with gaps."""
        count = self.state.issued.get(what, 0) + 1
        self.state.issued[what] = count
        return _FIRST[what] + count * 7

    def user_of(self, by: By) -> User:
        """Whose key was used."""
        return self.state.users[1 if by == "person" else 0]

    def selectable(self, selector: str) -> set[int]:
        """The numbers that a system dropdown takes."""
        if selector == "owners":
            return {user.id for user in self.state.users}
        return {choice.id for choice in self.state.choices[selector]}

    def define(self, entity: Entity, field: Field) -> None:
        """Add or replace a custom field."""
        self.fields[entity.plural][field.name] = field
        own = self.state.fields.setdefault(entity.plural, [])
        own[:] = [*(each for each in own if each.name != field.name), field]

    def time(self, at: int) -> str:
        """A moment as the account writes it: whole seconds with the offset of its time zone."""
        moment = datetime.fromtimestamp(at // 1000, UTC)
        if self.settings.time_zone == "UTC":
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        return moment.astimezone(ZoneInfo(self.settings.time_zone)).isoformat(timespec="seconds")

    def _definitions(self, entity: Entity) -> dict[str, Field]:
        return {each.name: each for each in [*fields.standard(entity), *self.state.fields.get(entity.plural, [])]}
