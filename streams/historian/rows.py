"""From entries of the trail to rows. Pure: the same entry gives the same rows whenever it is read again."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import msgspec

from schemas.events import Trail
from schemas.records import RecordId

ID_LENGTH, RECORD_LENGTH, LINK_LENGTH, MESSAGE_LENGTH = 255, 400, 255, 2_000
RETRYING = ("throttled", "transient", "ambiguous")
"""Reasons of attention that a successful write settles."""
UNLINKED_REASONS = ("same_key_twice", "several_candidates", "candidate_taken", "already_linked")
"""Reasons of attention that a link settles."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Something that waits for a person. Its id is the same for the same cause, however often it is met."""

    id: str
    entry: Trail
    field: str


@dataclass(frozen=True, slots=True)
class Closed:
    """What a record waited for is settled: all of it, or only these reasons, or only these fields."""

    tenant: str
    record: str
    at: int
    link: str = ""
    reasons: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """A link was made, completed or closed. Sides are told apart by their connection; "" where nothing is new."""

    tenant: str
    installation: str
    pair: str
    link: str
    records: tuple[RecordId, ...]
    state: str
    at: int


def fitting(text: str, length: int) -> str:
    """The text itself, or of one that is too long its beginning and a digest of all of it."""
    if len(text) <= length:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text[: length - len(digest) - 1]}~{digest}"


def day_of(at: int) -> date:
    """The UTC day of a time in ms."""
    return datetime.fromtimestamp(at / 1000, UTC).date()


def trail_row(entry: Trail) -> tuple[object, ...]:
    """In the order of `store.TRAIL_COLUMNS`."""
    return (
        entry.tenant,
        day_of(entry.at),
        fitting(entry.id, ID_LENGTH),
        entry.at,
        entry.stage,
        entry.kind,
        _record(entry.record),
        _record(entry.other),
        entry.installation,
        entry.pair,
        fitting(entry.link, LINK_LENGTH),
        entry.end or "",
        entry.reason[:64],
        entry.category or "",
        entry.message[:MESSAGE_LENGTH],
        _json(entry.changes),
        _json(entry.fields),
        entry.received_at,
    )


def end_rows(entries: Iterable[Trail]) -> list[tuple[object, ...]]:
    """(tenant, change, end, at) of every change that has reached its end."""
    return [
        (entry.tenant, fitting(change, ID_LENGTH), entry.end, entry.at)
        for entry in entries
        if entry.end
        for change in entry.changes
    ]


def sums(entries: Iterable[Trail]) -> dict[tuple[str, date, str, str], int]:
    """(tenant, day, installation, name) → what to add. Ends count changes; `latency_ms` is summed over writes."""
    total: Counter[tuple[str, date, str, str]] = Counter()
    for entry in entries:
        place = (entry.tenant, day_of(entry.at), entry.installation)
        total[*place, entry.kind] += 1
        if entry.end:
            total[*place, f"end_{entry.end}"] += len(entry.changes)
        if entry.kind == "written" and entry.received_at:
            total[*place, "written_with_latency"] += 1
            total[*place, "latency_ms"] += max(entry.at - entry.received_at, 0)
    return dict(total)


def opened(entry: Trail) -> Opened | None:
    """What the entry asks a person for."""
    if entry.kind not in ("attention", "poison", "breaker"):
        return None
    field = entry.fields[0].name if len(entry.fields) == 1 else ""
    cause: tuple[str, ...] = (entry.reason, _record(entry.record), entry.installation, entry.link, field)
    if entry.kind == "poison" or not entry.record:
        cause = (*cause, entry.id)
    return Opened(hashlib.sha256("\0".join(cause).encode()).hexdigest()[:40], entry, field)


def closed(entry: Trail) -> Closed | None:
    """What the entry settles."""
    if entry.record is None:
        return None
    record = _record(entry.record)
    match entry.kind:
        case "resolved":
            return Closed(entry.tenant, record, entry.at, fitting(entry.link, LINK_LENGTH))
        case "written":
            fields = tuple(field.name for field in entry.fields)
            return Closed(entry.tenant, record, entry.at, reasons=RETRYING, fields=fields)
        case "read":
            return Closed(entry.tenant, record, entry.at, reasons=("unreadable",))
        case "linked":
            return Closed(entry.tenant, record, entry.at, reasons=UNLINKED_REASONS)
    return None


def link_seen(entry: Trail) -> LinkSeen | None:
    """What the entry says about a link."""
    completes = entry.kind == "written" and entry.reason in ("created", "found")
    if not entry.link or entry.record is None or not (completes or entry.kind in ("linked", "unlinked")):
        return None
    records = tuple(record for record in (entry.record, entry.other) if record and not record.is_placeholder)
    state = "unlinked" if entry.kind == "unlinked" else "linked"
    link = fitting(entry.link, LINK_LENGTH)
    return LinkSeen(entry.tenant, entry.installation, entry.pair, link, records, state, entry.at)


def _record(record: RecordId | None) -> str:
    return fitting(str(record), RECORD_LENGTH) if record else ""


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
