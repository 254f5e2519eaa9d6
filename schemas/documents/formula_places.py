"""Where a connector document has expressions and calls, and what each place may read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.documents import scopes
from schemas.documents.calls import Discover, Operation, Options, Request
from schemas.documents.connector import ConnectorDocument, Entity, FieldDeclaration
from schemas.documents.receiving import Events, Mac, Subscription
from schemas.documents.source import pointer

Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Place:
    """A text of the document (for a call, its path), where it stands, and the names it may read."""

    path: str
    formula: str
    names: Names


def places(document: ConnectorDocument) -> Iterator[Place]:
    """Every expression."""
    for path, request, names in _requests(document):
        yield from _in(request.query, pointer(path, "query"), names)
        yield from _in(request.headers, pointer(path, "headers"), names)
        yield from _in(request.body, pointer(path, "body"), names)
        yield from _in(request.form, pointer(path, "form"), names)
    for path, tree, names in _trees(document):
        yield from _in(tree, path, names)


def calls(document: ConnectorDocument) -> Iterator[Place]:
    """Every call's path."""
    for path, request, names in _requests(document):
        yield Place(pointer(path, "call"), request.path, names)


def _in(tree: Any, path: str, names: Names) -> Iterator[Place]:
    """The expressions of a template."""
    if isinstance(tree, str):
        if tree.startswith("="):
            yield Place(path, tree, names)
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _in(value, pointer(path, key), names)
    elif isinstance(tree, list | tuple):
        for index, value in enumerate(tree):
            yield from _in(value, pointer(path, index), names)


Requests = Iterator[tuple[str, Request, Names]]
Trees = Iterator[tuple[str, Any, Names]]


def _requests(document: ConnectorDocument) -> Requests:
    yield "/auth/probe", document.auth.probe, scopes.CALL
    for name, entity in document.entities.items():
        yield from _entity_requests(entity, pointer("", "entities", name))
    subscribe = document.events.subscribe
    if isinstance(subscribe, Subscription):
        for word in ("create", "renew", "delete"):
            request = getattr(subscribe, word)
            if request is not None:
                yield pointer("", "events", "subscribe", word), request, scopes.SUBSCRIBE


def _entity_requests(entity: Entity, path: str) -> Requests:
    for index, request in enumerate(entity.setup):
        yield pointer(path, "setup", index), request, scopes.CALL
    if entity.container:
        yield pointer(path, "container", "options"), entity.container.options, scopes.CALL | {"page"}
    if entity.discover:
        yield pointer(path, "discover"), entity.discover, scopes.CALL | {"page"}
    for name, field in entity.fields.items():
        at = pointer(path, "fields", name)
        if field.set:
            yield pointer(at, "set"), field.set, scopes.FIELD_CALL
        if field.unset:
            yield pointer(at, "unset"), field.unset, scopes.FIELD_CALL
        if isinstance(field.options, Options):
            yield pointer(at, "options"), field.options, scopes.CALL | {"page"}
    for word, operation in entity.ops.items():
        at = pointer(path, "ops", word)
        yield at, operation, scopes.OPERATION
        for index, prepare in enumerate(operation.prepare):
            yield pointer(at, "prepare", index), prepare, scopes.PREPARE


def _trees(document: ConnectorDocument) -> Trees:
    for name, value in document.config.items():
        yield pointer("", "config", name, "from_probe"), value.from_probe, scopes.ANSWER
    for name, formula in document.http.paths.items():
        yield pointer("", "http", "paths", name), formula, scopes.PATHS
    if document.auth.basic:
        yield "/auth/basic/user", document.auth.basic.user, scopes.AUTH
        yield "/auth/basic/pass", document.auth.basic.password, scopes.AUTH
    yield "/auth/probe/good", document.auth.probe.good, scopes.ANSWER
    for index, rule in enumerate(document.errors):
        at = pointer("", "errors", index)
        for word, text in (
            ("if", rule.condition),
            ("field", rule.field),
            ("existing_id", rule.existing_id),
            ("retry_after", rule.retry_after),
        ):
            yield pointer(at, word), text, scopes.ANSWER
    for name, entity in document.entities.items():
        yield from _entity_trees(entity, pointer("", "entities", name))
    yield from _event_trees(document.events)


def _entity_trees(entity: Entity, path: str) -> Trees:
    for word in ("id", "updated", "created", "deleted"):
        yield pointer(path, "item", word), getattr(entity.item, word), scopes.ITEM
    yield pointer(path, "write_as"), entity.write_as, scopes.WRITE_AS
    for name, field in entity.fields.items():
        yield from _field_trees(field, pointer(path, "fields", name))
    if entity.discover:
        yield from _discover_trees(entity.discover, pointer(path, "discover"))
    for word, operation in entity.ops.items():
        yield from _operation_trees(operation, pointer(path, "ops", word))


def _field_trees(field: FieldDeclaration, path: str) -> Trees:
    yield pointer(path, "read"), field.read, scopes.ITEM
    yield pointer(path, "write"), field.write, scopes.FIELD_WRITE
    yield pointer(path, "create_with"), field.create_with, scopes.FIELD_WRITE
    if isinstance(field.options, Options):
        for word in ("value", "label", "text"):
            yield pointer(path, "options", word), getattr(field.options, word), scopes.ITEM


def _discover_trees(discover: Discover, path: str) -> Trees:
    for word in ("name", "label", "read_only", "required", "path", "skip"):
        yield pointer(path, "field", word), getattr(discover.field, word), scopes.ITEM
    yield pointer(path, "types", "at"), discover.types.at, scopes.ITEM
    if discover.options:
        for word in ("value", "label", "text"):
            yield pointer(path, "options", word), getattr(discover.options, word), scopes.ITEM


def _operation_trees(operation: Operation, path: str) -> Trees:
    yield pointer(path, "items"), operation.items, scopes.ANSWER
    for word in ("next", "total", "pages"):
        yield pointer(path, "page", word), getattr(operation.page, word, None), scopes.ANSWER
    for index, prepare in enumerate(operation.prepare):
        yield pointer(path, "prepare", index, "pick"), prepare.pick, scopes.ANSWER
    if operation.batch:
        at = pointer(path, "batch")
        yield pointer(at, "body"), operation.batch.body, scopes.OPERATION
        yield pointer(at, "match"), operation.batch.match, scopes.ITEM
        if operation.batch.errors:
            yield pointer(at, "errors", "match"), operation.batch.errors.match, scopes.ITEM


def _event_trees(events: Events) -> Trees:
    path = "/events"
    if events.route:
        yield pointer(path, "route", "by"), events.route.by, scopes.EVENT
    for index, way in enumerate(events.verify):
        if isinstance(way, Mac):
            yield pointer(path, "verify", index, "over"), way.over, scopes.VERIFY
    yield pointer(path, "split"), events.split, scopes.SPLIT
    if events.each:
        for word in ("record", "at", "origin", "id"):
            yield pointer(path, "each", word), getattr(events.each, word), scopes.EVENT
    for index, rule in enumerate(events.rules):
        at = pointer(path, "rules", index)
        yield pointer(at, "if"), rule.condition, scopes.EVENT
        for word in ("record", "touched", "into", "data"):
            yield pointer(at, word), getattr(rule, word), scopes.EVENT
    if events.challenge:
        at = pointer(path, "challenge")
        yield pointer(at, "if"), events.challenge.condition, scopes.CHALLENGE
        yield pointer(at, "reply", "headers"), events.challenge.reply.headers, scopes.CHALLENGE
        yield pointer(at, "reply", "body"), events.challenge.reply.body, scopes.CHALLENGE
    if isinstance(events.subscribe, Subscription):
        yield pointer(path, "subscribe", "id"), events.subscribe.id, scopes.ANSWER
