"""Reading records: one by id, pages of all or of what changed, and those that a field's value leads to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from connectors.account import Account
from connectors.caller import Caller
from connectors.entities import CompiledEntity, CompiledOperation, Found, WrongShape
from connectors.errors import CallFailed
from connectors.fields import Field, Table, Tables
from connectors.http import Answer, now_ms
from connectors.paging import Mark, advance, page_scope, since_scope
from connectors.values import epoch_ms
from schemas.documents.calls import OperationName, Since
from schemas.documents.expressions import ExpressionFailed
from schemas.values import Value

log = structlog.get_logger()

STALE_TABLE_S = 60


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, in the product's order, and the cursor of the next page; None: that was the last."""

    rows: tuple[Found, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Reads:
    """Reads for one connection. `wanted`: by entity, the fields to read; of others, all."""

    account: Account
    caller: Caller
    wanted: Mapping[str, Collection[str]]

    def entity(self, name: str) -> CompiledEntity:
        """Raises CallFailed (`unsupported`) if the product has none of that name."""
        found = self.account.connector.entities.get(name)
        if found is None:
            raise CallFailed("unsupported", f"the connector has no {name}")
        return found

    def operation(self, entity: CompiledEntity, name: OperationName) -> CompiledOperation:
        """Raises CallFailed (`unsupported`)."""
        found = entity.operations.get(name)
        if found is None:
            raise CallFailed("unsupported", f"the connector cannot {name} a {entity.name}")
        return found

    async def fields(self, entity: CompiledEntity) -> tuple[Field, ...]:
        """The fields that are read of an entity."""
        names = self.wanted.get(entity.name)
        readable = [field for field in entity.fields.values() if field.declaration.readable]
        if names is None:
            return (*readable, *(await self.account.discovered(entity, self.caller)).fields.values())
        kept = {entity.declared.stamp, *names}
        chosen = [field for field in readable if field.name in kept]
        beyond = [name for name in names if name not in entity.fields]
        return (*chosen, *[field for name in beyond if (field := await self.field(entity, name))])

    async def field(self, entity: CompiledEntity, name: str) -> Field | None:
        """A declared or discovered field, looked for anew once if it is unknown."""
        if name in entity.fields:
            return entity.fields[name]
        found = (await self.account.discovered(entity, self.caller)).fields.get(name)
        return found or (await self.account.discovered(entity, self.caller, fresh=True)).fields.get(name)

    async def get(self, entity: CompiledEntity, id: str) -> Found | None:
        """The record; None: it is gone."""
        operation = self.operation(entity, "get")
        fields = await self.fields(entity)
        began = now_ms()
        try:
            answer = await self._ask(operation, fields, {"id": id})
        except CallFailed as error:
            if error.category == "not_found":
                return None
            raise
        found = await self.found(entity, self.account.checked(operation.record, answer), fields, began)
        return None if found.deleted else found

    async def raw(self, entity: CompiledEntity, id: str) -> Any:
        """The record as the product returns it. Raises CallFailed (`not_found`)."""
        operation = self.operation(entity, "get")
        answer = await self._ask(operation, await self.fields(entity), {"id": id})
        return self.account.checked(operation.record, answer)

    async def listed(self, entity: CompiledEntity, cursor: str | None) -> Page:
        """A page of all records; `cursor` of None: the first."""
        operation = self.operation(entity, "list")
        rows, following = await self._page(entity, operation, _mark(cursor), {})
        return Page(rows, following.text if following else None)

    async def changed(self, entity: CompiledEntity, since_ms: int, cursor: str | None) -> Page:
        """A page of the records that changed at `since_ms` or later, and some before; rows may repeat."""
        operation = self.operation(entity, "changes")
        since = operation.declared.since
        if since is None:
            raise CallFailed("unsupported", "the connector does not say where an incremental read begins")
        begin = max(0, since_ms - since.overlap_s * 1000)
        mark = _mark(cursor) if cursor else Mark(since=begin)
        rows, following = await self._page(entity, operation, mark, {"since": since_scope(mark.since)})
        if since.order == "desc":
            current = tuple(row for row in rows if _changed_at(row, since) >= mark.since)
            return Page(current, following.text if following and len(current) == len(rows) else None)
        following = _within_cap(since, mark, following, rows)
        return Page(rows, following.text if following else None)

    async def find(self, entity: CompiledEntity, field: str, value: Value) -> list[Found]:
        """The records whose field has this value, as the product's index knows them."""
        operation, rows, began = await self._look_up(entity, field, value)
        if operation.declared.partial:
            read = [await self.get(entity, id) for id in [self._id(entity, row) for row in rows]]
            return [found for found in read if found is not None]
        fields = await self.fields(entity)
        found = [await self.found(entity, row, fields, began) for row in rows]
        return [row for row in found if not row.deleted]

    async def find_ids(self, entity: CompiledEntity, field: str, value: Value) -> list[str]:
        """As `find`, the ids only."""
        _, rows, _ = await self._look_up(entity, field, value)
        return [self._id(entity, row) for row in rows]

    def findable(self, entity: CompiledEntity, field: str) -> CompiledOperation | None:
        """The operation that looks records up by this field."""
        operations = (entity.operations.get("find"), entity.operations.get("search"))
        return next((found for found in operations if found and field in found.declared.by), None)

    async def found(self, entity: CompiledEntity, item: Any, fields: Sequence[Field], began: int) -> Found:
        """What a record says. A choice that nobody knows is looked for anew, unless that was done a moment ago."""
        read = (began, now_ms())
        tables = await self.account.tables(fields, self.caller)
        found = self._told(entity, item, fields, tables, read)
        if not any(_unknown(found.reading.fields.get(name), table) for name, table in tables.items()):
            return found
        try:
            tables = await self.account.tables(fields, self.caller, older_than_s=STALE_TABLE_S)
        except CallFailed:  # the record is read all the same, its unknown choice as the product spells it
            return found
        return self._told(entity, item, fields, tables, read)

    async def _look_up(
        self, entity: CompiledEntity, name: str, value: Value
    ) -> tuple[CompiledOperation, list[Any], int]:
        operation, field = self.findable(entity, name), entity.fields.get(name)
        if operation is None or field is None:
            raise CallFailed("unsupported", f"the product cannot look a {entity.name} up by {name}", field=name)
        fields = await self.fields(entity)
        tables = await self.account.tables([field], self.caller)
        values = {"key": field.steps[-1], "value": field.spelled(value, tables.get(name))}
        began = now_ms()
        if operation.declared.items is None:
            try:
                answer = await self._ask(operation, fields, values)
            except CallFailed as error:
                if error.category == "not_found" or (name == entity.declared.stamp and error.status == 400):
                    return operation, [], began  # the account may have no field for our stamp
                raise
            return operation, [self.account.checked(operation.record, answer)], began
        scope = await self._scope(operation, fields, values)
        pages = self.account.pages(operation.call, operation.declared.page, operation.records, self.caller, scope)
        return operation, [row async for row in pages], began

    async def _page(
        self, entity: CompiledEntity, operation: CompiledOperation, mark: Mark, values: Mapping[str, Any]
    ) -> tuple[tuple[Found, ...], Mark | None]:
        fields = await self.fields(entity)
        page = operation.declared.page
        began = now_ms()
        answer = await self._ask(operation, fields, {"page": page_scope(page, mark), **values}, mark.link)
        items = self.account.checked(operation.records, answer)
        rows = [await self.found(entity, item, fields, began) for item in items]
        following = self.account.checked(lambda _: advance(page)(mark, answer, len(items)), answer)
        return tuple(rows), following

    async def _ask(
        self, operation: CompiledOperation, fields: Sequence[Field], values: Mapping[str, Any], link: str = ""
    ) -> Answer:
        scope = await self._scope(operation, fields, values)
        return await self.caller.call(self.account.linked(operation.call, link), scope)

    async def _scope(
        self, operation: CompiledOperation, fields: Sequence[Field], values: Mapping[str, Any]
    ) -> dict[str, Any]:
        wires = list(dict.fromkeys(field.wire for field in fields))
        prepared = await self.account.prepared(operation, self.caller) if operation.preparations else {}
        return {**self.account.scope, "fields": wires, "prepared": prepared, **values}

    def _id(self, entity: CompiledEntity, item: Any) -> str:
        return self._told(entity, item, (), {}, (0, 0)).id

    def _told(
        self, entity: CompiledEntity, item: Any, fields: Sequence[Field], tables: Tables, read: tuple[int, int]
    ) -> Found:
        try:
            return entity.found(item, fields, self.account.scope, tables, read)
        except (WrongShape, ExpressionFailed) as error:
            raise CallFailed("unknown", str(error), sent=True) from error


def _mark(cursor: str | None) -> Mark:
    if cursor is None:
        return Mark()
    try:
        return Mark.parse(cursor)
    except (ValueError, msgspec.DecodeError) as error:
        raise CallFailed("unsupported", "not a cursor of ours") from error


def _unknown(value: Value, table: Table) -> bool:
    if isinstance(value, tuple):
        return any(element not in table.values for element in value)
    return value is not None and value != "" and value not in table.values


def _changed_at(row: Found, since: Since) -> int:
    value = row.reading.fields.get(since.field)
    return row.reading.updated_at or (epoch_ms(value) if isinstance(value, str) else 0)


def _within_cap(since: Since, mark: Mark, following: Mark | None, rows: Sequence[Found]) -> Mark | None:
    """A product lists so many records for one question; before that, it is asked anew from the last one's time."""
    if following is None or since.cap is None or following.offset + len(rows) <= since.cap:
        return following
    if since.on_cap == "stop":
        return None
    last = max(_changed_at(row, since) for row in rows)
    if last <= mark.since:
        log.warning("more records changed at one moment than the product lists", field=since.field)
    return Mark(since=max(last, mark.since + 1))
