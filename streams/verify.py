"""Are the two sides equal? Compares everything that is linked, field by field, by what the mapping says.

Pure: it is given what was read and what is linked. It knows the same conversions as the engine but none of its
state, so it finds what the engine got wrong as well as what it has not done yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.records import RecordId
from schemas.values import Fields, Value, is_empty
from streams.engine.plan import ConversionFailed, FieldPlan, InstallationPlan, Line, PairPlan, Plan, Reference

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
            found += _compare_line(plan, pair, line, (link.left, left), (link.right, right), counterparts)
    return Comparison(len(linked), fields, tuple(found))


def _both_ways(link: Linked) -> tuple[tuple[RecordId, RecordId], tuple[RecordId, RecordId]]:
    return (link.left, link.right), (link.right, link.left)


def _compare_line(
    plan: Plan,
    pair: PairPlan,
    line: Line,
    left: tuple[RecordId, Fields],
    right: tuple[RecordId, Fields],
    counterparts: Mapping[tuple[str, RecordId], RecordId],
) -> list[Difference]:
    if line.direction == "to_left":
        source, target, source_name, target_name, convert = right, left, line.right, line.left, line.to_left
    else:
        source, target, source_name, target_name, convert = left, right, line.left, line.right, line.to_right
    (source_id, source_fields), (target_id, target_fields) = source, target
    value, held = source_fields.get(source_name), target_fields.get(target_name)
    default = line.default_left if target_id == left[0] else line.default_right
    try:
        expected = convert(value, source_fields)
        if line.reference is not None and not is_empty(value):
            expected = _translate(line.reference, source_id, str(value), counterparts)
    except ConversionFailed as failure:
        return [_difference(pair, line, left, right, failure.reason)]
    field = _field(plan, target_id, target_name)
    if _same(field, expected, held) or (is_empty(expected) and (line.skip_empty or _same(field, default, held))):
        return []
    return [_difference(pair, line, left, right, "differs")]


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


def _difference(
    pair: PairPlan, line: Line, left: tuple[RecordId, Fields], right: tuple[RecordId, Fields], reason: str
) -> Difference:
    left_value, right_value = left[1].get(line.left), right[1].get(line.right)
    return Difference(pair.name, line.name, left[0], right[0], left_value, right_value, reason)
