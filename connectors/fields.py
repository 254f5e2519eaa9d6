"""The fields of an entity, compiled: where each stands in a record, how it is read, how it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors import templates, values
from connectors.templates import MISSING, Fill
from schemas.documents import scopes
from schemas.documents.calls import Options
from schemas.documents.connector import Entity, FieldDeclaration, Option
from schemas.documents.expressions import Expression, ExpressionFailed, compile_expression
from schemas.values import Value

_SETS = ("enum_set", "list")


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a field: what the product wants, the stable text that we keep, what people see."""

    value: Any
    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Table:
    """The choices of a field where the product's value is not the text that we keep. Unknown values pass as text."""

    choices: tuple[Choice, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    """Product's value, as text → ours."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Our text → product's value."""

    @classmethod
    def of(cls, choices: tuple[Choice, ...]) -> Table:
        return cls(
            choices,
            texts={str(choice.value): choice.text for choice in reversed(choices)},
            values={choice.text: choice.value for choice in reversed(choices)},
        )


Tables = Mapping[str, Table]
"""By field name; a field without one keeps the product's values."""


class Unwritable(ValueError):
    """A value cannot be spelled for the product; `unknown_choice`: its table knows no such choice (any more)."""

    def __init__(self, reason: str, *, unknown_choice: bool = False) -> None:
        super().__init__(reason)
        self.unknown_choice = unknown_choice


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `wire` is the name that the product knows it by, in lists of fields and in its errors."""

    name: str
    declaration: FieldDeclaration
    wire: str
    steps: tuple[str, ...]
    cleared: Any
    """What the product takes for "no value"; MISSING: it cannot be cleared."""
    options: Options | None
    table: Table | None
    _follow: Callable[[Any], Any]
    _decode: values.Decode
    _encode: values.Encode
    _read: Expression | None
    _write: Fill | None
    writes_item: bool
    """Whether what is written depends on the record as it is."""
    create_with: Fill | None

    @property
    def is_set(self) -> bool:
        """Whether its value is a list of elements."""
        return self.declaration.type in _SETS

    def read(self, fields: Any, item: Any, config: Mapping[str, Any], table: Table | None) -> Value | templates.Missing:
        """The value in a record; MISSING where the record says nothing of it. Raises Unreadable, ExpressionFailed."""
        raw: Any = self._follow(fields)
        if self._read is not None:
            if raw is MISSING and self.declaration.path is not None:
                return templates.Missing.MISSING
            raw = self._read.evaluate({"item": item, "config": config})
        if raw is MISSING:
            return templates.Missing.MISSING
        value = self._decode(raw)
        return value if table is None or value is None else _told(value, table)

    def write(self, into: dict[str, Any], value: Value, table: Table | None, item: Any, config: Any) -> None:
        """Put the value into what is to be written. Raises Unwritable."""
        try:
            raw = self.spelled(value, table)
            if self._write is not None:
                into.update(self._write({"value": raw, "item": item, "config": config}))
                return
        except (values.Unreadable, ExpressionFailed, TypeError) as error:
            raise Unwritable(str(error)) from error
        if raw is MISSING:
            raise Unwritable("the product cannot clear it")
        for step in self.steps[:-1]:
            into = into.setdefault(step, {})
        into[self.steps[-1]] = raw

    def spelled(self, value: Value, table: Table | None) -> Any:
        """The product's spelling of a value. Raises Unreadable, Unwritable."""
        if value is None:
            return None if self._write is not None else self.cleared
        if table is None or value == "":
            return self._encode(value)
        if isinstance(value, tuple):
            return self._encode(tuple(str(_chosen(element, table)) for element in value))
        return _chosen(str(value), table)


def compile_field(name: str, declaration: FieldDeclaration, entity: Entity) -> Field:
    """Compile a declared or discovered field. Raises ExpressionFailed."""
    steps = _steps(declaration.path) if declaration.path is not None else tuple(name.split("."))
    write = declaration.write if declaration.write and declaration.write.startswith("=") else None
    to = _steps(declaration.write) if declaration.write and write is None else steps
    options = declaration.options if isinstance(declaration.options, Options) else None
    return Field(
        name=name,
        declaration=declaration,
        wire=steps[0] if declaration.path is not None else name.split(".", maxsplit=1)[0],
        steps=to,
        cleared=MISSING if declaration.clears_as(entity) == "omit" else declaration.clears_as(entity),
        options=options,
        table=_fixed_table(declaration.options),
        _follow=templates.pointer(_pointer(steps)),
        _decode=values.decoder(declaration.type, declaration.separator or ";"),
        _encode=values.encoder(
            declaration.type,
            as_text=entity.wire == "text",
            separator=declaration.separator or "",
            format=declaration.format or "",
        ),
        _read=compile_expression(declaration.read, scopes.ITEM) if declaration.read else None,
        _write=templates.expression(write, scopes.FIELD_WRITE) if write else None,
        writes_item=write is not None and "item" in compile_expression(write, scopes.FIELD_WRITE).reads,
        create_with=templates.expression(declaration.create_with, scopes.FIELD_WRITE)
        if declaration.create_with
        else None,
    )


def needs_table(found: Field) -> bool:
    """Whether its values are looked up: the product's value is not the text that we keep."""
    return found.table is not None or (found.options is not None and found.options.text is not None)


def _fixed_table(options: tuple[Option, ...] | Options | None) -> Table | None:
    if not isinstance(options, tuple) or all(option.text in (None, str(option.value)) for option in options):
        return None
    return Table.of(tuple(choice_of(option) for option in options))


def choice_of(option: Option) -> Choice:
    """A choice that a document or a field's description lists."""
    text = str(option.value) if option.text is None else option.text
    return Choice(option.value, text, option.label or text)


def _told(value: Value, table: Table) -> Value:
    if isinstance(value, tuple):
        return tuple(table.texts.get(element, element) for element in value)
    return table.texts.get(str(value), str(value))


def _chosen(text: str, table: Table) -> Any:
    """An id that we could not name when we read it goes back as it is."""
    if text in table.values:
        return table.values[text]
    if text in table.texts:
        return text
    raise Unwritable("the product has no such choice", unknown_choice=True)


def _steps(path: str) -> tuple[str, ...]:
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:])


def _pointer(steps: tuple[str, ...]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
