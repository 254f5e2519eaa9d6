"""The author's own examples of a sync app (`tests:`): what they say must come out, and what does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.documents.app import AppDocument, Example, FieldLine, Pair, way
from schemas.documents.canon import canonicaliser
from schemas.documents.connector import ConnectorDocument
from schemas.documents.mapping import Carry, carriers, computed_line, literal
from schemas.documents.sides import SideOfPair, sides_of
from schemas.documents.source import JSON
from schemas.documents.transforms import Context, TransformFailed
from schemas.values import Fields, Value, is_empty


@dataclass(frozen=True, slots=True)
class Difference:
    """An example (numbered from 1) that does not come out: the target's field, what was wanted and what it gets."""

    example: int
    field: str
    wanted: str
    got: str

    def __str__(self) -> str:
        return f"example {self.example}: {self.field} should be {self.wanted}, and is {self.got}"


def differences(app: AppDocument, connectors: Mapping[str, ConnectorDocument]) -> list[Difference]:
    """Where a checked app's examples and its lines differ; values are compared in canonical form."""
    found: list[Difference] = []
    for number, example in enumerate(app.tests, 1):
        sides = sides_of(app, app.pairs[example.pair], connectors)
        if sides is not None:
            found += _differences(app, example, number, sides)
    return found


def _differences(
    app: AppDocument, example: Example, number: int, sides: tuple[SideOfPair, SideOfPair]
) -> list[Difference]:
    target = sides[1] if example.origin == sides[0].alias else sides[0]
    got, held = carried(app, example, sides)
    found = []
    for field, wanted in example.want.items():
        canonical = canonicaliser(target.type_of(field) or "string")
        if field not in got or canonical(got[field]) != canonical(literal(wanted)):
            actual = "held" if field in held else repr(got[field]) if field in got else "not written"
            found.append(Difference(number, field, repr(literal(wanted)), actual))
    missing = [field for field in example.held if field not in held]
    return found + [Difference(number, field, "held", repr(got.get(field))) for field in missing]


def carried(
    app: AppDocument, example: Example, sides: tuple[SideOfPair, SideOfPair]
) -> tuple[dict[str, Value], dict[str, str]]:
    """What the lines write to the other side for the example's record, and which fields are held, with the reason."""
    source, target = sides if example.origin == sides[0].alias else (sides[1], sides[0])
    pair = app.pairs[example.pair]
    given: Fields = {name: literal(value) for name, value in example.given.items()}
    settings = app.settings_with(example.settings)
    written: dict[str, Value] = {}
    held: dict[str, str] = {}
    for line in pair.fields:
        field, origin = line.sides.get(target.alias, ""), line.sides.get(source.alias, "")
        carry = _carry(app, pair, line, (source, target), settings)
        if carry is None or not field or (origin and origin not in given):
            continue
        try:
            value = None if origin and is_empty(given[origin]) else carry(given.get(origin), given)
        except TransformFailed as failure:
            held[field] = failure.reason
            continue
        if not is_empty(value) or not (line.skip_empty or line.unmapped == "keep"):
            written[field] = value
    return written, held


def _carry(
    app: AppDocument, pair: Pair, line: FieldLine, sides: tuple[SideOfPair, SideOfPair], settings: Mapping[str, JSON]
) -> Carry | None:
    """From the first of `sides` to the second; None where the line does not go that way."""
    source, target = sides
    rightwards = target.alias == app.right
    direction = way(line.dir or pair.direction, app.left, app.right)
    if direction == ("to_left" if rightwards else "to_right"):
        return None
    if line.expr is not None:
        computed = computed_line(line.expr, source.alias, source.knows, settings)
        return computed.carry_to(target.type_of(line.sides[target.alias])) if target.alias in line.sides else None
    left, right = (source, target) if rightwards else (target, source)
    types = left.type_of(line.sides[left.alias]), right.type_of(line.sides[right.alias])
    found = carriers(line.via, *types, Context(app.tables, settings, line.unmapped))
    return found.to_right if rightwards else found.to_left
