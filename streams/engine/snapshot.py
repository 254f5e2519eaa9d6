"""Take in what a read of a record returned, and say what became of the changes behind it."""

from __future__ import annotations

from schemas.events import End, Reading, Snapshot
from schemas.records import RecordId
from streams.engine.gone import Gone, gone, revive
from streams.engine.link import adopt, find_placeholder
from streams.engine.merge import Merged, merge
from streams.engine.outcome import call_off_create, confirm_created
from streams.engine.state import OpenChange
from streams.engine.work import Ended, Work


def take_snapshot(work: Work, snapshot: Snapshot) -> RecordId:
    """Apply the snapshot to the rows. Returns its record."""
    record = snapshot.record
    work.touch(record)
    if snapshot.reading is None:
        _take_gone(work, snapshot)
        return record
    row = work.record(record)
    if row.deleted_at:
        if not was_restored(work, record, snapshot.reading):
            _end(work, snapshot, "filtered", "older")
            return record
        revive(work, record)
    if not row.known:
        _recognise_own_create(work, record, snapshot.reading)
    merged = merge(work, record, snapshot.reading, snapshot.source)
    if merged.edits:
        work.note("edited", record, changes=snapshot.changes, fields=merged.edits, received_at=snapshot.received_at)
    _account(work, snapshot, merged)
    return record


def was_restored(work: Work, record: RecordId, reading: Reading) -> bool:
    """Read alive, and later than it was found gone."""
    return reading.read_from > work.record(record).deleted_at + work.plan.clock_margin_ms


def _recognise_own_create(work: Work, record: RecordId, reading: Reading) -> None:
    """The webhook of a record that we are creating may come before the answer to the create."""
    row = work.record(record)
    created = find_placeholder(work, record, reading)
    if created is None or not adopt(work, created, record):
        return
    for link in work.links_of(record):
        work.note("linked", record, link=link, other=link.other(record), reason="recognised")
    if row.sent is None:
        return
    if row.ours and row.sent.waits:
        confirm_created(work, record, row.sent.command.fields)
        row.sent = None
    elif not row.ours and row.sent.waits:
        call_off_create(work, record)


def _take_gone(work: Work, snapshot: Snapshot) -> None:
    result = gone(
        work,
        snapshot.record,
        at=snapshot.gone_at or work.now,
        read_from=snapshot.read_from,
        erased=snapshot.erased,
        into=snapshot.into,
    )
    if result is None:
        _end(work, snapshot, "filtered", "unchanged")
        return
    _account_gone(work, snapshot, result)


def _account_gone(work: Work, snapshot: Snapshot, result: Gone) -> None:
    if not result.linked:
        _end(work, snapshot, "filtered", "not_linked")
        return
    if result.deleting:
        _open(work, snapshot, OpenChange(change="", deleting=True, parked=result.parked))
        return
    _end(work, snapshot, "attention" if result.parked else "applied", result.parked or "unlinked")


def _account(work: Work, snapshot: Snapshot, merged: Merged) -> None:
    """Changes that edited something stay open until that has arrived; the others end here."""
    if snapshot.linking:
        _end(work, snapshot, "filtered", "linking")
        return
    if merged.versions:
        _open(work, snapshot, OpenChange(change="", fields=merged.versions))
        return
    if merged.read_again:
        _end(work, snapshot, "superseded", "read_again")
        return
    _end(work, snapshot, "filtered", "echo" if merged.confirmed else merged.reason)


def _open(work: Work, snapshot: Snapshot, change: OpenChange) -> None:
    row = work.record(snapshot.record)
    for name in snapshot.changes:
        row.open.append(
            OpenChange(
                change=name,
                received_at=snapshot.received_at,
                fields=dict(change.fields),
                deleting=change.deleting,
                parked=change.parked,
            )
        )


def _end(work: Work, snapshot: Snapshot, end: End, reason: str) -> None:
    for change in snapshot.changes:
        work.ends[change] = Ended(snapshot.record, end, reason, snapshot.received_at)
