"""One event's work: the rows as loaded and changed, the outputs as collected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from schemas.events import Category, Change, Command, Due, End, Nudge, SyncEvent, Trail, TrailField
from schemas.records import RecordId
from schemas.values import Value, is_empty
from schemas.versions import ZERO, Version
from streams.engine.decision import Decision, Rows
from streams.engine.plan import FieldPlan, InstallationPlan, Line, PairPlan, Plan, Side
from streams.engine.state import (
    IndexRow,
    LinkLine,
    LinkRow,
    RecordRow,
    decode_index,
    decode_link,
    decode_record,
    encode_row,
    index_key,
    link_key,
    record_key,
)

TrailKind = Literal[
    "edited", "linked", "unlinked", "decided", "conflict", "create", "written", "echo", "overwritten", "superseded",
    "filtered", "held", "waiting", "retry", "gone", "breaker", "attention", "resolved",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record takes part: an installation's pair, and the record's side in it."""

    installation: InstallationPlan
    pair: PairPlan
    side: Side

    @property
    def counterpart(self) -> tuple[str, str]:
        """Connection and entity of the other side."""
        if self.side == "left":
            return self.installation.right, self.pair.right
        return self.installation.left, self.pair.left


@dataclass(frozen=True, slots=True)
class Ended:
    """The end that a change of a record has reached, and why."""

    record: RecordId
    end: End
    reason: str
    received_at: int = 0


class Work:
    """What `decide` works on. Rows are decoded when first asked for, and encoded again if they were changed."""

    def __init__(self, rows: Rows, event: SyncEvent, plan: Plan, position: int, now: int) -> None:
        self.plan = plan
        self.event = event
        self.position = position
        self.now = now
        self.touched: dict[RecordId, None] = {}
        """Records whose links are to be looked at, in the order in which they were met."""
        self.quiet = False
        """Link only: create and write nothing in this event."""
        self.unlinked: dict[tuple[RecordId, str, str], str] = {}
        """Why a record has no link in an installation's pair."""
        self.trail: list[Trail] = []
        self.ends: dict[str, Ended] = {}
        """The changes that reach their end in this event."""
        self._rows = rows
        self._loaded: dict[str, bytes | None] = {}
        self._records: dict[RecordId, RecordRow] = {}
        self._links: dict[str, LinkRow | None] = {}
        self._indexes: dict[str, IndexRow] = {}
        self._commands: list[Command] = []
        self._due: list[Due] = []
        self._changes: dict[RecordId, Change] = {}
        self._outputs = 0

    # Rows

    def record(self, record: RecordId) -> RecordRow:
        """The record's row; an empty one if nothing is known of it."""
        row = self._records.get(record)
        if row is None:
            data = self._load(record_key(self.plan.tenant, record))
            row = self._records[record] = RecordRow() if data is None else decode_record(data)
        return row

    def now_called(self, record: RecordId) -> RecordId:
        """The record itself, or of a placeholder the record that it became."""
        while (real := self.record(record).moved_to) is not None:
            record = real
        return record

    def link(self, link: str) -> LinkRow | None:
        if link not in self._links:
            data = self._load(link_key(self.plan.tenant, link))
            self._links[link] = None if data is None else decode_link(data)
        return self._links[link]

    def add_link(self, link: LinkRow) -> None:
        """Put a link into the table and into the rows of both its records."""
        self.link(link.id)
        self._links[link.id] = link
        for record in (link.left, link.right):
            self.join_link(record, link.id)

    def join_link(self, record: RecordId, link: str) -> None:
        row = self.record(record)
        if link not in row.links:
            row.links.append(link)

    def index(self, name: str) -> IndexRow:
        row = self._indexes.get(name)
        if row is None:
            data = self._load(index_key(self.plan.tenant, name))
            row = self._indexes[name] = IndexRow() if data is None else decode_index(data)
        return row

    def links_of(self, record: RecordId) -> list[LinkRow]:
        """All links of a record, open and closed."""
        found = []
        for name in self.record(record).links:
            link = self.link(name)
            if link is not None and link.side_of(record) is not None:
                found.append(link)
        return found

    # The plan

    def places(self, record: RecordId) -> Iterator[Place]:
        """Every installed pair that the record's entity is a side of."""
        for installation in self.plan.installations.values():
            if installation.state == "removed":
                continue
            for pair in installation.pairs.values():
                if installation.left == record.connection and pair.left == record.entity:
                    yield Place(installation, pair, "left")
                if installation.right == record.connection and pair.right == record.entity:
                    yield Place(installation, pair, "right")

    def pair_of(self, link: LinkRow) -> tuple[InstallationPlan, PairPlan] | None:
        """The plan behind a link; None if it is no longer installed."""
        installation = self.plan.installations.get(link.installation)
        if installation is None or installation.state == "removed" or link.pair not in installation.pairs:
            return None
        return installation, installation.pairs[link.pair]

    def field(self, record: RecordId, name: str) -> FieldPlan:
        fields = self.plan.fields.get((record.connection, record.entity))
        if fields is None or name not in fields:
            return FieldPlan(name=name, canonical=_as_it_is)
        return fields[name]

    def same(self, record: RecordId, name: str, one: Value, other: Value) -> bool:
        """Do two values of a field mean the same? All that says nothing is alike."""
        if one == other and type(one) is type(other):
            return True
        if is_empty(one) or is_empty(other):
            return is_empty(one) and is_empty(other)
        canonical = self.field(record, name).canonical
        return canonical(one) == canonical(other)

    def lines_at(self, link: LinkRow, record: RecordId, name: str) -> Iterator[tuple[Line, LinkLine]]:
        """The lines of a link that carry a field of one of its records."""
        planned = self.pair_of(link)
        side = link.side_of(record)
        for line in planned[1].lines if planned else ():
            if name == (line.left if side == "left" else line.right):
                yield line, link.line(line.name)

    # What has to be looked at

    def touch(self, record: RecordId) -> None:
        self.touched[record] = None

    # Outputs

    def note(
        self,
        kind: TrailKind,
        record: RecordId | None,
        *,
        link: LinkRow | None = None,
        other: RecordId | None = None,
        changes: Sequence[str] = (),
        end: End | None = None,
        reason: str = "",
        category: Category | None = None,
        message: str = "",
        fields: Iterable[TrailField] = (),
        received_at: int = 0,
        once: str = "",
    ) -> None:
        """Put a fact into the history. `once`: only if it is not what this record was last noted for by that mark."""
        if once and record is not None:
            row = self.record(record)
            if once in row.noticed:
                return
            row.noticed = [*row.noticed[1 - _MARKS :], once]
        self.trail.append(
            Trail(
                id=self._next_id(),
                tenant=self.plan.tenant,
                at=self.now,
                stage="sync",
                kind=kind,
                record=record,
                other=link.other(record) if link is not None and record is not None and other is None else other,
                installation=link.installation if link is not None else "",
                pair=link.pair if link is not None else "",
                link=link.id if link is not None else "",
                changes=tuple(changes),
                end=end,
                reason=reason,
                category=category,
                message=message,
                fields=tuple(fields),
                received_at=received_at,
            )
        )

    def send(self, command: Command) -> None:
        self._commands.append(command)

    def new_id(self) -> str:
        """The id of the next output: equal when the same decision is made again."""
        return self._next_id()

    def issued_here(self, command: Command) -> bool:
        """Was the command issued by this very event, when it was decided before?"""
        return command.id.startswith(self._id_prefix)

    def read_again(self, record: RecordId, not_before: int = 0) -> None:
        """Ask for a read of the record: what this event says of it is not, or not wholly, to be believed."""
        if record.is_placeholder or (record in self._changes and self._changes[record].not_before >= not_before):
            return
        known = self._changes.get(record)
        self._changes[record] = Change(
            id=known.id if known else self._next_id(),
            tenant=self.plan.tenant,
            record=record,
            source="reread",
            received_at=self.now,
            not_before=not_before,
        )

    def nudge(self, record: RecordId, at: int, *, sequence: int | None = None, reason: str = "") -> None:
        """Look at the record again at that time."""
        event = Nudge(id=self._next_id(), tenant=self.plan.tenant, record=record, sequence=sequence, reason=reason)
        self._due.append(Due(id=event.id, tenant=event.tenant, at=at, event=event))

    def read_later(self, record: RecordId, at: int) -> None:
        """Ask for a read at a time that is too far off for the source stage to wait for it."""
        change = Change(
            id=self._next_id(), tenant=self.plan.tenant, record=record, source="reread", received_at=at, not_before=at
        )
        self._due.append(Due(id=change.id, tenant=change.tenant, at=at, change=change))

    def decision(self, subject: RecordId | None, mark: str) -> Decision:
        """All that was changed. The row of the event's own record comes last, marked as having seen the event."""
        tenant = self.plan.tenant
        changed: dict[str, bytes] = {}
        for name, link in self._links.items():
            if link is not None:
                self._keep(changed, link_key(tenant, name), link)
        for name, index in self._indexes.items():
            self._keep(changed, index_key(tenant, name), index)
        for record, row in self._records.items():
            if record != subject:
                self._keep(changed, record_key(tenant, record), row)
        if subject is not None:
            row = self.record(subject)
            self._keep(changed, record_key(tenant, subject), row)
            if changed or self._outputs or row.known:
                row.recent = [*row.recent[1 - EVENTS_REMEMBERED :], mark]
                self._keep(changed, record_key(tenant, subject), row)
        return Decision(
            rows=changed,
            read=frozenset(self._loaded),
            commands=tuple(self._commands),
            trail=tuple(self.trail),
            due=tuple(self._due),
            changes=tuple(self._changes.values()),
        )

    def repetition(self) -> Decision:
        """Nothing changed: only what was read, and what is sent again."""
        return Decision(rows={}, read=frozenset(self._loaded), commands=tuple(self._commands))

    def _keep(self, changed: dict[str, bytes], key: str, row: RecordRow | LinkRow | IndexRow) -> None:
        data = encode_row(row)
        if data != self._loaded.get(key) and not (self._loaded.get(key) is None and data == b"{}"):
            changed[key] = data

    def _load(self, key: str) -> bytes | None:
        data = self._loaded[key] = self._rows.get(key)
        return data

    @property
    def _id_prefix(self) -> str:
        return f"{self.plan.tenant}/{self.position}/"

    def _next_id(self) -> str:
        self._outputs += 1
        return f"{self._id_prefix}{self._outputs}"


EVENTS_REMEMBERED = 40
"""As many events per record as can be replayed: those since the last commit of the input."""
_MARKS = 16
"""How many things a record remembers to have been noted for."""


def _as_it_is(value: Value) -> Value:
    return value


def fall_back(work: Work, record: RecordId, name: str, version: Version) -> None:
    """A wanted value of the field was dropped: its lines only agreed on what the record really held."""
    for link in work.links_of(record):
        for _, memory in work.lines_at(link, record, name):
            memory.fall_back(version)


def drop_wanted(work: Work, link: LinkRow) -> None:
    """The link is closed: what it wanted of its records is off, and their other links judge anew."""
    for record in (link.left, link.right):
        row = work.record(record)
        for name in [name for name, write in row.wanted.items() if write.link == link.id]:
            del row.wanted[name]
            fall_back(work, record, name, held_version(row, name))
        work.touch(record)


def held_version(row: RecordRow, name: str) -> Version:
    cell = row.cells.get(name)
    return cell.version if cell is not None else ZERO


def set_version(row: RecordRow, name: str, version: Version) -> None:
    """Give what the field holds, or is about to hold, a later version; the changes behind it go along."""
    cell, wanted = row.cells.get(name), row.wanted.get(name)
    _, before = row.effective(name)
    if wanted is not None and (cell is None or wanted.version > cell.version):
        row.wanted[name] = msgspec.structs.replace(wanted, version=version)
    elif cell is not None:
        row.cells[name] = msgspec.structs.replace(cell, version=version)
    for change in row.open:
        if change.fields.get(name) == before:
            change.fields[name] = version
