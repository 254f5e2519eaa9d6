"""The fields that an account has beyond those that its document declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from connectors import templates
from connectors.calls import CompiledCall, compile_call
from connectors.entities import CompiledEntity, records_at
from connectors.fields import Choice, Field, choice_of, compile_field
from connectors.templates import MISSING, Scope
from schemas.documents import scopes
from schemas.documents.calls import Discover, FieldType, Page
from schemas.documents.connector import FieldDeclaration, Option
from schemas.documents.expressions import ExpressionFailed

log = structlog.get_logger()

_CHOSEN = ("enum", "enum_set")


@dataclass(frozen=True, slots=True)
class DiscoveredField:
    """A field of an account, as people and plans see it. `vendor_type`: the product's word for the type."""

    name: str
    type: FieldType
    label: str
    read_only: bool
    required: bool
    choices: tuple[Choice, ...]
    vendor_type: str


@dataclass(frozen=True, slots=True)
class Discovered:
    """What was found: the fields to read and write by, their description, and labels of all fields, declared too."""

    fields: Mapping[str, Field]
    described: tuple[DiscoveredField, ...]
    labels: Mapping[str, str]
    """Label in lower case → the product's name of the field."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """How an entity's fields are found."""

    entity: CompiledEntity
    declared: Discover
    call: CompiledCall
    records: Callable[[Any], list[Any]]

    @property
    def page(self) -> Page | None:
        return self.declared.page

    def fields(self, items: Sequence[Any], scope: Scope) -> Discovered:
        """From the product's descriptions. One that cannot be read is left out, with a warning."""
        known = {field.wire for field in self.entity.fields.values()} | set(self.entity.fields)
        fields: dict[str, Field] = {}
        described: list[DiscoveredField] = []
        labels: dict[str, str] = {}
        for item in items:
            try:
                found, declaration, wire = self._one(item, scope)
            except ExpressionFailed as error:
                log.warning("left out a field description", entity=self.entity.name, reason=error.reason)
                continue
            labels.setdefault(found.label.strip().lower(), wire)
            if found.name in known or self._yes(self.declared.field.skip, item, scope):
                continue
            fields[found.name] = compile_field(found.name, declaration, self.entity.declared)
            described.append(found)
        return Discovered(fields, tuple(described), labels)

    def _one(self, item: Any, scope: Scope) -> tuple[DiscoveredField, FieldDeclaration, str]:
        naming, types = self.declared.field, self.declared.types
        name = str(self._told(naming.name, item, scope))
        label = self._told(naming.label, item, scope)
        word = str(self._told(types.at, item, scope))
        if word not in types.map:
            log.warning("unknown type of field", entity=self.entity.name, field=name, type=word)
        type = types.map.get(word, types.otherwise)
        read_only = type == "json_ro" or self._yes(naming.read_only, item, scope)
        options = self._options(item, scope) if type in _CHOSEN else ()
        required = self._yes(naming.required, item, scope)
        path = templates.expression(naming.path, scopes.ITEM)({**scope, "item": item}) if naming.path else None
        declaration = FieldDeclaration(
            type=type,
            label=str(name if label in (MISSING, None) else label),
            path=None if path is None else str(path),
            access="ro" if read_only else "rw",
            required=required,
            options=options or None,
            separator=";" if type == "enum_set" else None,
        )
        field = DiscoveredField(
            name=name,
            type=type,
            label=declaration.label,
            read_only=read_only,
            required=required,
            choices=tuple(choice_of(option) for option in options),
            vendor_type=word,
        )
        return field, declaration, str(item.get("name", name)) if isinstance(item, Mapping) else name

    def _told(self, source: str, item: Any, scope: Scope) -> Any:
        found = templates.reader(source, "item", scopes.ITEM)(item, scope)
        if found is MISSING and not source.startswith("="):
            return MISSING
        return found

    def _yes(self, formula: str | None, item: Any, scope: Scope) -> bool:
        return formula is not None and templates.expression(formula, scopes.ITEM)({**scope, "item": item}) is True

    def _options(self, item: Any, scope: Scope) -> tuple[Option, ...]:
        inline = self.declared.options
        listed = templates.pointer(inline.items)(item) if inline else None
        if inline is None or not isinstance(listed, list):
            return ()
        found = []
        for choice in listed:
            value, label = (self._told(source, choice, scope) for source in (inline.value, inline.label))
            text = self._told(inline.text, choice, scope) if inline.text else None
            if isinstance(value, str | int):
                found.append(Option(value=value, label=str(label), text=None if text is None else str(text)))
        return tuple(found)


def compile_discovery(entity: CompiledEntity) -> Discovery:
    """Of an entity whose document says how its fields are found. Raises ExpressionFailed."""
    declared = entity.declared.discover
    if declared is None:
        raise ExpressionFailed("the document does not say how fields are found")
    call = compile_call(declared, "discover", scopes.CALL | {"page"})
    return Discovery(entity, declared, call, records_at(declared.items))
