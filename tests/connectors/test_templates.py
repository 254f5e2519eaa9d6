"""Expressions that only name a value are followed directly, and mean what CEL means by them."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import templates
from connectors.templates import MISSING
from schemas.documents.expressions import ExpressionFailed, compile_expression

SCOPE: dict[str, Any] = {
    "page": {"size": 100, "cursor": None},
    "fields": ["email", "zip"],
    "id": "a/b c",
    "flag": True,
}


@pytest.mark.parametrize(
    "source", ["=page.size", "=string(page.size)", "=fields.join(',')", "=page.cursor", "=fields", "=string(flag)"]
)
def test_a_short_way_gives_what_cel_gives(source: str) -> None:
    expected = compile_expression(source, SCOPE.keys()).evaluate(SCOPE)
    assert templates.expression(source, SCOPE.keys())(SCOPE) == expected


@pytest.mark.parametrize("source", ["=page.nothing", "=id.size", "=string(page.nothing)"])
def test_what_is_not_there_is_a_failure(source: str) -> None:
    with pytest.raises(ExpressionFailed):
        templates.expression(source, SCOPE.keys())(SCOPE)


def test_a_path_is_encoded_unless_it_says_so() -> None:
    assert templates.path("/x/{id}/y")(SCOPE) == "/x/a%2Fb%20c/y"
    assert templates.path("/x/{+id}/y")(SCOPE) == "/x/a/b c/y"
    assert templates.path("/x")(SCOPE) == "/x"


def test_null_has_no_place_in_a_path() -> None:
    with pytest.raises(ExpressionFailed):
        templates.path("/x/{page.cursor}")(SCOPE)


def test_a_tree_is_filled_and_its_literals_stay() -> None:
    tree = {"limit": "=page.size", "sorts": [{"by": "id", "up": True}], "text": "1 = 1"}
    filled = templates.template(tree, SCOPE.keys())(SCOPE)
    assert filled == {"limit": 100, "sorts": [{"by": "id", "up": True}], "text": "1 = 1"}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/a/b", 1),
        ("/list/1", "y"),
        ("/list/2", MISSING),
        ("/list/-1", MISSING),
        ("/a/c", MISSING),
        ("/null", None),
        ("/null/x", MISSING),
        ("/a~1b/~0", 2),
        ("/text/0", MISSING),
    ],
)
def test_a_pointer_tells_null_from_nothing(path: str, found: object) -> None:
    node = {"a": {"b": 1}, "list": ["x", "y"], "null": None, "a/b": {"~": 2}, "text": "abc"}
    assert templates.pointer(path)(node) == found


def test_an_empty_pointer_is_the_whole() -> None:
    assert templates.pointer("")([1]) == [1]
