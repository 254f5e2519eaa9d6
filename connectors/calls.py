"""A document's calls, compiled: from a scope of values to a request without credentials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from yarl import URL

from connectors import templates
from connectors.http import Request
from connectors.templates import Fill, Scope
from schemas.documents.calls import Request as Described

_writer = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class CompiledCall:
    """One call. `operation` is the name by which limits and error rules know it; empty `ok`: every 2xx is success."""

    operation: str
    method: str
    path: Fill
    query: tuple[tuple[str, Fill], ...]
    headers: tuple[tuple[str, Fill], ...]
    body: Fill | None
    form: tuple[tuple[str, Fill], ...] | None
    ok: frozenset[int]

    def succeeded(self, status: int) -> bool:
        """Whether the document calls this status a success."""
        return status in self.ok if self.ok else 200 <= status < 300

    def request(self, base: str, scope: Scope, timeout_s: float, extra: Mapping[str, Any] | None = None) -> Request:
        """The request, below `base` (origin and path, no slash at its end). `extra` is merged into the body.

        Raises ExpressionFailed.
        """
        headers = {name: str(fill(scope)) for name, fill in self.headers}
        text = base + self.path(scope)
        if query := self._query(scope):
            text = f"{text}?{query}"
        body: bytes | None = None
        if self.form is not None:
            body = urlencode({name: _text(value) for name, value in _given(self.form, scope)}).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif self.body is not None:
            body = _writer.encode(_body(self.body(scope), extra))
            headers["Content-Type"] = "application/json"
        return Request(self.method, URL(text, encoded=True), headers, body, timeout_s)

    def _query(self, scope: Scope) -> str:
        return "&".join(f"{name}={quote(_text(value), safe=',')}" for name, value in _given(self.query, scope))


def compile_call(described: Described, operation: str, names: Iterable[str]) -> CompiledCall:
    """Compile a call of a document; its expressions may read `names`. Raises ExpressionFailed."""
    names = frozenset(names)
    return CompiledCall(
        operation=operation,
        method=described.method,
        path=templates.path(described.path),
        query=_members(described.query, names),
        headers=_members(described.headers, names),
        body=None if described.body is None else templates.template(described.body, names),
        form=None if described.form is None else _members(described.form, names),
        ok=frozenset(described.ok),
    )


def address_of(call: CompiledCall, address: str) -> CompiledCall:
    """The same call to another path and query, as a Link header gives them."""
    return replace(call, path=lambda _: address, query=())


def _members(tree: Mapping[str, Any], names: frozenset[str]) -> tuple[tuple[str, Fill], ...]:
    return tuple((name, templates.template(value, names)) for name, value in tree.items())


def _given(members: tuple[tuple[str, Fill], ...], scope: Scope) -> list[tuple[str, Any]]:
    filled = [(name, fill(scope)) for name, fill in members]
    return [(name, value) for name, value in filled if value is not None]


def _body(filled: Any, extra: Mapping[str, Any] | None) -> Any:
    """Nulls at the top level are left out; what is merged in goes beside the rest."""
    if not isinstance(filled, Mapping):
        return filled
    return {name: value for name, value in {**filled, **(extra or {})}.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
