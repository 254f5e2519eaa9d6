"""The entities of a connector, compiled: their operations, and how a record of theirs is read and written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from connectors import templates
from connectors.calls import CompiledCall, compile_call
from connectors.fields import Field, Tables, compile_field
from connectors.templates import MISSING, Fill, Scope
from connectors.values import Unreadable, epoch_ms
from schemas.documents import scopes
from schemas.documents.calls import Operation, OperationName, Prepare
from schemas.documents.connector import Entity, FieldTimes, Item
from schemas.documents.expressions import ExpressionFailed
from schemas.events import Reading
from schemas.records import PLACEHOLDER
from schemas.values import Value

log = structlog.get_logger()


class WrongShape(Exception):
    """An answer does not hold what the document says stands there: no record and no end of data is read into that."""


@dataclass(frozen=True, slots=True)
class Found:
    """A record as a call returned it. `deleted`: the product still has it, marked as gone."""

    id: str
    reading: Reading
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Preparation:
    """A call whose result others need."""

    declared: Prepare
    call: CompiledCall
    pick: Fill


@dataclass(frozen=True, slots=True)
class CompiledOperation:
    """An operation of an entity. `record` and `records` take its answer's JSON and raise WrongShape."""

    declared: Operation
    call: CompiledCall
    preparations: tuple[Preparation, ...]
    record: Callable[[Any], Any]
    records: Callable[[Any], list[Any]]


@dataclass(frozen=True, slots=True)
class CompiledEntity:
    """An entity of a connector. `fields` are the declared ones."""

    name: str
    declared: Entity
    fields: Mapping[str, Field]
    operations: Mapping[OperationName, CompiledOperation]
    setup: tuple[CompiledCall, ...]
    set_calls: Mapping[str, CompiledCall]
    """By field: the call that writes it."""
    unset_calls: Mapping[str, CompiledCall]
    write_as: Fill
    _item: _CompiledItem

    def found(self, item: Any, fields: Collection[Field], scope: Scope, tables: Tables, read: tuple[int, int]) -> Found:
        """What a record says of `fields`; one that cannot be read is left out. `read`: our clock round the call.

        Raises WrongShape where it has no id.
        """
        at = self._item
        id = at.id(item, scope)
        place = at.fields(item)
        if id is None or id is MISSING or place is MISSING:
            raise WrongShape("a record without an id")
        told: dict[str, Value] = {}
        for field in fields:
            value = _value(field, place, item, scope, tables)
            if value is not MISSING:
                told[field.name] = value
        stamp = told.get(self.declared.stamp) if self.declared.stamp else None
        reading = Reading(
            fields=told,
            updated_at=_time(at.updated, item, scope),
            field_times=at.times(item, place, fields) if at.times else None,
            stamp=stamp if isinstance(stamp, str) and stamp.startswith(PLACEHOLDER) else None,
            read_from=read[0],
            read_to=read[1],
        )
        return Found(str(id), reading, at.deleted is not None and at.deleted(item, scope) is True)


@dataclass(frozen=True, slots=True)
class _CompiledItem:
    id: Callable[[Any, Scope], Any]
    fields: Callable[[Any], Any]
    updated: Callable[[Any, Scope], Any] | None
    deleted: Callable[[Any, Scope], Any] | None
    times: Callable[[Any, Any, Collection[Field]], dict[str, int] | None] | None


def compile_entity(name: str, declared: Entity) -> CompiledEntity:
    """Raises ExpressionFailed."""
    fields = {field: compile_field(field, declaration, declared) for field, declaration in declared.fields.items()}
    own = declared.fields.items()
    return CompiledEntity(
        name=name,
        declared=declared,
        fields=fields,
        operations={operation: _operation(operation, described) for operation, described in declared.ops.items()},
        setup=tuple(compile_call(call, "discover", scopes.CALL) for call in declared.setup),
        set_calls={field: compile_call(d.set, "update", scopes.FIELD_CALL) for field, d in own if d.set},
        unset_calls={field: compile_call(d.unset, "update", scopes.FIELD_CALL) for field, d in own if d.unset},
        write_as=templates.template(declared.write_as, scopes.WRITE_AS),
        _item=_item(declared.item),
    )


def records_at(items: str | None) -> Callable[[Any], list[Any]]:
    """How the list of records is found in an answer's JSON; what is not a list raises WrongShape."""
    read = templates.reader(items or "", "body", scopes.ANSWER)

    def records(body: Any) -> list[Any]:
        found = read(body, {})
        if not isinstance(found, list):
            raise WrongShape("the answer holds no list of records")
        return found

    return records


def _operation(name: OperationName, described: Operation) -> CompiledOperation:
    follow = templates.pointer(described.at)

    def record(body: Any) -> Any:
        found = follow(body)
        if not isinstance(found, Mapping):
            raise WrongShape("the answer holds no record")
        return found

    return CompiledOperation(
        declared=described,
        call=compile_call(described, name, scopes.OPERATION),
        preparations=tuple(
            Preparation(
                prepare, compile_call(prepare, name, scopes.PREPARE), templates.expression(prepare.pick, scopes.ANSWER)
            )
            for prepare in described.prepare
        ),
        record=record,
        records=records_at(described.items),
    )


def _item(declared: Item) -> _CompiledItem:
    names = scopes.ITEM
    return _CompiledItem(
        id=templates.reader(declared.id, "item", names),
        fields=templates.pointer(declared.fields),
        updated=templates.reader(declared.updated, "item", names) if declared.updated else None,
        deleted=templates.reader(declared.deleted, "item", names) if declared.deleted else None,
        times=_times(declared.times) if declared.times else None,
    )


def _value(field: Field, place: Any, item: Any, scope: Scope, tables: Tables) -> Value | templates.Missing:
    try:
        return field.read(place, item, scope["config"], tables.get(field.name))
    except (Unreadable, ExpressionFailed) as error:
        log.warning("left out a field that cannot be read", field=field.name, reason=str(error))
        return templates.Missing.MISSING


def _time(read: Callable[[Any, Scope], Any] | None, item: Any, scope: Scope) -> int:
    found = read(item, scope) if read else None
    try:
        return 0 if found is MISSING else epoch_ms(found)
    except Unreadable:
        return 0


def _times(declared: FieldTimes) -> Callable[[Any, Any, Collection[Field]], dict[str, int] | None]:
    """When each field was set: believed only where the newest value of its history is the one that it holds."""
    at, time = templates.pointer(declared.at), templates.pointer(declared.time)
    held = templates.pointer(declared.value) if declared.value else None

    def times(item: Any, place: Any, fields: Collection[Field]) -> dict[str, int] | None:
        histories = at(item)
        if not isinstance(histories, Mapping):
            return None
        known: dict[str, int] = {}
        for field in fields:
            history = histories.get(field.wire)
            moment = MISSING if history is None else time(history)
            if moment is MISSING or (held and held(history) != place.get(field.wire)):
                continue
            try:
                known[field.name] = epoch_ms(moment)
            except Unreadable:
                continue
        return known

    return times
