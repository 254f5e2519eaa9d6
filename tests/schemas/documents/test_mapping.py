"""Lines, compiled: what types can stand for each other, and what a computed line reads."""

from __future__ import annotations

import pytest

from schemas.documents.calls import FieldType
from schemas.documents.expressions import ExpressionFailed
from schemas.documents.mapping import carriers, computed_line, fields_read, same
from schemas.documents.transforms import Context, Step, TransformFailed
from schemas.values import Value

CONTEXT = Context(tables={"stage": (("Lead", "lead"),)})


@pytest.mark.parametrize(
    ("steps", "left", "right", "value", "expected"),
    [
        ([], "string", "text", "00478", "00478"),
        ([], "int", "decimal", 12, "12"),
        ([], "decimal", "int", "12.0", 12),
        ([], "decimal", "decimal", "7.50", "7.50"),
        ([], "enum", "string", "Gold", "Gold"),
        ([], "list", "enum_set", ("a", "b"), ("a", "b")),
        ([], "bool", "bool", False, False),
        (["number"], "string", "int", "12.0", 12),
        (["number"], "int", "string", 12, "12"),
        (["only"], "enum", "enum_set", "a", ("a",)),
        ([{"split": ";"}], "string", "list", "a; b", ("a", "b")),
        (["lower"], "list", "enum_set", ("A",), ("a",)),
        ([{"bool_words": ["Yes", "No"]}], "string", "bool", "yes", True),
        ([{"date": "%d.%m.%Y"}], "string", "date", "02.01.2026", "2026-01-02"),
        (["day_of"], "datetime", "date", "2026-01-02T10:00:00Z", "2026-01-02"),
        (["trim", {"table": "stage"}], "enum", "enum", " Lead", "lead"),
    ],
)
def test_values_cross_between_types_that_fit(
    steps: list[Step], left: FieldType, right: FieldType, value: Value, expected: Value
) -> None:
    carry = carriers(steps, left, right, CONTEXT).to_right
    assert carry is not None
    found = carry(value, {})
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("steps", "left", "right", "why"),
    [
        ([], "string", "bool", "string cannot become bool"),
        ([], "enum", "enum_set", "enum cannot become enum_set"),
        ([], "date", "datetime", "date cannot become datetime"),
        ([], "ref", "string", "association"),
        ([], "json", "string", "its own kind"),
        (["lower"], "int", "string", "lower takes a text, and the field is a int"),
        ([{"split": ";"}], "string", "string", "a list cannot become string"),
    ],
)
def test_types_that_do_not_fit_say_why(steps: list[Step], left: FieldType, right: FieldType, why: str) -> None:
    found = carriers(steps, left, right, CONTEXT)
    assert found.to_right is None
    assert why in found.why_not


def test_a_type_that_only_the_account_knows_is_not_judged() -> None:
    assert carriers([], None, "bool", CONTEXT).to_right is not None
    assert carriers([], "string", None, CONTEXT).to_right is same


def test_what_needs_no_change_costs_nothing() -> None:
    found = carriers([], "string", "string", CONTEXT)
    assert found.to_right is same
    assert found.to_left is same


def test_a_pair_goes_back_by_its_inverse_and_a_normaliser_by_itself() -> None:
    table = carriers([{"table": "stage"}], "enum", "enum", CONTEXT)
    lower = carriers(["trim", "lower"], "email", "email", CONTEXT)
    assert table.to_left is not None
    assert lower.to_left is not None
    assert table.to_left("lead", {}) == "Lead"
    assert lower.to_left(" A@X.io", {}) == "a@x.io"
    assert carriers(["strip_html"], "text", "text", CONTEXT).to_left is None


def test_a_number_that_is_not_whole_has_no_place_in_a_whole_field() -> None:
    carry = carriers([], "decimal", "int", CONTEXT).to_right
    assert carry is not None
    with pytest.raises(TransformFailed, match="not a whole number"):
        carry("12.5", {})


def known(name: str) -> bool:
    return name in ("email", "first_name", "custom_field.cf_tier", "tags")


@pytest.mark.parametrize(
    ("formula", "reads"),
    [
        ("=fs.email", ("email",)),
        ("=fs.?first_name.orValue('') + fs.email", ("first_name", "email")),
        ("=fs.custom_field.cf_tier", ("custom_field.cf_tier",)),
        ("=fs.custom_field.?cf_tier.orValue(null)", ("custom_field.cf_tier",)),
        ("=fs.tags.size() > 0 && has(fs.email)", ("tags", "email")),
        ("=fs.tags[0]", ("tags",)),
        ("='fs.nothing' + fs.email + \"fs.nothing\"", ("email",)),
        ("=settings.fs == 'x'", ()),
    ],
)
def test_a_computed_line_knows_its_fields(formula: str, reads: tuple[str, ...]) -> None:
    assert fields_read(formula, "fs", known) == reads


@pytest.mark.parametrize(
    "formula", ["=fs", "=string(fs)", "=fs['email']", "=fs.nothing", "=keys(fs)", "=fs.?nope.orValue(1)"]
)
def test_a_record_is_read_by_its_fields_only(formula: str) -> None:
    with pytest.raises(ExpressionFailed):
        fields_read(formula, "fs", known)


def test_a_computed_line_sees_missing_and_null_apart_and_dots_as_steps() -> None:
    line = computed_line("=[has(fs.email), fs.?email.orValue('none') == null]", "fs", known, {})
    carry = computed_line("=fs.?custom_field.?cf_tier.orValue('') + settings.x", "fs", known, {"x": "!"}).carry_to(
        "string"
    )
    assert line.expression.evaluate({"fs": {}}) == [False, False]
    assert line._scope({"email": None}) == {"fs": {"email": None}, "settings": {}}
    assert carry(None, {"custom_field.cf_tier": "Gold", "email": "x"}) == "Gold!"
    assert carry(None, {}) == "!"


def test_what_a_computed_line_gives_must_be_a_value_of_its_target() -> None:
    def result(formula: str, target: FieldType) -> Value:
        return computed_line(formula, "fs", known, {}).carry_to(target)(None, {})

    assert result("=1.50", "decimal") == "1.5"
    assert result("=['a']", "list") == ("a",)
    for formula, target in (
        ("=1", "string"),
        ("=true", "string"),
        ("={'a': 1}", "string"),
        ("=[1]", "list"),
        ("=fs.email", "string"),
    ):
        with pytest.raises(TransformFailed):
            result(formula, target)  # type: ignore[arg-type]  # the names of types are literals
