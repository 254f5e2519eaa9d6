"""Expressions, quick where they are plain.

A webhook's events pass a dozen small expressions each. The few forms that nearly all of them have (`event.x`,
`event.x == 'y'`, `[string(event.x), …].join(':')`) are compiled to closures that cost a tenth of an evaluation by the
CEL engine. A closure knows only the plain case: at anything unexpected it raises `_Unsure`, and CEL decides. So CEL's
semantics always hold; the closures only save time.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from schemas.documents.expressions import Scope, compile_expression
from schemas.documents.functions import hubspot_uri
from schemas.documents.source import JSON

Formula = Callable[[Scope], JSON]
_Closure = Callable[[Scope], Any]

OPTIONAL = "optional__"
_TOKEN = re.compile(
    r"""(?P<text>'[^'\\]*'|"[^"\\]*")|(?P<operator>&&|\|\||!(?!=)|\.\?)|(?P<odd>[?:\\{}%^@])|(?P<plain>.)"""
)
_OPERATORS = {"&&": " and ", "||": " or ", "!": " ~", ".?": f".{OPTIONAL}"}
_SCALARS = {str, bool, bytes, type(None)}
_INT64 = range(-(2**63), 2**63)
_CONSTANTS = {"true": True, "false": False, "null": None}


class _Unsure(Exception):
    """Not the plain case: let CEL decide."""


class _NotPlain(Exception):
    """No form that we know: compile it by CEL only."""


def compile_formula(source: str, names: Collection[str]) -> Formula:
    """As schemas.documents.expressions.compile_expression, but fast where it can be. Raises ExpressionFailed.

    What it returns raises ExpressionFailed.
    """
    by_cel = compile_expression(source, names).evaluate
    try:
        quick = _choice(source.removeprefix("="), frozenset(names))
    except _NotPlain:
        return by_cel

    def evaluate(scope: Scope) -> JSON:
        try:
            value = quick(scope)
        except (_Unsure, KeyError, UnicodeError):
            return by_cel(scope)
        return cast(JSON, value) if _is_plain(value) else by_cel(scope)

    return evaluate


def _is_plain(value: Any) -> bool:
    """CEL changes what it passes through (large integers become text), so what is built of parts is its business."""
    kind = type(value)
    if kind is int:
        return value in _INT64
    return kind in _SCALARS or (kind is list and all(type(element) is str for element in value))


def is_plain(source: str, names: Collection[str]) -> bool:
    """True if the expression is one of the fast forms."""
    try:
        _choice(source.removeprefix("="), frozenset(names))
    except _NotPlain:
        return False
    return True


def _choice(source: str, names: frozenset[str]) -> _Closure:
    """`condition ? one : other` (once), or an expression without a choice; an odd branch is left to CEL."""
    parts = _split_choice(source)
    if parts is None:
        return _closure(_parsed(source), names)
    condition = _closure(_parsed(parts[0]), names)
    one, other = _branch(parts[1], names), _branch(parts[2], names)
    return lambda scope: one(scope) if _truth(condition(scope)) else other(scope)


def _branch(source: str, names: frozenset[str]) -> _Closure:
    try:
        return _closure(_parsed(source), names)
    except _NotPlain:
        return _unsure


def _unsure(_: Scope) -> Any:
    raise _Unsure


def _split_choice(source: str) -> tuple[str, str, str] | None:
    """The three parts, cut at the marks that stand outside all brackets and texts."""
    depth, cuts = 0, dict[str, int]()
    for match in _TOKEN.finditer(source):
        mark = match[0]
        depth += (mark in "([{") - (mark in ")]}")
        if depth == 0 and mark in "?:" and mark not in cuts:
            cuts[mark] = match.start()
    if set(cuts) != {"?", ":"}:
        return None
    return source[: cuts["?"]], source[cuts["?"] + 1 : cuts[":"]], source[cuts[":"] + 1 :]


def _parsed(source: str) -> ast.expr:
    """The expression as a Python tree: the forms that we know differ from Python's only by a few operators."""
    parts: list[str] = []
    for match in _TOKEN.finditer(source.replace("\n", " ")):
        if match["odd"]:
            raise _NotPlain
        parts.append(_OPERATORS[match["operator"]] if match["operator"] else match[0])
    try:
        return ast.parse("".join(parts).strip(), mode="eval").body
    except SyntaxError as error:
        raise _NotPlain from error


def _closure(node: ast.expr, names: frozenset[str]) -> _Closure:
    match node:
        case ast.Constant(value=str() | int() as value):
            return lambda _: value
        case ast.Name(id=name) if name in _CONSTANTS:
            constant = _CONSTANTS[name]
            return lambda _: constant
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return _path(*_steps(node, names))
        case ast.List(elts=elements):
            return _list([_closure(element, names) for element in elements])
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            return _negation(_closure(operand, names))
        case ast.BoolOp(op=operator, values=values):
            return _connective(isinstance(operator, ast.And), [_closure(value, names) for value in values])
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _sum(_closure(left, names), _closure(right, names))
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _comparison(_closure(left, names), operator, right, names)
        case ast.Call(func=function, args=arguments, keywords=[]):
            return _call(function, arguments, names)
    raise _NotPlain


def _steps(node: ast.expr, names: frozenset[str]) -> tuple[str, list[str]]:
    """A path without optional parts, from its outside in: the name it starts with and the keys."""
    match node:
        case ast.Name(id=name) if name in names:
            return name, []
        case ast.Attribute(value=value, attr=key) if not key.startswith(OPTIONAL):
            name, keys = _steps(value, names)
            return name, [*keys, key]
        case ast.Subscript(value=value, slice=ast.Constant(value=str() as key)):
            name, keys = _steps(value, names)
            return name, [*keys, key]
    raise _NotPlain


def _path(name: str, keys: list[str]) -> _Closure:
    if not keys:
        return lambda scope: scope[name]
    if len(keys) == 1:
        return _member(name, keys[0])

    def walk(scope: Scope) -> Any:
        value: Any = scope[name]
        for key in keys:
            value = _mapping(value)[key]
        return value

    return walk


def _member(name: str, key: str) -> _Closure:
    """`event.x`: written out, because events are made of it."""

    def get(scope: Scope) -> Any:
        value = scope[name]
        return value[key] if type(value) is dict else _mapping(value)[key]

    return get


def _mapping(value: Any) -> Mapping[str, Any]:
    if type(value) is dict or isinstance(value, Mapping):  # the exact type first: it is nearly always a dict
        return cast(Mapping[str, Any], value)
    raise _Unsure


def _optional(node: ast.expr, names: frozenset[str], default: Any) -> _Closure:
    """`event.?a.?b.orValue(x)`: x where a key is absent; a null on the way is CEL's business."""
    keys: list[str] = []
    while isinstance(node, ast.Attribute):
        keys.insert(0, node.attr)
        node = node.value
    first = next((index for index, key in enumerate(keys) if key.startswith(OPTIONAL)), None)
    if not isinstance(node, ast.Name) or node.id not in names or first is None:
        raise _NotPlain
    before = _path(node.id, keys[:first])
    after = [key.removeprefix(OPTIONAL) for key in keys[first:]]
    if len(after) == 1:
        last = after[0]
        return lambda scope: _mapping(before(scope)).get(last, default)

    def walk(scope: Scope) -> Any:
        value = before(scope)
        for key in after:
            found = _mapping(value)
            if key not in found:
                return default
            value = found[key]
        return value

    return walk


def _list(elements: list[_Closure]) -> _Closure:
    return lambda scope: [element(scope) for element in elements]


def _negation(operand: _Closure) -> _Closure:
    return lambda scope: not _truth(operand(scope))


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise _Unsure


def _connective(conjunction: bool, operands: list[_Closure]) -> _Closure:
    """The first operand that decides, decides; CEL says the same, whatever the others are."""

    def evaluate(scope: Scope) -> bool:
        for operand in operands:
            if _truth(operand(scope)) is not conjunction:
                return not conjunction
        return conjunction

    return evaluate


def _sum(left: _Closure, right: _Closure) -> _Closure:
    def add(scope: Scope) -> Any:
        one, other = left(scope), right(scope)
        if type(one) is type(other) and isinstance(one, str | bytes | list):
            return one + other
        raise _Unsure

    return add


def _comparison(left: _Closure, operator: ast.cmpop, right: ast.expr, names: frozenset[str]) -> _Closure:
    """Of texts only: numbers compare in CEL's own way."""
    if isinstance(operator, ast.In):
        return _membership(left, right)
    other = _closure(right, names)
    equal = isinstance(operator, ast.Eq)
    if not equal and not isinstance(operator, ast.NotEq):
        raise _NotPlain

    def compare(scope: Scope) -> bool:
        one, two = left(scope), other(scope)
        if type(one) is str and type(two) is str:
            return (one == two) is equal
        raise _Unsure

    return compare


def _membership(left: _Closure, right: ast.expr) -> _Closure:
    match right:
        case ast.List(elts=elements):
            words = frozenset(_word(element) for element in elements)
            return lambda scope: _text(left(scope)) in words
    raise _NotPlain


def _word(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str() as word):
            return word
    raise _NotPlain


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _Unsure


def _call(function: ast.expr, arguments: list[ast.expr], names: frozenset[str]) -> _Closure:
    match function, arguments:
        case ast.Name(id="has"), [ast.Attribute(value=value, attr=key)] if not key.startswith(OPTIONAL):
            within = _path(*_steps(value, names))
            return lambda scope: key in _mapping(within(scope))
        case ast.Name(id="string"), [argument]:
            return _applied(_as_text, _closure(argument, names))
        case ast.Name(id="bytes"), [argument]:
            return _applied(_as_bytes, _closure(argument, names))
        case ast.Name(id="hubspot_uri"), [argument]:
            return _applied(lambda value: hubspot_uri(_text(value)), _closure(argument, names))
        case ast.Attribute(value=value, attr="orValue"), [ast.Constant(value=str() | int() as default)]:
            return _optional(value, names, default)
        case ast.Attribute(value=value, attr="startsWith"), [ast.Constant(value=str() as start)]:
            return _applied(lambda text: _text(text).startswith(start), _closure(value, names))
        case ast.Attribute(value=ast.List(elts=elements), attr="join"), [ast.Constant(value=str() as between)]:
            return _joined([_closure(element, names) for element in elements], between)
    raise _NotPlain


def _joined(parts: list[_Closure], between: str) -> _Closure:
    def join(scope: Scope) -> str:
        try:
            return between.join([part(scope) for part in parts])
        except TypeError as error:  # not all of them are texts
            raise _Unsure from error

    return join


def _applied(function: Callable[[Any], Any], argument: _Closure) -> _Closure:
    return lambda scope: function(argument(scope))


def _as_text(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return cast(str, value)
    if kind is int:
        return str(value)
    raise _Unsure


def _as_bytes(value: Any) -> bytes:
    return _text(value).encode()
