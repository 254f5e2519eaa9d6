"""Expressions: CEL's traps are closed, attacks are bounded, and no error text ever passes for a value."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents.expressions import (
    MAX_EXPRESSION,
    MAX_LIST,
    ExpressionFailed,
    compile_expression,
    compile_template,
)
from schemas.documents.source import JSON


def value(source: str, **scope: Any) -> Any:
    return compile_expression(source, tuple(scope) or ("body",)).evaluate(scope)


def failure(source: str, **scope: Any) -> str:
    with pytest.raises(ExpressionFailed) as caught:
        value(source, **scope)
    return caught.value.reason


@pytest.mark.parametrize(
    ("source", "body", "expected"),
    [
        ("=body.?a.orValue('')", {}, ""),
        ("=body.?a.orValue('')", {"a": None}, None),
        ("has(body.a)", {"a": None}, True),
        ("-7 / 2", None, -3),
        ("size(body)", "é😀", 2),
        ("{'a': body.x, 'l': [1, 2.5, true, null]}", {"x": {"y": []}}, {"a": {"y": []}, "l": [1, 2.5, True, None]}),
        ("bytes(body) + b'!'", "é", "é!".encode()),
        ("body", 2**63 - 1, 2**63 - 1),
        ("body == '9223372036854775808'", 2**63, True),
        ("string(body)", 2**70, str(2**70)),
        ("body.map(b, b + '!')", ("x", "y"), ["x!", "y!"]),
        ("lower(body)", "ÀÉ", "àé"),
        ("lower(upper(body))", "aß", "ass"),
        ("body.lowerAscii()", "ÀB", "Àb"),
        ("collapse_ws(body)", " a \n b ", "a b"),
        ("strip_html(body)", "<p>a<br>b</p>", "a b"),
        ("digits(body)", "+1 (415)", "1415"),
        ("decimal(body)", "12000.0", "12000"),
        ("decimal(body)", 12, "12"),
        ("decimal(body)", 0.5, "0.5"),
        ("date(body)", "2026-01-02T23:00:00Z", "2026-01-02"),
        ("format_date(body, 'DD.MM.YYYY')", "2026-01-02", "02.01.2026"),
        ("datetime(body)", "2022-08-09T03:22:12-04:00", "2022-08-09T07:22:12Z"),
        ("event_time(body)", "1970-01-01T00:00:01.5Z", 1500),
        ("event_time(body)", 1773300826615, 1773300826615),
        ("e164(body, 'US')", "(415) 555-0100", "+14155550100"),
        ("domain(body)", "https://www.Acme.io/x", "acme.io"),
        ("md5(body)", "abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("md5(bytes(body))", "abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha256(body)", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("sha256(bytes(body))", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("table(body, 'k')", {"k": "v"}, "v"),
        ("keys(body)", {"b": 1, "a": 2}, ["a", "b"]),
        ("merge(body, {'b': 2})", {"a": 1, "b": 1}, {"a": 1, "b": 2}),
        ("from_json(body)", '{"a": [1, null]}', {"a": [1, None]}),
        ("url_encode(body)", "a/b c", "a%2Fb%20c"),
        ("hubspot_uri(body)", "https://x.io/a%3Ab%2fc%20d", "https://x.io/a:b/c%20d"),
    ],
)  # fmt: skip
def test_the_language_and_its_functions(source: str, body: Any, expected: Any) -> None:
    found = value(source, body=body)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("body.a", {}),
        ("body.?a.?b.orValue('')", {"a": None}),
        ("lower(body.a)", {"a": 3}),
        ("lower(body.a)", {"a": None}),
        ("table(body, 'x')", {}),
        ("from_json(body)", "{"),
        ("decimal(body)", "twelve"),
        ("date(body)", "tomorrow"),
        ("int(body)", "12x"),
        ("body[5]", [1]),
        ("[body.a]", {}),
        ("{'deep': [{'er': body.a}]}", {}),
        ("1 / body", 0),
        ("1.0 / 0.0", None),
        ("body.?a", {"a": 1}),
        ("body.?a", {}),
        ("[body.?a]", {"a": 1}),
        ("timestamp('2026-01-01T00:00:00Z')", None),
        ("duration('1s')", None),
        ("type(body)", 1),
        ("{1: 2}", None),
        ("body", {"a": object()}),
        ("body", {"a\0b": 1}),
        ("body", "a\0b"),
        ("body + bytes('x')", b"a\0b"),
        ("body", "\ud800"),
        ("body + 1", 2**63 - 1),
    ],
)
def test_an_error_is_never_a_value(source: str, body: Any) -> None:
    assert failure(source, body=body)


def test_a_reason_holds_no_data() -> None:
    for source in ("body.secret_7", "lower(body)", "int(body.x)", "table(body, 'q')", "date(body.x)"):
        assert "4711" not in failure(source, body={"x": "4711-secret"})


@pytest.mark.parametrize("source", ["", "1 +", "unknown", "body.", "body.a ==", "lower()", "lower(1)", "nothing(body)"])
def test_what_does_not_compile_says_so(source: str) -> None:
    with pytest.raises(ExpressionFailed):
        compile_expression(source, ("body",))


def test_only_declared_names_can_be_read() -> None:
    with pytest.raises(ExpressionFailed, match="undeclared reference to 'secret"):
        compile_expression("secret.token", ("body",))


def test_a_name_that_the_scope_lacks_is_null() -> None:
    assert compile_expression("body == null", ("body",)).evaluate({}) is True


def test_an_expression_knows_what_it_reads() -> None:
    assert compile_expression("item.a + body.item", ("item", "body", "other")).reads == ("body", "item")


def test_a_condition_is_true_or_false_and_nothing_else() -> None:
    assert compile_expression("body > 1", ("body",)).holds({"body": 2}) is True
    with pytest.raises(ExpressionFailed, match="true or false"):
        compile_expression("'true'", ()).holds({})


X = "x" * 50_000
THOUSAND = list(range(1_000))


@pytest.mark.parametrize(
    ("source", "scope"),
    [
        ("1" + "+1" * MAX_EXPRESSION, {}),
        ("(" * 200 + "1" + ")" * 200, {}),
        ("[" * 60 + "]" * 60, {}),
        ("[s]" + ".map(x, x + x)" * 30, {"s": "a"}),
        ("s" + ".replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')" * 12, {"s": "a"}),
        ("l.map(a, l.map(b, s))", {"l": THOUSAND, "s": X}),
        ("l.map(a, s).join('')", {"l": THOUSAND, "s": X}),
        ("size(l.map(a, s).join(''))", {"l": THOUSAND, "s": X}),
        ("l.map(a, l.map(b, l.map(c, 1)))", {"l": THOUSAND}),
        ("l.exists(a, l.exists(b, l.exists(c, false)))", {"l": THOUSAND}),
        ("'%s%s'.format([s, s])", {"s": X}),
        ("s", {"s": "x" * 300_000}),
        ("l", {"l": [0] * (MAX_LIST + 1)}),
        ("l.map(a, s)", {"l": [0] * 20, "s": "x" * 10_000}),
        ("[s].map(x, x + x + x + x).map(x, x + x + x + x).map(x, x + x + x + x)[0]", {"s": X}),
    ],
)
def test_an_attack_ends_early_and_stays_small(source: str, scope: dict[str, Any]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ExpressionFailed):
            compile_expression(source, tuple(scope)).evaluate(scope)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_regular_expressions_do_not_backtrack() -> None:
    assert value("s.matches('(a+)+$')", s="a" * 50_000 + "b") is False


def test_a_template_evaluates_texts_that_start_with_an_equals_sign_only() -> None:
    tree: JSON = {"a": "=n + 1", "b": "n + 1", "c": [1, "=n", None], "d": {"e": "=[n]"}, "=f": True}
    assert compile_template(tree, ("n",))({"n": 1}) == {
        "a": 2, "b": "n + 1", "c": [1, 1, None], "d": {"e": [1]}, "=f": True,
    }  # fmt: skip


TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4),
    max_leaves=15,
)


@given(DATA)
def test_data_passes_through_unchanged(data: Any) -> None:
    assert value("body", body=data) == data
