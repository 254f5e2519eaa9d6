"""The records of one object type: by id, in the order of their last change, by their unique values."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator

import msgspec

from connectors.sandbox.hubspot.kinds import Kind


class Revision(msgspec.Struct, array_like=True, frozen=True):
    """A value that a property had, since when and from whom."""

    value: str
    at: int
    source: str
    source_id: str


class Record(msgspec.Struct):
    """An object of the CRM. `properties` is replaced, never changed in place: the search index keeps older ones."""

    id: int
    properties: dict[str, str]
    created: int
    modified: int
    archived_at: int = 0
    history: dict[str, list[Revision]] = {}
    """Per property, newest first."""
    merged: list[int] = []

    @property
    def emails(self) -> list[str]:
        """The addresses under which a contact is known, in lower case."""
        more = self.properties.get("hs_additional_emails", "")
        return [text.lower() for text in (self.properties.get("email", ""), *more.split(";")) if text]


class Shelf:
    """Look-ups cost O(1), a page of the list O(log n + page)."""

    def __init__(self, kind: Kind, unique: set[str]) -> None:
        self.kind = kind
        self.records: dict[int, Record] = {}
        self.merged_into: dict[int, int] = {}
        self._ids: list[int] = []
        self._unique: dict[str, dict[str, int]] = {name: {} for name in unique}

    def add(self, record: Record) -> None:
        self.records[record.id] = record
        insort(self._ids, record.id)
        self._register(record)
        for old in record.merged:
            self.merged_into[old] = record.id

    def replace(self, record: Record, properties: dict[str, str]) -> None:
        """Give a record other properties."""
        self._forget(record)
        record.properties = properties
        self._register(record)

    def archive(self, record: Record, at: int) -> None:
        self._forget(record)
        record.archived_at = at

    def restore(self, record: Record) -> None:
        record.archived_at = 0
        self._register(record)

    def remove(self, record: Record) -> None:
        """Take a record away for good."""
        self._forget(record)
        del self.records[record.id]
        del self._ids[bisect_right(self._ids, record.id) - 1]

    def make_unique(self, property: str) -> None:
        """Enforce from now on that no two records have the same value of this property."""
        self._unique[property] = {}
        for record in self.records.values():
            self._register(record)

    def live(self, id: int) -> Record | None:
        """The record of this id, unless it is archived. The id of a merged record leads to the one it went into."""
        record = self.records.get(self.merged_into.get(id, id))
        return record if record is not None and not record.archived_at else None

    def holder(self, property: str, value: str) -> Record | None:
        """The live record that has this unique value."""
        id = self._unique.get(property, {}).get(value.lower())
        return None if id is None else self.records[id]

    def is_unique(self, property: str) -> bool:
        return property in self._unique

    def after(self, id: int) -> Iterator[Record]:
        """The records with a greater id, ascending."""
        for at in range(bisect_right(self._ids, id), len(self._ids)):
            yield self.records[self._ids[at]]

    def _keys(self, record: Record) -> Iterator[tuple[dict[str, int], str]]:
        if record.archived_at:
            return
        for name, held in self._unique.items():
            values = record.emails if name == "email" else [record.properties.get(name, "").lower()]
            yield from ((held, value) for value in values if value)

    def _register(self, record: Record) -> None:
        for held, value in self._keys(record):
            held[value] = record.id

    def _forget(self, record: Record) -> None:
        for held, value in self._keys(record):
            if held.get(value) == record.id:
                del held[value]
