"""How a line of a sync app carries values, compiled: what the checks, the author's examples and the plan all use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.documents import scalars
from schemas.documents.app import Scalar
from schemas.documents.calls import FAMILIES, Family, FieldType
from schemas.documents.expressions import Expression, ExpressionFailed, compile_expression
from schemas.documents.source import JSON
from schemas.documents.transforms import Context, Function, Step, Transform, TransformFailed, chain, to_number
from schemas.values import Fields, Value

Carry = Callable[[Value, Fields], Value]
"""(value, all known fields of its record) -> value for the other side. Raises TransformFailed."""

_LITERAL_TEXT: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


@dataclass(frozen=True, slots=True)
class Carriers:
    """A line in both directions; None where it cannot go, with the reason."""

    to_right: Carry | None
    to_left: Carry | None
    why_not: str = ""


def same(value: Value, _: Fields) -> Value:
    """A value that crosses as it is."""
    return value


def carriers(steps: Sequence[Step], left: FieldType | None, right: FieldType | None, context: Context) -> Carriers:
    """Compile `via` between two field types (None: not known yet, so not checked). Raises ValueError.

    A chain of normalisers is symmetric: it cleans values in both directions.
    """
    via = chain(steps, context) if steps else None
    to_right, why_not = _carry(via, left, right)
    to_left, why_left = _carry(_reverse(via), right, left) if via is None or via.backward else (None, _one_way(via))
    return Carriers(to_right, to_left, why_not or why_left)


def computed_line(formula: str, alias: str, known: Callable[[str], bool], settings: Mapping[str, JSON]) -> ComputedLine:
    """Compile a computed line that reads `alias`'s record. Raises ExpressionFailed."""
    expression = compile_expression(formula, (alias, "settings"))
    return ComputedLine(expression, alias, fields_read(formula, alias, known), settings)


@dataclass(frozen=True, slots=True)
class ComputedLine:
    """An expression over one side's record: a condition, or a value for the other side."""

    expression: Expression
    alias: str
    reads: tuple[str, ...]
    settings: Mapping[str, JSON]

    def holds(self, fields: Fields) -> bool:
        """As a condition. Raises ExpressionFailed."""
        return self.expression.holds(self._scope(fields))

    def carry_to(self, target: FieldType | None) -> Carry:
        """As a value of that type."""
        fit = _fits(target)

        def carry(_: Value, fields: Fields) -> Value:
            try:
                value = _value_of(self.expression.evaluate(self._scope(fields)))
            except ExpressionFailed as error:
                raise TransformFailed(f"the expression {error.reason}") from error
            return fit(value) if fit else value

        return carry

    def _scope(self, fields: Fields) -> dict[str, object]:
        record: dict[str, Any] = {}
        for name in self.reads:
            if name in fields:
                *steps, last = name.split(".")
                below = record
                for step in steps:
                    below = below.setdefault(step, {})
                below[last] = fields[name]
        return {self.alias: record, "settings": self.settings}


def fields_read(formula: str, alias: str, known: Callable[[str], bool]) -> tuple[str, ...]:
    """The fields of `alias` that an expression reads, as `alias.name` or `alias.?name`.

    Raises ExpressionFailed if it reads the record otherwise, or reads a field that `known` does not know.
    """
    code = _LITERAL_TEXT.sub("''", formula)
    found: dict[str, None] = {}
    for match in re.finditer(rf"(?<![\w.]){re.escape(alias)}\b((?:\s*\.\s*\??\s*[A-Za-z_]\w*)*)(\s*\(|\s*\[)?", code):
        steps = re.findall(r"[A-Za-z_]\w*", match[1])
        if match[2] and match[2].strip() == "(":
            steps = steps[:-1]
        names = [".".join(steps[:count]) for count in range(len(steps), 0, -1)]
        name = next((name for name in names if known(name)), None)
        if not names:
            raise ExpressionFailed(f"must read {alias} by its fields, as {alias}.name")
        if name is None:
            raise ExpressionFailed(f"reads {alias}.{names[0]}, which is not a field")
        found[name] = None
    return tuple(found)


def literal(value: Scalar | tuple[str, ...]) -> Value:
    """A value as a document spells it."""
    return tuple(value) if isinstance(value, tuple) else value


def _one_way(via: Transform) -> str:
    return f"{via.name} is one-way"


def _reverse(via: Transform | None) -> Transform | None:
    if via is None or via.backward is None:
        return None
    if via.normalises:
        return via
    return Transform(via.name, via.backward, via.forward, via.gives, via.takes)


def _carry(via: Transform | None, source: FieldType | None, target: FieldType | None) -> tuple[Carry | None, str]:
    why_not = _mismatch(via, source, target)
    if why_not:
        return None, why_not
    fit = _fits(target) if source != target or via is not None else None
    steps = [step for step in (via.forward if via else None, fit) if step is not None]
    if not steps:
        return same, ""
    if len(steps) == 1:
        only = steps[0]
        return (lambda value, _: only(value)), ""
    first, second = steps
    return (lambda value, _: second(first(value))), ""


def _mismatch(via: Transform | None, source: FieldType | None, target: FieldType | None) -> str:
    """Why values of one type cannot become the other; empty if they can."""
    if source is None or target is None:
        return ""
    comes, goes = FAMILIES[source], FAMILIES[target]
    if "ref" in (comes, goes):
        return "a reference crosses by an association, not by a line"
    if "json" in (comes, goes) and (via is not None or comes != goes):
        return f"{source} crosses to its own kind only"
    gives: Family = comes
    if via is not None:
        elementwise = comes == "list" and via.takes == via.gives == "text"
        number_as_text = via.name == "number" and comes in ("text", "number")
        if comes != via.takes and not elementwise and not number_as_text:
            return f"{via.name} takes a {via.takes}, and the field is a {source}"
        gives = comes if elementwise else via.gives
        if via.name == "number" and goes == "text":
            gives = "text"
    return "" if gives == goes else f"{_named(gives, source if via is None else None)} cannot become {target}"


def _named(family: Family, type: FieldType | None) -> str:
    return type or f"a {family}"


def _fits(target: FieldType | None) -> Function | None:
    """The last step: the value as the target's type spells it. Raises TransformFailed."""
    if target is None:
        return None
    return _FITS_NUMBER.get(target) or _FITS.get(FAMILIES[target])


def _fit_text(value: Value) -> Value:
    if value is None or isinstance(value, str):
        return value
    raise TransformFailed("not a text")


def _fit_list(value: Value) -> Value:
    if value is None or isinstance(value, tuple):
        return value
    raise TransformFailed("not a list")


def _fit_bool(value: Value) -> Value:
    if value is None or isinstance(value, bool):
        return value
    raise TransformFailed("neither true nor false")


def _fit_int(value: Value) -> Value:
    number = to_number(value)
    if number is None:
        return None
    try:
        return int(str(number))
    except ValueError as error:
        raise TransformFailed("not a whole number") from error


def _fit_date(value: Value) -> Value:
    if value is None or value == "":
        return None
    try:
        return scalars.date_text(str(value))
    except ValueError as error:
        raise TransformFailed("not a date") from error


def _fit_datetime(value: Value) -> Value:
    if value is None or value == "":
        return None
    try:
        return scalars.instant_text(str(value))
    except ValueError as error:
        raise TransformFailed("not a time") from error


_FITS: Final[Mapping[Family, Function]] = {
    "text": _fit_text,
    "list": _fit_list,
    "bool": _fit_bool,
    "date": _fit_date,
    "datetime": _fit_datetime,
}
_FITS_NUMBER: Final[Mapping[str, Function]] = {"int": _fit_int, "decimal": to_number}


def _value_of(result: JSON) -> Value:
    """What an expression gave, as a field's value. Raises TransformFailed for what no field can hold."""
    if result is None or isinstance(result, bool | int | str):
        return result
    if isinstance(result, float):
        return scalars.decimal_text(result)
    if isinstance(result, list) and all(isinstance(element, str) for element in result):
        return tuple(str(element) for element in result)
    raise TransformFailed("the expression gives what no field can hold")
