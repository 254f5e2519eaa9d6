"""What people and the crawler ask for, at one point of the tenant's order: nudges and controls."""

from __future__ import annotations

from schemas.events import Control, Nudge
from schemas.records import RecordId
from schemas.versions import ZERO
from streams.engine import waiting
from streams.engine.carry import half
from streams.engine.plan import Side, opposite
from streams.engine.resolve import mint
from streams.engine.state import LinkRow
from streams.engine.work import Place, Work, drop_wanted, set_version


def take_nudge(work: Work, nudge: Nudge) -> RecordId:
    """Let what waits be decided anew. Returns the record by the name it has now."""
    record = work.now_called(nudge.record)
    row = work.record(record)
    work.touch(record)
    sent = row.sent
    if sent is not None and sent.waits:
        due = sent.command.sequence == nudge.sequence
        anything = nudge.sequence is None and nudge.reason == "" and not sent.ambiguous
        if due or anything:
            row.sent = None
    if nudge.retry_held:
        _retry_held(work, record)
    if nudge.reason == "reference":
        waiting.overdue(work, record)
    if nudge.reason == "linked":
        waiting.relist(row)
    return record


def take_control(work: Work, control: Control) -> RecordId | None:
    """Apply a person's decision. Returns the record it is about, if any."""
    if control.record is None:
        return None
    record = work.now_called(control.record)
    work.touch(record)
    if control.action == "resolve" and control.winner:
        _choose(work, record, control.installation, control.field, control.winner)
    if control.action == "resolve" and not control.field:
        _allow_delete(work, record, control.installation)
    if control.action == "unlink":
        _unlink(work, record, control)
    if control.action == "link" and control.other is not None:
        _link(work, record, work.now_called(control.other), control.installation)
    return record


def _retry_held(work: Work, record: RecordId) -> None:
    row = work.record(record)
    row.held, row.noticed, row.blocked = {}, [], None
    for link in work.links_of(record):
        for memory in link.lines.values():
            memory.writes = []
        work.touch(link.other(record))


def _choose(work: Work, record: RecordId, installation: str, field: str, winner: Side) -> None:
    """A person chose a side of a conflict: its value gets a version above both, and goes across."""
    for link in work.links_of(record):
        if link.state != "open" or link.installation != installation:
            continue
        for line, memory in work.lines_at(link, record, field):
            chosen, other = half(work, link, line, winner), half(work, link, line, opposite(winner))
            memory.review = None
            other.row.held.pop(other.name, None)
            memory.agree(other.version)
            if chosen.knows:
                version = mint(link, memory, max(chosen.version, other.version))
                set_version(chosen.row, chosen.name, version)
            work.note("resolved", record, link=link, reason="chosen", message=line.name)


def _allow_delete(work: Work, record: RecordId, installation: str) -> None:
    """A person lets a delete go through that a breaker, or a later edit, had stopped."""
    for link in work.links_of(record):
        planned = work.pair_of(link)
        other = link.other(record)
        if planned is None or link.state != "deleted" or link.installation != installation:
            continue
        policy = planned[1].delete_from_left if link.left == record else planned[1].delete_from_right
        if policy != "unlink" and work.record(record).deleted_at and work.record(other).alive:
            work.record(other).delete = policy
            work.touch(other)
            work.note("resolved", record, link=link, reason="delete_allowed")


def _unlink(work: Work, record: RecordId, control: Control) -> None:
    for link in work.links_of(record):
        if link.state != "open" or link.installation != control.installation:
            continue
        if control.other is None or link.other(record) == work.now_called(control.other):
            close(work, link, record, "unlinked")


def close(work: Work, link: LinkRow, record: RecordId, state: str) -> None:
    """The two records are no longer one thing: what one wanted of the other is off."""
    link.state = "left" if state == "left" else "unlinked"
    drop_wanted(work, link)
    work.note("unlinked", record, link=link, reason=link.state)


def _link(work: Work, record: RecordId, other: RecordId, installation: str) -> None:
    """A person says that two records are one thing. Refused if one of them already has another counterpart."""
    for place in work.places(record):
        if place.installation.id != installation or place.counterpart != (other.connection, other.entity):
            continue
        taken = [link for side in (record, other) for link in work.links_of(side) if _is_open_at(link, place)]
        if taken:
            work.note("attention", record, link=taken[0], reason="already_linked", category="duplicate")
            return
        link = _new_link(work, record, other, place)
        work.note("linked", record, link=link, reason="by_hand")
        for side in (record, other):
            work.record(side).noticed = []
            work.touch(side)
        return


def _is_open_at(link: LinkRow, place: Place) -> bool:
    return link.state == "open" and (link.installation, link.pair) == (place.installation.id, place.pair.name)


def _new_link(work: Work, record: RecordId, other: RecordId, place: Place) -> LinkRow:
    left, right = (record, other) if place.side == "left" else (other, record)
    name = f"{place.installation.id}/{place.pair.name}/{left.id}={right.id}"
    link = work.link(name) or LinkRow(
        id=name, installation=place.installation.id, pair=place.pair.name, left=left, right=right
    )
    link.state = "open"
    for memory in link.lines.values():
        memory.agreed, memory.minted = [], max(memory.minted, ZERO)
    work.add_link(link)
    return link
