"""The records of one type: by id, in the order of their last change, by the values they can be found by."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from connectors.sandbox.calls import JSON
from connectors.sandbox.freshsales.fields import CONTACTS, Entity


class Email(msgspec.Struct):
    """One address of a contact."""

    id: int
    value: str
    is_primary: bool = False
    label: str | None = None


class Tie(msgspec.Struct):
    """A contact's association with an account."""

    id: int
    is_primary: bool = False


class Record(msgspec.Struct, kw_only=True):
    """A contact, account or deal. Times in ms; the API shows seconds."""

    id: int
    fields: dict[str, JSON]
    custom: dict[str, JSON] = {}
    emails: list[Email] = []
    accounts: list[Tie] = []
    created: int
    updated: int
    is_deleted: bool = False

    @property
    def email(self) -> str | None:
        """The primary address."""
        return next((each.value for each in self.emails if each.is_primary), None)


class Shelf:
    """Look-ups cost O(1); the newest changes come first without sorting."""

    def __init__(self, entity: Entity) -> None:
        self.records: dict[int, Record] = {}
        self._order: dict[int, None] = {}
        self._last = 0
        names = ("emails", "mobile_number", "external_id", "name") if entity is CONTACTS else ("name", "external_id")
        self._held: dict[str, dict[str, dict[int, None]]] = {name: {} for name in names}
        self._keys: dict[int, list[tuple[str, str]]] = {}

    def put(self, record: Record) -> None:
        """Add a record, or take note of its change."""
        self.records[record.id] = record
        self._register(record)
        self._order.pop(record.id, None)
        if record.is_deleted:
            return
        self._order[record.id] = None
        if record.updated < self._last:
            records = sorted((self.records[id] for id in self._order), key=_by_change)
            self._order = dict.fromkeys(each.id for each in records)
        self._last = max(self._last, record.updated)

    def remove(self, record: Record) -> None:
        """Take a record away for good."""
        self._unregister(record.id)
        self._order.pop(record.id, None)
        del self.records[record.id]

    def live(self, id: int) -> Record | None:
        record = self.records.get(id)
        return record if record is not None and not record.is_deleted else None

    def holding(self, field: str, value: str) -> list[Record]:
        """The live records with this value, whatever the case."""
        return [self.records[id] for id in self._held.get(field, {}).get(value.strip().lower(), ())]

    def can_find_by(self, field: str) -> bool:
        return field in self._held

    def newest_first(self) -> Iterator[Record]:
        return (self.records[id] for id in reversed(self._order))

    def __len__(self) -> int:
        """How many records are live."""
        return len(self._order)

    def _register(self, record: Record) -> None:
        self._unregister(record.id)
        if record.is_deleted:
            return
        keys = [(field, value.strip().lower()) for field, value in _values(record) if value and field in self._held]
        for field, value in keys:
            self._held[field].setdefault(value, {})[record.id] = None
        self._keys[record.id] = keys

    def _unregister(self, id: int) -> None:
        for field, value in self._keys.pop(id, []):
            holders = self._held[field][value]
            holders.pop(id, None)
            if not holders:
                del self._held[field][value]


def _by_change(record: Record) -> tuple[int, int]:
    return record.updated, record.id


def _values(record: Record) -> Iterator[tuple[str, str]]:
    yield from (("emails", each.value) for each in record.emails)
    yield "mobile_number", record.fields.get("mobile_number") or ""
    yield "external_id", record.fields.get("external_id") or ""
    yield "name", record.fields.get("name") or display_name(record)


def display_name(record: Record) -> str:
    """First and last name, else the e-mail address, else what else is known."""
    names = [record.fields.get("first_name"), record.fields.get("last_name")]
    return " ".join(filter(None, names)) or record.email or record.fields.get("mobile_number") or ""
