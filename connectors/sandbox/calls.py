"""A call as a product sees it and what it answers: values only, the bytes are moved by `front`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

By = Literal["freshpipe", "person", "other"]
"""Who called: the integration's own token, the person's token, or neither."""
JSON = Any
"""A parsed JSON tree: the one place where a type is not known before it is checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a known account. `now` is the account's own clock, in ms."""

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: JSON
    by: By
    now: int

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def listed(self, name: str) -> list[str]:
        """A query parameter that is written as a comma list, or repeated, or both."""
        return [item.strip() for value in self.query.get(name, ()) for item in value.split(",") if item.strip()]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. A body of None sends none."""

    status: int = 200
    body: JSON = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The product turns the call down with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Happening:
    """Something became of a record: what webhooks are made from.

    `changes` maps a field to its value before and after; `detail` holds what only one product has words for.
    """

    account: str
    entity: str
    id: int
    action: Literal["created", "updated", "deleted", "restored", "merged", "erased", "associated"]
    at: int
    by: By
    changes: Mapping[str, tuple[JSON, JSON]] = field(default_factory=dict)
    detail: Mapping[str, JSON] = field(default_factory=dict)


Announce = Callable[[Happening], None]
