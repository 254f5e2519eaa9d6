"""What a document writes with `=`, `{x}` and `/a/b`, compiled once to closures.

Most expressions only name a value; these are followed directly, and CEL is kept for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Any, Final
from urllib.parse import quote

from schemas.documents.expressions import ExpressionFailed, compile_expression

Scope = Mapping[str, Any]
Fill = Callable[[Scope], Any]
"""Raises ExpressionFailed."""


class Missing(Enum):
    """Nothing stands there: not the same as null."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

_NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_PLAIN = re.compile(rf"=\s*({_NAME})\s*")
_STRING = re.compile(rf"=\s*string\(({_NAME})\)\s*")
_JOIN = re.compile(rf"=\s*({_NAME})\.join\('([^'\\]*)'\)\s*")
_BRACES = re.compile(r"\{(\+?)([^{}]+)\}")


def pointer(path: str) -> Callable[[Any], Any]:
    """Follow a JSON Pointer (RFC 6901); MISSING where it leads nowhere."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
    if len(steps) == 1:
        only = steps[0]
        return lambda node: _step(node, only)

    def follow(node: Any) -> Any:
        for step in steps:
            node = _step(node, step)
        return node

    return follow


def reader(source: str, name: str, names: Collection[str] = ()) -> Callable[[Any, Scope], Any]:
    """A pointer into `node`, or an expression in which it is called `name`; MISSING where a pointer leads nowhere."""
    if not source.startswith("="):
        follow = pointer(source)
        return lambda node, _: follow(node)
    fill = expression(source, {name, *names})
    return lambda node, scope: fill({**scope, name: node})


def expression(source: str, names: Collection[str]) -> Fill:
    """The value of an expression (`=` included)."""
    if plain := _PLAIN.fullmatch(source):
        return _followed(plain[1])
    if string := _STRING.fullmatch(source):
        follow = _followed(string[1])
        return lambda scope: _text(follow(scope))
    if join := _JOIN.fullmatch(source):
        follow, separator = _followed(join[1]), join[2]
        return lambda scope: separator.join(follow(scope))
    return compile_expression(source, names).evaluate


def template(tree: Any, names: Collection[str]) -> Fill:
    """A tree with its expressions filled in; all else stays as it is."""
    names = tuple(names)
    if isinstance(tree, str) and tree.startswith("="):
        return expression(tree, names)
    if isinstance(tree, Mapping):
        members = [(key, template(value, names)) for key, value in tree.items()]
        return lambda scope: {key: fill(scope) for key, fill in members}
    if isinstance(tree, list | tuple):
        elements = [template(value, names) for value in tree]
        return lambda scope: [fill(scope) for fill in elements]
    return lambda _: tree


def path(text: str) -> Callable[[Scope], str]:
    """A path with `{x.y}` filled in, url-encoded, and `{+x.y}` filled in as it is (RFC 6570)."""
    parts: list[Callable[[Scope], str]] = []
    literals: list[str] = []
    end = 0
    for match in _BRACES.finditer(text):
        literals.append(text[end : match.start()])
        parts.append(_part(_followed(match[2].strip()), encoded=not match[1]))
        end = match.end()
    tail = text[end:]
    if not parts:
        return lambda _: tail
    return lambda scope: (
        "".join(x for pair in zip(literals, parts, strict=True) for x in (pair[0], pair[1](scope))) + tail
    )


def _part(follow: Fill, *, encoded: bool) -> Callable[[Scope], str]:
    if encoded:
        return lambda scope: quote(_text(follow(scope)), safe="")
    return lambda scope: _text(follow(scope))


def _followed(name: str) -> Fill:
    first, *rest = name.split(".")

    def follow(scope: Scope) -> Any:
        node: Any = scope.get(first)
        try:
            for step in rest:
                node = node[step]
        except (KeyError, TypeError, IndexError) as error:
            raise ExpressionFailed(f"no such value: {name}") from error
        return node

    return follow


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        raise ExpressionFailed("null has no text")
    return str(value)


def _step(node: Any, step: str) -> Any:
    if isinstance(node, dict):
        return node.get(step, MISSING)
    if isinstance(node, list) and step.isdigit() and int(step) < len(node):
        return node[int(step)]
    return MISSING
