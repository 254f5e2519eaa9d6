"""Account for every change that came in: it ends applied, superseded, filtered, or in attention, and once.

A change that edited something stays open on its record until every counterpart holds the value, or something newer,
or has refused it. That is read from the state, not counted, so that no lost message can leave a change without end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import msgspec

from schemas.events import End, Trail
from schemas.records import RecordId
from schemas.versions import Version
from streams.engine.plan import Line
from streams.engine.state import LinkRow, OpenChange, RecordRow
from streams.engine.waiting import wait_name
from streams.engine.work import Ended, Work

Verdict = tuple[End | None, str]
"""The end that a part of a change has reached (None: it is under way), and why."""

_RANK: tuple[End, ...] = ("attention", "applied", "superseded", "filtered")
"""The parts of a change may end differently: the change ends as the first of these that any part did."""

_ENDS_OF_KIND: dict[str, End] = {"written": "applied", "attention": "attention"}

_UNLINKED: dict[str, Verdict] = {
    "linking": (None, "linking"),
    "ambiguous": ("attention", "ambiguous"),
}


def settle(work: Work) -> None:
    """End the changes that have nothing under way any more, and put all ends of this event into the history."""
    for record in work.touched:
        row = work.record(record)
        if row.open:
            row.open = [change for change in row.open if not _ended(work, record, row, change)]
    _announce(work)


def _ended(work: Work, record: RecordId, row: RecordRow, change: OpenChange) -> bool:
    verdicts = list(_verdicts(work, record, row, change))
    if any(end is None for end, _ in verdicts):
        return False
    end, reason = min(verdicts, key=lambda verdict: _rank(verdict[0]), default=("filtered", "not_linked"))
    assert end is not None  # noqa: S101  # looked at above
    work.ends[change.change] = Ended(record, end, reason, change.received_at)
    return True


def _rank(end: End | None) -> int:
    return -1 if end is None else _RANK.index(end)


def _verdicts(work: Work, record: RecordId, row: RecordRow, change: OpenChange) -> Iterator[Verdict]:
    if change.parked:
        yield "attention", change.parked
    if change.deleting:
        yield from _deletes(work, record)
        return
    for name, version in change.fields.items():
        if row.twin:
            yield "attention", "created_twice"
        elif row.deleted_at:
            yield "superseded", "gone"
        elif row.effective(name)[1] > version:
            yield "superseded", "newer_value"
        else:
            yield from _carried(work, record, row, name, version)


def _deletes(work: Work, record: RecordId) -> Iterator[Verdict]:
    for link in work.links_of(record):
        other = work.record(link.other(record))
        if other.deleted_at:
            yield "applied", "deleted"
        elif other.delete:
            yield None, ""
        elif link.state in ("deleted", "erased"):
            yield "attention", "not_deleted"


def _carried(work: Work, record: RecordId, row: RecordRow, name: str, version: Version) -> Iterator[Verdict]:
    """What became of one edited field, in every installed pair of its record."""
    for place in work.places(record):
        links = [
            link
            for link in work.links_of(record)
            if (link.installation, link.pair) == (place.installation.id, place.pair.name)
        ]
        if not links:
            reason = work.unlinked.get((record, place.installation.id, place.pair.name), "not_linked")
            yield _UNLINKED.get(reason, ("filtered", reason))
        for link in links:
            if link.state != "open":
                yield "filtered", "unlinked"
                continue
            for line in place.pair.lines:
                own = line.left if place.side == "left" else line.right
                target = line.right if place.side == "left" else line.left
                goes = line.direction in ("both", "to_right" if place.side == "left" else "to_left")
                paused = (place.pair.name, line.name) in place.installation.paused_lines
                if goes and target and (name == own or name in line.reads) and not paused:
                    yield _at_target(work, link, line, record, row, target, version)


def _at_target(
    work: Work, link: LinkRow, line: Line, record: RecordId, row: RecordRow, name: str, version: Version
) -> Verdict:
    target = link.other(record)
    there = work.record(target)
    wanted, cell, held = there.wanted.get(name), there.cells.get(name), there.held.get(name)
    sent = there.sent.command.fields.get(name) if there.sent is not None else None
    if wanted is not None and wanted.version >= version:
        return ("attention", there.blocked) if there.blocked else (None, "wanted")
    if sent is not None and sent.version >= version:
        return None, "sent"
    if cell is not None and cell.version >= version:
        exact = cell.version == version or line.reads or cell.elements is not None
        return ("applied", "") if exact else ("superseded", "newer_value")
    if held is not None and held.version >= version:
        return "attention", held.category
    wait = row.waits.get(wait_name(link, line.name))
    if wait is not None:
        return ("attention", "reference_missing") if wait.overdue else (None, "waiting")
    if link.line(line.name).review is not None:
        return "attention", "review"
    planned = work.pair_of(link)
    if planned is not None and planned[0].state == "paused":
        return None, "paused"
    return "filtered", "nothing_to_write"


def _announce(work: Work) -> None:
    """Put each end on the entry that tells of the same fact, or on one of its own."""
    ends = dict(work.ends)
    for number, entry in enumerate(work.trail):
        end = _common_end(entry, ends)
        if end is not None and _ENDS_OF_KIND.get(entry.kind) == end:
            work.trail[number] = msgspec.structs.replace(entry, end=end)
            for change in entry.changes:
                del ends[change]
    groups: dict[Ended, list[str]] = defaultdict(list)
    for change, ended in ends.items():
        groups[ended].append(change)
    for ended, changes in groups.items():
        if ended.end != "attention" or not _join_question(work, ended, tuple(changes)):
            kind = "decided" if ended.end == "applied" else ended.end
            received_at = ended.received_at
            work.note(kind, ended.record, changes=changes, end=ended.end, reason=ended.reason, received_at=received_at)


def _join_question(work: Work, ended: Ended, changes: tuple[str, ...]) -> bool:
    """Was a person asked about the record in this event anyway? Then that is where its changes end."""
    for number, entry in enumerate(work.trail):
        asked = entry.kind == "attention" and not entry.changes and ended.record in (entry.record, entry.other)
        if asked:
            facts = {"changes": changes, "end": ended.end, "received_at": ended.received_at}
            work.trail[number] = msgspec.structs.replace(entry, **facts)
            return True
    return False


def _common_end(entry: Trail, ends: dict[str, Ended]) -> End | None:
    found = {ends[change].end if change in ends else None for change in entry.changes}
    return found.pop() if len(found) == 1 else None
