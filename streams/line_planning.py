"""Compile the lines of a pair: documents' words to the engine's closures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.documents.app import AppDocument, Association, FieldLine, Literals, Pair, way
from schemas.documents.expressions import ExpressionFailed
from schemas.documents.mapping import Carry, carriers, computed_line, literal, same
from schemas.documents.source import JSON
from schemas.documents.transforms import Context, TransformFailed
from schemas.values import Fields, Value
from streams.accounts import AccountEntity
from streams.engine.plan import ConversionFailed, Convert, Line, Policy, Reference, Side
from streams.overrides import LineOverride

Way = Literal["both", "to_left", "to_right"]

NONE = LineOverride()


class Paused(Exception):
    """A line that this account's fields do not allow: `code` is a word to group by, `reason` for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LinePlanning:
    """What the lines of one pair have in common."""

    app: AppDocument
    pair: Pair
    left: AccountEntity
    right: AccountEntity
    settings: Mapping[str, JSON]
    master: Side

    def bare(self, name: str, sides: Mapping[str, str]) -> Line:
        """A line that only says which fields it is about: the form of one that is paused."""
        return Line(name=name, left=sides.get(self.left.alias, ""), right=sides.get(self.right.alias, ""))

    def field_line(self, name: str, line: FieldLine, override: LineOverride = NONE) -> Line:
        """Raises Paused."""
        direction = self._direction(override.direction or line.dir)
        if line.expr is not None:
            return self._computed(name, line, line.expr, direction)
        bare = self.bare(name, line.sides)
        self._check_fields(bare, direction)
        types = self.left.type_of(bare.left), self.right.type_of(bare.right)
        try:
            found = carriers(line.via, *types, Context(self.app.tables, self.settings, line.unmapped))
        except ValueError as error:
            raise Paused("transform", str(error)) from error
        lacks_right = found.to_right is None and direction != "to_left"
        if lacks_right or (found.to_left is None and direction != "to_right"):
            raise Paused("types", found.why_not)
        return Line(
            name=name,
            left=bare.left,
            right=bare.right,
            direction=direction,
            to_right=_convert(found.to_right),
            to_left=_convert(found.to_left),
            policy=self.policy(name, bare, override),
            required=line.required,
            default_left=_default(line.default, self.left.alias),
            default_right=_default(line.default, self.right.alias),
            skip_empty=line.skip_empty or line.unmapped == "keep",
            withdrawn_left=frozenset(line.withdraws.get(self.left.alias, ())),
            withdrawn_right=frozenset(line.withdraws.get(self.right.alias, ())),
        )

    def association(self, name: str, association: Association, override: LineOverride = NONE) -> Line:
        """Raises Paused."""
        direction = self._direction(override.direction or association.dir)
        bare = self.bare(name, association.sides)
        self._check_fields(bare, direction)
        return Line(
            name=name,
            left=bare.left,
            right=bare.right,
            direction=direction,
            policy=self.policy(name, bare, override),
            reference=Reference(association.pair, association.wait_ms, association.on_missing),
        )

    def policy(self, name: str, line: Line, override: LineOverride = NONE) -> Policy:
        """Who wins on this line. `union` falls back to `newest` where a side turns out not to be a list."""
        conflict = self.pair.conflict
        named = (conflict.fields[key] for key in (name, line.left, line.right) if key in conflict.fields)
        word = override.decides or next(named, conflict.default)
        sides: dict[str, Policy] = {self.left.alias: "left", self.right.alias: "right", "master": self.master}
        if word in sides:
            return sides[word]
        if word == "union":
            return "union" if self.left.is_list(line.left) and self.right.is_list(line.right) else "newest"
        return "review" if word == "review" else "newest"

    def _computed(self, name: str, line: FieldLine, formula: str, direction: Way) -> Line:
        target, source = (self.right, self.left) if direction == "to_right" else (self.left, self.right)
        field = line.sides.get(target.alias, "")
        if direction == "both" or not target.knows(field):
            raise Paused("no_field", f"{target.alias} has no field “{field}”")
        if not target.writable(field):
            raise Paused("read_only", f"{target.alias}.{field} is read-only")
        try:
            computed = computed_line(formula, source.alias, source.knows, self.settings)
        except ExpressionFailed as error:
            raise Paused("expression", f"the expression {error.reason}") from error
        carry = _convert(computed.carry_to(target.type_of(field)))
        bare = self.bare(name, line.sides)
        return Line(
            name=name,
            left=bare.left,
            right=bare.right,
            direction=direction,
            to_right=carry,
            to_left=carry,
            reads=computed.reads,
            policy=self.policy(name, bare),
            required=line.required,
            default_left=_default(line.default, self.left.alias),
            default_right=_default(line.default, self.right.alias),
            skip_empty=line.skip_empty,
        )

    def _direction(self, given: str | None) -> Way:
        found = way(given or self.pair.direction, self.left.alias, self.right.alias)
        if found is None:
            raise Paused("direction", f"“{given}” is not a direction")
        return found

    def _check_fields(self, line: Line, direction: Way) -> None:
        for side, field, written in (
            (self.left, line.left, direction != "to_right"),
            (self.right, line.right, direction != "to_left"),
        ):
            if not side.knows(field):
                raise Paused("no_field", f"{side.alias} has no field “{field}”")
            if written and not side.writable(field):
                raise Paused("read_only", f"{side.alias}.{field} is read-only")
            reads = direction == "both" or not written
            if reads and not side.readable(field):
                raise Paused("write_only", f"{side.alias}.{field} cannot be read")


def _default(defaults: Mapping[str, Literals], alias: str) -> Value:
    return literal(defaults.get(alias))


def _convert(carry: Carry | None) -> Convert:
    """The engine's form of a carrier; of a direction that the line does not go, one that refuses."""
    if carry is same:
        return same

    def convert(value: Value, fields: Fields) -> Value:
        if carry is None:
            raise ConversionFailed("the line does not go that way")
        try:
            return carry(value, fields)
        except TransformFailed as failure:
            raise ConversionFailed(failure.reason) from failure

    return convert
