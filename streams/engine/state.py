"""The rows of the state table: what is known of each record, each link, and how to find them.

Rows are JSON. Their keys begin with the tenant: `{tenant}|r|{record}`, `{tenant}|l|{link}`, `{tenant}|x|{index}`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from schemas.events import Category, Command, Element, FieldWrite
from schemas.records import RecordId
from schemas.values import Value
from schemas.versions import ZERO, Version

LinkState = Literal["open", "deleted", "merged", "duplicate", "same", "unlinked", "left", "erased"]
"""A closed link stays, as the tombstone that keeps its records from being linked or created again."""


class Cell(msgspec.Struct, frozen=True, array_like=True):
    """A field's value as its product returned it, with its version."""

    value: Value
    version: Version
    elements: dict[str, Element] | None = None
    """Of a list: every element that is or was in it, by its canonical text."""
    synthetic: bool = False
    """A default that we wrote in place of nothing."""


class Sent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The one command of a record that has no final answer yet."""

    command: Command
    waits: bool = False
    """Not on its way: it was throttled or its answer was lost, and a nudge is due."""
    ambiguous: bool = False
    """Its answer was lost: what it says may be in the product, or may yet come."""
    landed: list[str] = []
    """The fields that a read has shown to hold what it says: what they hold later is not its doing."""


class Held(msgspec.Struct, frozen=True, array_like=True):
    """A field that does not take a value: which version was refused, and why."""

    version: Version
    category: Category
    reason: str = ""


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A value that a read showed while our own write was on its way; judged once the write is answered."""

    value: Value
    updated_at: int
    during: Version | None = None
    """The version that was being written; None while the record was being created."""


class Ghost(msgspec.Struct, frozen=True, array_like=True):
    """A write that may yet appear, until when, and whether its answer was lost."""

    write: FieldWrite
    until: int
    lost: bool


class Wait(msgspec.Struct, array_like=True):
    """A reference that cannot be carried across before the record it names is linked."""

    target: RecordId
    deadline: int
    overdue: bool = False
    listed: bool = True
    """The target knows who waits for it."""


class OpenChange(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A change that has not reached its end: the fields it edited, each with the version it gave."""

    change: str
    received_at: int = 0
    fields: dict[str, Version] = {}
    deleting: bool = False
    """The record is gone, and its counterparts are on their way to be deleted too."""
    parked: str = ""
    """Why a person has to look at a part of it; the rest may be under way."""


class RecordRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is known of one record of one product."""

    cells: dict[str, Cell] = {}
    """What the product holds. A field that was never read has no cell: unknown is not empty."""
    wanted: dict[str, FieldWrite] = {}
    """What it is to hold."""
    sent: Sent | None = None
    sequence: int = 0
    attempts: int = 0
    """Tries of the present command without a final answer."""
    updated_at: int = 0
    read_from: int = 0
    """The newest reading that was believed: the vendor's time, and our clock when the read began."""
    read_by: str = ""
    """Which of our hosts made it: their clocks differ a little."""
    wrote: dict[str, int] = {}
    """When our last write of a field ended."""
    held: dict[str, Held] = {}
    seen: dict[str, Seen] = {}
    dirty: bool = False
    """A read was set aside: read again when the command is answered."""
    ghosts: dict[str, list[Ghost]] = {}
    """Writes that may yet appear."""
    deleted_at: int = 0
    delete: Literal["delete", "archive", ""] = ""
    """It is to be deleted, because its counterpart was."""
    links: list[str] = []
    keys: list[str] = []
    """The index rows that name it."""
    moved_to: RecordId | None = None
    """Of a placeholder: the record that it became."""
    ours: bool = False
    """Made by us."""
    twin: bool = False
    """A second record made by one create: never linked."""
    payload: dict[str, FieldWrite] | None = None
    """Of a placeholder: what every try of its create sends, so that a look-up can tell what was sent."""
    asked: int = 0
    """When a read was asked for because a field to be written was never read."""
    blocked: Category | None = None
    """Of a placeholder: why it cannot be created."""
    waits: dict[str, Wait] = {}
    """By link and line."""
    waiters: int = 0
    """How many records wait for this one to be linked."""
    noticed: list[str] = []
    """What a person has been told once."""
    open: list[OpenChange] = []
    recent: list[str] = []
    """The last events that were applied to it, so that a replay is recognised."""

    @property
    def known(self) -> bool:
        return bool(self.cells) or bool(self.wanted) or bool(self.deleted_at) or bool(self.links)

    @property
    def alive(self) -> bool:
        return not self.deleted_at and self.moved_to is None

    def effective(self, name: str) -> tuple[Value, Version]:
        """What the field holds or is about to hold: the later of cell and wanted. A default of ours counts as empty."""
        cell, wanted = self.cells.get(name), self.wanted.get(name)
        if wanted is not None and (cell is None or wanted.version > cell.version):
            return (None if wanted.synthetic else wanted.value), wanted.version
        if cell is not None:
            return (None if cell.synthetic else cell.value), cell.version
        return None, ZERO

    def knows(self, name: str) -> bool:
        return name in self.cells or name in self.wanted

    def values(self) -> dict[str, Value]:
        """All fields by their effective values."""
        values: dict[str, Value] = {name: None if cell.synthetic else cell.value for name, cell in self.cells.items()}
        for name in self.wanted:
            values[name] = self.effective(name)[0]
        return values

    def in_flight(self, name: str) -> bool:
        """A write of the field is on its way, or its answer was lost, and no read has shown yet that it landed."""
        sent = self.sent
        if sent is None or name not in sent.command.fields or (sent.waits and not sent.ambiguous):
            return False
        return name not in sent.landed


class LinkLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a link remembers of one line."""

    agreed: list[Version] = []
    """The newest versions that both sides held or were about to hold, oldest first: the last is the floor."""
    minted: Version = ZERO
    """The last version given to a decision on this line."""
    writes: list[int] = []
    """When it was written, within the breaker's window."""
    computed: Value | msgspec.UnsetType = msgspec.UNSET
    """Of a computed line: the value that was carried across last."""
    told: tuple[Version, Version] | None = None
    """Winner and loser of the conflict that the history told of last."""
    review: tuple[Version, Version] | None = None
    """The two versions that a person was asked to choose from."""

    @property
    def floor(self) -> Version:
        return self.agreed[-1] if self.agreed else ZERO

    def agree(self, version: Version) -> None:
        if version > self.floor:
            self.agreed = [*self.agreed[-3:], version]

    def fall_back(self, version: Version) -> None:
        """A wanted value was dropped: only what the record really held still counts as agreed."""
        self.agreed = [known for known in self.agreed if known <= version]


class LinkRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Two records that are one thing, within an installation's pair."""

    id: str
    installation: str
    pair: str
    left: RecordId
    right: RecordId
    state: LinkState = "open"
    lines: dict[str, LinkLine] = {}

    def side_of(self, record: RecordId) -> Literal["left", "right"] | None:
        if record == self.left:
            return "left"
        return "right" if record == self.right else None

    def other(self, record: RecordId) -> RecordId:
        return self.right if record == self.left else self.left

    def line(self, name: str) -> LinkLine:
        if name not in self.lines:
            self.lines[name] = LinkLine()
        return self.lines[name]


class IndexRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The records that have a key or wait for a record; or the times of the deletes that a breaker counts."""

    records: list[RecordId] = []
    times: list[int] = []


def record_key(tenant: str, record: RecordId) -> str:
    return f"{tenant}|r|{record.connection}/{record.entity}/{record.id}"


def link_key(tenant: str, link: str) -> str:
    return f"{tenant}|l|{link}"


def index_key(tenant: str, name: str) -> str:
    return f"{tenant}|x|{name}"


_encoder = msgspec.json.Encoder()
encode_row: Callable[[RecordRow | LinkRow | IndexRow], bytes] = _encoder.encode
decode_record = msgspec.json.Decoder(RecordRow).decode
decode_link = msgspec.json.Decoder(LinkRow).decode
decode_index = msgspec.json.Decoder(IndexRow).decode
"""Each raises msgspec.DecodeError on bytes that are not such a row; unknown fields are ignored."""
