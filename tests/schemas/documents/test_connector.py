"""A connector document is refused for every fault, with its line and what to do about it; a right one is not."""

from __future__ import annotations

import json

import jsonschema
import pytest

from connectors.catalog import built_in_texts
from schemas.documents.connector import Entity, FieldDeclaration, load_connector
from schemas.documents.schema import json_schema
from schemas.documents.source import InvalidDocument, Problem, read_yaml
from schemas.documents.validation import validate
from tests.schemas.documents.samples import APP, CRM, SHOP, connectors


def problems(text: str) -> list[Problem]:
    try:
        load_connector(text, "shop.yaml")
    except InvalidDocument as invalid:
        return invalid.problems
    return []


@pytest.mark.parametrize("text", [SHOP, CRM], ids=["shop", "crm"])
def test_a_right_connector_has_no_problems(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize("name", sorted(built_in_texts()))
def test_a_built_in_goes_through_the_same_door(name: str) -> None:
    assert validate(built_in_texts()[name], name, {}) == []


@pytest.mark.parametrize(
    ("right", "wrong", "code", "fix"),
    [
        ("title: Shop\n", "titel: Shop\n", "unknown_key", "title"),
        ("version: 1.4.0", "version: 1.4", "unquoted", 'quote it: "1.4"'),
        ("type: string, default: eu", "type: strng, default: eu", "not_allowed", "string"),
        ("api_key: {header: Authorization, prefix", "api_key: {prefix", "invalid", ""),
        ("secrets:\n  api_key: {owner", "secrets:\n  apikey: {owner", "unknown_secret", "apikey"),
        ('base: "https://api.shop.example"', 'base: "http://api.shop.example"', "not_https", "https"),
        ('base: "https://api.shop.example"', 'base: "https://api.shop.evil"', "host", "http.hosts"),
        ("rate: 60/1m", "rate: 60 a minute", "invalid", ""),
        ("ops: [list]", "ops: [lst]", "not_allowed", "list"),
        ("is: rate_limited", "is: throttled", "not_allowed", ""),
        ("bucket: minute, retry", "bucket: minit, retry", "unknown_bucket", "minute"),
        ("retry_after: header.retry-after", "retry_after: header.Retry-After", "string_pattern_mismatch", ""),
        ('regex: "field (.+)"', 'regex: "field .+"', "regex", "( )"),
        ('regex: "field (.+)"', 'regex: "field (.+"', "regex", ""),
        ("body.?code.orValue('')", "bdy.?code.orValue('')", "expression", "body"),
        ("keys: [[mail]]", "keys: [[email]]", "unknown_field", "mail"),
        ("stamp: reference", "stamp: referenc", "unknown_field", "reference"),
        ("{type: ref, to: firm}", "{type: ref, to: form}", "unknown_entity", "firm"),
        ("{type: ref, to: firm}", "{type: ref}", "unknown_entity", "to:"),
        ("{type: bool}", "{type: bool, to: firm}", "not_a_reference", "ref"),
        ("{type: bool}", '{type: bool, separator: ";"}', "separator", "enum_set"),
        ("{type: bool}", "{type: string, quirk: truncates}", "missing", "max"),
        ("{type: bool}", '{type: bool, read: "=itm.vip"}', "expression", "item"),
        ("since: {field: updated_at}", "since: {field: updatd_at}", "unknown_field", "updated_at"),
        (", since: {field: updated_at}}", "}", "missing", "since"),
        ("list: {call: GET /people, items: /people}", "list: {call: GET /people}", "missing", "items"),
        ("find: {by: [mail],", "find: {by: [mial],", "unknown_field", "mail"),
        ("find: {by: [mail],", "find: {", "missing", "by"),
        ("get: {call: \"GET /people/{id}\"}", "list2: {call: GET /people}", "not_allowed", "list"),
        ("get: {call: \"GET /people/{id}\"}", "get: {call: \"GET /people/{ident}\"}", "placeholder", "id"),
        ("get: {call: \"GET /people/{id}\"}", "get: {call: \"FETCH /people/{id}\"}", "string_pattern_mismatch", ""),
        ("query: {q: \"=value\"}", "query: {q: \"=config.reigon\"}", "unknown_config", "region"),
        ("query: {q: \"=value\"}", "query: {q: \"=secret.api_key\"}", "expression", ""),
        ("      firm_id:", "      Firm-id:", "string_pattern_mismatch", ""),
        ("key: hook_secret", "key: hok_secret", "unknown_secret", "hook_secret"),
        ("key: hook_secret, ", "", "invalid", ""),
        ('over: "=req.raw"', 'over: "=body.raw"', "expression", "req"),
        ("transport: webhook", "transport: carrier pigeon", "not_allowed", ""),
        ("transport: webhook", "transport: webhook\n  endpoint: app", "invalid", ""),
        ('record: "=string(event.id)"', 'record: "=string(evnt.id)"', "expression", "event"),
        ("entity: person, op: upsert", "entity: persn, op: upsert", "unknown_entity", "person"),
        ("entity: person, op: upsert", "op: upsert", "invalid", ""),
    ],
)  # fmt: skip
def test_every_fault_has_its_line_and_its_fix(right: str, wrong: str, code: str, fix: str) -> None:
    assert right in SHOP
    line = SHOP[: SHOP.index(right)].count("\n") + 1
    found = problems(SHOP.replace(right, wrong, 1))
    matching = [problem for problem in found if problem.code == code and fix in problem.fix]
    assert matching, found
    whole = code in ("invalid", "missing") or "\n" in right or "\n" in wrong
    assert any(problem.line == line or whole for problem in matching), found


def test_every_entity_can_be_read() -> None:
    (problem,) = problems(SHOP.replace('      get: {call: "GET /firms/{id}"}\n', ""))
    assert (problem.code, problem.path) == ("missing_op", "/entities/firm/ops")


def test_a_field_is_cleared_by_its_own_word_or_its_entitys() -> None:
    entity = Entity.model_validate_json(
        '{"item": {"id": "/id"}, "clear": "", "ops": {}, "fields":'
        ' {"a": {"type": "string"}, "b": {"type": "string", "clear": null}, "c": {"type": "string", "clear": "omit"}}}'
    )
    assert {name: field.clears_as(entity) for name, field in entity.fields.items()} == {"a": "", "b": None, "c": "omit"}


def test_what_can_be_read_and_written_follows_from_access_and_type() -> None:
    declared = {access: FieldDeclaration(type="string", access=access) for access in ("rw", "ro", "create", "write")}
    assert [name for name, field in declared.items() if field.writable] == ["rw", "create", "write"]
    assert [name for name, field in declared.items() if field.readable] == ["rw", "ro", "create"]
    assert not FieldDeclaration(type="json_ro").writable


@pytest.mark.parametrize(("kind", "text"), [("connector", SHOP), ("connector", CRM), ("app", APP)])
def test_the_json_schema_accepts_what_the_checks_accept(kind: str, text: str) -> None:
    schema = json_schema("connector" if kind == "connector" else "app")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(read_yaml(text).data)))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("title: Shop and CRM", "titel: x"),
        ("{sh: title, cr: name}", "{sh: 5, cr: name}"),
        ("kind: syncapp/v1", "kind: x"),
    ],
)
def test_the_json_schema_refuses_what_is_no_word_of_the_vocabulary(right: str, wrong: str) -> None:
    data = read_yaml(APP.replace(right, wrong)).data
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json_schema("app")).validate(data)


def test_a_document_says_what_it_is() -> None:
    assert validate(APP, "app.yaml", connectors()) == []
    (problem,) = validate("kind: syncap/v1\n", "x", {})
    assert (problem.code, problem.line) == ("kind", 1)
    assert "syncapp/v1" in problem.fix
    assert [problem.code for problem in validate("a: b", "x", {})] == ["kind"]
    assert [problem.code for problem in validate("[1]", "x", {})] == ["kind"]
    assert [problem.code for problem in validate("kind: [", "x", {})] == ["yaml"]
