"""Take a reading of a record into its cells: what is an edit, what an echo, what cannot be believed yet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec

from schemas.events import FieldWrite, Reading, ReadSource, TrailField
from schemas.records import RecordId
from schemas.values import Value, is_empty
from schemas.versions import ZERO, Version
from streams.engine import ghosts, lists
from streams.engine.state import Cell, RecordRow, Seen
from streams.engine.work import Work, fall_back

CLOCK_AHEAD_MS = 5_000
"""A vendor's time is believed at most this far ahead of ours."""
CLOCK_BACK_MS = 30_000
"""A reading that began this much later is believed though the vendor's time went back."""
SETTLE_MS = 400
"""What a read waits beyond the clock margin before it can be believed again."""


HOSTS: dict[ReadSource, str] = {"get": "source", "list": "crawler", "before": "sink", "after": "sink"}


@dataclass(slots=True)
class Merged:
    """What came of a reading: the edits it showed, or why it showed none."""

    edits: list[TrailField] = field(default_factory=list)
    versions: dict[str, Version] = field(default_factory=dict)
    read_again: bool = False
    """Not all of it was believed, and another read will tell."""
    confirmed: bool = False
    """It showed what we wrote."""
    reason: str = "unchanged"


@dataclass(slots=True)
class Look:
    """A reading being merged into a record."""

    work: Work
    record: RecordId
    row: RecordRow
    reading: Reading
    source: ReadSource
    merged: Merged

    def same(self, name: str, one: Value, other: Value) -> bool:
        return self.work.same(self.record, name, one, other)

    def differs(self) -> bool:
        return any(
            name not in self.row.cells or not self.same(name, value, self.row.cells[name].value)
            for name, value in self.reading.fields.items()
        )

    def again(self, not_before: int = 0) -> None:
        self.merged.read_again = True
        self.work.read_again(self.record, not_before)


def merge(work: Work, record: RecordId, reading: Reading, source: ReadSource, skip: Collection[str] = ()) -> Merged:
    """Merge what a read of a live record returned. `skip`: the fields that the caller judges by itself."""
    row = work.record(record)
    look = Look(work, record, row, reading, source, Merged())
    if is_older(row, reading) or _may_be_older(look):
        look.merged.reason = "older"
        if reading.updated_at == row.updated_at and _conflicts(look):
            look.again(work.now + work.plan.clock_margin_ms + SETTLE_MS)
        return look.merged
    if is_hint(row, source):
        if look.differs():
            look.again()
        return look.merged
    for name, value in reading.fields.items():
        if name not in skip:
            _merge_field(look, name, value)
    ghosts.lay(row, reading.read_from, work.plan.clock_margin_ms)
    if reading.read_from >= row.read_from:
        row.read_by = HOSTS[source]
    row.updated_at = max(row.updated_at, reading.updated_at)
    row.read_from = max(row.read_from, reading.read_from)
    work.touch(record)
    return look.merged


def is_older(row: RecordRow, reading: Reading) -> bool:
    """Is the reading older than what is known? By the vendor's time of the record; within one such time, by ours."""
    if not row.cells:
        return False
    if reading.updated_at == row.updated_at:
        return reading.read_from < row.read_from
    return reading.updated_at < row.updated_at and reading.read_from < row.read_from + CLOCK_BACK_MS


def _may_be_older(look: Look) -> bool:
    """Two hosts of ours read it within what their clocks may differ by, and the vendor gives both one time."""
    row, reading = look.row, look.reading
    return (
        bool(row.cells)
        and reading.updated_at == row.updated_at
        and HOSTS[look.source] != row.read_by
        and reading.read_from < row.read_from + look.work.plan.clock_margin_ms
        and _conflicts(look)
    )


def is_hint(row: RecordRow, source: ReadSource) -> bool:
    """A row of a list may come from an index that lags: it proves that something may have changed, no more."""
    return source == "list" and bool(row.cells)


def observed(time: int, connection: str, latest: Version | None) -> Version:
    """The version of an edit: of its vendor's time, but later than what was seen on the record before it."""
    version = Version(time, 0, connection)
    return version if latest is None or version > latest else latest.next(connection)


def own_latest(row: RecordRow, name: str, connection: str) -> Version | None:
    """The latest version that was seen on the record, also if it is to be written there again."""
    cell, wanted = row.cells.get(name), row.wanted.get(name)
    own = [cell.version] if cell is not None else []
    if wanted is not None and wanted.version.origin == connection:
        own.append(wanted.version)
    return max(own, default=None)


def vendor_time(reading: Reading, name: str) -> int:
    """When the vendor says that the field was set; our own clock where it says nothing."""
    times = reading.field_times or {}
    said = times.get(name) or reading.updated_at or reading.read_from
    return min(said, reading.read_to + CLOCK_AHEAD_MS)


def too_early(work: Work, row: RecordRow, name: str, reading: Reading, source: ReadSource) -> bool:
    """May the read have begun before our own last write of the field ended?"""
    wrote = row.wrote.get(name)
    if wrote is None or source == "after":
        return False
    if source == "before":
        return reading.read_from < wrote
    return reading.read_from <= wrote + work.plan.clock_margin_ms


def land(work: Work, record: RecordId, name: str, write: FieldWrite, value: Value) -> None:
    """What we wrote is in the product, which holds it as `value`."""
    row = work.record(record)
    wanted = row.wanted.get(name)
    if write.elements is not None:
        lists.land(row, name, write, value)
        drop_reached_list(work, record, name)
        return
    row.cells[name] = landed(work, record, name, write, value)
    if wanted is None:
        return
    if wanted.version <= write.version:
        del row.wanted[name]
        return
    row.wanted[name] = msgspec.structs.replace(wanted, expected=value)


def landed(work: Work, record: RecordId, name: str, write: FieldWrite, value: Value) -> Cell:
    """The cell of a written value: as the vendor returned it, but with the winner's version."""
    field_plan = work.field(record, name)
    cell = work.record(record).cells.get(name)
    elements = lists.edited(field_plan, cell, value, write.version) if field_plan.is_list else None
    return Cell(value, write.version, elements, write.synthetic)


def drop_reached_list(work: Work, record: RecordId, name: str) -> None:
    """A wanted list that the record now holds is wanted no more; else it is to replace what is there now."""
    row = work.record(record)
    wanted, cell = row.wanted.get(name), row.cells[name]
    if wanted is None:
        return
    if wanted.elements is not None and work.same(record, name, wanted.value, cell.value):
        del row.wanted[name]
        return
    row.wanted[name] = msgspec.structs.replace(wanted, expected=cell.value)


def _conflicts(look: Look) -> bool:
    """Does it contradict a known field? Vendors whose times are whole seconds cannot order two edits within one."""
    return any(
        name in look.row.cells and not look.same(name, value, look.row.cells[name].value)
        for name, value in look.reading.fields.items()
    )


def _merge_field(look: Look, name: str, value: Value) -> None:
    row, work = look.row, look.work
    cell, wanted = row.cells.get(name), row.wanted.get(name)
    if cell is not None and look.same(name, value, cell.value):
        _unchanged(look, name, value, cell)
        return
    if too_early(work, row, name, look.reading, look.source):
        look.again(max(work.now, row.wrote[name]) + work.plan.clock_margin_ms + SETTLE_MS)
        return
    if look.source in ("get", "list") and row.in_flight(name):
        _set_aside(look, name, value)
        return
    if wanted is not None and look.same(name, value, wanted.value):
        look.merged.confirmed = True
        land(work, look.record, name, wanted, value)
        return
    if _is_ghost(work, look.record, name, value):
        return
    if cell is None and look.source in ("get", "list") and being_created(row):
        row.dirty = look.merged.read_again = True
        _remember(look, name, value)
        return
    _edit(look, name, value, cell)


def _remember(look: Look, name: str, value: Value) -> None:
    """Of a record that we are creating: keep what is not as the create says, also if it is put back later."""
    row = look.row
    write = row.sent.command.fields.get(name) if row.sent is not None else None
    if not look.same(name, value, write.value if write is not None else None):
        row.seen[name] = Seen(value, look.reading.updated_at)


def being_created(row: RecordRow) -> bool:
    """Our create is under way: only its answer tells the vendor's defaults from a person's edits."""
    return row.sent is not None and row.sent.command.action == "create"


def _unchanged(look: Look, name: str, value: Value, cell: Cell) -> None:
    row = look.row
    if name in row.seen and _is_settled(look, name, value):
        _judge_seen(look, name, value, cell)
    cell = row.cells[name]
    if cell.value != value and not row.in_flight(name):
        row.cells[name] = msgspec.structs.replace(cell, value=value)  # only its spelling


def _is_settled(look: Look, name: str, value: Value) -> bool:
    """Can a value that is gone again no longer be put down to a write of ours that is under way?"""
    row = look.row
    if look.source == "before":
        return True
    if look.source != "get" or too_early(look.work, row, name, look.reading, "get"):
        return False
    if row.sent is None or not row.in_flight(name):
        return True
    ours = [row.sent.command.fields[name], *ghosts.written(row, name)]
    return look.reading.updated_at > row.seen[name].updated_at and not any(
        look.same(name, value, write.value) for write in ours
    )


def _judge_seen(look: Look, name: str, value: Value, cell: Cell) -> None:
    """A value was met while our write was under way, and is gone: written over by us, or put back by a person."""
    row = look.row
    seen = row.seen.pop(name)
    if look.same(name, seen.value, value):
        return
    put_back = seen.during != cell.version and look.reading.updated_at >= row.updated_at
    if not put_back or cell.elements is not None:
        look.work.note(
            "overwritten",
            look.record,
            fields=[TrailField(name=name, before=seen.value, after=value, version=cell.version)],
        )
        return
    fall_back(look.work, look.record, name, cell.version)
    version = observed(vendor_time(look.reading, name), look.record.connection, cell.version)
    row.cells[name] = msgspec.structs.replace(cell, version=version)
    row.wanted.pop(name, None)
    look.merged.versions[name] = version


def _set_aside(look: Look, name: str, value: Value) -> None:
    """Our write may or may not be in what was read: decide after its answer, unless the read itself proves it."""
    row = look.row
    row.dirty = look.merged.read_again = True
    assert row.sent is not None  # noqa: S101  # in_flight said so
    write = row.sent.command.fields[name]
    expected = None if write.expected is msgspec.UNSET else write.expected
    if look.same(name, value, write.value):
        if not look.same(name, write.value, expected):
            look.merged.confirmed = True
            ghosts.appeared(row, name, write)
            row.sent.landed.append(name)
            land(look.work, look.record, name, write, value)
        return
    if not look.same(name, value, expected):
        row.seen[name] = Seen(value, look.reading.updated_at, write.version)


def _is_ghost(work: Work, record: RecordId, name: str, value: Value) -> bool:
    """A write whose answer was lost has landed after all: ours, not an edit. What is newer is sent again."""
    row = work.record(record)
    cell = row.cells.get(name)
    same = (write for write in ghosts.written(row, name) if work.same(record, name, value, write.value))
    ghost = next(same, None)
    if ghost is None or cell is None:
        return False
    ghosts.appeared(row, name, ghost)
    if ghost.elements is not None:
        version = max(cell.version, ghost.version)
        row.cells[name] = Cell(value, version, lists.later(cell.elements or {}, ghost.elements))
    else:
        row.cells[name] = landed(work, record, name, ghost, value)
    return True


def _edit(look: Look, name: str, value: Value, cell: Cell | None) -> None:
    row, work, record = look.row, look.work, look.record
    if cell is None and _nobody_set_it(look, name, value):
        version = ZERO
    else:
        version = observed(vendor_time(look.reading, name), record.connection, own_latest(row, name, record.connection))
    field_plan = work.field(record, name)
    elements = (
        lists.edited(field_plan, cell, value, version, ghosts.elements(row, name)) if field_plan.is_list else None
    )
    row.cells[name] = Cell(value, version, elements)
    if name in row.seen and look.same(name, row.seen[name].value, value):
        del row.seen[name]
    if version != ZERO:
        before = cell.value if cell is not None else msgspec.UNSET
        look.merged.edits.append(TrailField(name=name, before=before, after=value, version=version))
        look.merged.versions[name] = version
    _judge_anew(work, record, name, cell)


def _judge_anew(work: Work, record: RecordId, name: str, before: Cell | None) -> None:
    """A person edited the field: a value that waited for it, or was refused, has to win again."""
    row = work.record(record)
    if row.wanted.pop(name, None) is not None:
        fall_back(work, record, name, before.version if before is not None else ZERO)
    row.held.pop(name, None)


def edit_aside(work: Work, record: RecordId, name: str, seen: Seen) -> None:
    """A value that was set aside turns out to have been an edit."""
    row = work.record(record)
    cell, field_plan = row.cells.get(name), work.field(record, name)
    if cell is not None and work.same(record, name, cell.value, seen.value):
        return
    if _is_ghost(work, record, name, seen.value):
        return
    latest = own_latest(row, name, record.connection)
    version = observed(seen.updated_at or work.now, record.connection, latest)
    elements = (
        lists.edited(field_plan, cell, seen.value, version, ghosts.elements(row, name)) if field_plan.is_list else None
    )
    row.cells[name] = Cell(seen.value, version, elements)
    _judge_anew(work, record, name, cell)


def _nobody_set_it(look: Look, name: str, value: Value) -> bool:
    times = look.reading.field_times or {}
    return is_empty(value) and not times.get(name) and name not in look.row.seen
