"""Carry a value across a line: the two halves of a line, conversion, references, and what counts as equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schemas.records import RecordId
from schemas.values import Value, is_empty
from schemas.versions import ZERO, Version
from streams.engine.plan import ConversionFailed, Line, Side
from streams.engine.state import LinkRow, RecordRow
from streams.engine.work import Work


class ReferenceUnknown(Exception):
    """The record that a reference names is not linked yet, so that it has no name on the other side."""

    def __init__(self, target: RecordId) -> None:
        super().__init__("the referenced record is not linked")
        self.target = target


@dataclass(slots=True)
class Half:
    """One side of a line, as it is in effect."""

    side: Side
    record: RecordId
    row: RecordRow
    name: str
    """The field; empty if this side of the line is computed."""
    value: Value
    version: Version

    @property
    def knows(self) -> bool:
        return bool(self.name) and self.row.knows(self.name)


class EffectiveFields(Mapping[str, Value]):
    """All fields of a record as conversions may read them, without copying them first."""

    def __init__(self, row: RecordRow) -> None:
        self._row = row

    def __getitem__(self, name: str) -> Value:
        if not self._row.knows(name):
            raise KeyError(name)
        return self._row.effective(name)[0]

    def __iter__(self) -> Iterator[str]:
        yield from self._row.cells
        yield from (name for name in self._row.wanted if name not in self._row.cells)

    def __len__(self) -> int:
        return len(self._row.cells.keys() | self._row.wanted.keys())


def half(work: Work, link: LinkRow, line: Line, side: Side) -> Half:
    record, name = (link.left, line.left) if side == "left" else (link.right, line.right)
    row = work.record(record)
    value, version = row.effective(name) if name else (None, ZERO)
    if line.reads and line.direction == ("to_right" if side == "left" else "to_left"):
        version = max([version, *(row.effective(read)[1] for read in line.reads)])
    return Half(side, record, row, name, value, version)


def convert(work: Work, link: LinkRow, line: Line, source: Half) -> Value:
    """The source's value as the other side would hold it. Raises ConversionFailed, ReferenceUnknown."""
    if source.name and is_empty(source.value):
        return None
    if line.reference is not None:
        return _translate(work, link, line.reference.pair, source)
    carry = line.to_right if source.side == "left" else line.to_left
    return carry(source.value, EffectiveFields(source.row))


def equal(work: Work, link: LinkRow, line: Line, left: Half, right: Half) -> bool:
    """Would carrying the value across, either way it may go, change nothing?"""
    if left.name and right.name and is_empty(left.value) and is_empty(right.value):
        return True
    if line.direction != "to_left" and _carries_to(work, link, line, left, right):
        return True
    return line.direction != "to_right" and _carries_to(work, link, line, right, left)


def _carries_to(work: Work, link: LinkRow, line: Line, source: Half, target: Half) -> bool:
    if source.name and is_empty(source.value):
        return False
    try:
        value = convert(work, link, line, source)
    except (ConversionFailed, ReferenceUnknown):
        return False
    return work.same(target.record, target.name, value, target.value)


def _translate(work: Work, link: LinkRow, pair: str, source: Half) -> Value:
    """The id of the record that the referenced one is linked to, in the same installation."""
    planned = work.plan.installations[link.installation].pairs.get(pair)
    if planned is None:
        raise ConversionFailed("the referenced pair is not installed")
    entity = planned.left if source.side == "left" else planned.right
    target = RecordId(source.record.connection, entity, str(source.value))
    for candidate in work.links_of(target):
        other = candidate.other(target)
        if (
            candidate.state == "open"
            and candidate.installation == link.installation
            and candidate.pair == pair
            and not other.is_placeholder
        ):
            return other.id
    raise ReferenceUnknown(target)
