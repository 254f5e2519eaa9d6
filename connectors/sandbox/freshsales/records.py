"""`/contacts`, `/sales_accounts`, `/deals`: one record at a time, and upsert. There is no plain list."""

from __future__ import annotations

from typing import Literal

from connectors.sandbox.calls import JSON, Answer, Call
from connectors.sandbox.freshsales import errors, writes
from connectors.sandbox.freshsales.bundle import Bundle
from connectors.sandbox.freshsales.fields import ENTITIES, Entity
from connectors.sandbox.freshsales.rendering import shown, side_collections
from connectors.sandbox.freshsales.shelf import Record
from connectors.sandbox.freshsales.writes import Writer

_UNIQUE = {
    "contacts": ("emails", "external_id", "mobile_number"),
    "sales_accounts": ("name",),
    "deals": ("id", "external_id"),
}
"""What `unique_identifier` may name."""


def entity_of(call: Call) -> Entity:
    return ENTITIES[call.params["entity"]]


def create(bundle: Bundle, call: Call) -> Answer:
    entity = entity_of(call)
    record = writes.create(bundle, entity, enveloped(bundle, entity, call.body), writer_of(call))
    return answered(bundle, entity, record, call, bundle.settings.create_status)


def get(bundle: Bundle, call: Call) -> Answer:
    entity = entity_of(call)
    record = bundle.shelves[entity.plural].records.get(int(call.params["id"]))
    if record is None or (record.is_deleted and bundle.settings.deleted_reads == "404"):
        raise errors.not_found()
    return answered(bundle, entity, record, call, 200)


def update(bundle: Bundle, call: Call) -> Answer:
    entity = entity_of(call)
    record = found(bundle, entity, call)
    writes.update(bundle, entity, record, enveloped(bundle, entity, call.body), writer_of(call))
    return answered(bundle, entity, found(bundle, entity, call), call, 200)


def delete(bundle: Bundle, call: Call) -> Answer:
    entity = entity_of(call)
    writes.delete(bundle, entity, found(bundle, entity, call), writer_of(call))
    return gone(bundle)


def forget(bundle: Bundle, call: Call) -> Answer:
    """For privacy's sake, for good."""
    entity = entity_of(call)
    record = bundle.shelves[entity.plural].records.get(int(call.params["id"]))
    if record is None:
        raise errors.not_found()
    writes.forget(bundle, entity, record, writer_of(call))
    return gone(bundle)


def clone(bundle: Bundle, call: Call) -> Answer:
    """A copy without what must be unique, with the body's fields over it."""
    entity = entity_of(call)
    original = found(bundle, entity, call)
    fields = {name: value for name, value in original.fields.items() if name not in bundle.settings.unique}
    body = {**fields, "custom_field": original.custom, **enveloped(bundle, entity, call.body or {entity.singular: {}})}
    return answered(bundle, entity, writes.create(bundle, entity, body, writer_of(call)), call, 200)


def upsert(bundle: Bundle, call: Call) -> Answer:
    """Update the record that the identifiers name, or create it."""
    entity = entity_of(call)
    written = enveloped(bundle, entity, call.body)
    record, status = upserted(bundle, entity, call.body.get("unique_identifier"), written, writer_of(call))
    return answered(bundle, entity, record, call, status)


def upserted(
    bundle: Bundle, entity: Entity, identifier: JSON, written: dict[str, JSON], writer: Writer
) -> tuple[Record, Literal[200, 201]]:
    """The record and 200 for found, 201 for created. Raises Refused (400) if the identifiers name two records."""
    if not _identifies(entity, identifier):
        raise errors.refused([errors.text(bundle.settings.language, "invalid", "unique_identifier")])
    shelf = bundle.shelves[entity.plural]
    holders = {
        record.id: record
        for name, value in identifier.items()
        for record in ([shelf.live(value)] if name == "id" else shelf.holding(name, value))
        if record is not None
    }
    if len(holders) > 1:
        raise errors.refused([errors.not_unique(bundle.settings.language, "Contact")])
    named = {name: value for name, value in identifier.items() if name != "id"}
    if not holders:
        return writes.create(bundle, entity, {**named, **written}, writer), 201
    (record,) = holders.values()
    writes.update(bundle, entity, record, {**named, **written}, writer)
    return shelf.records[record.id], 200


def _identifies(entity: Entity, identifier: JSON) -> bool:
    """Whether this is a `unique_identifier`: texts under known names, or a number as the id."""
    if not isinstance(identifier, dict) or not identifier or set(identifier) - set(_UNIQUE[entity.plural]):
        return False
    return all(isinstance(value, int if name == "id" else str) for name, value in identifier.items())


def found(bundle: Bundle, entity: Entity, call: Call) -> Record:
    """The live record of the path's id. Raises Refused (404)."""
    record = bundle.shelves[entity.plural].live(int(call.params["id"]))
    if record is None:
        raise errors.not_found()
    return record


def enveloped(bundle: Bundle, entity: Entity, body: JSON) -> dict[str, JSON]:
    """What stands in the envelope. Raises Refused (400) where there is none."""
    inner = body.get(entity.singular) if isinstance(body, dict) else None
    if not isinstance(inner, dict):
        raise errors.refused([errors.text(bundle.settings.language, "empty", entity.singular)])
    return inner


def answered(bundle: Bundle, entity: Entity, record: Record, call: Call, status: int) -> Answer:
    include = call.listed("include")
    body = {entity.singular: shown(bundle, entity, record, include)}
    return Answer(status, {**body, **side_collections(bundle, [record], include)})


def gone(bundle: Bundle) -> Answer:
    return Answer(200, True) if bundle.settings.delete_status == 200 else Answer(204)


def writer_of(call: Call) -> Writer:
    return Writer(call.by, call.now)
