"""Compile one pair of an installation: its document, the person's settings and overrides, the accounts' own fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from schemas.configuration import Installation
from schemas.documents.app import Association, FieldLine, MatchOn, line_name, way
from schemas.documents.expressions import ExpressionFailed
from schemas.documents.mapping import computed_line
from schemas.documents.transforms import Context, Function, TransformFailed, chain
from schemas.values import Fields, Value
from streams.accounts import AccountEntity
from streams.engine.plan import FieldPlan, Line, MatchKey, PairPlan
from streams.line_planning import NONE, LinePlanning, Paused
from streams.overrides import InvalidOverride, LineOverride, added_line, overrides_of


@dataclass(frozen=True, slots=True)
class Finding:
    """What could not be planned as the documents say; `line` is empty where it is about more than one."""

    installation: str
    pair: str
    line: str
    code: str
    reason: str


@dataclass(slots=True)
class CompiledPair:
    """A pair's plan, which of its lines are paused, and the fields of each side that it uses."""

    plan: PairPlan
    paused: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    fields: tuple[dict[str, FieldPlan], dict[str, FieldPlan]] = field(default_factory=lambda: ({}, {}))


def compile_pair(installation: Installation, name: str, planning: LinePlanning) -> CompiledPair:
    """Never raises: what does not fit these accounts is paused or left out, with a finding."""
    pair, left, right = planning.pair, planning.left, planning.right
    findings: list[Finding] = []

    def find(line: str, code: str, reason: str) -> None:
        findings.append(Finding(installation.id, name, line, code, reason))

    overrides = _readable_overrides(name, installation, find)
    lines, paused = _lines(name, planning, overrides, find)
    match = tuple(_keys(planning, find))
    scopes = {side.alias: _scope(planning, side, find) for side in (left, right)}
    whole = way(pair.direction, left.alias, right.alias)
    policies = pair.delete.policies
    plan = PairPlan(
        name=name,
        left=pair.entities[0],
        right=pair.entities[1],
        lines=tuple(lines),
        match=match,
        create_left=pair.create.get(left.alias, whole != "to_right"),
        create_right=pair.create.get(right.alias, whole != "to_left"),
        in_scope_left=scopes[left.alias].holds,
        in_scope_right=scopes[right.alias].holds,
        on_leave=pair.scope.leave,
        ambiguous=pair.ambiguous,
        delete_from_left=policies.get(f"from_{left.alias}", "unlink"),
        delete_from_right=policies.get(f"from_{right.alias}", "unlink"),
        erase=pair.delete.erase == "propagate",
        delete_limit=pair.delete.count,
        delete_window_ms=pair.delete.window_ms,
        empty_never_wins=pair.conflict.empty_never_wins,
    )
    used = _used(plan, scopes[left.alias], scopes[right.alias])
    fields = tuple(
        {field: side.field_plan(field) for field in names if side.knows(field)}
        for side, names in zip((left, right), used, strict=True)
    )
    return CompiledPair(plan, paused, findings, (fields[0], fields[1]))


Find = Callable[[str, str, str], None]


def _readable_overrides(pair: str, installation: Installation, find: Find) -> dict[str, LineOverride]:
    found = {}
    for line, override in overrides_of(pair, installation.overrides):
        if isinstance(override, InvalidOverride):
            find(line, "override", override.reason)
        else:
            found[line] = override
    return found


def _lines(
    pair: str, planning: LinePlanning, overrides: Mapping[str, LineOverride], find: Find
) -> tuple[list[Line], set[str]]:
    """Every line that is not switched off; one that cannot work here is kept in its bare form and paused."""
    lines: list[Line] = []
    paused: set[str] = set()
    for name, line in _named_lines(pair, planning, overrides, find):
        override = overrides.get(name, NONE)
        if override.disabled:
            continue
        try:
            if isinstance(line, Association):
                lines.append(planning.association(name, line, override))
            else:
                lines.append(planning.field_line(name, line, override))
        except Paused as reason:
            lines.append(planning.bare(name, line.sides))
            paused.add(name)
            find(name, reason.code, reason.reason)
    return lines, paused


def _named_lines(
    pair: str, planning: LinePlanning, overrides: Mapping[str, LineOverride], find: Find
) -> Iterator[tuple[str, FieldLine | Association]]:
    """The document's lines and those that overrides add, each with a name that no other line has."""
    left, right = planning.left.alias, planning.right.alias
    taken: set[str] = set()
    lines: tuple[FieldLine | Association, ...] = (*planning.pair.fields, *planning.pair.associations)
    for line in lines:
        name = line_name(line.sides, left, right)
        if name in taken:
            name = f"{name}>{line.sides.get(right, '')}"
        taken.add(name)
        yield name, line
    for name, override in overrides.items():
        try:
            added = added_line(f"{pair}/{name}", override)
        except InvalidOverride as invalid:
            find(name, "override", invalid.reason)
            continue
        if added is not None and name not in taken:
            yield name, added
        elif name not in taken:
            find(name, "override", "the app has no such line")


def _keys(planning: LinePlanning, find: Find) -> Iterator[MatchKey]:
    left, right = planning.left, planning.right
    for key in planning.pair.match:
        names = key.field(left.alias), key.field(right.alias)
        unknown = [side.alias for side, name in zip((left, right), names, strict=True) if not side.knows(name)]
        if unknown:
            find(names[0], "no_field", f"{unknown[0]} has no field for the match key “{names[0]}”")
            continue
        try:
            clean = _cleaner(planning, key)
        except ValueError as error:
            find(names[0], "transform", str(error))
            continue
        yield MatchKey(
            name=names[0],
            left=names[0],
            right=names[1],
            left_key=_key(left.field_plan(names[0]), clean),
            right_key=_key(right.field_plan(names[1]), clean),
            only_if_unique=key.only_if_unique,
        )


def _cleaner(planning: LinePlanning, key: MatchOn) -> Function | None:
    return chain(key.via, Context(planning.app.tables, planning.settings)).forward if key.via else None


def _key(plan: FieldPlan, clean: Function | None) -> Callable[[Value], str | None]:
    """A value as matching compares it: cleaned, then canonical, then text."""

    def key(value: Value) -> str | None:
        try:
            canonical = plan.canonical(clean(value) if clean else value)
        except TransformFailed:
            return None
        return None if canonical is None else str(canonical)

    return key


@dataclass(frozen=True, slots=True)
class Scope:
    """Which records of a side take part, and the fields that this depends on."""

    holds: Callable[[Fields], bool]
    reads: tuple[str, ...] = ()


def _scope(planning: LinePlanning, side: AccountEntity, find: Find) -> Scope:
    formula = planning.pair.scope.conditions.get(side.alias)
    if formula is None:
        return Scope(lambda _: True)
    try:
        condition = computed_line(formula, side.alias, side.knows, planning.settings)
    except ExpressionFailed as error:
        find("", "scope", f"no record of {side.alias} takes part: the scope {error.reason}")
        return Scope(lambda _: False)

    def holds(fields: Fields) -> bool:
        try:
            return condition.holds(fields)
        except ExpressionFailed:
            return False

    return Scope(holds, condition.reads)


def _used(plan: PairPlan, left: Scope, right: Scope) -> tuple[set[str], set[str]]:
    """The fields of each side that the pair's decisions look at."""
    names: tuple[set[str], set[str]] = ({*left.reads}, {*right.reads})
    for line in plan.lines:
        names[0].add(line.left)
        names[1].add(line.right)
        if line.reads:
            names[0 if line.direction == "to_right" else 1].update(line.reads)
    for key in plan.match:
        names[0].add(key.left)
        names[1].add(key.right)
    return names
