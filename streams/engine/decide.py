"""The sync decision: (rows, event, plan) -> (new rows, commands, history). No I/O, no clock, no randomness.

An event is merged into what is known of its record; then every link of every record that this touched is resolved
from state, until nothing moves; then the commands that the records now need are issued; then the changes that have
reached their end are accounted for.
"""

from __future__ import annotations

from zlib import crc32

from schemas.events import Control, Nudge, Outcome, Snapshot, SyncEvent
from schemas.records import RecordId
from streams.engine import waiting
from streams.engine.command import issue
from streams.engine.control import close, take_control, take_nudge
from streams.engine.decision import Decision, Rows
from streams.engine.ends import settle
from streams.engine.link import link_record
from streams.engine.outcome import take_outcome
from streams.engine.plan import Plan
from streams.engine.resolve import resolve
from streams.engine.snapshot import take_snapshot
from streams.engine.state import LinkRow
from streams.engine.work import Work

ROUNDS = 60
"""More rounds per record than this mean that two rules undo each other's work: an alarm, never a loop."""

RECORDS_AT_MOST = 300
"""More records than this in one event mean that records beget records: an alarm too."""


def decide(rows: Rows, event: SyncEvent, plan: Plan, position: int, now: int) -> Decision:
    """Decide what an event of a tenant changes and causes. `now` is the time its record carries, in ms."""
    work = Work(rows, event, plan, position, now)
    subject = _subject(work, event)
    if subject is not None and _mark(work, event) in work.record(subject).recent:
        return _repeat(work, subject)
    subject = _take(work, event)
    work.quiet = isinstance(event, Snapshot) and event.linking
    _settle_links(work)
    if not work.quiet:
        for record in list(work.touched):
            issue(work, record)
    settle(work)
    return work.decision(subject, _mark(work, event))


def _subject(work: Work, event: SyncEvent) -> RecordId | None:
    if isinstance(event, Outcome) and event.created is not None and event.action == "create":
        return RecordId(event.record.connection, event.record.entity, event.created)
    return work.now_called(event.record) if event.record is not None else None


def _mark(work: Work, event: SyncEvent) -> str:
    return f"{work.position}:{crc32(event.id.encode()):x}"


def _repeat(work: Work, subject: RecordId) -> Decision:
    """The event was applied before: its rows hold, and what it had sent is sent again, under the same ids."""
    work.touch(subject)
    for link in work.links_of(subject):
        work.touch(link.other(subject))
    for record in work.touched:
        sent = work.record(record).sent
        if sent is not None and work.issued_here(sent.command):
            work.send(sent.command)
    return work.repetition()


def _take(work: Work, event: SyncEvent) -> RecordId | None:
    match event:
        case Snapshot():
            return take_snapshot(work, event)
        case Outcome():
            return take_outcome(work, event)
        case Nudge():
            return take_nudge(work, event)
        case Control():
            return take_control(work, event)


def _settle_links(work: Work) -> None:
    """Link and resolve every touched record, and again whatever that changes, until nothing moves."""
    linked: set[RecordId] = set()
    queue: dict[str, LinkRow] = {}
    moves = 0
    while True:
        for record in [record for record in work.touched if record not in linked]:
            linked.add(record)
            _link(work, record)
            queue.update((link.id, link) for link in work.links_of(record))
        if not queue or work.quiet:
            return
        link = queue.pop(next(iter(queue)))
        if resolve(work, link):
            moves += 1
            for record in (link.left, link.right):
                linked.discard(record)
                work.touch(record)
        if moves > ROUNDS * len(work.touched) or len(work.touched) > RECORDS_AT_MOST:
            break
    work.note("breaker", link.left, link=link, reason="no_fixpoint")
    work.note("attention", link.left, link=link, reason="no_fixpoint", category="unknown")


def _link(work: Work, record: RecordId) -> None:
    _leave_scope(work, record)
    link_record(work, record)
    waiting.wake(work, record)
    _touch_waiting_changes(work, record)


def _touch_waiting_changes(work: Work, record: RecordId) -> None:
    """A counterpart whose changes are not at their end may be now."""
    for link in work.links_of(record):
        if work.record(link.other(record)).open:
            work.touch(link.other(record))


def _leave_scope(work: Work, record: RecordId) -> None:
    """A record out of its pair's scope is unlinked where the pair says so, and linked again when it is back."""
    for link in work.links_of(record):
        planned = work.pair_of(link)
        if planned is None or planned[1].on_leave != "unlink" or link.state not in ("open", "left"):
            continue
        left, right = work.record(link.left), work.record(link.right)
        if not (left.alive and right.alive and left.cells and right.cells):
            continue
        within = planned[1].in_scope_left(left.values()) and planned[1].in_scope_right(right.values())
        if link.state == "open" and not within:
            close(work, link, record, "left")
        if link.state == "left" and within:
            link.state = "open"
            work.touch(link.other(record))
            work.note("linked", record, link=link, reason="in_scope_again")
