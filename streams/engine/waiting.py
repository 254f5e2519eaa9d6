"""References that wait: a record names another one, which is not linked yet."""

from __future__ import annotations

from schemas.records import RecordId
from streams.engine.plan import Reference
from streams.engine.state import LinkRow, RecordRow, Wait
from streams.engine.work import Work

WAITERS_PER_ROW = 100
WOKEN_AT_ONCE = 20
"""More waiters than this are woken by nudges, so that one event stays short."""


def wait_name(link: LinkRow, line: str) -> str:
    return f"{link.id}|{line}"


def wait_for(work: Work, record: RecordId, link: LinkRow, line: str, target: RecordId, reference: Reference) -> None:
    """Look at the record again as soon as `target` is linked, and tell a person if that takes too long."""
    row, name = work.record(record), wait_name(link, line)
    wait = row.waits.get(name)
    if wait is not None and wait.target == target:
        if not wait.listed:
            wait.listed = True
            _list(work, record, target)
        return
    deadline = work.now + reference.wait_ms
    row.waits[name] = Wait(target, deadline)
    _list(work, record, target)
    if reference.on_missing == "skip":
        return
    work.note("waiting", record, link=link, other=target, reason="reference", category="reference_missing")
    work.nudge(record, deadline, reason="reference")


def stop_waiting(row: RecordRow, link: LinkRow, line: str) -> None:
    row.waits.pop(wait_name(link, line), None)


def wake(work: Work, target: RecordId) -> None:
    """The record is linked: whoever waited for it is looked at."""
    row = work.record(target)
    if not row.waiters or not any(
        link.state == "open" and not link.other(target).is_placeholder for link in work.links_of(target)
    ):
        return
    waiting = _take(work, target)
    for record in waiting[:WOKEN_AT_ONCE]:
        _unlist(work.record(record), target)
        work.touch(record)
    for record in waiting[WOKEN_AT_ONCE:]:
        work.nudge(record, work.now, reason="linked")


def overdue(work: Work, record: RecordId) -> None:
    """The deadlines that have passed: the reference goes on waiting, but a person knows."""
    row = work.record(record)
    for name, wait in list(row.waits.items()):
        link = work.link(name.rpartition("|")[0])
        if link is None or wait.overdue or wait.deadline > work.now:
            continue
        wait.overdue = True
        work.note(
            "attention", record, link=link, other=wait.target, reason="reference_missing", category="reference_missing"
        )


def relist(row: RecordRow) -> None:
    """Woken by a nudge: the record is on no list any more."""
    for wait in row.waits.values():
        wait.listed = False


def _unlist(row: RecordRow, target: RecordId) -> None:
    for wait in row.waits.values():
        if wait.target == target:
            wait.listed = False


def _list(work: Work, record: RecordId, target: RecordId) -> None:
    row = work.record(target)
    work.index(_index_name(target, row.waiters // WAITERS_PER_ROW)).records.append(record)
    row.waiters += 1


def _take(work: Work, target: RecordId) -> list[RecordId]:
    row = work.record(target)
    waiting: dict[RecordId, None] = {}
    for number in range(-(-row.waiters // WAITERS_PER_ROW)):
        index = work.index(_index_name(target, number))
        waiting.update(dict.fromkeys(index.records))
        index.records = []
    row.waiters = 0
    return list(waiting)


def _index_name(target: RecordId, number: int) -> str:
    return f"waiting/{target}/{number}"
