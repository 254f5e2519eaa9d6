"""Faults on demand: the next calls that match fail in the way that is asked for."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from connectors.sandbox.calls import By

Kind = Literal[
    "answer",
    "hang",
    "reset",
    "commit_then_hang",
    "commit_then_reset",
    "commit_then_answer",
    "drip",
    "malformed",
    "upstream_429",
]


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What fails, how often and how.

    `answer` gives `status` with `body` (or the product's own body for that status) and does nothing else; the
    `commit_then_…` kinds do the work first; `hang` keeps the connection open for `delay_ms` without a word; `drip`
    sends the real answer one piece per `delay_ms`; `malformed` cuts the real answer in the middle; `upstream_429`
    is Freshsales' throttling that is told as a 400. `path` is a regular expression, searched in the path.
    """

    product: str
    kind: Kind = "answer"
    account: str = ""
    method: str = ""
    path: str = ""
    by: By | None = "freshpipe"
    times: int = 1
    skip: int = 0
    """Matching calls that are let through first."""
    status: int = 500
    body: Any = None
    headers: dict[str, str] = {}
    delay_ms: int = 600_000
    id: int = 0
    hits: int = 0

    def matches(self, account: str, method: str, path: str, by: By) -> bool:
        return (
            self.account in ("", account)
            and self.method in ("", method)
            and self.by in (None, by)
            and re.search(self.path, path) is not None
        )


class Faults:
    """The faults that are still to happen, of one product, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._count = 0

    def plan(self, fault: Fault) -> Fault:
        """Add a fault. Raises re.error for a path that is no regular expression."""
        re.compile(fault.path)
        self._count += 1
        fault.id = self._count
        self._planned.append(fault)
        return fault

    def take(self, account: str, method: str, path: str, by: By) -> Fault | None:
        """The fault that meets this call, if any; its count goes down."""
        for fault in self._planned:
            if not fault.matches(account, method, path, by):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            fault.hits += 1
            if fault.times == 0:
                self._planned.remove(fault)
            return fault
        return None

    def planned(self) -> list[Fault]:
        return list(self._planned)

    def clear(self) -> None:
        self._planned.clear()
