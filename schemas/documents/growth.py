"""How large the values of an expression can get, told from its syntax tree before it ever runs.

The CEL engine bounds loops and depth but not memory: `x + x` in ten nested one-element loops, or `replace` upon
`replace`, makes gigabytes of a few bytes. A bound is a polynomial in the size of the input: (a, b, c) is
a + b·n + c·n². Sizes are in characters, and 8 for everything that is no text.

The tree is the engine's own, as it serialises it: cel.expr.CheckedExpr of
https://github.com/google/cel-spec/blob/master/proto/cel/expr/ (field numbers below), read without its descriptors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

Polynomial = tuple[float, ...]
Size = Mapping[str, Polynomial]
"""A sum: of a constant (the name "") and of multiples of loop variables."""

_UNIT: Final = 8.0
_MAX_DEGREE: Final = 4
_CONSTANT: Final = ""

_MULTIPLES: Final[Mapping[str, float]] = {
    "lower": 3, "upper": 3, "lowerAscii": 1, "upperAscii": 1, "split": 9, "from_json": 9, "bytes": 4,
    "url_encode": 12, "strings.quote": 12, "keys": 9,
}  # fmt: skip
_SMALL: Final = frozenset({
    "_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "size", "contains", "startsWith",
    "endsWith", "matches", "int", "uint", "double", "bool", "indexOf", "lastIndexOf", "hasValue", "md5", "sha256",
    "event_time", "@not_strictly_false",
})  # fmt: skip


class Unbounded(Exception):
    """An expression whose values can grow without a bound that we can tell."""


def growth(serialised: bytes) -> Polynomial:
    """The bound on the largest value that evaluating it makes. Raises Unbounded."""
    checked = _one(serialised, 2)  # of google.protobuf.Any
    walk = _Walk()
    walk.size(_one(checked, 4), {})
    return walk.peak


def at(bound: Polynomial, n: int) -> float:
    """The polynomial's value."""
    return sum(factor * float(n) ** power for power, factor in enumerate(bound))


@dataclass(slots=True)
class _Walk:
    """`scope` maps a loop variable to the bound of its size; `peak` is the largest bound met."""

    peak: Polynomial = (0.0,)

    def size(self, node: bytes, scope: Mapping[str, Polynomial]) -> Size:
        kind, body = next(((n, v) for n, v in _fields(node) if 3 <= n <= 9 and isinstance(v, bytes)), (0, b""))
        found = self._of_kind(kind, body, scope)
        self.peak = _larger(self.peak, _flat(found, scope))
        return found

    def _of_kind(self, kind: int, body: bytes, scope: Mapping[str, Polynomial]) -> Size:
        if kind == 3:
            return {_CONSTANT: (_UNIT + sum(len(value) for _, value in _fields(body) if isinstance(value, bytes)),)}
        if kind == 4:
            name = _text(body, 1)
            return {name: (1.0,)} if name in scope else {_CONSTANT: (0.0, 1.0)}
        if kind == 5:
            return self.size(_one(body, 1), scope)
        if kind == 6:
            return self._call(body, scope)
        if kind == 7:
            return self._all(_many(body, 1), scope)
        if kind == 8:
            entries = list(_many(body, 2))
            return self._all([part for entry in entries for number in (3, 4) for part in _many(entry, number)], scope)
        if kind == 9:
            return self._loop(body, scope)
        raise Unbounded

    def _all(self, nodes: Iterator[bytes] | list[bytes], scope: Mapping[str, Polynomial]) -> Size:
        total: Size = {_CONSTANT: (_UNIT,)}
        for node in nodes:
            total = _plus(total, self.size(node, scope))
        return total

    def _call(self, body: bytes, scope: Mapping[str, Polynomial]) -> Size:
        name = _text(body, 2)
        parts = [self.size(node, scope) for number in (1, 3) for node in _many(body, number)]
        if name == "format":
            raise Unbounded
        if name in _SMALL:
            return {_CONSTANT: (64.0,)}
        if name == "_?_:_":
            return _most(parts[1], parts[2])
        if name == "replace":  # at worst before and after every character
            return _plus(_times(parts[0], parts[2], scope), parts[2])
        if name == "join" and len(parts) > 1:  # a separator per element, of which each counts as a unit at least
            return _plus(parts[0], _times(_times(parts[0], {_CONSTANT: (1 / _UNIT,)}, scope), parts[1], scope))
        total: Size = {_CONSTANT: (_UNIT,)}
        for part in parts:
            total = _plus(total, part)
        return _times(total, {_CONSTANT: (_MULTIPLES.get(name, 1.0),)}, scope)

    def _loop(self, body: bytes, scope: Mapping[str, Polynomial]) -> Size:
        """A comprehension: `accu` starts as `init`, and becomes `step` once per element of `range`."""
        element, accu = _text(body, 1), _text(body, 3)
        elements, init = self.size(_one(body, 2), scope), self.size(_one(body, 4), scope)
        inner = {**scope, element: _flat(elements, scope), accu: (0.0,)}
        second = _text(body, 8)
        if second:
            inner[second] = inner[element]
        step = dict(self.size(_one(body, 6), inner))
        self.size(_one(body, 5), inner)
        carried = step.pop(accu, (0.0,))
        if _larger(carried, (1.0,)) != (1.0,):
            raise Unbounded
        per_element = step.pop(element, (0.0,))
        if second:
            per_element = _add(per_element, step.pop(second, (0.0,)))
        rounds = _times(elements, {_CONSTANT: (1 / _UNIT,)}, scope)
        total = _plus(init, _plus(_times(step, rounds, scope), _times(elements, {_CONSTANT: per_element}, scope)))
        self.peak = _larger(self.peak, _flat(total, scope))
        result = dict(self.size(_one(body, 7), {**scope, accu: _flat(total, scope)}))
        return _plus(_times(total, {_CONSTANT: result.pop(accu, (0.0,))}, scope), result)


def _add(one: Polynomial, other: Polynomial) -> Polynomial:
    return tuple(a + b for a, b in zip_longest(one, other, fillvalue=0.0))


def _larger(one: Polynomial, other: Polynomial) -> Polynomial:
    return tuple(max(a, b) for a, b in zip_longest(one, other, fillvalue=0.0))


def _product(one: Polynomial, other: Polynomial) -> Polynomial:
    found = [0.0] * (len(one) + len(other) - 1)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            found[i + j] += a * b
    while len(found) > 1 and found[-1] == 0:
        found.pop()
    if len(found) > _MAX_DEGREE:
        raise Unbounded
    return tuple(found)


def _plus(one: Size, other: Size) -> Size:
    return {name: _add(one.get(name, (0.0,)), other.get(name, (0.0,))) for name in {*one, *other}}


def _most(one: Size, other: Size) -> Size:
    return {name: _larger(one.get(name, (0.0,)), other.get(name, (0.0,))) for name in {*one, *other}}


def _times(one: Size, other: Size, scope: Mapping[str, Polynomial]) -> Size:
    """The product; where both depend on loop variables, one side's are replaced by their bounds."""
    if set(other) - {_CONSTANT}:
        one, other = (other, one) if not set(one) - {_CONSTANT} else (one, {_CONSTANT: _flat(other, scope)})
    factor = other.get(_CONSTANT, (0.0,))
    return {name: _product(value, factor) for name, value in one.items()}


def _flat(size: Size, scope: Mapping[str, Polynomial]) -> Polynomial:
    """The bound without loop variables."""
    total: Polynomial = (0.0,)
    for name, factor in size.items():
        total = _add(total, factor if name == _CONSTANT else _product(factor, scope.get(name, (0.0,))))
    return total


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message on the wire (https://protobuf.dev/programming-guides/encoding/)."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, form = tag >> 3, tag & 7
        if form == 0:
            value, position = _varint(message, position)
            yield number, value
        elif form == 2:
            length, position = _varint(message, position)
            yield number, message[position : position + length]
            position += length
        else:
            width = 8 if form == 1 else 4
            yield number, message[position : position + width]
            position += width


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7


def _many(message: bytes, number: int) -> Iterator[bytes]:
    return (value for found, value in _fields(message) if found == number and isinstance(value, bytes))


def _one(message: bytes, number: int) -> bytes:
    return next(_many(message, number), b"")


def _text(message: bytes, number: int) -> str:
    return _one(message, number).decode()
