"""Which category an answer belongs to: a document's error rules, first match wins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from connectors import templates
from connectors.errors import retry_after_ms
from connectors.http import Answer
from connectors.templates import MISSING, Fill, Scope
from schemas.documents import scopes
from schemas.documents.connector import ErrorRule, Locator
from schemas.documents.expressions import ExpressionFailed, compile_expression
from schemas.events import Category

MESSAGE_LENGTH = 200
_PERSONAL = re.compile(r"[^\s@'\"<>]+@[^\s@'\"<>]+|\+?\d[\d\s().-]{6,}\d")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of an answer. `field` is in the product's words. `confirm`: only if a look-up agrees."""

    category: Category
    field: str = ""
    existing_id: str | None = None
    retry_after_ms: int | None = None
    confirm: tuple[str, ...] = ()
    bucket: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """The compiled rules of a document."""

    rules: tuple[_Rule, ...]

    def verdicts(self, answer: Answer, operation: str, now_ms: int) -> Iterator[Verdict]:
        """Every rule that fits, in order; the first that needs no confirmation, or gets it, decides."""
        scope = _Lazy(answer)
        for rule in self.rules:
            if rule.fits(answer.status, operation, scope):
                yield rule.verdict(scope, now_ms)
        yield Verdict("transient" if answer.status >= 500 else "unknown")


@dataclass(frozen=True, slots=True)
class _Rule:
    declared: ErrorRule
    statuses: Callable[[int], bool]
    condition: Callable[[Scope], bool] | None
    field: Callable[[Scope], str]
    existing_id: Callable[[Scope], str]
    retry_after: Callable[[Scope], Any]

    def fits(self, status: int, operation: str, scope: _Lazy) -> bool:
        if not self.statuses(status) or (self.declared.ops and operation not in self.declared.ops):
            return False
        if self.condition is None:
            return True
        try:
            return self.condition(scope.values)
        except ExpressionFailed:  # the answer has another shape than the condition expects
            return False

    def verdict(self, scope: _Lazy, now_ms: int) -> Verdict:
        found = self.retry_after(scope.values)
        return Verdict(
            category=self.declared.category,
            field=self.field(scope.values),
            existing_id=self.existing_id(scope.values) or None,
            retry_after_ms=retry_after_ms(None if found is None else str(found), now_ms),
            confirm=self.declared.confirm,
            bucket=self.declared.bucket or "",
        )


class _Lazy:
    """An answer as the scope of expressions, its body parsed when first needed."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._values: dict[str, Any] | None = None

    @property
    def values(self) -> dict[str, Any]:
        if self._values is None:
            headers = {name.lower(): value for name, value in self._answer.headers.items()}
            self._values = {"status": self._answer.status, "header": headers, "body": json_of(self._answer)}
        return self._values


def compile_rules(declared: Sequence[ErrorRule]) -> Rules:
    """Raises ExpressionFailed or re.error."""
    return Rules(tuple(_compiled(rule) for rule in declared))


def json_of(answer: Answer) -> Any:
    """The body as JSON, or None where it is something else."""
    try:
        return answer.json
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def message_of(answer: Answer, written: Sequence[str] = ()) -> str:
    """The product's words, shortened, without people's addresses, numbers and the values that we sent."""
    body = json_of(answer)
    text = _words(body)
    for value in sorted((value for value in written if len(value) >= 3), key=len, reverse=True):
        text = text.replace(value, "…")
    return _PERSONAL.sub("…", text)[:MESSAGE_LENGTH]


def _words(body: Any) -> str:
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(filter(None, (_words(element) for element in body[:5])))
    if not isinstance(body, Mapping):
        return ""
    for name in ("errors", "message", "error_description", "detail", "description"):
        if words := _words(body.get(name)):
            return words
    return ""


def _compiled(rule: ErrorRule) -> _Rule:
    return _Rule(
        declared=rule,
        statuses=_statuses(rule.status),
        condition=compile_expression(rule.condition, scopes.ANSWER).holds if rule.condition else None,
        field=_locator(rule.field),
        existing_id=_locator(rule.existing_id),
        retry_after=_wait(rule.retry_after),
    )


def _statuses(declared: str | int | None) -> Callable[[int], bool]:
    if declared is None:
        return lambda _: True
    if isinstance(declared, int):
        return lambda status: status == declared
    hundreds = int(declared[0])
    return lambda status: status // 100 == hundreds


def _locator(declared: Locator | str | None) -> Callable[[Scope], str]:
    if declared is None:
        return lambda _: ""
    if isinstance(declared, str):
        return _optional(templates.expression(declared, scopes.ANSWER))
    follow = templates.pointer(declared.at)
    pattern = re.compile(declared.regex) if declared.regex else None

    def locate(scope: Scope) -> str:
        found = follow(scope["body"])
        if found is MISSING or found is None:
            return ""
        if pattern is None:
            return str(found)
        match = pattern.search(str(found))
        return match[1] if match else ""

    return locate


def _optional(fill: Fill) -> Callable[[Scope], str]:
    def text(scope: Scope) -> str:
        try:
            found = fill(scope)
        except ExpressionFailed:
            return ""
        return "" if found is None else str(found)

    return text


def _wait(declared: str | int | None) -> Callable[[Scope], Any]:
    """Seconds, a header's text or an expression's value. A header that an answer lacks is None."""
    if declared is None:
        return lambda _: None
    if isinstance(declared, int):
        return lambda _: declared
    if declared.startswith("header."):
        name = declared.removeprefix("header.")
        return lambda scope: scope["header"].get(name)
    return _optional(templates.expression(declared, scopes.ANSWER))
