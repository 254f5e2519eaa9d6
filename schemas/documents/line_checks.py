"""What must hold of a pair's lines: fields exist, directions are legal, types fit, expressions compile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.documents.app import AppDocument, Association, FieldLine, MatchOn, Pair, line_name, way
from schemas.documents.calls import FAMILIES
from schemas.documents.expressions import ExpressionFailed
from schemas.documents.mapping import carriers, computed_line
from schemas.documents.model import did_you_mean
from schemas.documents.sides import SideOfPair
from schemas.documents.source import JSON, Problem, Source, pointer
from schemas.documents.transforms import Context, chain, names

Way = Literal["both", "to_right", "to_left"]

_LINE_WORDS = frozenset(FieldLine.model_fields)


@dataclass(frozen=True, slots=True)
class PairCheck:
    """A pair with everything that its checks look at."""

    app: AppDocument
    source: Source
    name: str
    pair: Pair
    left: SideOfPair
    right: SideOfPair
    settings: Mapping[str, JSON]

    @property
    def path(self) -> str:
        return pointer("", "pairs", self.name)

    @property
    def aliases(self) -> tuple[str, str]:
        return self.left.alias, self.right.alias

    def side(self, alias: str) -> SideOfPair:
        return self.left if alias == self.left.alias else self.right

    def problem(self, code: str, path: str, message: str, fix: str = "") -> Problem:
        return self.source.problem(code, path, message, fix)

    def context(self, unmapped: str = "hold") -> Context:
        return Context(self.app.tables, self.settings, unmapped)

    def way_of(self, direction: str | None) -> Way | None:
        """A line's direction, which cannot be wider than its pair's."""
        return way(direction or self.pair.direction, *self.aliases)


def check_lines(check: PairCheck) -> Iterator[Problem]:
    """Every problem of the pair's lines, associations and match keys."""
    writers: dict[tuple[str, str], str] = {}
    for index, line in enumerate(check.pair.fields):
        path = pointer(check.path, "fields", index)
        yield from _check_line(check, line, path)
        yield from _one_writer(check, line.sides, line.dir, path, writers)
    for index, association in enumerate(check.pair.associations):
        path = pointer(check.path, "associations", index)
        yield from _check_association(check, association, path)
        yield from _one_writer(check, association.sides, association.dir, path, writers)
    for index, key in enumerate(check.pair.match):
        yield from _check_match(check, key, pointer(check.path, "match", index))


def check_field(check: PairCheck, alias: str, field: str, path: str) -> Problem | None:
    """That a field exists, as far as it can be known before an account is connected."""
    side = check.side(alias)
    if side.knows(field):
        return None
    message = f"{alias}.{side.name} has no field “{field}”"
    return check.problem("unknown_field", path, message, did_you_mean(field, side.entity.fields))


def _check_line(check: PairCheck, line: FieldLine, path: str) -> Iterator[Problem]:
    sides = list(_check_sides(check, line.sides, path, _LINE_WORDS))
    yield from sides
    direction = check.way_of(line.dir)
    if direction is None:
        yield _wrong_direction(check, line.dir, pointer(path, "dir"))
    if sides or direction is None:
        return
    yield from _not_wider(check, line.dir, direction, path)
    if line.expr is not None:
        yield from _check_computed(check, line, line.expr, direction, path)
        return
    if len(line.sides) != 2:
        fix = "name the other field, or say how the value is computed: expr"
        yield check.problem("one_sided", path, "names the field of one side only", fix)
        return
    yield from _check_access(check, line.sides, direction, path)
    yield from _check_values(check, line, direction, path)


def _check_sides(check: PairCheck, sides: Mapping[str, str], path: str, words: frozenset[str]) -> Iterator[Problem]:
    for alias, field in sides.items():
        if alias not in check.aliases:
            fix = did_you_mean(alias, {*words, *check.aliases})
            yield check.problem(
                "unknown_key", pointer(path, alias), f"“{alias}” is neither a word nor an endpoint", fix
            )
            continue
        problem = check_field(check, alias, field, pointer(path, alias))
        if problem:
            yield problem
    if not sides:
        yield check.problem("no_field", path, "names no field", f"add {check.left.alias}: and {check.right.alias}:")


def _wrong_direction(check: PairCheck, direction: str | None, path: str) -> Problem:
    left, right = check.aliases
    return check.problem(
        "direction", path, f"“{direction}” is not a direction", f"both, {left}->{right} or {right}->{left}"
    )


def _not_wider(check: PairCheck, given: str | None, direction: Way, path: str) -> Iterator[Problem]:
    whole = way(check.pair.direction, *check.aliases)
    if given is not None and whole not in ("both", None) and direction != whole:
        message = f"{given} is not within the pair's direction, {check.pair.direction}"
        yield check.problem("direction", pointer(path, "dir"), message, "widen the pair's direction, or remove dir")


def _check_access(check: PairCheck, sides: Mapping[str, str], direction: Way, path: str) -> Iterator[Problem]:
    left, right = check.aliases
    for alias, written in ((left, direction != "to_right"), (right, direction != "to_left")):
        field = check.side(alias).declared(sides.get(alias, ""))
        if field is None:
            continue
        other = right if alias == left else left
        at = pointer(path, alias)
        if written and not field.writable:
            message = f"{alias}.{sides[alias]} is read-only, and the line writes it"
            yield check.problem("read_only", at, message, f"dir: {alias}->{other}")
        if direction != ("to_right" if alias == right else "to_left") and not field.readable:
            message = f"{alias}.{sides[alias]} cannot be read, and the line reads it"
            yield check.problem("write_only", at, message, f"dir: {other}->{alias}")


def _check_values(check: PairCheck, line: FieldLine, direction: Way, path: str) -> Iterator[Problem]:
    """That `via` and the two types let values cross in every direction that the line goes."""
    left, right = (check.side(alias).type_of(line.sides[alias]) for alias in check.aliases)
    try:
        found = carriers(line.via, left, right, check.context(line.unmapped))
    except ValueError as error:
        yield check.problem("transform", pointer(path, "via"), str(error), _transform_fix(line))
        return
    missing = (direction != "to_left" and found.to_right is None) or (direction != "to_right" and found.to_left is None)
    if missing and found.why_not.endswith("one-way") and direction == "both":
        fix = f"dir: {check.left.alias}->{check.right.alias}"
        yield check.problem("one_way", path, f"goes both ways, but {found.why_not}", fix)
    elif missing:
        yield check.problem("types", path, found.why_not, "add a transform to via")
    yield from _check_defaults(check, line, path)


def _transform_fix(line: FieldLine) -> str:
    used = [step if isinstance(step, str) else next(iter(step)) for step in line.via]
    unknown = next((name for name in used if name not in names()), None)
    return did_you_mean(unknown, names()) if unknown else ""


def _check_defaults(check: PairCheck, line: FieldLine, path: str) -> Iterator[Problem]:
    for word, values in (("default", line.default), ("withdraws", line.withdraws)):
        for alias in values:
            if alias not in line.sides:
                at = pointer(path, word, alias)
                yield check.problem(
                    "unknown_key", at, f"the line has no field of “{alias}”", did_you_mean(alias, line.sides)
                )


def _check_computed(check: PairCheck, line: FieldLine, formula: str, direction: Way, path: str) -> Iterator[Problem]:
    at = pointer(path, "expr")
    if len(line.sides) != 1 or line.via:
        yield check.problem("computed", path, "a computed line names the field that it writes, and nothing else")
        return
    target = next(iter(line.sides))
    reads = check.right if target == check.left.alias else check.left
    if direction != ("to_left" if target == check.left.alias else "to_right"):
        message = "a computed line goes one way"
        yield check.problem("one_way", path, message, f"dir: {reads.alias}->{target}")
        return
    yield from _check_access(check, line.sides, direction, path)
    yield from check_formula(check, formula, reads.alias, at)


def check_formula(check: PairCheck, formula: str, alias: str, path: str) -> Iterator[Problem]:
    """That an expression over one side's record compiles, and reads only fields and settings that are there."""
    try:
        computed_line(formula, alias, check.side(alias).knows, {})
    except ExpressionFailed as error:
        yield check.problem("expression", path, error.reason)


def _one_writer(
    check: PairCheck, sides: Mapping[str, str], given: str | None, path: str, writers: dict[tuple[str, str], str]
) -> Iterator[Problem]:
    direction = check.way_of(given)
    left, right = check.aliases
    for alias, written in ((left, direction != "to_right"), (right, direction != "to_left")):
        field = sides.get(alias)
        if field is None or not written or direction is None:
            continue
        first = writers.setdefault((alias, field), path)
        if first != path:
            message = f"{alias}.{field} is written by line {check.source.line_of(first)} already"
            yield check.problem("two_writers", pointer(path, alias), message, "one line writes a field")


def _check_association(check: PairCheck, association: Association, path: str) -> Iterator[Problem]:
    sides = list(_check_sides(check, association.sides, path, frozenset(Association.model_fields)))
    yield from sides
    direction = check.way_of(association.dir)
    if direction is None:
        yield _wrong_direction(check, association.dir, pointer(path, "dir"))
    target = check.app.pairs.get(association.pair)
    if target is None:
        fix = did_you_mean(association.pair, check.app.pairs)
        yield check.problem("unknown_pair", pointer(path, "pair"), f"there is no pair “{association.pair}”", fix)
    if sides or direction is None or target is None:
        return
    if len(association.sides) != 2:
        yield check.problem("one_sided", path, "names the field of one side only", "name the ref field of each side")
        return
    yield from _not_wider(check, association.dir, direction, path)
    yield from _check_access(check, association.sides, direction, path)
    for alias, entity in zip(check.aliases, target.entities, strict=True):
        field = check.side(alias).declared(association.sides[alias])
        if field is not None and (field.type != "ref" or field.to != entity):
            message = f"{alias}.{association.sides[alias]} is not a reference to {entity}"
            yield check.problem("not_a_reference", pointer(path, alias), message)


def _check_match(check: PairCheck, key: MatchOn, path: str) -> Iterator[Problem]:
    families = set()
    for alias in check.aliases:
        field = key.field(alias)
        at = pointer(path, "key") if isinstance(key.key, str) else pointer(path, "key", alias)
        if not field:
            yield check.problem("one_sided", pointer(path, "key"), f"names no field of {alias}", f"add {alias}:")
            continue
        problem = check_field(check, alias, field, at)
        if problem:
            yield problem
        declared = check.side(alias).declared(field)
        families |= {FAMILIES[declared.type]} if declared else set()
    if len(families) > 1 or families & {"ref", "json", "list"}:
        yield check.problem("not_comparable", path, f"a key of {' and '.join(sorted(families))} cannot be compared")
    try:
        if key.via and not chain(key.via, check.context()).normalises:
            message = "a key is compared by normalisers only"
            yield check.problem("not_comparable", pointer(path, "via"), message, "trim, lower, e164, domain …")
    except ValueError as error:
        yield check.problem("transform", pointer(path, "via"), str(error))


def names_of_lines(check: PairCheck) -> set[str]:
    """Every name that a policy may use for a line: its field on either side."""
    lines = [line.sides for line in check.pair.fields] + [line.sides for line in check.pair.associations]
    return {field for sides in lines for field in sides.values()} | {
        line_name(sides, *check.aliases) for sides in lines
    }
