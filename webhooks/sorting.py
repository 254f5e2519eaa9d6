"""From a request's events to the messages that are to be published: one change per record and connection. No I/O."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from schemas import topics
from schemas.documents.expressions import ExpressionFailed
from schemas.events import Change, Trail, encode
from schemas.headers import Headers, headers_of
from schemas.records import RecordId
from webhooks.intake import Event, Hint, Intake, digest_of
from webhooks.requests import Endpoint

MAX_ID = 255
MAX_RAW = 512 * 1024
"""Bytes of an event that are kept with its change: a broker takes no message above 1 MiB. It is a hint all the same."""

EventResult = Literal["published", "ignored", "unknown_kind", "unknown_account", "unreadable"]


@dataclass(frozen=True, slots=True)
class Message:
    """One Kafka record to be."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


@dataclass(slots=True)
class Sorted:
    """What becomes of a request: its messages, and how many of its events had which result."""

    messages: list[Message] = field(default_factory=list)
    results: Counter[EventResult] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Moment:
    """When the request came (ms), and the trace that it begins."""

    received_at: int
    traceparent: str


def sort_for_connection(intake: Intake, events: Sequence[Event], endpoint: Endpoint, moment: Moment) -> Sorted:
    """All events belong to the connection whose address they came to."""
    result = Sorted()
    for event in events:
        _sort(intake, event, [endpoint], moment, result)
    return result


def sort_for_app(
    intake: Intake, events: Sequence[Event], find: Callable[[str], Sequence[Endpoint]], moment: Moment
) -> Sorted:
    """Every event belongs to the connections (of whatever tenants) whose account it names in the signed body.

    An event of an account that nobody has connected is counted and dropped: the product sends for everybody who ever
    installed the app, and would send it again and again if we refused it.
    """
    result = Sorted()
    for event in events:
        try:
            endpoints = find(intake.account(event))
        except ExpressionFailed:
            result.results["unreadable"] += 1
            continue
        if endpoints:
            _sort(intake, event, endpoints, moment, result)
        else:
            result.results["unknown_account"] += 1
    return result


def _sort(intake: Intake, event: Event, endpoints: Sequence[Endpoint], moment: Moment, result: Sorted) -> None:
    try:
        hint = intake.hint(event)
    except ExpressionFailed as failure:
        result.results["unreadable"] += 1
        result.messages += [_unreadable(event, endpoint, moment, failure.reason) for endpoint in endpoints]
        return
    if isinstance(hint, str):
        result.results[hint] += 1
        return
    result.results["published"] += 1
    for endpoint in endpoints:
        result.messages += [
            _message(change, endpoint.product, moment) for change in changes_of(hint, endpoint, moment.received_at)
        ]


def changes_of(hint: Hint, endpoint: Endpoint, received_at: int) -> list[Change]:
    """The hint as changes of a connection's records.

    Their id is equal on a redelivery where the vendor lets us tell. Where it does not (an event without id and time
    reads the same for every edit of a record), each delivery is a change of its own: a read too many, no edit too few.
    """
    told = hint.id or digest_of(hint.raw)
    if not hint.id and hint.at is None:
        told = f"{told}:{received_at}"
    several = len(hint.records) > 1
    return [
        Change(
            id=_fitting(endpoint.connection, *([told, record] if several else [told])),
            tenant=endpoint.tenant,
            record=RecordId(endpoint.connection, hint.entity, record),
            kind=hint.kind,
            at=hint.at,
            received_at=received_at,
            origin=hint.origin,
            touched=hint.touched,
            into=RecordId(endpoint.connection, hint.entity, hint.into) if hint.into else None,
            raw=hint.raw if len(bytes(hint.raw)) <= MAX_RAW else msgspec.Raw(b"null"),
        )
        for record in hint.records
    ]


def _message(change: Change, product: str, moment: Moment) -> Message:
    headers = headers_of(
        id=change.id, source="webhooks", type="change", at=moment.received_at, traceparent=moment.traceparent
    )
    return Message(topics.changes(product), change.record.key, encode(change), headers)


def _unreadable(event: Event, endpoint: Endpoint, moment: Moment, reason: str) -> Message:
    """We acknowledge an event that says too little to be acted upon, for it would say no more a second time: a person
    sees it."""
    id = _fitting(endpoint.connection, digest_of(event.raw), str(moment.received_at))
    trail = Trail(
        id=id,
        tenant=endpoint.tenant,
        at=moment.received_at,
        stage="webhooks",
        kind="poison",
        changes=(id,),
        end="attention",
        reason="unreadable_event",
        message=f"a webhook of {endpoint.product} to connection {endpoint.connection}: {reason}",
        received_at=moment.received_at,
    )
    headers = headers_of(id=id, source="webhooks", type="trail", at=moment.received_at, traceparent=moment.traceparent)
    return Message(topics.TRAIL, endpoint.tenant.encode(), encode(trail), headers)


def _fitting(*parts: str) -> str:
    """An id of these parts that fits the places where ids are kept."""
    id = ":".join(parts)
    return id if len(id) <= MAX_ID else hashlib.sha256(id.encode()).hexdigest()
