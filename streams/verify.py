"""Are the two sides equal? Compares everything that is linked, field by field, by what the mapping says.

Pure: it is given what was read and what is linked. It knows the same conversions as the engine but none of its
state, so it finds what the engine got wrong as well as what it has not done yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.records import RecordId
from schemas.values import Fields, Value, is_empty
from streams.engine.plan import ConversionFailed, Convert, FieldPlan, InstallationPlan, Line, PairPlan, Plan, Reference

Records = Mapping[RecordId, Fields]


@dataclass(frozen=True, slots=True)
class Linked:
    """Two records that are one thing."""

    pair: str
    left: RecordId
    right: RecordId


@dataclass(frozen=True, slots=True)
class Difference:
    """A mapped field whose two sides are not equal, or a record that is missing on one side."""

    pair: str
    line: str
    left: RecordId | None
    right: RecordId | None
    left_value: Value = None
    right_value: Value = None
    reason: str = "differs"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison looked at and what it found."""

    links: int
    fields: int
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        return not self.differences


def compare(plan: Plan, installation: InstallationPlan, records: Records, links: Iterable[Linked]) -> Comparison:
    """Compare all linked records of an installation; `records` holds both sides as read from the products."""
    linked = list(links)
    counterparts = {
        (link.pair, RecordId(side.connection, "", side.id)): other
        for link in linked
        for side, other in _both_ways(link)
    }
    found: list[Difference] = []
    fields = 0
    for link in linked:
        pair = installation.pairs.get(link.pair)
        if pair is None:
            continue
        left, right = records.get(link.left), records.get(link.right)
        if left is None or right is None:
            found.append(Difference(link.pair, "", link.left, link.right, reason="record missing"))
            continue
        for line in pair.lines:
            fields += 1
            found += _compare_line(plan, pair, line, link, (left, right), counterparts)
    return Comparison(len(linked), fields, tuple(found))


def _both_ways(link: Linked) -> tuple[tuple[RecordId, RecordId], tuple[RecordId, RecordId]]:
    return (link.left, link.right), (link.right, link.left)


@dataclass(frozen=True, slots=True)
class _Half:
    """One side of a line: the record, all it holds, and which field of it."""

    record: RecordId
    fields: Fields
    name: str
    default: Value

    @property
    def value(self) -> Value:
        return self.fields.get(self.name)


def _compare_line(
    plan: Plan,
    pair: PairPlan,
    line: Line,
    link: Linked,
    records: tuple[Fields, Fields],
    counterparts: Mapping[tuple[str, RecordId], RecordId],
) -> list[Difference]:
    """Equal if carrying the value across, either way that it may go, would change nothing."""
    left = _Half(link.left, records[0], line.left, line.default_left)
    right = _Half(link.right, records[1], line.right, line.default_right)
    ways = []
    if line.direction != "to_left":
        ways.append((left, right, line.to_right))
    if line.direction != "to_right":
        ways.append((right, left, line.to_left))
    reason = "differs"
    for source, target, convert in ways:
        try:
            if _carries(plan, line, source, target, convert, counterparts):
                return []
        except ConversionFailed as failure:
            reason = failure.reason
    return [Difference(pair.name, line.name, link.left, link.right, left.value, right.value, reason)]


def _carries(
    plan: Plan,
    line: Line,
    source: _Half,
    target: _Half,
    convert: Convert,
    counterparts: Mapping[tuple[str, RecordId], RecordId],
) -> bool:
    field = _field(plan, target.record, target.name)
    if source.name and is_empty(source.value):
        return is_empty(target.value) or line.skip_empty or _same(field, target.default, target.value)
    if line.reference is not None:
        expected = _translate(line.reference, source.record, str(source.value), counterparts)
    else:
        expected = convert(source.value, source.fields)
    return _same(field, expected, target.value)


def _translate(
    reference: Reference, source: RecordId, value: str, counterparts: Mapping[tuple[str, RecordId], RecordId]
) -> Value:
    other = counterparts.get((reference.pair, RecordId(source.connection, "", value)))
    if other is None:
        raise ConversionFailed("reference_missing")
    return other.id


def _field(plan: Plan, record: RecordId, name: str) -> FieldPlan:
    return plan.fields.get((record.connection, record.entity), {}).get(name) or FieldPlan(name, lambda value: value)


def _same(field: FieldPlan, one: Value, other: Value) -> bool:
    if is_empty(one) and is_empty(other):
        return True
    return field.canonical(one) == field.canonical(other)
