"""What must hold of a connector document: references resolve, calls stay at home, expressions compile."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from schemas.documents import formula_places
from schemas.documents.connector import ConnectorDocument, Entity, FieldDeclaration
from schemas.documents.expressions import ExpressionFailed, compile_expression
from schemas.documents.model import did_you_mean
from schemas.documents.receiving import Mac
from schemas.documents.source import Problem, Source, pointer

_NAMED = re.compile(r"\b(config|secret|paths)\.\??([A-Za-z_]\w*)")
_BRACES = re.compile(r"\{\+?([^{}]*)\}")


def check_connector(document: ConnectorDocument, source: Source) -> list[Problem]:
    """Every problem, in the order of the document's lines."""
    problems = [
        *_check_hosts(document, source),
        *_check_secrets(document, source),
        *_check_limits(document, source),
        *_check_events(document, source),
        *_check_formulas(document, source),
        *_check_names(document, source),
    ]
    for name in document.entities:
        problems += _check_entity(document, source, name)
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.line, problem.path))


def _check_hosts(document: ConnectorDocument, source: Source) -> Iterator[Problem]:
    addresses = {"/http/base": document.http.base}
    if document.auth.oauth2:
        addresses["/auth/oauth2/token"] = document.auth.oauth2.token
    for path, address in addresses.items():
        if address.startswith("{base_url}"):
            continue
        parts = urlsplit(address)
        if parts.scheme != "https":
            yield source.problem("not_https", path, "is not an https address", "https://…")
        host = (parts.hostname or "").lower()
        if not any(_allows(pattern, host) for pattern in document.http.hosts):
            yield source.problem("host", path, f"“{host}” is not one of http.hosts", f"add {host} to http.hosts")


def _allows(pattern: str, host: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _check_secrets(document: ConnectorDocument, source: Source) -> Iterator[Problem]:
    named = {"/auth/api_key/secret": document.auth.api_key.secret} if document.auth.api_key else {}
    for index, way in enumerate(document.events.verify):
        if isinstance(way, Mac) and way.key is not None:
            named[pointer("", "events", "verify", index, "key")] = way.key
    for path, name in named.items():
        if name not in document.secrets:
            fix = did_you_mean(name, document.secrets) or "add it to secrets"
            yield source.problem("unknown_secret", path, f"there is no secret “{name}”", fix)


def _check_limits(document: ConnectorDocument, source: Source) -> Iterator[Problem]:
    buckets = [limit.bucket for limit in document.limits]
    for index, bucket in enumerate(buckets):
        if bucket in buckets[:index]:
            path = pointer("", "limits", index, "bucket")
            yield source.problem("two_buckets", path, f"there is a bucket “{bucket}” already", "choose another name")
    for index, rule in enumerate(document.errors):
        if rule.bucket is not None and rule.bucket not in buckets:
            path = pointer("", "errors", index, "bucket")
            fix = did_you_mean(rule.bucket, buckets)
            yield source.problem("unknown_bucket", path, f"there is no bucket “{rule.bucket}”", fix)
        yield from _check_regexes(rule.field, source, pointer("", "errors", index, "field"))
        yield from _check_regexes(rule.existing_id, source, pointer("", "errors", index, "existing_id"))


def _check_regexes(locator: Any, source: Source, path: str) -> Iterator[Problem]:
    text = getattr(locator, "regex", None)
    if text is None:
        return
    try:
        groups = re.compile(text).groups
    except re.error as error:
        yield source.problem("regex", pointer(path, "regex"), f"is not a regular expression: {error}")
        return
    if groups != 1:
        yield source.problem("regex", pointer(path, "regex"), "needs one group: what it finds", "put ( ) round it")


def _check_events(document: ConnectorDocument, source: Source) -> Iterator[Problem]:
    events = document.events
    if events.route is not None and events.route.to not in document.config:
        fix = did_you_mean(events.route.to, document.config)
        path = "/events/route/to"
        yield source.problem("unknown_config", path, f"there is no config value “{events.route.to}”", fix)
    for index, rule in enumerate(events.rules):
        if rule.entity is not None and rule.entity not in document.entities:
            fix = did_you_mean(rule.entity, document.entities)
            path = pointer("", "events", "rules", index, "entity")
            yield source.problem("unknown_entity", path, f"there is no entity “{rule.entity}”", fix)


def _check_entity(document: ConnectorDocument, source: Source, name: str) -> Iterator[Problem]:
    entity, path = document.entities[name], pointer("", "entities", name)
    for field, at in _fields_named(entity, path):
        if field not in entity.fields and (entity.discover is None or at.endswith("/stamp")):
            fix = did_you_mean(field, entity.fields)
            yield source.problem("unknown_field", at, f"{name} has no field “{field}”", fix)
    for key, declared in entity.fields.items():
        yield from _check_field(document, source, declared, pointer(path, "fields", key))
    if "get" not in entity.ops:
        yield source.problem(
            "missing_op", pointer(path, "ops"), "lacks get: every hint is followed by a read", "add get:"
        )
    for operation, described in entity.ops.items():
        needs = {"list": "items", "changes": "items", "find": "by", "search": "by"}.get(operation)
        if needs is not None and getattr(described, needs) in (None, ()):  # an empty pointer is the whole answer
            yield source.problem("missing", pointer(path, "ops", operation), f"lacks “{needs}”", f"add {needs}:")
    changes = entity.ops.get("changes")
    if changes is not None and changes.since is None:
        yield source.problem("missing", pointer(path, "ops", "changes"), "lacks “since”", "add since: {field: …}")


def _fields_named(entity: Entity, path: str) -> Iterator[tuple[str, str]]:
    """Every field that the entity's other parts refer to, and where."""
    for index, key in enumerate(entity.keys):
        for position, field in enumerate(key):
            yield field, pointer(path, "keys", index, position)
    if entity.stamp is not None:
        yield entity.stamp, pointer(path, "stamp")
    for name, operation in entity.ops.items():
        for index, field in enumerate(operation.by):
            yield field, pointer(path, "ops", name, "by", index)
        if operation.since is not None:
            yield operation.since.field, pointer(path, "ops", name, "since", "field")


def _check_field(document: ConnectorDocument, source: Source, field: FieldDeclaration, path: str) -> Iterator[Problem]:
    if field.type == "ref" and field.to not in document.entities:
        fix = did_you_mean(field.to, document.entities) if field.to else "add to: the entity"
        yield source.problem("unknown_entity", pointer(path, "to"), "refers to no entity of this document", fix)
    if field.type != "ref" and field.to is not None:
        yield source.problem("not_a_reference", pointer(path, "to"), f"a {field.type} refers to nothing", "type: ref")
    if field.separator is not None and field.type not in ("list", "enum_set"):
        message = f"a {field.type} has no elements to separate"
        yield source.problem("separator", pointer(path, "separator"), message, "type: list or enum_set")
    if "truncates" in field.quirks and field.max is None:
        yield source.problem("missing", path, "truncates, but does not say to how many characters", "add max:")


def _check_formulas(document: ConnectorDocument, source: Source) -> Iterator[Problem]:
    for place in formula_places.places(document):
        try:
            compile_expression(place.formula, place.names)
        except ExpressionFailed as error:
            yield source.problem("expression", place.path, error.reason, _known(place.names))
    for call in formula_places.calls(document):
        for inside in _BRACES.findall(call.formula):
            if inside.partition(".")[0] not in call.names:
                yield source.problem(
                    "placeholder", call.path, f"{{{inside}}} is nothing that a path may hold", _known(call.names)
                )


def _known(names: Collection[str]) -> str:
    return f"it may read {', '.join(sorted(names))}"


def _check_names(document: ConnectorDocument, source: Source) -> Iterator[Problem]:
    """`config.x`, `secret.x` and `paths.x`, wherever the document says them."""
    known: Mapping[str, Collection[str]] = {
        "config": {*document.config, *_containers(document)},
        "secret": document.secrets,
        "paths": document.http.paths,
    }
    for path, text in _texts(source.data, ""):
        if not text.startswith("=") and "{" not in text:
            continue
        for kind, name in _NAMED.findall(text):
            if name not in known[kind]:
                fix = did_you_mean(name, known[kind]) or f"add it to {kind}"
                yield source.problem(f"unknown_{kind}", path, f"there is no {kind} “{name}”", fix)


def _containers(document: ConnectorDocument) -> set[str]:
    return {entity.container.param for entity in document.entities.values() if entity.container}


def _texts(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from _texts(value, pointer(path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _texts(value, pointer(path, index))
