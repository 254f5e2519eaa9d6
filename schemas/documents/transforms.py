"""Named transforms: how a value of the first side becomes one of the second, and back.

Each is one of three kinds. A *pair* has an inverse. A *normaliser* works the same in both directions and changes
nothing twice. A *one-way* transform has no way back. Null passes through all of them; the empty text stays empty
where the result is a text. What cannot be carried across raises TransformFailed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Final

from schemas.documents import scalars
from schemas.documents.calls import Family
from schemas.documents.source import JSON
from schemas.values import Value

Step = str | Mapping[str, JSON]
"""`trim`, or with an argument `{table: stage}`."""

Function = Callable[[Value], Value]


class TransformFailed(Exception):
    """A value has no counterpart on the other side. The reason holds no data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Transform:
    """`backward` is None for one-way, `forward` itself for a normaliser. `takes` and `gives` are of `forward`.

    One that takes texts takes lists of them too, element by element.
    """

    name: str
    forward: Function
    backward: Function | None
    takes: Family = "text"
    gives: Family = "text"

    @property
    def normalises(self) -> bool:
        return self.forward is self.backward


@dataclass(frozen=True, slots=True)
class Context:
    """What arguments may refer to: the app's tables (left column to right) and the installation's settings."""

    tables: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    settings: Mapping[str, JSON] = field(default_factory=dict)
    unmapped: str = "hold"
    """A value that a table lacks: `hold` it, `keep` what the other side has (null is returned), `pass` it on."""


def transform(step: Step, context: Context) -> Transform:
    """The transform of one step of `via`. Raises ValueError saying what is wrong with it."""
    name, argument = _parts(step)
    if name == "invert":
        return _invert(argument, context)
    if name in _PLAIN:
        if argument is not None:
            raise ValueError(f"{name} takes no argument")
        return _PLAIN[name]
    if name in _WITH_ARGUMENT:
        if argument is None:
            raise ValueError(f"{name} needs an argument, as {{{name}: …}}")
        return _WITH_ARGUMENT[name](_resolved(argument, context), context)
    raise ValueError(f"there is no transform “{name}”")


def chain(steps: Sequence[Step], context: Context) -> Transform:
    """Several steps as one: forward in order, backward in reverse. Raises ValueError."""
    parts = [transform(step, context) for step in steps]
    if len(parts) == 1:
        return parts[0]
    forward = _in_order([part.forward for part in parts])
    takes, gives = _families(parts)
    if all(part.normalises for part in parts):
        return Transform("normalise", forward, forward, takes, gives)
    inverses = [part.backward for part in reversed(parts) if part.backward is not None]
    backward = _in_order(inverses) if len(inverses) == len(parts) else None
    return Transform("chain", forward, backward, takes, gives)


def _families(parts: Sequence[Transform]) -> tuple[Family, Family]:
    """What the chain takes and gives. Raises ValueError where one step's result is not what the next takes."""
    for before, after in pairwise(parts):
        if before.gives != after.takes and (before.gives, after.takes) != ("list", "text"):
            raise ValueError(f"{before.name} gives a {before.gives}, and {after.name} takes a {after.takes}")
    if not parts:
        return "text", "text"
    gives = parts[-1].gives
    elementwise = all(part.takes == part.gives == "text" for part in parts[1:]) and parts[0].gives == "list"
    return parts[0].takes, "list" if elementwise else gives


def names() -> frozenset[str]:
    """All that `via` may name."""
    return frozenset(_PLAIN) | frozenset(_WITH_ARGUMENT) | {"invert"}


def _parts(step: Step) -> tuple[str, JSON]:
    if isinstance(step, str):
        return step, None
    if len(step) != 1:
        raise ValueError("a step is one name, or one name with its argument")
    return next(iter(step.items()))


def _resolved(argument: JSON, context: Context) -> JSON:
    if not isinstance(argument, str) or not argument.startswith("settings."):
        return argument
    name = argument.removeprefix("settings.")
    if name not in context.settings:
        raise ValueError(f"there is no setting “{name}”")
    return context.settings[name]


def _in_order(functions: list[Function]) -> Function:
    if not functions:
        return _same
    if len(functions) == 1:
        return functions[0]

    def run(value: Value) -> Value:
        for function in functions:
            value = function(value)
        return value

    return run


def _same(value: Value) -> Value:
    return value


def _invert(argument: JSON, context: Context) -> Transform:
    inner = transform(argument if isinstance(argument, str | dict) else {}, context)
    if inner.backward is None:
        raise ValueError(f"{inner.name} is one-way: it cannot be inverted")
    return Transform(f"invert {inner.name}", inner.backward, inner.forward, inner.gives, inner.takes)


def _of_text(name: str, function: Callable[[str], str]) -> Function:
    """Null and "" pass; a list is treated by element; anything else is refused."""

    def run(value: Value) -> Value:
        if isinstance(value, str):
            return function(value) if value else value
        if value is None:
            return None
        if isinstance(value, tuple):
            return tuple(function(element) for element in value)
        raise TransformFailed(f"{name} wants a text")

    return run


def _normaliser(name: str, function: Callable[[str], str]) -> Transform:
    run = _of_text(name, function)
    return Transform(name, run, run)


def _given_name(text: str) -> str:
    return text.strip().rpartition(" ")[0].strip()


def _family_name(text: str) -> str:
    return text.strip().rpartition(" ")[2]


def _wrap(value: Value) -> Value:
    if isinstance(value, tuple):
        raise TransformFailed("only wants a single value")
    return () if value is None or value == "" else (str(value),)


def _unwrap(value: Value) -> Value:
    if not isinstance(value, tuple):
        return value
    if len(value) > 1:
        raise TransformFailed("several values have no place in a field for one")
    return value[0] if value else None


def _first(value: Value) -> Value:
    return (value[0] if value else None) if isinstance(value, tuple) else value


def to_number(value: Value) -> Value:
    """Decimal text of what is a number, None of what is empty. Raises TransformFailed."""
    if value is None or value == "":
        return None
    if isinstance(value, bool | tuple):
        raise TransformFailed("not a number")
    try:
        return scalars.decimal_text(value)
    except ValueError as error:
        raise TransformFailed("not a number") from error


def _day_of(value: Value) -> Value:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise TransformFailed("day_of wants a time")
    try:
        return scalars.instant_text(value)[:10]
    except ValueError as error:
        raise TransformFailed("not a time") from error


def _table(argument: JSON, context: Context) -> Transform:
    if not isinstance(argument, str) or argument not in context.tables:
        raise ValueError(f"there is no table “{argument}”")
    rows = context.tables[argument]
    forward, backward = dict(rows), {right: left for left, right in rows}
    if len(forward) < len(rows) or len(backward) < len(rows):
        raise ValueError(f"table “{argument}” is not one-to-one")
    return Transform("table", _look_up(forward, context.unmapped), _look_up(backward, context.unmapped))


def _look_up(rows: Mapping[str, str], unmapped: str) -> Function:
    def one(value: str) -> Value:
        found = rows.get(value)
        if found is not None:
            return found
        if unmapped == "hold":
            raise TransformFailed("the table has no row for the value")
        return value if unmapped == "pass" else None

    def run(value: Value) -> Value:
        if value is None or value == "":
            return value
        if isinstance(value, tuple):
            return tuple(str(found) for element in value if (found := one(element)) is not None)
        return one(str(value))

    return run


def _bool_words(argument: JSON, _: Context) -> Transform:
    if not isinstance(argument, list) or len(argument) != 2 or not all(isinstance(word, str) for word in argument):
        raise ValueError("bool_words needs two texts, as {bool_words: [Yes, No]}")
    yes, no = str(argument[0]), str(argument[1])
    if yes.lower() == no.lower():
        raise ValueError("bool_words needs two different texts")

    def forward(value: Value) -> Value:
        if value is None or value == "" or isinstance(value, bool):
            return value if isinstance(value, bool) else None
        if isinstance(value, str) and value.strip().lower() in (yes.lower(), no.lower()):
            return value.strip().lower() == yes.lower()
        raise TransformFailed("neither of the two words")

    def backward(value: Value) -> Value:
        if value is None:
            return None
        if not isinstance(value, bool):
            raise TransformFailed("neither true nor false")
        return yes if value else no

    return Transform("bool_words", forward, backward, gives="bool")


def _truncate(argument: JSON, _: Context) -> Transform:
    if not isinstance(argument, int) or isinstance(argument, bool) or argument < 1:
        raise ValueError("truncate needs a number of characters")
    return Transform("truncate", _of_text("truncate", lambda text: text[:argument]), _same)


def _e164(argument: JSON, _: Context) -> Transform:
    if not isinstance(argument, str) or len(argument) != 2:
        raise ValueError("e164 needs a country of two letters, as {e164: IN}")
    country = argument.upper()
    return _normaliser("e164", lambda text: scalars.e164(text, country))


def _date(argument: JSON, _: Context) -> Transform:
    if not isinstance(argument, str) or not all(part in argument for part in ("%d", "%m", "%Y")):
        raise ValueError('date needs a form with %d, %m and %Y, as {date: "%d.%m.%Y"}')

    def forward(value: Value) -> Value:
        if not isinstance(value, str) or not value:
            return None
        try:
            return datetime.strptime(value.strip(), argument).date().isoformat()
        except ValueError as error:
            raise TransformFailed("not a date of that form") from error

    def backward(value: Value) -> Value:
        if not isinstance(value, str) or not value:
            return None
        try:
            day = date.fromisoformat(value)
        except ValueError as error:
            raise TransformFailed("not a date") from error
        return argument.replace("%d", f"{day.day:02}").replace("%m", f"{day.month:02}").replace("%Y", f"{day.year:04}")

    return Transform("date", forward, backward, gives="date")


def _split(argument: JSON, _: Context) -> Transform:
    if not isinstance(argument, str) or not argument:
        raise ValueError('split needs what stands between the elements, as {split: ";"}')
    separator = argument

    def forward(value: Value) -> Value:
        if value is None:
            return None
        if not isinstance(value, str):
            raise TransformFailed("split wants a text")
        return tuple(part.strip() for part in value.split(separator) if part.strip())

    def backward(value: Value) -> Value:
        if value is None or value == ():
            return None
        if not isinstance(value, tuple):
            raise TransformFailed("join wants a list")
        if any(separator in element for element in value):
            raise TransformFailed("an element holds what stands between elements")
        return separator.join(value)

    return Transform("split", forward, backward, gives="list")


def _join(argument: JSON, context: Context) -> Transform:
    split = _split(argument, context)
    assert split.backward is not None  # noqa: S101  for the type checker: _split gives both
    return Transform("join", split.backward, split.forward, takes="list")


_PLAIN: Final[Mapping[str, Transform]] = {
    "trim": _normaliser("trim", str.strip),
    "lower": _normaliser("lower", str.lower),
    "upper": _normaliser("upper", str.upper),
    "collapse_ws": _normaliser("collapse_ws", scalars.collapse_spaces),
    "digits": _normaliser("digits", scalars.digits),
    "domain": _normaliser("domain", scalars.domain),
    "strip_html": Transform("strip_html", _of_text("strip_html", scalars.strip_html), None),
    "given_name": Transform("given_name", _of_text("given_name", _given_name), None),
    "family_name": Transform("family_name", _of_text("family_name", _family_name), None),
    "only": Transform("only", _wrap, _unwrap, gives="list"),
    "first": Transform("first", _first, None, takes="list"),
    "number": Transform("number", to_number, to_number, gives="number"),
    "day_of": Transform("day_of", _day_of, None, takes="datetime", gives="date"),
}

_WITH_ARGUMENT: Final[Mapping[str, Callable[[JSON, Context], Transform]]] = {
    "table": _table,
    "bool_words": _bool_words,
    "truncate": _truncate,
    "e164": _e164,
    "date": _date,
    "split": _split,
    "join": _join,
}
