"""Which side of a line wins, and what the other side is to hold.

Decided from state alone, never from "this event changed x", so that whatever was lost on the way heals. A side has
moved if its version is above the line's floor: the last version that both sides held or were about to hold.
"""

from __future__ import annotations

import msgspec

from schemas.events import Category, FieldWrite, TrailField
from schemas.values import Value, is_empty
from schemas.versions import ZERO, Version
from streams.engine.carry import Half, ReferenceUnknown, convert, equal, half
from streams.engine.plan import ConversionFailed, InstallationPlan, Line, PairPlan, Side
from streams.engine.state import Held, LinkLine, LinkRow, RecordRow
from streams.engine.union import resolve_union
from streams.engine.waiting import stop_waiting, wait_for
from streams.engine.work import Work, set_version


def resolve(work: Work, link: LinkRow) -> bool:
    """Bring every line of an open link to where neither side has anything to say. True if something changed."""
    planned = work.pair_of(link)
    if planned is None or link.state != "open" or planned[0].state == "paused":
        return False
    if not (work.record(link.left).alive and work.record(link.right).alive):
        return False
    installation, pair = planned
    changed = False
    for line in pair.lines:
        if (pair.name, line.name) not in installation.paused_lines:
            changed |= _resolve_line(work, link, installation, pair, line)
    return changed


def _resolve_line(work: Work, link: LinkRow, installation: InstallationPlan, pair: PairPlan, line: Line) -> bool:
    memory = link.line(line.name)
    if line.policy == "union" and line.direction == "both":
        return resolve_union(work, link, line, memory)
    if not line.reads and agreed(work.record(link.left), work.record(link.right), line, memory):
        return False
    left, right = half(work, link, line, "left"), half(work, link, line, "right")
    if line.reads:
        return _computed(work, link, line, memory, left, right)
    if line.direction != "both":
        return _one_way(work, link, line, memory, left, right)
    if equal(work, link, line, left, right):
        return _join(memory, left, right)
    source = _winner(work, link, installation, pair, line, left, right)
    if source is None:
        return False
    return _carry(work, link, line, memory, source, right if source is left else left)


def agreed(left: RecordRow, right: RecordRow, line: Line, memory: LinkLine) -> bool:
    """Equal versions: agreed in effect, though a write may be under way; and if both hold it, agreed for good."""
    version = left.effective(line.left)[1]
    if version != right.effective(line.right)[1]:
        return False
    memory.review = None
    one, other = left.cells.get(line.left), right.cells.get(line.right)
    landed = one is not None and other is not None and one.version == other.version == version
    if landed and line.left not in left.wanted and line.right not in right.wanted:
        memory.agreed = [version] if version != ZERO else []
    else:
        memory.agree(version)
    return True


def _one_way(work: Work, link: LinkRow, line: Line, memory: LinkLine, left: Half, right: Half) -> bool:
    """The source's moves go across; what the target does by itself is left alone until the source moves."""
    source, target = (left, right) if line.direction == "to_right" else (right, left)
    if source.version <= memory.floor and source.version <= target.version:
        return False
    if line.skip_empty and source.name and is_empty(source.value):
        return False
    if equal(work, link, line, left, right):
        if source.version > target.version and target.knows:
            set_version(target.row, target.name, source.version)
        memory.agree(max(source.version, target.version))
        return source.version > target.version and target.knows
    return _carry(work, link, line, memory, source, target)


def _computed(work: Work, link: LinkRow, line: Line, memory: LinkLine, left: Half, right: Half) -> bool:
    """A value computed from several fields has moved when it differs from the one that was carried across last.

    Its version cannot tell: a second field that is edited within the same second does not raise the latest of both.
    """
    source, target = (left, right) if line.direction == "to_right" else (right, left)
    try:
        value = convert(work, link, line, source)
    except ConversionFailed as failure:
        return _hold(work, link, target, source.version, "transform_error", failure.reason, source)
    moved = memory.computed is msgspec.UNSET or not work.same(target.record, target.name, memory.computed, value)
    if not moved and memory.minted <= target.version:
        return False
    if memory.computed is msgspec.UNSET and is_empty(value):
        memory.computed = value  # nothing to say yet
        return False
    if moved:
        memory.computed = value
        mint(link, memory, max(source.version, target.version))
    source.version = memory.minted
    if work.same(target.record, target.name, target.value, value) and target.knows:
        set_version(target.row, target.name, source.version)
        return True
    return _want(work, link, line, memory, source, target)


def _join(memory: LinkLine, left: Half, right: Half) -> bool:
    """Equal values: nothing to write, the older takes the later version."""
    memory.review = None
    older, later = (left, right) if left.version < right.version else (right, left)
    if not older.knows:
        return False  # never read: unknown, not empty
    set_version(older.row, older.name, later.version)
    return True


def _winner(
    work: Work, link: LinkRow, installation: InstallationPlan, pair: PairPlan, line: Line, left: Half, right: Half
) -> Half | None:
    """The side whose value goes across; None if neither does."""
    memory = link.line(line.name)
    moved = [side for side in (left, right) if side.version > memory.floor]
    newer, older = (left, right) if left.version > right.version else (right, left)
    withdrawn = _withdrawn(line, left, right)
    if withdrawn is not None:
        other = right if withdrawn is left else left
        if moved == [other]:
            _hold(work, link, withdrawn, other.version, "rejected", "consent", other)
            return None
        return withdrawn
    if line.skip_empty and is_empty(left.value) != is_empty(right.value):
        filled = right if is_empty(left.value) else left
        return filled if filled in moved else None
    if len(moved) == 1:
        return moved[0]
    if not moved or older.version == ZERO:
        return newer
    return _conflict(work, link, installation, pair, line, newer, older)


def _withdrawn(line: Line, left: Half, right: Half) -> Half | None:
    """The one side on which a consent was withdrawn, if it was on one only."""
    if not line.withdrawn_left and not line.withdrawn_right:
        return None
    on_left, on_right = left.value in line.withdrawn_left, right.value in line.withdrawn_right
    if on_left == on_right:
        return None
    return left if on_left else right


def _conflict(
    work: Work, link: LinkRow, installation: InstallationPlan, pair: PairPlan, line: Line, newer: Half, older: Half
) -> Half | None:
    """Both sides moved: the field's policy decides. The loser stays in the history."""
    if line.policy == "review":
        _ask(work, link, line, newer, older)
        return None
    winner, reason = newer, str(line.policy)
    if is_decision(newer.version) and is_decision(older.version):
        reason = "decided"  # else the policies of several installations could overrule each other in a circle
    elif line.policy in ("left", "right"):
        winner = newer if newer.side == line.policy else older
    elif uncertain(work, newer.version, older.version):
        winner, reason = (newer if newer.side == installation.master else older), "uncertain"
    if pair.empty_never_wins and winner is older and is_empty(older.value):
        winner, reason = newer, "empty_never_wins"
    loser = older if winner is newer else newer
    memory = link.line(line.name)
    if memory.told != (winner.version, loser.version):
        memory.told = (winner.version, loser.version)
        _tell(work, link, line, winner, loser, reason)
    return winner


def _tell(work: Work, link: LinkRow, line: Line, winner: Half, loser: Half, reason: str) -> None:
    causes, received_at = _causes(loser, line)
    fields = [_compared(line, loser, winner)]
    work.note(
        "conflict", loser.record, link=link, changes=causes, reason=reason, fields=fields, received_at=received_at
    )


def is_decision(version: Version) -> bool:
    """Was the version given by a policy, not by an edit?"""
    return version.origin.startswith("~")


def uncertain(work: Work, one: Version, other: Version) -> bool:
    """Within this window two vendors' clocks cannot tell which edit came first."""
    return one.origin != other.origin and abs(one.ms - other.ms) <= work.plan.tie_ms


def _ask(work: Work, link: LinkRow, line: Line, newer: Half, older: Half) -> None:
    left, right = (newer, older) if newer.side == "left" else (older, newer)
    memory = link.line(line.name)
    question = (left.version, right.version)
    if memory.review == question:
        return
    memory.review = question
    fields = [_compared(line, left, right)]
    work.note("attention", left.record, link=link, reason="review", message=line.name, fields=fields)


def _compared(line: Line, loser: Half, winner: Half) -> TrailField:
    return TrailField(name=loser.name, before=loser.value, after=winner.value, version=loser.version, other=winner.name)


def _carry(work: Work, link: LinkRow, line: Line, memory: LinkLine, source: Half, target: Half) -> bool:
    """The source's value is to be the target's. A winner that is not the newest gets a version that is."""
    changed = False
    if source.version <= target.version:
        source.version = mint(link, memory, target.version)
        if source.name:
            set_version(source.row, source.name, source.version)
            changed = True
    return _want(work, link, line, memory, source, target) or changed


def mint(link: LinkRow, memory: LinkLine, above: Version) -> Version:
    """The version of a decision: later than both sides, and with an origin that no edit has."""
    memory.minted = max(above, memory.minted).next(f"~{link.installation}")
    return memory.minted


def _want(work: Work, link: LinkRow, line: Line, memory: LinkLine, source: Half, target: Half) -> bool:
    held = target.row.held.get(target.name)
    if held is not None and source.version <= held.version:
        return False
    try:
        value = convert(work, link, line, source)
    except ReferenceUnknown as missing:
        assert line.reference is not None  # noqa: S101  # only references raise it
        wait_for(work, source.record, link, line.name, missing.target, line.reference)
        return False
    except ConversionFailed as failure:
        return _hold(work, link, target, source.version, "transform_error", failure.reason, source)
    stop_waiting(source.row, link, line.name)
    default = _default(line, target.side)
    synthetic = is_empty(value) and not is_empty(default)
    if is_empty(value) and not synthetic and target.record.is_placeholder:
        return False
    memory.agree(source.version)
    if _too_often(work, link, memory, source, target):
        return True
    causes, _ = _causes(source, line)
    cell = target.row.cells.get(target.name)
    write = FieldWrite(
        value=default if synthetic else value,
        version=source.version,
        expected=cell.value if cell is not None else msgspec.UNSET,
        causes=causes,
        synthetic=synthetic,
        link=link.id,
    )
    return want(work, target, write)


def want(work: Work, target: Half, write: FieldWrite) -> bool:
    """Put it among what the record is to hold. False if it is there already."""
    known = target.row.wanted.get(target.name)
    if known is not None and (known.value, known.version, known.expected, known.elements) == (
        write.value,
        write.version,
        write.expected,
        write.elements,
    ):
        return False
    target.row.wanted[target.name] = write
    work.touch(target.record)
    return True


def _default(line: Line, side: Side) -> Value:
    return line.default_left if side == "left" else line.default_right


def _causes(source: Half, line: Line) -> tuple[tuple[str, ...], int]:
    """The changes that the source's value comes from, and when the first of them reached us."""
    names = line.reads or (source.name,)
    found = [change for change in source.row.open if any(name in change.fields for name in names)]
    causes = dict.fromkeys(change.change for change in found)
    for name in names:
        wanted = source.row.wanted.get(name)
        causes.update(dict.fromkeys(wanted.causes if wanted is not None else ()))
    return tuple(causes), min((change.received_at for change in found), default=0)


def _hold(
    work: Work, link: LinkRow, target: Half, version: Version, category: Category, reason: str, source: Half
) -> bool:
    """The target does not get this version of the field; the other fields go on. False if that was known."""
    held = target.row.held.get(target.name)
    if held is not None and held.version >= version:
        return False
    target.row.held[target.name] = Held(version, category, reason)
    work.note(
        "attention",
        target.record,
        link=link,
        reason=category if category == "transform_error" else reason,
        category=category,
        message=reason,
        fields=[TrailField(name=target.name, after=source.value, version=version, other=source.name, reason=reason)],
    )
    return True


def _too_often(work: Work, link: LinkRow, memory: LinkLine, source: Half, target: Half) -> bool:
    """The last line against ping-pong: a field of a link that is written all the time is held."""
    since = work.now - work.plan.write_window_ms
    memory.writes = [at for at in memory.writes if at > since]
    if len(memory.writes) < work.plan.write_limit:
        return False
    work.note("breaker", target.record, link=link, reason="write_rate", message=target.name)
    _hold(work, link, target, source.version, "rejected", "write_rate", source)
    return True
