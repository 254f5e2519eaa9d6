"""Records that are gone from their product: deleted, erased, merged into another, and come back."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.records import RecordId
from streams.engine.keys import reindex
from streams.engine.link import close_as_clash
from streams.engine.plan import DeletePolicy, PairPlan
from streams.engine.state import LinkRow, RecordRow
from streams.engine.work import Work, drop_wanted


@dataclass(slots=True)
class Gone:
    """What became of the counterparts of a record that is gone."""

    linked: bool = False
    deleting: bool = False
    """A counterpart is on its way to be deleted too."""
    parked: str = ""
    """Why a person has to look."""


def gone(
    work: Work, record: RecordId, *, at: int, read_from: int = 0, erased: bool = False, into: RecordId | None = None
) -> Gone | None:
    """The record is not in its product any more, since `at`. None if that was known, or is older than a read of it."""
    row = work.record(record)
    if row.deleted_at or (read_from and read_from < row.read_from):
        return None
    row.deleted_at = work.now
    row.delete = ""
    reindex(work, record)
    work.note("gone", record, other=into, reason="erased" if erased else "merged" if into is not None else "deleted")
    result = end_links(work, record, at=at, erased=erased, into=into)
    if erased:
        _forget_values(work, record, row)
    work.touch(record)
    return result


def end_links(work: Work, record: RecordId, *, at: int, erased: bool = False, into: RecordId | None = None) -> Gone:
    """Close the links of a record that is gone, and do with their other ends as the pairs say."""
    work.record(record).wanted, work.record(record).sent = {}, None
    result = Gone()
    for link in work.links_of(record):
        if link.state == "open":
            result.linked = True
            _end_link(work, link, record, result, at=at, erased=erased, into=into)
    return result


def retire(work: Work, record: RecordId) -> bool:
    """Give up a placeholder whose create nobody wants any more. True if it was one."""
    row = work.record(record)
    if row.sent is not None or row.wanted:
        return False
    links = [link for link in work.links_of(record) if link.state == "open"]
    others = [link.other(record) for link in links]
    if any(not other.is_placeholder and work.record(other).alive for other in others):
        return False
    row.deleted_at = work.now
    for link in links:
        link.state = "deleted"
        work.touch(link.other(record))
    reindex(work, record)
    return True


def revive(work: Work, record: RecordId) -> None:
    """The record is back: its links are open again, as far as their other ends still live."""
    row = work.record(record)
    row.deleted_at = 0
    for link in work.links_of(record):
        other = work.record(link.other(record))
        if link.state == "deleted" and other.alive and not other.delete:
            link.state = "open"
            close_as_clash(work, link, record)
    work.note("resolved", record, reason="restored")
    work.touch(record)


def _end_link(
    work: Work, link: LinkRow, record: RecordId, result: Gone, *, at: int, erased: bool, into: RecordId | None
) -> None:
    other = link.other(record)
    drop_wanted(work, link)
    if into is not None:
        _follow_merge(work, link, record, into, result)
        return
    planned = work.pair_of(link)
    link.state = "erased" if erased else "deleted"
    if planned is None:
        return
    pair = planned[1]
    row = work.record(other)
    policy: DeletePolicy = pair.delete_from_left if link.left == record else pair.delete_from_right
    if erased:
        policy = "delete" if pair.erase else policy
    if other.is_placeholder:
        row.wanted = {}
        row.delete = policy if policy != "unlink" else ""  # if its create has been done already
        return
    if policy == "unlink" or not row.alive:
        work.note("unlinked", record, link=link, reason=link.state)
        return
    reason = "" if erased else _refused(work, link, record, pair, row, at)
    if reason:
        result.parked = reason
        work.note("attention", other, link=link, reason=reason, category="rejected")
        return
    row.delete = policy
    result.deleting = True


def _refused(work: Work, link: LinkRow, record: RecordId, pair: PairPlan, other: RecordRow, at: int) -> str:
    """Why a delete is not carried across: the counterpart was edited later, or too many are being deleted."""
    if max((cell.version.ms for cell in other.cells.values()), default=0) > at:
        return "edited_after_delete"
    side = "left" if link.left == record else "right"
    index = work.index(f"deletes/{link.installation}/{link.pair}/{side}")
    since = work.now - pair.delete_window_ms
    times = [time for time in index.times if time > since]
    index.times = [*times, work.now][-(pair.delete_limit + 1) :]
    if len(times) < pair.delete_limit:
        return ""
    if len(times) == pair.delete_limit:
        work.note("breaker", record, link=link, reason="delete_limit", message=str(pair.delete_limit))
    return "delete_limit"


def _follow_merge(work: Work, link: LinkRow, record: RecordId, into: RecordId, result: Gone) -> None:
    """The record lives on in another one: its counterpart is that one's, unless that one has its own already."""
    pair = _pair_for(work, link, record, into)
    into = work.now_called(into)
    taken = any(
        known.installation == link.installation and known.pair == pair and known.state == "open"
        for known in work.links_of(into)
    )
    if pair is None or taken or not work.record(into).alive:
        link.state = "merged"
        if taken:
            result.parked = "merged_twice"
            work.note("attention", record, link=link, other=into, reason="merged_twice", category="duplicate")
        return
    moved = LinkRow(
        id=f"{link.id}>{into.id}",
        installation=link.installation,
        pair=pair,
        left=into if link.left == record else link.left,
        right=into if link.right == record else link.right,
    )
    link.state = "merged"
    work.add_link(moved)
    work.note("linked", into, link=moved, reason="merged")
    work.touch(into)
    if not work.record(into).cells:
        work.read_again(into)


def _pair_for(work: Work, link: LinkRow, record: RecordId, into: RecordId) -> str | None:
    """The pair in which the surviving record and the counterpart belong together (a converted lead changes it)."""
    if into.entity == record.entity:
        return link.pair
    installation = work.plan.installations.get(link.installation)
    other = link.other(record)
    wanted = (into.entity, other.entity) if link.left == record else (other.entity, into.entity)
    for pair in installation.pairs.values() if installation is not None else ():
        if (pair.left, pair.right) == wanted:
            return pair.name
    return None


def _forget_values(work: Work, record: RecordId, row: RecordRow) -> None:
    """Erased for privacy's sake: that the record was there is remembered, what it held is not."""
    for link in work.links_of(record):
        link.lines = {}
    row.cells, row.seen, row.ghosts, row.held, row.payload = {}, {}, {}, {}, None
