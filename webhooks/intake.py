"""A connector document's `events`, compiled: what a request is, what its events say, and which records they are about.

No I/O and no clock. The order is the promise: verify over the raw bytes, then decode, then split, then read each event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

import msgspec

from schemas.documents.connector import ConnectorDocument
from schemas.documents.expressions import ExpressionFailed, compile_template
from schemas.documents.receiving import Challenge, Each, Events, Rule
from schemas.documents.scalars import instant_ms
from schemas.documents.scopes import CHALLENGE, EVENT, SPLIT
from schemas.documents.source import JSON
from schemas.events import ChangeKind
from webhooks.decoding import decode_form, decode_json, raw_elements
from webhooks.errors import CannotReceive, Refused
from webhooks.formulas import Formula, compile_formula
from webhooks.requests import Incoming
from webhooks.signatures import Verifier

MAX_EVENTS = 1_000
MAX_ID = 255
LATEST_MS = 10**14
"""Far beyond the year 5000: a later time is no time."""
SIGNED_LIMIT, UNSIGNED_LIMIT = 1024 * 1024, 256 * 1024
"""Bytes of a body. Nobody but the address vouches for an unsigned one, so it gets less."""

_DECODERS: dict[str, Callable[[bytes], JSON]] = {"json": decode_json, "form_brackets": decode_form}


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a request: as data, and as it was written."""

    scope: Mapping[str, object]
    raw: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Hint:
    """What an event says: these records may have changed. `id`: equal on a redelivery; empty where nobody can tell."""

    kind: ChangeKind
    entity: str
    records: tuple[str, ...]
    id: str
    at: int | None
    origin: str
    touched: tuple[str, ...]
    into: str
    raw: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Answer:
    """What a product's question is answered with."""

    status: int
    headers: Mapping[str, str]
    body: str


Skipped = Literal["ignored", "unknown_kind"]


@dataclass(frozen=True, slots=True)
class _CompiledRule:
    rule: Rule
    holds: Formula
    record: Formula | None
    touched: Formula | None
    into: Formula | None


class Intake:
    """A product's way of speaking to us. Raises CannotReceive, or ExpressionFailed, for a document that has none."""

    def __init__(self, document: ConnectorDocument) -> None:
        events, self.product = document.events, document.id
        if events.transport == "poll" or events.each is None:
            raise CannotReceive(f"{document.id} sends no webhooks")
        if events.decode not in _DECODERS:
            raise CannotReceive(f"{document.id}: {events.decode} cannot be decoded here")
        self.for_app = events.endpoint == "app"
        self._decode = _DECODERS[events.decode]
        self._verifier = Verifier(events.verify)
        self.verify = self._verifier.check
        self.limit = SIGNED_LIMIT if self._verifier.signs else UNSIGNED_LIMIT
        self._route = _optional(events.route.by if events.route else None)
        self._challenge = _challenge(events.challenge) if events.challenge else None
        self._split = _Split(events)
        self._each = _Each(events.each)
        self._rules = [_compiled(rule) for rule in events.rules]

    def answer(self, request: Incoming, body: JSON) -> Answer | None:
        """The reply to a product's own question; None if it asks nothing."""
        return self._challenge(request, body) if self._challenge else None

    def decode(self, request: Incoming) -> JSON:
        """The body as data. Raises Refused."""
        return self._decode(request.raw)

    def events(self, request: Incoming, body: JSON) -> list[Event]:
        """The events of a verified request. Raises Refused."""
        pieces = self._split(request, body)
        scope = request.scope()
        return [Event({"req": scope, "event": data}, raw) for data, raw in pieces]

    def account(self, event: Event) -> str:
        """The account that an event of an app-level endpoint belongs to. Raises ExpressionFailed."""
        return _text(self._route(event.scope)) if self._route else ""

    def hint(self, event: Event) -> Hint | Skipped:
        """What the event says, by the first rule that holds. Raises ExpressionFailed if it lacks what it must say.

        A condition that cannot be evaluated (it reads what the event lacks) does not hold.
        """
        for rule in self._rules:
            if _holds(rule.holds, event):
                return "ignored" if rule.rule.op is None else self._hint(rule, event)
        return "unknown_kind"

    def _hint(self, rule: _CompiledRule, event: Event) -> Hint:
        scope = event.scope
        return Hint(
            kind=rule.rule.op or "upsert",
            entity=rule.rule.entity or "",
            records=_records((rule.record or self._each.record)(scope)),
            id=_text(self._each.id(scope)) if self._each.id else "",
            at=_time(_told(self._each.at, scope)),
            origin=str(_told(self._each.origin, scope) or "")[:MAX_ID],
            touched=_names(_told(rule.touched, scope)),
            into=_text(rule.into(scope)) if rule.into else "",
            raw=event.raw,
        )


class _Each:
    """The compiled `each`."""

    def __init__(self, each: Each) -> None:
        self.record = compile_formula(each.record, EVENT)
        self.at = _optional(each.at)
        self.origin = _optional(each.origin)
        self.id = _optional(each.id)


class _Split:
    """The compiled `split`. The elements of a JSON list are kept exactly as they were written."""

    def __init__(self, events: Events) -> None:
        source = events.split.removeprefix("=").replace(" ", "")
        self._by_element = source == "body"
        self._as_one = source == "[body]"
        self._is_json = events.decode == "json"
        self._formula = compile_formula(events.split, SPLIT)

    def __call__(self, request: Incoming, body: JSON) -> list[tuple[JSON, msgspec.Raw]]:
        found = body if self._by_element else [body] if self._as_one else self._elements(request, body)
        if not isinstance(found, list):
            raise Refused("unparsable")
        if len(found) > MAX_EVENTS:
            raise Refused("too_large")
        if self._by_element and self._is_json:
            return list(zip(found, raw_elements(request.raw), strict=True))
        return [(element, msgspec.Raw(msgspec.json.encode(element))) for element in found]

    def _elements(self, request: Incoming, body: JSON) -> JSON:
        try:
            return self._formula({"req": request.scope(), "body": body})
        except ExpressionFailed as error:
            raise Refused("unparsable") from error


def digest_of(raw: msgspec.Raw) -> str:
    """SHA-256 of an event as it was written, in hex."""
    return hashlib.sha256(bytes(raw)).hexdigest()


def _compiled(rule: Rule) -> _CompiledRule:
    return _CompiledRule(
        rule=rule,
        holds=compile_formula(rule.condition, EVENT),
        record=_optional(rule.record),
        touched=_optional(rule.touched),
        into=_optional(rule.into),
    )


def _challenge(challenge: Challenge) -> Callable[[Incoming, JSON], Answer | None]:
    holds = compile_formula(challenge.condition, CHALLENGE)
    headers = compile_template(dict(challenge.reply.headers), CHALLENGE)
    body = compile_template(challenge.reply.body, CHALLENGE)

    def answer(request: Incoming, data: JSON) -> Answer | None:
        scope = {"req": request.scope(), "body": data}
        try:
            if holds(scope) is not True:
                return None
            given, said = headers(scope), body(scope)
        except ExpressionFailed:
            return None
        text = said if isinstance(said, str) else msgspec.json.encode(said).decode()
        return Answer(
            challenge.reply.status, {k: str(v) for k, v in given.items()} if isinstance(given, dict) else {}, text
        )

    return answer


def _optional(source: str | None) -> Formula | None:
    return compile_formula(source, EVENT) if source is not None else None


def _holds(condition: Formula, event: Event) -> bool:
    try:
        return condition(event.scope) is True
    except ExpressionFailed:
        return False


def _records(value: JSON) -> tuple[str, ...]:
    found = tuple(_text(one) for one in value) if isinstance(value, list) else (_text(value),)
    if not all(0 < len(record) <= MAX_ID for record in found):
        raise ExpressionFailed("names no record")
    return found


def _text(value: JSON) -> str:
    if isinstance(value, str):
        return value
    raise ExpressionFailed("must be text")


def _told(formula: Formula | None, scope: Mapping[str, object]) -> JSON:
    """What an event says beyond the record: if it does not, the record may have changed all the same."""
    try:
        return formula(scope) if formula else None
    except ExpressionFailed:
        return None


def _names(value: JSON) -> tuple[str, ...]:
    """Field names. Empty (any field) if there are too many, or what no field is called."""
    names = tuple(value) if isinstance(value, list) else ()
    sound = len(names) <= MAX_EVENTS and all(isinstance(name, str) and len(name) <= MAX_ID for name in names)
    return cast(tuple[str, ...], names) if sound else ()


def _time(value: JSON) -> int | None:
    """Ms since the epoch. A time that cannot be read is unknown: the hint counts all the same."""
    try:
        found = value if type(value) is int else instant_ms(value) if isinstance(value, str) else 0
    except (ValueError, OverflowError):
        return None
    return found if 0 < found < LATEST_MS else None
