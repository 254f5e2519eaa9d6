"""Writing records: only the fields that are given, each in the product's spelling and by the call it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.caller import Confirm
from connectors.entities import CompiledEntity, CompiledOperation, Found
from connectors.errors import CallFailed
from connectors.fields import Field, Unwritable
from connectors.http import now_ms
from connectors.reads import Reads
from connectors.values import Unreadable
from schemas.events import Reading
from schemas.values import Fields, Value

NO_STAMP_S = 3600


@dataclass(frozen=True, slots=True)
class Writes:
    """Writes for one connection."""

    reads: Reads

    async def create(self, entity: CompiledEntity, fields: Fields, stamp: str) -> Found:
        """Make a record, with `stamp` where the product has a place for it and nobody else wants it."""
        name = entity.declared.stamp
        stamps = name is not None and stamp and name not in fields and not self._without_stamp(entity)
        given = {**fields, name: stamp} if name is not None and stamps else dict(fields)
        try:
            return await self._create(entity, given, stamp)
        except CallFailed as error:
            if not stamps or error.field != name or error.category not in ("invalid_field", "forbidden"):
                raise
        # The stamp was refused: an earlier try of this create used it, or the account has no such field.
        if existing := await self.reads.find_ids(entity, name, stamp):
            raise CallFailed("duplicate", "made by an earlier try", status=400, existing_id=existing[0])
        await self.reads.account.memory.get(("no stamp", entity.name), NO_STAMP_S, _true)
        return await self._create(entity, dict(fields), stamp)

    async def update(self, entity: CompiledEntity, id: str, fields: Fields) -> Reading | None:
        """Set these fields; the record as the product then showed it, None where it did not."""
        known = await self._known(entity, fields)
        own = {name: value for name, value in fields.items() if name in entity.set_calls}
        direct = {name: value for name, value in fields.items() if name not in own}
        if own:
            await self._write_own(entity, id, own)
        reading = await self._update(entity, id, direct, known) if direct else None
        if own:
            found = await self.reads.get(entity, id)
            return found.reading if found else None
        return reading

    async def upsert(self, entity: CompiledEntity, field: str, fields: Fields) -> Found:
        """Update the record whose `field` has the value given in `fields`, or make it, in one call."""
        operation = self.reads.operation(entity, "upsert")
        if field not in operation.declared.by or not isinstance(fields.get(field), str):
            raise CallFailed("unsupported", f"the product has no upsert by {field}", field=field)
        known = await self._known(entity, fields)
        values = {"key": known[field].steps[-1], "value": fields[field]}
        return await self._send(entity, operation, fields, known, values, None)

    async def delete(self, entity: CompiledEntity, id: str, *, erase: bool) -> None:
        """Delete or archive the record, or erase the person; one that is gone already is no error."""
        operation = self.reads.operation(entity, "erase" if erase else "delete")
        try:
            await self.reads.caller.call(operation.call, {**self.reads.account.scope, "id": id})
        except CallFailed as error:
            if error.category != "not_found":
                raise

    async def _create(self, entity: CompiledEntity, fields: Fields, stamp: str) -> Found:
        operation = self.reads.operation(entity, "create")
        known = await self._known(entity, fields)
        within = {name: value for name, value in fields.items() if name not in entity.set_calls}
        beside = {name: value for name, value in fields.items() if name not in within and value is not None}
        extra: dict[str, Any] = {}
        for name in [name for name in beside if known[name].create_with]:
            extra |= await self._create_with(known[name], beside.pop(name))
        found = await self._send(entity, operation, within, known, {"stamp": stamp}, None, extra)
        if not beside:
            return found
        try:
            await self._write_own(entity, found.id, beside)
            return await self.reads.get(entity, found.id) or found
        except CallFailed as error:
            error.sent = True  # the record is there
            raise

    async def _update(
        self, entity: CompiledEntity, id: str, fields: Fields, known: Mapping[str, Field]
    ) -> Reading | None:
        operation = self.reads.operation(entity, "update")

        async def write(part: Fields) -> Reading | None:
            item = await self.reads.raw(entity, id) if any(known[name].writes_item for name in part) else None
            if operation.declared.returns == "item":
                return (await self._send(entity, operation, part, known, {"id": id}, item)).reading
            await self._call(entity, operation, part, known, {"id": id}, item)
            return None

        try:
            reading = await write(fields)
        except CallFailed as error:
            if error.category != "invalid_field" or not _moves_forward_only(known.get(error.field), fields):
                raise
            await write({error.field: None})
            return await write(fields)
        return await self._go_back(fields, known, reading, write)

    async def _go_back(
        self,
        fields: Fields,
        known: Mapping[str, Field],
        reading: Reading | None,
        write: Callable[[Fields], Awaitable[Reading | None]],
    ) -> Reading | None:
        """A field that only moves forward keeps its value silently: it is cleared first, then written again."""
        stuck = {
            name: value
            for name, value in fields.items()
            if _moves_forward_only(known[name], fields)
            and reading is not None
            and name in reading.fields
            and reading.fields[name] != value
        }
        if not stuck:
            return reading
        await write(dict.fromkeys(stuck))
        return await write(stuck) or reading

    async def _send(
        self,
        entity: CompiledEntity,
        operation: CompiledOperation,
        fields: Fields,
        known: Mapping[str, Field],
        values: Mapping[str, Any],
        item: Any,
        extra: Mapping[str, Any] | None = None,
    ) -> Found:
        """Make the call and read the record in its answer; what that takes is fetched before the call is made."""
        read = await self.reads.fields(entity)
        await self.reads.account.tables(read, self.reads.caller)
        began = now_ms()
        answer = await self._call(entity, operation, fields, known, values, item, extra)
        try:
            return await self.reads.found(entity, self.reads.account.checked(operation.record, answer), read, began)
        except CallFailed as error:
            error.sent = True
            raise

    async def _call(
        self,
        entity: CompiledEntity,
        operation: CompiledOperation,
        fields: Fields,
        known: Mapping[str, Field],
        values: Mapping[str, Any],
        item: Any,
        extra: Mapping[str, Any] | None = None,
    ) -> Any:
        """Make the call; if the product refuses a choice, learn its choices anew and try once more."""
        refused: CallFailed | None = None
        spelled: dict[str, Any] = {}
        for fresh in (False, True):
            before, spelled = spelled, await self._spelled(fields, known, item, fresh=fresh)
            if refused is not None and spelled == before:
                raise refused
            scope = {**self.reads.account.scope, "changed": spelled, **values}
            scope["write"] = entity.write_as(scope)
            try:
                return await self.reads.caller.call(
                    operation.call,
                    scope,
                    confirm=self._confirm(entity, fields, str(values.get("id", ""))),
                    extra=extra,
                    written=_texts(fields),
                )
            except CallFailed as error:
                await self._name_field(entity, error)
                if error.category not in ("invalid_field", "rejected") or not _has_choices(fields, known):
                    raise
                refused = error
        assert refused is not None  # noqa: S101 - the loop returns, raises or leaves a refusal
        raise refused

    async def _spelled(self, fields: Fields, known: Mapping[str, Field], item: Any, *, fresh: bool) -> dict[str, Any]:
        """The fields in the product's names and spelling. Raises CallFailed (`invalid_field`) before any call."""
        account, caller = self.reads.account, self.reads.caller
        chosen = [known[name] for name in fields]
        tables = await account.tables(chosen, caller, older_than_s=0 if fresh else float("inf"))
        spelled: dict[str, Any] = {}
        for field in chosen:
            try:
                field.write(spelled, fields[field.name], tables.get(field.name), item or {}, account.scope["config"])
            except Unwritable as error:
                if error.unknown_choice and not fresh:
                    return await self._spelled(fields, known, item, fresh=True)
                raise CallFailed("invalid_field", str(error), field=field.name) from error
        return spelled

    async def _write_own(self, entity: CompiledEntity, id: str, fields: Fields) -> None:
        """Write the fields that have calls of their own: the new value first, then the old one away."""
        held = await self.reads.get(entity, id)
        if held is None:
            raise CallFailed("not_found", "the record is gone", status=404)
        for name, value in fields.items():
            previous = held.reading.fields.get(name)
            if previous == value:
                continue
            scope = {**self.reads.account.scope, "id": id, "value": value, "previous": previous}
            try:
                if value not in (None, ""):
                    await self.reads.caller.call(entity.set_calls[name], scope)
                if previous not in (None, "") and name in entity.unset_calls:
                    await self.reads.caller.call(entity.unset_calls[name], scope)
            except CallFailed as error:
                raise self._blame(error, name) from error

    def _blame(self, error: CallFailed, name: str) -> CallFailed:
        """What a field's own call met, as an error of that field: the other record may be what was not found."""
        category = "reference_missing" if error.category in ("not_found", "rejected") else error.category
        return CallFailed(category, error.message, status=error.status, field=name, retry_after_ms=error.retry_after_ms)

    async def _create_with(self, field: Field, value: Value) -> dict[str, Any]:
        tables = await self.reads.account.tables([field], self.reads.caller)
        try:
            spelled = field.spelled(value, tables.get(field.name))
        except (Unwritable, Unreadable) as error:
            raise CallFailed("invalid_field", str(error), field=field.name) from error
        assert field.create_with is not None  # noqa: S101 - the caller chose such fields
        return dict(field.create_with({**self.reads.account.scope, "value": spelled, "item": {}}))

    async def _known(self, entity: CompiledEntity, fields: Fields) -> dict[str, Field]:
        """The fields by name. Raises CallFailed (`invalid_field`) for one that is unknown or cannot be written."""
        known: dict[str, Field] = {}
        for name in fields:
            field = await self.reads.field(entity, name)
            if field is None:
                raise CallFailed("invalid_field", "the product has no such field", field=name)
            if not field.declaration.writable:
                raise CallFailed("invalid_field", "the field is read-only", field=name)
            known[name] = field
        return known

    def _confirm(self, entity: CompiledEntity, fields: Fields, id: str) -> Confirm:
        async def confirm(names: Sequence[str]) -> str | None:
            for name in names:
                value = fields.get(name)
                if value in (None, "") or self.reads.findable(entity, name) is None:
                    continue
                others = [found for found in await self.reads.find_ids(entity, name, value) if found != id]
                if others:
                    return others[0]
            return None

        return confirm

    async def _name_field(self, entity: CompiledEntity, error: CallFailed) -> None:
        """The product's name or label of the field to blame becomes ours; one that nobody knows is dropped."""
        if not error.field:
            return
        wire = error.field
        discovered = await self.reads.account.discovered(entity, self.reads.caller)
        by_label = discovered.labels.get(wire.strip().lower(), "")
        for field in (*entity.fields.values(), *discovered.fields.values()):
            names = {field.name, field.wire, field.steps[-1]}
            label = field.declaration.label.strip().lower()
            if wire in names or by_label in names or label == wire.strip().lower():
                error.field = field.name
                return
        error.field = ""

    def _without_stamp(self, entity: CompiledEntity) -> bool:
        return self.reads.account.memory.age_s(("no stamp", entity.name)) < NO_STAMP_S


async def _true() -> bool:
    return True


def _moves_forward_only(field: Field | None, fields: Fields) -> bool:
    """Whether the product may refuse the value because the field holds a later one."""
    if field is None or "forward_only" not in field.declaration.quirks:
        return False
    return fields.get(field.name) not in (None, "")


def _texts(fields: Fields) -> list[str]:
    return [value for value in fields.values() if isinstance(value, str)]


def _has_choices(fields: Fields, known: Mapping[str, Field]) -> bool:
    return any(known[name].options is not None and known[name].options.text for name in fields)  # type: ignore[union-attr]  # checked just before
