"""The bound on an expression's values holds, and ordinary expressions stay far below it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.documents.expressions import ExpressionFailed, compile_expression
from schemas.documents.growth import at

PIECES = st.sampled_from([
    ".map(x, x + x)", ".map(x, x + 'abc')", ".filter(x, size(x) > 1)", ".map(x, x.replace('a', 'bcd'))",
    ".map(x, [x, x].join('-'))", ".map(x, lower(x))", ".map(x, upper(x))", ".map(x, x.substring(0, 1))",
])  # fmt: skip


def length(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    return sum(length(element) for element in value) if isinstance(value, list) else 0


@settings(max_examples=60)
@given(st.lists(PIECES, max_size=5), st.lists(st.text("aß ", min_size=1, max_size=6), max_size=4))
def test_no_value_is_larger_than_its_bound(pieces: list[str], texts: list[str]) -> None:
    n = sum(len(text) + 8 for text in texts) + 8
    try:
        expression = compile_expression("body" + "".join(pieces), ("body",))
        value = expression.evaluate({"body": texts})
    except ExpressionFailed:
        return
    assert length(value) <= at(expression._growth, n)


@pytest.mark.parametrize(
    "source",
    [
        "body.map(r, {'id': r.key, 'idProperty': 'email', 'objectWriteTraceId': r.trace, 'properties': r.changed})",
        "[body.a, body.b].filter(s, s != null && s != '').join(' ')",
        "[string(body.a), string(body.b), body.?c.orValue(''), string(body.d)].join(':')",
        "body.filter(f, f.name == 'All Contacts').map(f, f.id)",
        "body.?data.?contact.?id.or(body.?data.?account.?id).orValue(0)",
    ],
)
def test_ordinary_expressions_grow_with_their_input(source: str) -> None:
    assert at(compile_expression(source, ("body",))._growth, 100_000) < 5_000_000


def test_what_doubles_again_and_again_is_refused_before_it_runs() -> None:
    compile_expression("[body]" + ".map(x, x + x)" * 3, ("body",))
    with pytest.raises(ExpressionFailed, match="without a bound"):
        compile_expression("[body]" + ".map(x, x + x)" * 20, ("body",))
    with pytest.raises(ExpressionFailed, match="without a bound"):
        compile_expression("'%s'.format([body])", ("body",))
