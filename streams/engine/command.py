"""Issue the command that a record needs: at most one per record is on its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from schemas.events import Category, Command, FieldWrite
from schemas.records import RecordId
from schemas.values import Value, is_empty
from schemas.versions import ZERO
from streams.engine import lists
from streams.engine.gone import retire
from streams.engine.merge import SETTLE_MS
from streams.engine.plan import Line, PairPlan, Side
from streams.engine.state import LinkRow, RecordRow, Sent
from streams.engine.waiting import wait_name
from streams.engine.work import Work

CHANGED_LATELY_MS = 10_000
KNOWN_OF_OLD_MS = 120_000
"""A record that changed a moment ago, or was last read long ago, may hold an edit that we do not know."""


def issue(work: Work, record: RecordId) -> None:
    """Send what the record wants, unless a command of it is under way or nothing may be written now."""
    row = work.record(record)
    if not row.alive:
        return
    drop_reached(work, record, row)
    if is_busy(row):
        return
    if record.is_placeholder:
        if not retire(work, record):
            _create(work, record, row)
    elif row.delete:
        _send(work, record, row, row.delete, {})
    else:
        _update(work, record, row)


def is_busy(row: RecordRow) -> bool:
    """Two writes of one record under way could not be told apart by what a read shows."""
    return row.sent is not None


def drop_reached(work: Work, record: RecordId, row: RecordRow) -> None:
    """Forget what is wanted of fields that hold it, or something later, already."""
    for name, wanted in list(row.wanted.items()):
        cell = row.cells.get(name)
        if cell is None or row.in_flight(name):
            continue
        if wanted.elements is None:
            if cell.version >= wanted.version:
                del row.wanted[name]
        elif work.same(record, name, cell.value, wanted.value):
            row.cells[name] = msgspec.structs.replace(cell, elements=lists.effective(row, name))
            del row.wanted[name]


def _update(work: Work, record: RecordId, row: RecordRow) -> None:
    fields = _writable(work, row)
    unread = [name for name in fields if name not in row.cells and not was_asked_for(row)]
    for name in unread:
        del fields[name]  # nothing is written over what was never read
    if unread and not row.asked:
        row.asked = work.now
        work.read_again(record, work.now + work.plan.clock_margin_ms)
    if fields:
        _send(work, record, row, "update", fields)


def was_asked_for(row: RecordRow) -> bool:
    """The record was read since a field was missed: then the product does not tell that field."""
    return bool(row.asked) and row.read_from > row.asked


def _create(work: Work, record: RecordId, row: RecordRow) -> None:
    link = next((link for link in work.links_of(record) if link.state == "open"), None)
    planned = work.pair_of(link) if link is not None else None
    fields = _writable(work, row)
    if link is None or planned is None or planned[0].state != "active" or not fields:
        return
    side: Side = "left" if link.left == record else "right"
    if not _is_complete(work, record, row, link, planned[1], side):
        return
    for line in planned[1].lines:
        _add_default(fields, line, side, link)
    if row.payload is None:
        row.payload = fields
    _send(work, record, row, "create", row.payload, tuple(_keys(planned[1], side, row.payload)), link)


def _writable(work: Work, row: RecordRow) -> dict[str, FieldWrite]:
    """What is wanted by links whose installation writes now."""
    fields = {}
    for name, wanted in list(row.wanted.items()):
        link = work.link(wanted.link)
        planned = work.pair_of(link) if link is not None else None
        if planned is None or link is None or link.state not in ("open", "same"):
            del row.wanted[name]
        elif planned[0].state != "paused":
            cell = row.cells.get(name)
            expected = cell.value if cell is not None else msgspec.UNSET
            fields[name] = row.wanted[name] = msgspec.structs.replace(wanted, expected=expected)
    return fields


def _is_complete(work: Work, record: RecordId, row: RecordRow, link: LinkRow, pair: PairPlan, side: Side) -> bool:
    """A record is not created while a required line has no value: a person is told which."""
    row.blocked = None
    for line in pair.lines:
        name = line.left if side == "left" else line.right
        default = line.default_left if side == "left" else line.default_right
        wanted = row.wanted.get(name)
        if not line.required or not is_empty(default) or (wanted is not None and not is_empty(wanted.value)):
            continue
        wait = work.record(link.other(record)).waits.get(wait_name(link, line.name))
        if wait is None or wait.overdue:
            category: Category = "missing_required" if wait is None else "reference_missing"
            row.blocked = category
            mark = f"required/{line.name}"
            work.note("attention", record, link=link, reason=category, category=category, message=line.name, once=mark)
        return False
    return True


def _add_default(fields: dict[str, FieldWrite], line: Line, side: Side, link: LinkRow) -> None:
    name, default = (line.left, line.default_left) if side == "left" else (line.right, line.default_right)
    if name and not is_empty(default) and (name not in fields or is_empty(fields[name].value)):
        version = fields[name].version if name in fields else ZERO
        fields[name] = FieldWrite(value=default, version=version, synthetic=True, link=link.id)


def _keys(pair: PairPlan, side: Side, fields: Mapping[str, FieldWrite]) -> Iterator[tuple[str, Value]]:
    for key in pair.match:
        name = key.left if side == "left" else key.right
        if name in fields and not is_empty(fields[name].value):
            yield name, fields[name].value


def _send(
    work: Work,
    record: RecordId,
    row: RecordRow,
    action: Literal["create", "update", "delete", "archive"],
    fields: dict[str, FieldWrite],
    keys: tuple[tuple[str, Value], ...] = (),
    link: LinkRow | None = None,
) -> None:
    link = link or next((found for write in fields.values() if (found := work.link(write.link)) is not None), None)
    row.sequence += 1
    command = Command(
        id=work.new_id(),
        tenant=work.plan.tenant,
        record=record,
        sequence=row.sequence,
        action=action,
        fields=dict(fields),
        updated_at=row.updated_at,
        contested=work.now - row.updated_at < CHANGED_LATELY_MS or work.now - row.read_from > KNOWN_OF_OLD_MS,
        keys=keys,
        installation=link.installation if link is not None else "",
        pair=link.pair if link is not None else "",
        link=link.id if link is not None else "",
        issued_at=work.now,
        received_at=_received_at(work, record, fields),
    )
    row.sent = Sent(command=command)
    _count_writes(work, record, fields)
    work.send(command)


def _received_at(work: Work, record: RecordId, fields: Mapping[str, FieldWrite]) -> int:
    """When the first change behind the fields reached us; 0 if none is known."""
    causes = {cause for write in fields.values() for cause in write.causes}
    if not causes:
        return 0
    sources = [record, *(link.other(record) for link in work.links_of(record))]
    times = [
        change.received_at
        for source in sources
        for change in work.record(source).open
        if change.change in causes and change.received_at
    ]
    return min(times, default=0)


def _count_writes(work: Work, record: RecordId, fields: Mapping[str, FieldWrite]) -> None:
    for name, write in fields.items():
        link = work.link(write.link)
        for _, memory in work.lines_at(link, record, name) if link is not None else ():
            memory.writes = [*memory.writes, work.now]


def read_after_write(work: Work) -> int:
    """The earliest read that can be believed of a field which was written just now."""
    return work.now + work.plan.clock_margin_ms + SETTLE_MS
