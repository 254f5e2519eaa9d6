"""Strict YAML: what two readers could take for different things is refused, with its line and the way out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents.source import MAX_DEPTH, InvalidDocument, Problem, pointer, read_yaml


def problems(text: str) -> list[Problem]:
    with pytest.raises(InvalidDocument) as caught:
        read_yaml(text)
    return caught.value.problems


def problems_or_none(text: str) -> list[Problem]:
    try:
        read_yaml(text)
    except InvalidDocument as invalid:
        return invalid.problems
    return []


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("%YAML 1.1\n---\na: yes\n", "directive", 2),
        ("%TAG ! tag:x.io,2000:\n---\na: b\n", "directive", 2),
        ("a: 1\nb: !!str 5\n", "tag", 2),
        ("a: !mine x\n", "tag", 1),
        ("a: &x 1\nb: 2\n", "anchor", 1),
        ("a: &x 1\nb: *x\n", "alias", 2),
        ("a: 1\n<<: {b: 2}\n", "merge_key", 2),
        ("a: 1\nb: 2\na: 3\n", "duplicate_key", 3),
        ("a: 1\n---\nb: 2\n", "documents", 2),
        ("a: [1, 2\n", "yaml", 2),
        ("a: 'x\n", "yaml", 2),
        ("a:\n\t- b\n", "yaml", 2),
        ("", "empty", 1),
        ("# nothing\n", "empty", 1),
        ("? [a, b]\n: c\n", "key", 1),
        ("404: x\n", "unquoted", 1),
        ("true: x\n", "unquoted", 1),
    ],
)
def test_what_readers_disagree_on_is_refused(text: str, code: str, line: int) -> None:
    found = [(problem.code, problem.line) for problem in problems(text)]
    assert (code, line) in found


@pytest.mark.parametrize(
    "scalar",
    ["00478", "0x1F", "0o17", "0b1", "1_000", "+5", "1e3", "1.", ".5", ".inf", "-.Inf", ".NaN", "2026-01-01",
     "2026-01-01T00:00:00Z", "12:30:45", "190:20", "9999999999999999999"],
)  # fmt: skip
def test_an_unquoted_scalar_that_readers_retype_asks_to_be_quoted(scalar: str) -> None:
    (problem,) = problems(f"first: x\nzip: {scalar}\n")
    assert (problem.code, problem.path, problem.line) == ("unquoted", "/zip", 2)
    assert problem.fix == f'quote it: "{scalar}"'


@pytest.mark.parametrize("scalar", ["00478", "2026-01-01", "yes", "null", "1_000", "<<", "~"])
def test_quoted_text_is_never_retyped(scalar: str) -> None:
    assert read_yaml(f'a: "{scalar}"').data == {"a": scalar}


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "y", "N", "Yes", "1.0.0", "^1", "fs->hs", "50/1h", "15m"])
def test_words_that_only_yaml_1_1_retypes_are_text(word: str) -> None:
    assert read_yaml(f"on: {word}").data == {"on": word}


def test_plain_numbers_and_the_three_words_have_their_types() -> None:
    data = read_yaml("a: -12\nb: 0.5\nc: true\nd: null\ne:\nf: [0, false]\n").data
    assert data == {"a": -12, "b": 0.5, "c": True, "d": None, "e": None, "f": [0, False]}


def test_every_fault_is_reported_at_once() -> None:
    assert [problem.code for problem in problems("a: 007\nb: !x 1\na: &z 1\n")] == [
        "unquoted", "tag", "duplicate_key", "anchor",
    ]  # fmt: skip


def test_every_node_has_its_line() -> None:
    source = read_yaml("a:\n  - x\n  - b: {c: 1}\nd/e: ~\n")
    assert [source.line_of(path) for path in ("/a", "/a/0", "/a/1/b/c", "/d~1e", "/a/1/nothing/below", "")] == [
        1, 2, 3, 4, 3, 1,
    ]  # fmt: skip


def test_depth_and_size_are_bounded() -> None:
    assert problems("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2))[0].code == "too_deep"
    assert problems("[" * 60_000)[0].code in ("too_deep", "yaml")
    assert problems("a" * 200_001)[0].code == "too_large"
    assert problems("a: " + "{b: " * 3_000)[0].code in ("too_deep", "yaml")


def test_a_pointer_escapes_its_keys() -> None:
    assert pointer("/a", "b/c", 0, "d~e") == "/a/b~1c/0/d~0e"


@given(st.text(max_size=200))
def test_any_text_gives_a_document_or_problems(text: str) -> None:
    found = problems_or_none(text)
    assert all(problem.line >= 1 and problem.message for problem in found)
