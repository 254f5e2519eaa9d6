"""Associations as stored: between two records, in both directions, each with a set of type ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

PLAIN = {
    ("contacts", "companies"): 279,
    ("companies", "contacts"): 280,
    ("contacts", "deals"): 4,
    ("deals", "contacts"): 3,
    ("contacts", "tickets"): 15,
    ("tickets", "contacts"): 16,
    ("companies", "deals"): 342,
    ("deals", "companies"): 341,
    ("companies", "tickets"): 340,
    ("tickets", "companies"): 339,
    ("deals", "tickets"): 27,
    ("tickets", "deals"): 28,
}
"""The unlabelled association of each pair of object types."""
PRIMARY = {
    ("contacts", "companies"): 1,
    ("companies", "contacts"): 2,
    ("deals", "companies"): 5,
    ("companies", "deals"): 6,
    ("tickets", "companies"): 26,
    ("companies", "tickets"): 25,
}
"""The primary company, seen from either side."""


class End(NamedTuple):
    """One end of an association."""

    kind: str
    id: int


class Link(msgspec.Struct, array_like=True):
    """An association as a snapshot keeps it."""

    from_kind: str
    from_id: int
    to_kind: str
    to_id: int
    types: list[int]


class Links:
    """All associations of a portal. Every one is held from both of its ends."""

    def __init__(self, stored: Iterable[Link]) -> None:
        self._held: dict[tuple[End, str], dict[int, set[int]]] = {}
        for link in stored:
            for type_id in link.types:
                self._add(End(link.from_kind, link.from_id), End(link.to_kind, link.to_id), type_id)

    def of(self, end: End, kind: str) -> dict[int, set[int]]:
        """The associated records of a type: id → type ids, seen from `end`."""
        return self._held.get((end, kind), {})

    def types(self, start: End, end: End) -> set[int]:
        return self.of(start, end.kind).get(end.id, set())

    def add(self, start: End, end: End, type_id: int, inverse: int) -> bool:
        """Add one type in both directions. False if it was there."""
        if type_id in self.types(start, end):
            return False
        self._add(start, end, type_id)
        self._add(end, start, inverse)
        return True

    def discard(self, start: End, end: End, type_id: int, inverse: int) -> None:
        """Take one type away in both directions; the association itself may stay."""
        self.types(start, end).discard(type_id)
        self.types(end, start).discard(inverse)

    def remove(self, start: End, end: End) -> set[int]:
        """End the association. Returns the type ids that it had, seen from `start`."""
        self.of(end, start.kind).pop(start.id, None)
        return self.of(start, end.kind).pop(end.id, set())

    def ends_of(self, start: End) -> list[End]:
        """Everything that a record is associated with."""
        kinds = {kind for _, kind in PLAIN}
        return [End(kind, id) for kind in sorted(kinds) for id in self.of(start, kind)]

    def listed(self) -> list[Link]:
        """For a snapshot."""
        return [
            Link(start.kind, start.id, kind, id, sorted(types))
            for (start, kind), held in self._held.items()
            for id, types in held.items()
        ]

    def _add(self, start: End, end: End, type_id: int) -> None:
        self._held.setdefault((start, end.kind), {}).setdefault(end.id, set()).add(type_id)
