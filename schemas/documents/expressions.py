"""Expressions and templates: CEL by the official engine, inside bounds that the engine itself does not keep.

No clock, no randomness, no I/O: the same scope gives the same value. What goes wrong, in whatever way, is
ExpressionFailed; CEL reports errors as *values* whose plain form is a text, and such a text never gets out of here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional, ext_strings

from schemas.documents.functions import declarations
from schemas.documents.growth import Polynomial, Unbounded, at, growth
from schemas.documents.source import JSON

Scope = Mapping[str, object]

MAX_EXPRESSION: Final = 1_000
MAX_LIST: Final = 1_000
MAX_INPUT: Final = 256_000
MAX_RESULT: Final = 64_000
MAX_GROWTH: Final = 32_000_000
"""Characters of the largest value that an evaluation could make on its way, by its syntax tree."""

_INT64: Final = range(-(2**63), 2**63)
_POSITION: Final = re.compile(r"<input>:(\d+):(\d+): (.*)")


class ExpressionFailed(Exception):
    """An expression cannot be compiled or gives no value. The reason is fit for logs: it holds no data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression: `source` without its `=`, and which of the declared names it reads."""

    source: str
    reads: tuple[str, ...]
    _program: Any
    _growth: Polynomial

    def evaluate(self, scope: Scope) -> JSON:
        """The value, as plain data (bytes stay bytes). A name that `scope` lacks is null. Raises ExpressionFailed."""
        budget = _Budget(MAX_INPUT, "what it reads")
        data = {name: _inwards(scope.get(name), budget) for name in self.reads}
        if at(self._growth, MAX_INPUT - budget.left) > MAX_GROWTH:
            raise ExpressionFailed("is refused: its values could grow too large")
        try:
            value = self._program.eval(data=data)
        except Exception as error:
            raise ExpressionFailed(_reason(str(error))) from error
        return _outwards(value, _Budget(MAX_RESULT, "its result"))

    def holds(self, scope: Scope) -> bool:
        """The value of a condition. Raises ExpressionFailed if it is not true or false."""
        value = self.evaluate(scope)
        if not isinstance(value, bool):
            raise ExpressionFailed("a condition must be true or false")
        return value


def compile_expression(source: str, names: Collection[str]) -> Expression:
    """Compile CEL, with or without the leading `=`; it may read `names` and nothing else. Raises ExpressionFailed."""
    return _compiled(source.removeprefix("="), frozenset(names))


def is_expression(text: object) -> bool:
    """True for a text that a template would evaluate."""
    return isinstance(text, str) and text.startswith("=")


def compile_template(tree: JSON, names: Collection[str]) -> Callable[[Scope], JSON]:
    """A tree in which texts that start with `=` are expressions and all else is literal. Raises ExpressionFailed."""
    if isinstance(tree, str) and is_expression(tree):
        return compile_expression(tree, names).evaluate
    if isinstance(tree, dict):
        values = {key: compile_template(value, names) for key, value in tree.items()}
        return lambda scope: {key: value(scope) for key, value in values.items()}
    if isinstance(tree, list):
        elements = [compile_template(element, names) for element in tree]
        return lambda scope: [element(scope) for element in elements]
    return lambda _: tree


@lru_cache(maxsize=4096)
def _compiled(source: str, names: frozenset[str]) -> Expression:
    if len(source) > MAX_EXPRESSION:
        raise ExpressionFailed(f"is longer than {MAX_EXPRESSION:,} characters")
    try:
        program = _environment(names).compile(source)
    except Exception as error:
        raise ExpressionFailed(_compile_reason(str(error))) from error
    reads = tuple(sorted(name for name in names if re.search(rf"\b{re.escape(name)}\b", source)))
    return Expression(source, reads, program, _growth(program))


def _growth(program: Any) -> Polynomial:
    try:
        bound = growth(program.serialize())
    except Unbounded as error:
        raise ExpressionFailed("could grow without a bound") from error
    if at(bound, MAX_EXPRESSION) > MAX_GROWTH:
        raise ExpressionFailed("could grow without a bound")
    return bound


@lru_cache(maxsize=256)
def _environment(names: frozenset[str]) -> Any:
    return cel.NewEnv(
        variables=dict.fromkeys(sorted(names), cel.Type.DYN),
        extensions=[ext_strings.ExtStrings(), ext_optional.ExtOptional()],
        functions=declarations(),
    )


def _compile_reason(message: str) -> str:
    match = _POSITION.search(message)
    return f"{match[3].split(' (in container')[0]} (column {match[2]})" if match else "cannot be compiled"


def _reason(message: str) -> str:
    """CEL's words without the data that they may quote."""
    code, _, rest = message.partition(": ")
    if "Key not found" in rest:
        return "reads a key that is not there"
    if "No matching overloads" in rest:
        return f"meets a value of the wrong type ({rest.partition(' : ')[2]})"
    if "budget" in rest or "Max recursion" in rest:
        return "takes too long"
    return f"gives no value ({code.lower().replace('_', ' ')})" if code.replace("_", "").isupper() else "gives no value"


class _Budget:
    """Counts what passes in or out; spending more than there is raises ExpressionFailed."""

    __slots__ = ("left", "what")

    def __init__(self, size: int, what: str) -> None:
        self.left = size
        self.what = what

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise ExpressionFailed(f"is refused: {self.what} is too large")


def _inwards(value: object, budget: _Budget) -> object:
    """CEL knows no tuples and no integers of more than 64 bits; those are ids, and ids are text."""
    budget.spend(8)
    if isinstance(value, str | bytes):
        budget.spend(len(value))
        _refuse_nul(value)
        return value
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if value in _INT64 else str(value)
    if isinstance(value, Mapping):
        return {_key_in(key): _inwards(below, budget) for key, below in value.items()}
    if isinstance(value, list | tuple):
        if len(value) > MAX_LIST:
            raise ExpressionFailed(f"is refused: a list of more than {MAX_LIST:,}")
        return [_inwards(below, budget) for below in value]
    raise ExpressionFailed(f"is refused: {type(value).__name__} is not data")


def _key_in(key: object) -> str:
    text = str(key)
    _refuse_nul(text)
    return text


def _refuse_nul(text: str | bytes) -> None:
    """The engine cuts texts and bytes at a NUL without a word: a signature would hold for whatever follows it."""
    if (b"\0" in text) if isinstance(text, bytes) else ("\0" in text):
        raise ExpressionFailed("is refused: a text with a NUL in it")


def _outwards(value: Any, budget: _Budget) -> JSON:
    """Plain data, counted on the way: a small expression can describe a huge value."""
    try:
        plain = value.value()
    except TypeError as error:  # what has no Python form: an optional
        raise ExpressionFailed("gives an optional value; end it with .orValue(…)") from error
    if value.type() == cel.Type.ERROR:
        raise ExpressionFailed(_reason(str(plain)))
    if isinstance(plain, str):
        budget.spend(len(plain))
        return plain
    budget.spend(8)
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ExpressionFailed("gives a number without a value (a division by zero?)")
    if plain is None or isinstance(plain, bool | int | float):
        return plain
    if isinstance(plain, bytes | bytearray):
        budget.spend(len(plain))
        return cast(JSON, bytes(plain))
    if isinstance(plain, Mapping):
        return {_key(key, budget): _outwards(below, budget) for key, below in plain.items()}
    if hasattr(plain, "__iter__"):
        return [_outwards(below, budget) for below in plain]
    raise ExpressionFailed(f"gives a {type(plain).__name__}, which is not data")


def _key(key: object, budget: _Budget) -> str:
    if not isinstance(key, str):
        raise ExpressionFailed("gives a map whose keys are not text")
    budget.spend(len(key))
    return key
