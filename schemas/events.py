"""What crosses a topic. Every struct is frozen, and written as JSON by `encode`.

`changes.<product>` carries Change · `sync` carries SyncEvent · `writes.<product>` carries Command ·
`trail` carries Trail · `due` carries Due. Times are ms since the epoch, UTC.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas.records import RecordId
from schemas.values import Value
from schemas.versions import Version

ChangeKind = Literal["upsert", "delete", "erase", "merge", "restore"]
ChangeSource = Literal["webhook", "poll", "backfill", "reconcile", "reread", "replay"]
ReadSource = Literal["get", "list", "before", "after"]
End = Literal["applied", "superseded", "filtered", "attention"]
Category = Literal[
    "auth_expired",
    "auth_revoked",
    "forbidden",
    "rate_limited",
    "quota_exhausted",
    "transient",
    "timeout",
    "not_found",
    "duplicate",
    "stale",
    "invalid_field",
    "missing_required",
    "reference_missing",
    "too_large",
    "rejected",
    "unsupported",
    "transform_error",
    "unknown",
]


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every message: its id (equal on a redelivery) and the tenant in whose scope it is."""

    id: str
    tenant: str


class Change(Message, frozen=True, kw_only=True):
    """A hint: this record may have changed. The source agent reads the record to learn how."""

    record: RecordId
    kind: ChangeKind = "upsert"
    source: ChangeSource = "webhook"
    at: int | None = None
    """The vendor's time of the change, where the event says."""
    received_at: int
    not_before: int = 0
    """Read no sooner than this: for a field that was just written, whose reads cannot be believed yet."""
    origin: str = ""
    """Who caused it, in the vendor's words (HubSpot's changeSource)."""
    touched: tuple[str, ...] = ()
    into: RecordId | None = None
    """Of a merge: the record that lives on."""
    raw: msgspec.Raw = msgspec.Raw(b"null")


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a product said of one record, in the connector's field names and types."""

    fields: dict[str, Value]
    updated_at: int = 0
    """The vendor's time of the record's last change; 0 where it gives none."""
    field_times: dict[str, int] | None = None
    """Per field, where the vendor says when each was set."""
    stamp: str | None = None
    """Our placeholder id, where the record carries one."""
    read_from: int
    read_to: int
    """Our clock round the call."""


class Snapshot(Message, frozen=True, kw_only=True, tag="snapshot"):
    """The answer to one or several changes of a record: what a read of it returned."""

    record: RecordId
    source: ReadSource = "get"
    reading: Reading | None = None
    """None: the record is gone from the product."""
    gone_at: int = 0
    """Of a record that is gone: the vendor's time of that, or ours when we found out."""
    read_from: int = 0
    """Of a record that is gone: our clock when the read that did not find it began; 0 where only an event says so."""
    erased: bool = False
    """Gone for privacy's sake: beats every policy."""
    into: RecordId | None = None
    changes: tuple[str, ...] = ()
    received_at: int
    """When the earliest of those changes reached us."""
    linking: bool = False
    """Read by a backfill's first phase: link only, create and write nothing yet."""


class Element(msgspec.Struct, frozen=True, array_like=True):
    """One element of a list field: whether it is in the list, and since which version."""

    present: bool
    version: Version


class FieldWrite(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The value that a field is to have, and what the decision took it to hold before."""

    value: Value
    version: Version
    expected: Value | msgspec.UnsetType = msgspec.UNSET
    elements: dict[str, Element] | None = None
    causes: tuple[str, ...] = ()
    """The changes (ids) that this value comes from."""
    synthetic: bool = False
    """A default in place of nothing: as a source it counts as empty, so that it never flows on."""
    link: str = ""
    """The link that wants it: one command may carry the fields of several."""


class Command(Message, frozen=True, kw_only=True):
    """Make these fields of this record so, or create it, or delete it. A later one replaces an earlier one."""

    record: RecordId
    sequence: int
    action: Literal["create", "update", "delete", "archive"] = "update"
    fields: dict[str, FieldWrite]
    updated_at: int = 0
    """The record's `updated_at` that the decision knew: a later one there means an unseen edit."""
    contested: bool = False
    """The record changed a moment ago, or what we know of it is old: read it before writing."""
    keys: tuple[tuple[str, Value], ...] = ()
    """Of a create: the match keys to look the record up by when its answer was lost."""
    installation: str = ""
    pair: str = ""
    link: str = ""
    issued_at: int
    received_at: int = 0
    """When the change behind it reached us, for the latency."""


OutcomeStatus = Literal[
    "applied", "partial", "stale", "rejected", "duplicate", "gone", "throttled", "transient", "ambiguous", "superseded"
]


class FieldAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one commanded field. `done`: it holds the value now, written by us or found so."""

    state: Literal["done", "stale", "rejected"]
    category: Category | None = None
    message: str = ""


class Outcome(Message, frozen=True, kw_only=True, tag="outcome"):
    """What became of a command, with the record as the vendor returned it."""

    record: RecordId
    """As commanded: of a create, the placeholder."""
    sequence: int
    action: Literal["create", "update", "delete", "archive"] = "update"
    status: OutcomeStatus
    fields: dict[str, FieldWrite] = {}
    """The commanded fields, so that an answer to a forgotten command still says what it wrote."""
    answers: dict[str, FieldAnswer] = {}
    created: str | None = None
    """The id that the product gave (or, for `duplicate`, the id of the record that was there already)."""
    found: bool = False
    """Applied by an earlier try whose answer was lost, and found by its stamp or key."""
    before: Reading | None = None
    after: Reading | None = None
    started_at: int
    ended_at: int
    category: Category | None = None
    message: str = ""
    """The vendor's words, shortened, without values."""
    retry_at: int = 0
    installation: str = ""
    pair: str = ""
    link: str = ""
    received_at: int = 0


class Nudge(Message, frozen=True, kw_only=True, tag="nudge"):
    """Look at this record again, from the state of this moment."""

    record: RecordId
    sequence: int | None = None
    """The command it is about; None: whatever waits, also links and creates (a backfill's second phase, a retry)."""
    reason: str = ""
    retry_held: bool = False
    """A person wants refused fields tried again."""


class Control(Message, frozen=True, kw_only=True, tag="control"):
    """A change of configuration, or a person's decision, put into the tenant's order.

    `configuration`: decide with a configuration of at least `revision` from here on.
    `resolve`: of `record`'s field `field` in `installation`, the side `winner` wins.
    """

    action: Literal["configuration", "resolve", "unlink", "link"]
    revision: int = 0
    installation: str = ""
    record: RecordId | None = None
    other: RecordId | None = None
    field: str = ""
    winner: Literal["left", "right", ""] = ""


SyncEvent = Snapshot | Outcome | Nudge | Control


class TrailField(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One field of a trail entry. `name` is the field's name on `Trail.record`."""

    name: str
    before: Value | msgspec.UnsetType = msgspec.UNSET
    after: Value | msgspec.UnsetType = msgspec.UNSET
    version: Version | None = None
    other: str = ""
    """The field's name on the other record, where two are concerned."""
    reason: str = ""


class Trail(Message, frozen=True, kw_only=True):
    """One fact of the history: what was received, decided or done, and why.

    Values stand in `fields` only; everything else may be indexed, counted and shown without a person's data.
    """

    at: int
    stage: Literal["webhooks", "source", "sync", "sink", "crawler", "console"]
    kind: Literal[
        "received",
        "read",
        "edited",
        "linked",
        "unlinked",
        "decided",
        "conflict",
        "create",
        "written",
        "echo",
        "overwritten",
        "superseded",
        "filtered",
        "held",
        "waiting",
        "retry",
        "gone",
        "breaker",
        "attention",
        "resolved",
        "poison",
    ]
    record: RecordId | None = None
    other: RecordId | None = None
    installation: str = ""
    pair: str = ""
    link: str = ""
    changes: tuple[str, ...] = ()
    """The changes (ids) it is about."""
    end: End | None = None
    """The end that those changes have reached."""
    reason: str = ""
    """A word from a closed list, for people to group by: `unchanged`, `out_of_scope`, `invalid_field` …"""
    category: Category | None = None
    message: str = ""
    fields: tuple[TrailField, ...] = ()
    received_at: int = 0
    """When the first change behind it reached us; `at` − `received_at` is the latency of a `written`."""


class Due(Message, frozen=True, kw_only=True):
    """At this time, put this on its topic: a nudge to `sync`, or a change to read a record again."""

    at: int
    event: Nudge | None = None
    change: Change | None = None


def encode(message: msgspec.Struct) -> bytes:
    """The wire form: JSON, fields that hold their default left out."""
    return _encoder.encode(message)


_encoder = msgspec.json.Encoder()
decode_change = msgspec.json.Decoder(Change).decode
decode_sync = msgspec.json.Decoder(SyncEvent).decode
decode_command = msgspec.json.Decoder(Command).decode
decode_trail = msgspec.json.Decoder(Trail).decode
decode_due = msgspec.json.Decoder(Due).decode
"""Each raises msgspec.DecodeError on bytes that are not such a message; unknown fields are ignored."""
