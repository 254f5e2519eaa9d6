"""What must hold of a sync app before it may be installed: the same checks for people, programs and CI."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from schemas.documents.app import AppDocument, FieldLine, Setting, way
from schemas.documents.connector import ConnectorDocument
from schemas.documents.expressions import ExpressionFailed, compile_expression
from schemas.documents.line_checks import PairCheck, check_formula, check_lines, names_of_lines
from schemas.documents.model import did_you_mean
from schemas.documents.sides import sides_of
from schemas.documents.source import JSON, Problem, Source, pointer

_POLICIES = ("newest", "master", "union", "review")
_SETTING = re.compile(r"\bsettings\.\??([A-Za-z_]\w*)")
_TYPES_OF_SETTINGS: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "enum": str,
    "int": int,
    "bool": bool,
    "enum_set": tuple,
}


def check_app(app: AppDocument, source: Source, connectors: Mapping[str, ConnectorDocument]) -> list[Problem]:
    """Every problem, in the order of the document's lines."""
    problems = [
        *_check_endpoints(app, source, connectors),
        *_check_tables(app, source),
        *_check_settings(app, source, connectors),
        *_check_setting_names(app, source),
        *_check_backfill(app, source),
        *_check_examples(app, source),
    ]
    for name in app.pairs:
        problems += _check_pair(app, source, name, connectors)
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.line, problem.path))


def _check_endpoints(
    app: AppDocument, source: Source, connectors: Mapping[str, ConnectorDocument]
) -> Iterator[Problem]:
    for alias, endpoint in app.endpoints.items():
        path = pointer("", "endpoints", alias)
        connector = connectors.get(endpoint.connector)
        if alias in FieldLine.model_fields or alias in ("settings", "leave", "pair"):
            yield source.problem("alias", path, f"“{alias}” is a word of the vocabulary", "choose another alias")
        if connector is None:
            fix = did_you_mean(endpoint.connector, connectors)
            message = f"there is no connector “{endpoint.connector}”"
            yield source.problem("unknown_connector", pointer(path, "connector"), message, fix)
        elif not endpoint.accepts(connector.version):
            message = f"{endpoint.connector} is at {connector.version}, which {endpoint.version} does not allow"
            yield source.problem(
                "connector_version", pointer(path, "version"), message, f"version: ^{connector.version[0]}"
            )


def _check_tables(app: AppDocument, source: Source) -> Iterator[Problem]:
    for name, rows in app.tables.items():
        seen: dict[tuple[int, str], int] = {}
        for index, row in enumerate(rows):
            for column, value in enumerate(row):
                first = seen.setdefault((column, value), index)
                if first != index:
                    path = pointer("", "tables", name, index)
                    line = source.line_of(pointer("", "tables", name, first))
                    message = f"“{value}” stands in that column on line {line} already"
                    yield source.problem(
                        "not_one_to_one", path, message, "tables are one-to-one; remove one of the rows"
                    )


def _check_settings(app: AppDocument, source: Source, connectors: Mapping[str, ConnectorDocument]) -> Iterator[Problem]:
    for name, setting in app.settings.items():
        path = pointer("", "settings", name)
        if setting.default is not None and not _is_of(setting, setting.default):
            yield source.problem("default", pointer(path, "default"), f"is not a {setting.type}")
        values = setting.default if isinstance(setting.default, tuple) else (setting.default,)
        for value in values:
            if setting.options and value is not None and value not in setting.options:
                fix = did_you_mean(str(value), setting.options)
                yield source.problem("default", pointer(path, "default"), f"“{value}” is not one of the options", fix)
        if setting.options_from is not None:
            yield from _check_options(app, source, setting.options_from, pointer(path, "options_from"), connectors)


def _is_of(setting: Setting, value: object) -> bool:
    wanted = _TYPES_OF_SETTINGS[setting.type]
    return isinstance(value, wanted) and (setting.type == "bool" or not isinstance(value, bool))


def _check_options(
    app: AppDocument, source: Source, reference: str, path: str, connectors: Mapping[str, ConnectorDocument]
) -> Iterator[Problem]:
    alias, _, rest = reference.partition(".")
    entity, _, field = rest.partition(".")
    endpoint = app.endpoints.get(alias)
    connector = connectors.get(endpoint.connector) if endpoint else None
    declared = connector.entities[entity].fields.get(field) if connector and entity in connector.entities else None
    if declared is None or declared.options is None:
        message = f"“{reference}” is not a field with options"
        yield source.problem("options_from", path, message, "write alias.entity.field")


def _check_setting_names(app: AppDocument, source: Source) -> Iterator[Problem]:
    """`settings.x`, wherever a text of the pairs says it."""
    for path, text in _texts(source.data, ""):
        if not path.startswith("/pairs/"):
            continue
        for name in _SETTING.findall(text):
            if name not in app.settings:
                fix = did_you_mean(name, app.settings) or "add it to settings"
                yield source.problem("unknown_setting", path, f"there is no setting “{name}”", fix)


def _texts(node: JSON, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(value, pointer(path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _texts(value, pointer(path, index))


def _check_backfill(app: AppDocument, source: Source) -> Iterator[Problem]:
    path = pointer("", "backfill", "order")
    order = app.backfill.order
    for index, name in enumerate(order):
        if name not in app.pairs:
            yield source.problem(
                "unknown_pair", pointer(path, index), f"there is no pair “{name}”", did_you_mean(name, app.pairs)
            )
    missing = [name for name in app.pairs if name not in order]
    if order and (missing or len(set(order)) < len(order)):
        yield source.problem(
            "order", path, "does not name every pair once", f"add {', '.join(missing)}" if missing else ""
        )


def _check_examples(app: AppDocument, source: Source) -> Iterator[Problem]:
    for index, example in enumerate(app.tests):
        path = pointer("", "tests", index)
        pair = app.pairs.get(example.pair)
        if pair is None:
            fix = did_you_mean(example.pair, app.pairs)
            yield source.problem("unknown_pair", pointer(path, "pair"), f"there is no pair “{example.pair}”", fix)
        if example.origin not in app.endpoints:
            fix = did_you_mean(example.origin, app.endpoints)
            message = f"there is no endpoint “{example.origin}”"
            yield source.problem("unknown_endpoint", pointer(path, "from"), message, fix)
        if pair is None or example.origin not in app.endpoints:
            continue
        target = app.right if example.origin == app.left else app.left
        mapped = {line.sides.get(target) for line in pair.fields}
        for word, fields in (("want", tuple(example.want)), ("held", example.held)):
            for field in fields:
                if field not in mapped:
                    fix = did_you_mean(field, [name for name in mapped if name])
                    yield source.problem("unknown_field", pointer(path, word), f"no line writes {target}.{field}", fix)


def _check_pair(
    app: AppDocument, source: Source, name: str, connectors: Mapping[str, ConnectorDocument]
) -> Iterator[Problem]:
    pair = app.pairs[name]
    path = pointer("", "pairs", name)
    resolved = True
    for index, (alias, entity) in enumerate(zip(app.endpoints, pair.between, strict=True)):
        connector = connectors.get(app.endpoints[alias].connector)
        given, _, entity = entity.partition(".")
        at = pointer(path, "between", index)
        if given != alias:
            message = f"stands for “{alias}”, the {'first' if index == 0 else 'second'} endpoint"
            yield source.problem("between", at, message, f"{alias}.{entity}")
        if connector is not None and entity not in connector.entities:
            fix = did_you_mean(entity, connector.entities)
            yield source.problem("unknown_entity", at, f"{connector.id} has no entity “{entity}”", fix)
            resolved = False
    sides = sides_of(app, pair, connectors) if resolved else None
    if sides is None:
        return
    if way(pair.direction, app.left, app.right) is None:
        fix = f"both, {app.left}->{app.right} or {app.right}->{app.left}"
        yield source.problem("direction", pointer(path, "direction"), f"“{pair.direction}” is not a direction", fix)
        return
    check = PairCheck(app, source, name, pair, *sides, app.settings_with({}))
    yield from check_lines(check)
    yield from _check_scope(check)
    yield from _check_create(check)
    yield from _check_conflict(check)
    yield from _check_delete(check)


def _check_scope(check: PairCheck) -> Iterator[Problem]:
    for alias, formula in check.pair.scope.conditions.items():
        path = pointer(check.path, "scope", alias)
        if alias not in check.aliases:
            fix = did_you_mean(alias, (*check.aliases, "leave"))
            yield check.problem("unknown_key", path, f"“{alias}” is neither a word nor an endpoint", fix)
            continue
        yield from check_formula(check, formula, alias, path)


def _check_create(check: PairCheck) -> Iterator[Problem]:
    direction = way(check.pair.direction, *check.aliases)
    for alias in check.pair.create:
        if alias not in check.aliases:
            fix = did_you_mean(alias, check.aliases)
            yield check.problem("unknown_key", pointer(check.path, "create", alias), f"“{alias}” is no endpoint", fix)
    for side, leads in ((check.left, direction != "to_right"), (check.right, direction != "to_left")):
        if not check.pair.create.get(side.alias, leads):
            continue
        path = pointer(check.path, "create", side.alias)
        if not leads:
            message = f"the pair's direction, {check.pair.direction}, does not lead to {side.alias}"
            yield check.problem("create", path, message, f"{side.alias}: false")
        elif not {"create", "upsert"} & set(side.entity.ops):
            yield check.problem("create", path, f"{side.name} cannot be created", f"create: {{{side.alias}: false}}")
        else:
            yield from _check_required(check, side.alias)


def _check_required(check: PairCheck, alias: str) -> Iterator[Problem]:
    """A field that the product insists on must have a line that writes it."""
    here = "to_left" if alias == check.left.alias else "to_right"
    lines = [line for line in check.pair.fields if check.way_of(line.dir) in ("both", here)]
    written = {line.sides.get(alias) for line in lines}
    for name, field in check.side(alias).entity.fields.items():
        if field.required and field.writable and name not in written:
            message = f"{alias}.{name} is required, and no line writes it"
            yield check.problem(
                "missing_required", pointer(check.path, "fields"), message, f"add a line with {alias}: {name}"
            )


def _check_conflict(check: PairCheck) -> Iterator[Problem]:
    conflict, path = check.pair.conflict, pointer(check.path, "conflict")
    words = (*_POLICIES, *check.aliases)
    known = names_of_lines(check)
    if conflict.default not in words or conflict.default == "union":
        fix = (
            "union is for single list fields" if conflict.default == "union" else did_you_mean(conflict.default, words)
        )
        yield check.problem("policy", pointer(path, "default"), f"“{conflict.default}” is not a policy", fix)
    for name, policy in conflict.fields.items():
        at = pointer(path, "fields", name)
        if name not in known:
            yield check.problem("unknown_field", at, f"no line has a field “{name}”", did_you_mean(name, known))
        elif policy not in words:
            yield check.problem("policy", at, f"“{policy}” is not a policy", did_you_mean(policy, words))
        elif policy == "union":
            yield from _check_union(check, name, at)
    if conflict.tie is not None:
        yield from _check_tie(check, conflict.tie, pointer(path, "tie"))


def _check_union(check: PairCheck, name: str, path: str) -> Iterator[Problem]:
    line = next((line for line in check.pair.fields if name in line.sides.values()), None)
    if line is None:
        yield check.problem("policy", path, "a reference cannot be united", "choose another policy")
        return
    for alias, field in line.sides.items():
        declared = check.side(alias).declared(field)
        if declared is not None and declared.type not in ("list", "enum_set"):
            yield check.problem("policy", path, f"{alias}.{field} is not a list", "union is for enum_set and list")
    if check.way_of(line.dir) != "both":
        yield check.problem("policy", path, "the line goes one way", "union is for lines that go both ways")


def _check_tie(check: PairCheck, tie: str, path: str) -> Iterator[Problem]:
    side: object = tie
    if tie.startswith("="):
        try:
            side = compile_expression(tie, ("settings",)).evaluate({"settings": check.settings})
        except ExpressionFailed as error:
            yield check.problem("expression", path, error.reason)
            return
    if side not in check.aliases:
        fix = f"one of {', '.join(check.aliases)}"
        yield check.problem("tie", path, f"gives “{side}”, which is no endpoint", fix)


def _check_delete(check: PairCheck) -> Iterator[Problem]:
    delete, path = check.pair.delete, pointer(check.path, "delete")
    known = {f"from_{alias}": alias for alias in check.aliases}
    for word, policy in delete.policies.items():
        at = pointer(path, word)
        if word not in known:
            fix = did_you_mean(word, {*known, "erase", "limit"})
            yield check.problem("unknown_key", at, f"“{word}” is not a word of the vocabulary", fix)
            continue
        other = check.right if known[word] == check.left.alias else check.left
        if policy == "unlink":
            continue
        if "limit" not in delete.model_fields_set:
            message = f"{policy} without a limit: a mistake on one side would empty the other"
            yield check.problem("no_limit", path, message, "limit: 50/1h")
        operation = other.entity.ops.get("delete")
        if operation is None:
            yield check.problem("delete", at, f"{other.alias}.{other.name} cannot be deleted", "unlink")
        elif policy == "archive" and operation.effect == "delete":
            message = f"{other.alias}.{other.name} is not archived but deleted for good"
            yield check.problem("delete", at, message, "say delete if that is meant, or unlink")
