"""Take in what became of a command."""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas.events import FieldWrite, Outcome, TrailField
from schemas.records import RecordId
from schemas.values import Value
from schemas.versions import ZERO
from streams.engine import ghosts, lists
from streams.engine.command import read_after_write
from streams.engine.gone import end_links, gone
from streams.engine.link import adopt
from streams.engine.merge import edit_aside, land, landed, merge
from streams.engine.state import Cell, Held, RecordRow
from streams.engine.work import Work, fall_back, held_version

UNANSWERED = ("throttled", "transient", "ambiguous")
RETRY_MS = 3_000
RETRY_AT_MOST_MS = 300_000
AMBIGUOUS_MS = 60_000
"""How long a vendor may still be at a request whose answer was lost, where the sink does not say."""
TRIES_BEFORE_ATTENTION = 8


def take_outcome(work: Work, outcome: Outcome) -> RecordId:
    """Apply the outcome to the rows. Returns the record that it is about, by the name it has now."""
    record = work.now_called(outcome.record)
    if outcome.created is not None and outcome.action == "create":
        real = RecordId(record.connection, record.entity, outcome.created)
        if not adopt(work, outcome.record, real):
            return _created_twice(work, outcome, record, real)
        record = real
        if work.record(real).deleted_at:
            end_links(work, real, at=work.record(real).deleted_at)  # it came and went before its answer
    row = work.record(record)
    if outcome.created is not None and outcome.status != "duplicate":
        row.ours = True
    mine = is_mine(row, outcome)
    work.touch(record)
    if outcome.status == "superseded":
        return record  # by a newer command or, after a crash, by its own repetition, which will be answered
    if not mine and outcome.status in UNANSWERED:
        _expect_ghosts(work, outcome, row)
    if not mine and outcome.status not in ("applied", "partial", "gone", "duplicate"):
        return record
    believed = False
    if outcome.before is not None and row.alive:
        # It was read before our write: news of the fields that were not written, and of those found edited.
        # Where another command is under way since, it is but a read like any other.
        merged = merge(work, record, outcome.before, "before" if mine else "get", skip=_judged_here(outcome))
        believed = merged.reason != "older" and not merged.read_again
    if _settled_as_create(work, outcome, record, row, mine):
        return record
    _take_fields(work, outcome, record, row, mine, believed)
    if mine:
        _take_status(work, outcome, record, row)
    if outcome.status in ("gone", "applied", "partial") and _is_gone(outcome):
        gone(work, record, at=outcome.ended_at)
    if outcome.status == "duplicate" and (mine or not row.cells):
        _take_duplicate(work, outcome, record, row)
    if row.dirty and outcome.status not in UNANSWERED:
        row.dirty = False
        work.read_again(record, read_after_write(work))
    return record


def is_mine(row: RecordRow, outcome: Outcome) -> bool:
    """Is it the answer to the command that is under way?"""
    return row.sent is not None and row.sent.command.sequence == outcome.sequence


def state_of(outcome: Outcome, name: str) -> Literal["done", "stale", "rejected", ""]:
    """What became of one field; "" if its answer is not known."""
    answer = outcome.answers.get(name)
    if answer is not None:
        return answer.state
    if outcome.status in ("applied", "partial"):
        return "done"
    if outcome.status == "stale":
        return "stale"
    return "rejected" if outcome.status == "rejected" and not outcome.answers else ""


def _is_gone(outcome: Outcome) -> bool:
    return outcome.status == "gone" or outcome.action in ("delete", "archive")


def _judged_here(outcome: Outcome) -> list[str]:
    return [name for name in outcome.fields if state_of(outcome, name) != "stale"]


def _created_twice(work: Work, outcome: Outcome, record: RecordId, real: RecordId) -> RecordId:
    work.note("attention", real, other=record, reason="created_twice", category="duplicate")
    if outcome.status != "duplicate":
        work.record(real).twin = True
    row = work.record(record)
    if is_mine(row, outcome):
        row.sent = None
    work.touch(record)
    return record


def _settled_as_create(work: Work, outcome: Outcome, record: RecordId, row: RecordRow, mine: bool) -> bool:
    """The record that a create was to make was met meanwhile. True if that says all there is to say."""
    if outcome.action != "create" or record.is_placeholder:
        return False
    if mine and not row.ours and outcome.status in UNANSWERED:
        call_off_create(work, record)
        return True
    if not row.ours or not (outcome.found or outcome.status in UNANSWERED):
        return False
    confirm_created(work, record, outcome.fields)
    if outcome.status not in UNANSWERED:
        return False
    if mine:
        row.sent = None  # an earlier try of it has made the record
    work.read_again(record, work.now)
    return True


def call_off_create(work: Work, record: RecordId) -> None:
    """A person made the record that we were about to make: its values are judged like any others."""
    row = work.record(record)
    names = list(row.sent.command.fields) if row.sent is not None else []
    for name in [*names, *row.wanted]:
        fall_back(work, record, name, held_version(row, name))
    row.sent, row.wanted = None, {}
    work.read_again(record, work.now)


def confirm_created(work: Work, record: RecordId, fields: dict[str, FieldWrite]) -> None:
    """Its stamp proves that the create was applied as it was sent; what differs now was edited since."""
    row = work.record(record)
    for name, write in fields.items():
        held = row.held.get(name)
        if name not in row.cells and (held is None or held.version < write.version):
            row.cells[name] = _as_sent(work, record, name, write)
            wanted = row.wanted.get(name)
            if wanted is not None and wanted.version <= write.version:
                del row.wanted[name]


def _as_sent(work: Work, record: RecordId, name: str, write: FieldWrite) -> Cell:
    if write.elements is not None:
        return Cell(write.value, write.version, dict(write.elements))
    return landed(work, record, name, write, write.value)


def _take_fields(work: Work, outcome: Outcome, record: RecordId, row: RecordRow, mine: bool, believed: bool) -> None:
    """Field by field: done, found edited, or refused."""
    written: list[TrailField] = []
    for name, write in outcome.fields.items():
        match state_of(outcome, name):
            case "done":
                if not _was_edited_since(work, outcome, record, name, write):
                    written.append(_done(work, outcome, record, name, write, mine))
            case "stale":
                if mine:
                    _stale(work, record, row, name, believed)
            case "rejected":
                _rejected(work, outcome, record, name, write)
    if outcome.status not in ("applied", "partial"):
        return
    if written:
        _note_written(work, outcome, record, written)
    if outcome.action == "create" and not outcome.found:
        _take_defaults(outcome, row)
    if outcome.after is not None and row.alive:
        differing = [name for name in outcome.fields if _was_edited_since(work, outcome, record, name, None)]
        skip = [name for name in outcome.fields if name not in differing]
        merged = merge(work, record, outcome.after, "before" if outcome.found else "after", skip=skip)
        for name in differing if merged.reason == "older" else ():
            _judge_aside(work, record, name)


def _judge_aside(work: Work, record: RecordId, name: str) -> None:
    seen = work.record(record).seen.pop(name, None)
    if seen is not None:
        edit_aside(work, record, name, seen)


def _stale(work: Work, record: RecordId, row: RecordRow, name: str, believed: bool) -> None:
    """Somebody edited the field before our write, which was not made: what is to win is judged anew."""
    if row.wanted.pop(name, None) is not None:
        fall_back(work, record, name, held_version(row, name))
    if believed:
        row.seen.pop(name, None)
    else:
        _judge_aside(work, record, name)


def _was_edited_since(work: Work, outcome: Outcome, record: RecordId, name: str, write: FieldWrite | None) -> bool:
    """The field is, or was for a while, not as we wrote it, nor as it was found: a person has edited it."""
    if outcome.after is None:
        return False
    write = write or outcome.fields[name]
    if outcome.before is not None and name in outcome.before.fields and name in outcome.after.fields:
        held_it, holds = outcome.before.fields[name], outcome.after.fields[name]
        if work.same(record, name, held_it, write.value) and not work.same(record, name, holds, write.value):
            return True  # there was nothing to write, so the other value is not our doing
    if not outcome.found:
        return False
    row = work.record(record)
    seen, cell = row.seen.get(name), row.cells.get(name)
    if seen is not None and not work.same(record, name, seen.value, write.value):
        return True
    if cell is not None and cell.version > write.version and not work.same(record, name, cell.value, write.value):
        return True
    return not work.same(record, name, outcome.after.fields.get(name, write.value), write.value)


def _done(work: Work, outcome: Outcome, record: RecordId, name: str, write: FieldWrite, mine: bool) -> TrailField:
    """The field holds what we wrote, as the vendor returned it, with the winner's version: no echo will look new."""
    row = work.record(record)
    before = row.cells.get(name)
    value: Value = write.value if outcome.after is None else outcome.after.fields.get(name, write.value)
    row.wrote[name] = max(row.wrote.get(name, 0), outcome.ended_at)
    if write.elements is not None:
        _done_list(work, outcome, record, name, value, mine)
    elif not (mine and row.sent is not None and name in row.sent.landed):
        write = _land_later(work, record, name, write, value, mine)  # else a read has shown it, and what came after it
    if mine:
        ghosts.overtaken(row, name)
    held = row.held.get(name)
    if held is not None and held.version <= write.version:
        del row.held[name]
    told_already = before is None or work.same(record, name, before.value, value)  # by our write's own webhook
    replaced = write.expected if told_already or before is None else before.value
    return TrailField(name=name, before=replaced, after=value, version=write.version)


def _land_later(work: Work, record: RecordId, name: str, write: FieldWrite, value: Value, mine: bool) -> FieldWrite:
    """Take a written value in if nothing newer is known. Returns the write with the version that it has by now."""
    row = work.record(record)
    before, wanted = row.cells.get(name), row.wanted.get(name)
    joined = mine and wanted is not None and work.same(record, name, wanted.value, write.value)
    if joined and wanted is not None and wanted.version > write.version:
        write = msgspec.structs.replace(write, version=wanted.version)  # the same value was edited anew meanwhile
    if before is None or write.version >= before.version:
        land(work, record, name, write, value)
    elif not work.same(record, name, before.value, value):
        _landed_over_newer(work, record, name, write, value, mine)
    return write


def _landed_over_newer(work: Work, record: RecordId, name: str, write: FieldWrite, value: Value, mine: bool) -> None:
    """We wrote an older value over a newer one: let the newer one, which its other ends have, be sent again."""
    row = work.record(record)
    if mine:
        row.cells[name] = landed(work, record, name, write, value)
    work.read_again(record, read_after_write(work))


def _done_list(work: Work, outcome: Outcome, record: RecordId, name: str, value: Value, mine: bool) -> None:
    row, write = work.record(record), outcome.fields[name]
    if mine or name not in row.cells:
        land(work, record, name, write, value)
        return
    lists.land(row, name, write, value, is_answer=False)
    ghosts.expect(row, name, write, outcome.ended_at, lost=False)  # a read will show whether it is still there
    work.read_again(record, read_after_write(work))


def _note_written(work: Work, outcome: Outcome, record: RecordId, written: list[TrailField]) -> None:
    causes = dict.fromkeys(cause for field in written for cause in outcome.fields[field.name].causes)
    work.note(
        "written",
        record,
        link=work.link(outcome.link) if outcome.link else None,
        changes=tuple(causes),
        reason="created" if outcome.action == "create" else "found" if outcome.found else "",
        fields=written,
        received_at=outcome.received_at,
    )


def _take_defaults(outcome: Outcome, row: RecordRow) -> None:
    """What the vendor filled in by itself on a record that we made: nobody set it, so it flows nowhere."""
    for name, value in outcome.after.fields.items() if outcome.after is not None else ():
        if name not in row.cells and name not in outcome.fields:
            row.cells[name] = Cell(value, ZERO)


def _rejected(work: Work, outcome: Outcome, record: RecordId, name: str, write: FieldWrite) -> None:
    """The product refuses the value: held until a newer one comes or a person retries; the other fields go on."""
    row = work.record(record)
    answer = outcome.answers.get(name)
    category = (answer.category if answer is not None else None) or outcome.category or "rejected"
    message = (answer.message if answer is not None else "") or outcome.message
    known = row.held.get(name)
    if known is None or known.version < write.version:
        row.held[name] = Held(write.version, category, message)
    wanted = row.wanted.get(name)
    if wanted is not None and wanted.version <= write.version:
        del row.wanted[name]
        fall_back(work, record, name, held_version(row, name))
    work.note(
        "attention",
        record,
        link=work.link(write.link) if write.link else None,
        changes=write.causes,
        reason=category,
        category=category,
        message=message,
        fields=[TrailField(name=name, after=write.value, version=write.version, reason=category)],
        received_at=outcome.received_at,
    )


def _take_status(work: Work, outcome: Outcome, record: RecordId, row: RecordRow) -> None:
    """What the answer to the command under way means for the record as a whole."""
    if outcome.status in UNANSWERED:
        _retry(work, outcome, record, row)
        return
    row.sent, row.attempts = None, 0
    if outcome.status == "rejected":
        row.payload = None
    if outcome.action in ("delete", "archive") and outcome.status in ("stale", "rejected"):
        row.delete = ""
        reason = "edited_after_delete" if outcome.status == "stale" else outcome.category or "rejected"
        work.note("attention", record, reason=reason, category=outcome.category, message=outcome.message)


def _retry(work: Work, outcome: Outcome, record: RecordId, row: RecordRow) -> None:
    """No old command is ever sent again: when it is due, a nudge decides anew from the state of that moment."""
    assert row.sent is not None  # noqa: S101  # it is the answer to it
    row.sent.waits = True
    row.attempts += 1
    row.sent.ambiguous = outcome.status == "ambiguous"
    _expect_ghosts(work, outcome, row)
    at = _retry_at(work, outcome, row)
    work.nudge(record, at, sequence=outcome.sequence, reason=outcome.status)
    if outcome.status == "ambiguous" and not record.is_placeholder:
        work.read_later(record, at + work.plan.clock_margin_ms)
    asks = row.attempts == TRIES_BEFORE_ATTENTION and outcome.status != "throttled"  # a quota fills up by itself
    kind: Literal["attention", "retry"] = "attention" if asks else "retry"
    work.note(kind, record, reason=outcome.status, category=outcome.category, message=outcome.message)


def _retry_at(work: Work, outcome: Outcome, row: RecordRow) -> int:
    backoff = min(RETRY_MS << max(0, min(row.attempts - 1, 10)), RETRY_AT_MOST_MS)
    if outcome.status == "throttled" and row.attempts > 1:
        return max(outcome.retry_at, work.now + backoff)  # many wait for the same room: the longer, the less often
    return outcome.retry_at or work.now + (AMBIGUOUS_MS if outcome.status == "ambiguous" else backoff)


def _expect_ghosts(work: Work, outcome: Outcome, row: RecordRow) -> None:
    """The write may yet appear: its answer was lost, or after a crash it is on its way a second time."""
    if outcome.action != "update":
        return
    lost, until = outcome.status == "ambiguous", _retry_at(work, outcome, row)
    for name, write in outcome.fields.items():
        cell = row.cells.get(name)
        if state_of(outcome, name) or (not lost and cell is not None and cell.version >= write.version):
            continue  # not written; or written before, so that a repetition changes nothing
        ghosts.expect(row, name, write, until, lost=lost)
        if lost:
            row.wrote[name] = max(row.wrote.get(name, 0), outcome.ended_at)


def _take_duplicate(work: Work, outcome: Outcome, record: RecordId, row: RecordRow) -> None:
    """The product has such a record already: it is the one, and its values are judged like any others."""
    row.sent = None
    if outcome.created is None:
        for name, write in outcome.fields.items():
            _rejected(work, outcome, record, name, write)
        return
    for name in [*outcome.fields, *row.wanted]:
        fall_back(work, record, name, ZERO)
    row.wanted = {}
    if outcome.before is not None:
        merge(work, record, outcome.before, "before")
    else:
        work.read_again(record, work.now)
