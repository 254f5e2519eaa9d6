"""The quick forms say exactly what the CEL engine says, or leave it to the engine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.documents.connector import load_connector
from schemas.documents.expressions import ExpressionFailed, Scope, compile_expression
from schemas.documents.receiving import Mac
from schemas.documents.scopes import EVENT, VERIFY
from tests.webhooks.conftest import document
from webhooks.formulas import compile_formula, is_plain

NAMES = frozenset({"event"})
FORMS = [
    "event.a",
    "event.a.b",
    "event['a']",
    "event.?a.orValue('x')",
    "event.?a.orValue(0)",
    "event.?a.?b.orValue('')",
    "event.a.?b.orValue('')",
    "string(event.a)",
    "string(event.?a.orValue(0))",
    "event.a == 'x'",
    "event.a != 'x'",
    "'x' == event.a",
    "event.a in ['x', 'y']",
    "!has(event.a)",
    "!has(event.a) && event.?b.orValue('').startsWith('x')",
    "has(event.a) || event.b == 'x'",
    "has(event.a.b)",
    "event.a == 'x' || event.b == 'y' && !has(event.c)",
    "!(event.a == 'x')",
    "!event.a",
    "event.a && event.b",
    "event.a + event.b",
    "event.a + ':' + event.b",
    "[event.a, string(event.b)]",
    "[event.a, event.b].join(':')",
    "['x']",
    "'it\"s: ? && || ! .?'",
    "bytes(event.a)",
    "has(event.a) ? string(event.a) : event.b",
    "has(event.a) ? 'yes' : string(double(event.b))",
    "event.a ? 'x' : 'y'",
    "true",
    "null",
]
ODD_FORMS = [
    "event.a.filter(x, x == 1)",
    "event.a < 3",
    "size(event.a)",
    "-1",
    "1.5",
    "event.b ? (event.b ? 1 : 2) : 3",
    "event.b ? 3 : event.b ? 1 : 2",
]

leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.sampled_from(["", "x", "y", "xy", "é😀"])
values = leaves | st.lists(leaves, max_size=2) | st.dictionaries(st.sampled_from("abc"), leaves, max_size=3)
events = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


def outcome(evaluate: Any, scope: Scope) -> object:
    try:
        value = evaluate(scope)
    except ExpressionFailed:
        return ExpressionFailed
    return type(value), value


@pytest.mark.parametrize("source", FORMS)
@settings(max_examples=30, deadline=None)
@given(event=values | events)
def test_a_quick_form_says_what_cel_says(source: str, event: Any) -> None:
    scope = {"event": event}
    quick, by_cel = compile_formula(source, NAMES), compile_expression(source, NAMES).evaluate
    assert outcome(quick, scope) == outcome(by_cel, scope)


@pytest.mark.parametrize("source", FORMS)
def test_the_usual_forms_are_quick(source: str) -> None:
    assert is_plain(source, NAMES)


@pytest.mark.parametrize("source", ODD_FORMS)
def test_other_forms_are_left_to_cel(source: str) -> None:
    scope = {"event": {"a": [1, 2], "b": True}}
    assert outcome(compile_formula(source, NAMES), scope) == outcome(compile_expression(source, NAMES).evaluate, scope)


@pytest.mark.parametrize(
    "source", ["=event.", "=other.a", "=__import__('os')", "=event.a if event.b else 1", "=not event"]
)
def test_what_is_no_cel_is_refused(source: str) -> None:
    with pytest.raises(ExpressionFailed):
        compile_formula(source, NAMES)


@pytest.mark.parametrize("value", [2**70, {"b": 2**70}, [[2**70]], [1, "x"], {"b": None}, 1.5, ["x", "y"]])
def test_what_cel_changes_on_its_way_is_changed_here_too(value: Any) -> None:
    scope = {"event": {"a": value}}
    for source in ("event.a", "[event.a]", "event.?a.orValue('')"):
        assert outcome(compile_formula(source, NAMES), scope) == outcome(
            compile_expression(source, NAMES).evaluate, scope
        )


def test_a_name_that_is_not_given_is_null() -> None:
    assert compile_formula("=event", NAMES)({}) is None


@pytest.mark.parametrize("product", ["hubspot", "freshsales"])
def test_what_every_event_of_a_built_in_passes_is_quick(product: str) -> None:
    events = load_connector(document(product), product).events
    assert events.each is not None
    formulas = [events.each.record, events.each.at, events.each.origin, events.each.id]
    formulas += [rule.condition for rule in events.rules]
    assert all(is_plain(formula, EVENT) for formula in formulas if formula)
    assert all(is_plain(way.over, VERIFY) for way in events.verify if isinstance(way, Mac))
