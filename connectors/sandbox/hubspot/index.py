"""What search sees: the records as they were a while ago."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from connectors.sandbox.hubspot.shelf import Record


@dataclass(frozen=True, slots=True)
class Document:
    """A record as search knows it. `properties` of None: it is gone."""

    id: int
    created: int
    modified: int
    properties: Mapping[str, str] | None


class Index:
    """Changes wait until the lag is over. Documents are kept in the order of their last change, and by the values
    of every property that was ever asked for by equality, so that a search need not go through all of them."""

    def __init__(self) -> None:
        self._documents: dict[int, Document] = {}
        self._waiting: deque[tuple[int, Document]] = deque()
        self._by_value: dict[str, dict[str, dict[int, None]]] = {}
        self._last = 0

    def note(self, record: Record, visible_at: int, now: int, *, gone: bool = False) -> None:
        """Learn of a change, to be seen from `visible_at` on."""
        properties = None if gone else record.properties
        self._waiting.append((visible_at, Document(record.id, record.created, record.modified, properties)))
        self.catch_up(now)

    def catch_up(self, now: int) -> None:
        """Show what has become visible by now."""
        while self._waiting and self._waiting[0][0] <= now:
            self._show(self._waiting.popleft()[1])

    def get(self, id: int) -> Document | None:
        return self._documents.get(id)

    def newest_first(self) -> Iterator[Document]:
        return reversed(self._documents.values())

    def holding(self, property: str, values: Iterable[str]) -> list[Document]:
        """The documents whose property has one of these values, whatever the case."""
        held = self._by_value.get(property)
        if held is None:
            held = self._by_value[property] = {}
            for document in self._documents.values():
                self._enter(held, property, document)
        ids = dict.fromkeys(id for value in values for id in held.get(value.lower(), ()))
        return [self._documents[id] for id in ids]

    def _show(self, document: Document) -> None:
        before = self._documents.pop(document.id, None)
        if before is not None:
            for property, held in self._by_value.items():
                held.get(before.properties.get(property, "").lower() if before.properties else "", {}).pop(before.id, 0)
        if document.properties is None:
            return
        self._documents[document.id] = document
        for property, held in self._by_value.items():
            self._enter(held, property, document)
        if document.modified < self._last:
            self._documents = {each.id: each for each in sorted(self._documents.values(), key=_by_change)}
        self._last = max(self._last, document.modified)

    @staticmethod
    def _enter(held: dict[str, dict[int, None]], property: str, document: Document) -> None:
        value = (document.properties or {}).get(property, "")
        if value:
            held.setdefault(value.lower(), {})[document.id] = None


def _by_change(document: Document) -> tuple[int, int]:
    return document.modified, document.id
