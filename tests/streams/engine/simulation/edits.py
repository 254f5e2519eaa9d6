"""No person's edit is lost: what became of every single one.

An edit may be overwritten by us only with a later one, or if it lost a conflict that the history tells of.
"""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING

from schemas.events import Outcome, Snapshot
from schemas.records import RecordId
from schemas.values import Value
from tests.streams.engine.simulation.people import Edit
from tests.streams.engine.simulation.products import START, Was
from tests.streams.engine.simulation.schema import field_of, in_effect, name_of, read

if TYPE_CHECKING:
    from tests.streams.engine.simulation.checks import Checks

NOT_ORDERED = ("tags", "company", "rank", "stage")
"""Checked elsewhere, or one way."""


def check_edits(checks: Checks) -> None:
    """Look at every write that replaced a person's edit."""
    run = checks.run
    for buried in run.sink.buried:
        if buried.late:
            run.excuse("W2 late commit")
        elif buried.age <= run.profile.read_to_write[1] + 1:
            run.excuse("W1 between read and write")
        else:
            run.found("buried unseen", buried)
    if run.people.deleted or checks.puzzled:
        return
    told = _told(checks)
    windows = {(buried.product, buried.record, buried.field, buried.edit) for buried in run.sink.buried}
    for edit in run.people.edits:
        if edit.field in NOT_ORDERED or (edit.product, edit.record, edit.field, edit.number) in windows:
            continue
        if (edit.field, in_effect(edit.field, edit.value)) not in told:
            _check_edit(checks, edit, told)


def _told(checks: Checks) -> set[tuple[str, Value]]:
    """(field, value) of everything that the history says was overwritten."""
    found = set()
    for entry in checks.trail:
        if entry.kind in ("conflict", "overwritten") and entry.record is not None:
            product = entry.record.connection
            for field in entry.fields:
                name = field_of(product, field.name)
                value = None if field.before is None else read(product, name, field.before)  # type: ignore[arg-type]  # set by both kinds
                found.add((name, in_effect(name, value)))
    return found


def _check_edit(checks: Checks, edit: Edit, told: set[tuple[str, Value]]) -> None:
    run, field = checks.run, edit.field
    history = run.world.products[edit.product].records[edit.record].history[field]
    place = next(number for number, was in enumerate(history) if was.edit == edit.number)
    mine = in_effect(field, edit.value)
    after = list(dropwhile(lambda was: in_effect(field, was.value) == mine, history[place + 1 :]))
    if not after or after[0].who == "human":
        return  # final here, so convergence is what counts; or a person overwrote it
    if field == "email" and place == 0:
        return  # the key by which the record was matched
    ours = in_effect(field, after[0].value)
    later = [other.at for other in run.people.edits if other.field == field and in_effect(field, other.value) == ours]
    if later and max(later) > edit.at:
        return
    if _was_superseded(checks, edit, told):
        return
    retried = any(lost for (product, _), lost in run.world.retries.items() if product == "B")
    if field == "note" and (retried or run.sink.lost_creates):
        run.excuse("W6 undeclared normaliser and a lost answer")
        return
    if _was_joined_unread(checks, edit, ours):
        run.excuse("W10 an unread edit under an equal value")
        return
    if repeated_late(checks, edit.product, edit.record, field):
        run.excuse("W11 a command repeated after its answer")
        return
    if _was_on_its_way(checks, edit):
        run.excuse("W9 the value that was on its way")
        return
    if _was_put_back(checks, edit, history, place):
        run.excuse("W3 put back")
        return
    run.found(
        "older over newer", f"edit {edit.number}: {edit.product}/{edit.record} {field}={edit.value!r} at {edit.at} "
        f"replaced by {after[0].value!r} at {after[0].at}"
    )  # fmt: skip


def _was_superseded(checks: Checks, edit: Edit, told: set[tuple[str, Value]]) -> bool:
    """Was a later edit to replace it, which lost a conflict before it was written here?"""
    people = checks.run.people
    person = people.person_of(edit.product, edit.record)
    return any(
        other.field == edit.field
        and other.at > edit.at
        and (edit.field, in_effect(edit.field, other.value)) in told
        and people.person_of(other.product, other.record) == person
        for other in people.edits
    )


def repeated_late(checks: Checks, product: str, record: str, field: str) -> bool:
    """Did a crash of the sync stage repeat a command that had been answered, and did that write once more?"""
    run = checks.run
    return any(
        write.field == field
        and (write.product, write.record) == (product, record)
        and run.sync.first_answered.get((RecordId(product, "contact", record), write.sequence), write.at) < write.at
        for write in run.sink.written
    )


def _was_joined_unread(checks: Checks, edit: Edit, ours: Value) -> bool:
    """Was the other edit older, but not read yet when this one made its record equal to what was known of that one?

    Then the older record's cell had taken this edit's version, and what was read there later counts as newer still.
    """
    mine = in_effect(edit.field, edit.value)
    for other in checks.run.people.edits:
        if other.field != edit.field or in_effect(edit.field, other.value) != ours or other.record == edit.record:
            continue
        history = checks.run.world.products[other.product].records[other.record].history[edit.field]
        place = next(number for number, was in enumerate(history) if was.edit == other.number)
        if place and in_effect(edit.field, history[place - 1].value) == mine:
            return True
    return False


def _was_on_its_way(checks: Checks, edit: Edit) -> bool:
    """Did the person type what a command was about to write there? Nobody can tell the two apart."""
    record, name = RecordId(edit.product, "contact", edit.record), name_of(edit.product, edit.field)
    answered = checks.run.sync.answered
    return any(
        command.record == record
        and name in command.fields
        and in_effect(edit.field, command.fields[name].value) == in_effect(edit.field, edit.value)
        and command.issued_at - START <= edit.at <= answered.get((record, command.sequence), 0)
        for command in checks.run.sync.commands
    )


def _was_put_back(checks: Checks, edit: Edit, history: list[Was], place: int) -> bool:
    """Is it the value from before, with nothing in between that anybody read (or whose answer was lost)?"""
    mine = in_effect(edit.field, edit.value)
    before = [number for number, was in enumerate(history[:place]) if in_effect(edit.field, was.value) == mine]
    if not before and mine is not None:
        return False
    between = history[(before[-1] + 1 if before else 0) : place]
    if checks.run.world.retries[edit.product, edit.record]:
        return True
    return not any(was.who == "sync" for was in between) and not _was_read(checks, edit, between)


def _was_read(checks: Checks, edit: Edit, between: list[Was]) -> bool:
    """Did a read that was believed, and came before any read of a later state, show a value in between?"""
    doubted = {
        change
        for entry in checks.trail
        if entry.end is not None and entry.reason in ("older", "read_again")
        for change in entry.changes
    }
    values = [in_effect(edit.field, was.value) for was in between]
    record = RecordId(edit.product, "contact", edit.record)
    newest = 0
    for logged in checks.run.sync.log:
        event = logged.event
        readings = []
        if isinstance(event, Snapshot) and event.record == record and not doubted.intersection(event.changes):
            readings = [event.reading]
        if isinstance(event, Outcome) and record in (event.record, RecordId(*_made(event))):
            readings = [event.before, event.after]
        for reading in readings:
            if reading is None or reading.updated_at < newest:
                continue
            newest = reading.updated_at
            value = read(edit.product, edit.field, reading.fields.get(name_of(edit.product, edit.field)))
            if in_effect(edit.field, value) in values and reading.read_to - START < edit.at + 300:
                return True
    return False


def _made(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.record.connection, outcome.record.entity, outcome.created or ""
