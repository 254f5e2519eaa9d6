"""What the engine decides by: a tenant's installations, compiled from documents, settings and overrides.

Built by `streams.planning`; pure data and pure functions, so that a decision can be replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from schemas.configuration import InstallationState
from schemas.values import Fields, Value

Side = Literal["left", "right"]
Policy = Literal["newest", "left", "right", "union", "review"]
DeletePolicy = Literal["unlink", "archive", "delete"]


def opposite(side: Side) -> Side:
    return "right" if side == "left" else "left"


Convert = Callable[[Value, Fields], Value]
"""(value on this side, all known fields of that record) -> value for the other side; pure; raises ConversionFailed."""


class ConversionFailed(Exception):
    """A value cannot be carried across (an unmapped choice, an expression's error): the field is held."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One field of one entity of one connection."""

    name: str
    canonical: Callable[[Value], Value]
    """Equal results mean "the same value": what matching, echo detection and comparison use. Idempotent."""
    is_list: bool = False
    """Every element is a register of its own; the value is a tuple."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The line's value is the id of a record of another pair, carried across by that record's link."""

    pair: str
    wait_ms: int = 900_000
    on_missing: Literal["wait", "skip"] = "wait"


@dataclass(frozen=True, slots=True)
class Line:
    """A mapped field. `left` or `right` is empty where that side has no field of its own (a computed value)."""

    name: str
    left: str
    right: str
    direction: Literal["both", "to_left", "to_right"] = "both"
    to_right: Convert = lambda value, _: value
    to_left: Convert = lambda value, _: value
    reads: tuple[str, ...] = ()
    """Of a computed one-way line: the source fields that it is computed from."""
    policy: Policy = "newest"
    reference: Reference | None = None
    required: bool = False
    """A create is held while this line has no value."""
    default_left: Value = None
    """Written to the left where there is nothing to write and the product wants something; never flows back."""
    default_right: Value = None
    skip_empty: bool = False
    """An empty value is not carried across."""
    withdrawn_left: frozenset[Value] = frozenset()
    """Values of the left field that withdraw a consent: they go across whatever the policy and the time are, and
    nothing goes over them."""
    withdrawn_right: frozenset[Value] = frozenset()


@dataclass(frozen=True, slots=True)
class MatchKey:
    """How records that nobody has linked yet are recognised as one thing. None: the record has no such key."""

    name: str
    left: str
    right: str
    left_key: Callable[[Value], str | None]
    right_key: Callable[[Value], str | None]
    only_if_unique: bool = False


@dataclass(frozen=True, slots=True)
class PairPlan:
    """Entity of one side ↔ entity of the other."""

    name: str
    left: str
    """Entity of the left connection."""
    right: str
    lines: tuple[Line, ...]
    match: tuple[MatchKey, ...]
    create_left: bool = True
    create_right: bool = True
    in_scope_left: Callable[[Fields], bool] = lambda _: True
    in_scope_right: Callable[[Fields], bool] = lambda _: True
    on_leave: Literal["keep", "unlink"] = "keep"
    ambiguous: Literal["review", "newest", "skip"] = "review"
    delete_from_left: DeletePolicy = "unlink"
    """What happens on the right when a record is deleted on the left."""
    delete_from_right: DeletePolicy = "unlink"
    erase: bool = True
    """An erasure for privacy's sake is carried across."""
    delete_limit: int = 50
    """More deletes than this within `delete_window_ms` trip the breaker."""
    delete_window_ms: int = 3_600_000
    empty_never_wins: bool = False
    """In a conflict a blank does not beat a value, unless it was cleared after the value was set."""


@dataclass(frozen=True, slots=True)
class InstallationPlan:
    """A sync app between two connections."""

    id: str
    left: str
    """Connection id."""
    right: str
    state: InstallationState
    pairs: Mapping[str, PairPlan]
    master: Side = "left"
    """Who wins inside the uncertainty window, and by the policy `newest` on a tie."""
    paused_lines: frozenset[tuple[str, str]] = frozenset()
    """(pair, line) that a product no longer has a field for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything of one tenant."""

    tenant: str
    revision: int
    installations: Mapping[str, InstallationPlan]
    fields: Mapping[tuple[str, str], Mapping[str, FieldPlan]] = field(default_factory=dict)
    """(connection, entity) → field name → field."""
    tie_ms: int = 1_000
    """Uncertainty window between two vendors' clocks."""
    clock_margin_ms: int = 600
    """Bound on the difference between our own hosts' clocks."""
    write_limit: int = 20
    """Writes of one field of one link within `write_window_ms` before the breaker holds it."""
    write_window_ms: int = 60_000
