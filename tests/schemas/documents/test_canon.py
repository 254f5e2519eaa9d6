"""Canonical forms: equal for one value, idempotent, total."""

from __future__ import annotations

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents.calls import FieldType
from schemas.documents.canon import STEPS, canonical_of, canonicaliser
from schemas.documents.connector import FieldDeclaration
from schemas.values import Value

TYPES: tuple[FieldType, ...] = typing.get_args(FieldType)

texts = st.text(max_size=30) | st.sampled_from(
    ["12.0", "+1 (415) 555-0100", "2026-01-01T00:00:00Z", " A@X.io ", "tRue"]
)
values: st.SearchStrategy[Value] = (
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | texts | st.lists(texts, max_size=4).map(tuple)
)


@pytest.mark.parametrize(
    ("type", "one", "other"),
    [
        ("decimal", "12000", "12000.0"),
        ("decimal", "12000", 12000),
        ("int", "007", 7),
        ("int", 7, "7.0"),
        ("email", " Ada@X.io", "ada@x.io"),
        ("phone", "+1 (415) 555-0100", "0014155550100"),
        ("phone", "+14155550100", "1-415-555-0100"),
        ("bool", "TRUE", True),
        ("date", "2026-01-01", "2026-01-01T00:00:00"),
        ("datetime", "2022-08-09T03:22:12-04:00", "2022-08-09T07:22:12.000Z"),
        ("datetime", "1773300826615", "2026-03-12T07:33:46.615Z"),
        ("enum_set", ("b", "a"), ("a", "b", "b")),
        ("list", ("x", ""), ("x",)),
        ("url", "HTTPS://Acme.io/", "https://acme.io"),
        ("text", "a\r\nb", "a\nb"),
        ("string", "", None),
        ("enum_set", (), None),
    ],
)
def test_two_spellings_are_one_value(type: FieldType, one: Value, other: Value) -> None:
    canonical = canonicaliser(type)
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("type", "one", "other"),
    [
        ("string", "00478", "478"),
        ("string", "Ada", "ada"),
        ("string", " a", "a"),
        ("enum", "Lead", "lead"),
        ("phone", "4155550100", "4155550101"),
        ("url", "https://acme.io/A", "https://acme.io/a"),
        ("bool", False, None),
        ("int", 0, None),
        ("decimal", "12000", "12000.01"),
        ("list", ("a",), ("A",)),
    ],
)
def test_different_values_stay_different(type: FieldType, one: Value, other: Value) -> None:
    canonical = canonicaliser(type)
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize("type", TYPES)
@given(value=values, steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=3), cut=st.none() | st.integers(1, 10))
def test_a_canonical_form_is_its_own(type: FieldType, value: Value, steps: list[str], cut: int | None) -> None:
    canonical = canonicaliser(type, steps, cut)  # type: ignore[arg-type]  # the names of the steps are literals
    once = canonical(value)
    assert canonical(once) == once


def test_a_products_own_date_is_read_by_its_form() -> None:
    canonical = canonicaliser("string", [{"date": "%d.%m.%Y"}])
    assert canonical("02.01.2026") == canonical("2026-01-02") == "2026-01-02"
    assert canonical("soon") == "soon"


def test_what_a_product_does_to_values_is_no_difference() -> None:
    cut = canonical_of(FieldDeclaration(type="string", quirk="truncates", max=3))
    assert cut("abcdef") == cut("abc")
    lowered = canonical_of(FieldDeclaration(type="string", quirk=("lower_cases", "eventual")))
    assert lowered("ACME") == lowered("acme")
