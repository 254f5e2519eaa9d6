"""One value, whatever a product writes it as: read into one form, written back in the product's."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.values import Unreadable, decoder, encoder, epoch_ms
from schemas.values import Value


@pytest.mark.parametrize(
    ("type", "raw", "value"),
    [
        ("string", "00478", "00478"),
        ("string", "", ""),
        ("string", None, None),
        ("phone", 919988776655, "919988776655"),
        ("string", True, "true"),
        ("string", 1.5, "1.5"),
        ("string", 1e22, "10000000000000000000000"),
        ("text", "שלום <b>🎉</b>", "שלום <b>🎉</b>"),
        ("int", "42", 42),
        ("int", 42.0, 42),
        ("int", 9007199254740993, 9007199254740993),
        ("int", "", None),
        ("decimal", "10.50", "10.5"),
        ("decimal", "1E+3", "1000"),
        ("decimal", 0.1, "0.1"),
        ("decimal", "-0.0", "0"),
        ("decimal", Decimal("12345678901234567.10"), "12345678901234567.1"),
        ("bool", "true", True),
        ("bool", "No", False),
        ("bool", 0, False),
        ("bool", "", None),
        ("date", "2026-03-01", "2026-03-01"),
        ("date", "1772323200000", "2026-03-01"),
        ("date", 1772323200000, "2026-03-01"),
        ("date", "2026-03-01T23:00:00-05:00", "2026-03-01"),
        ("datetime", "2022-08-09T03:22:12-04:00", "2022-08-09T07:22:12Z"),
        ("datetime", "2026-03-12T07:33:46.615Z", "2026-03-12T07:33:46.615Z"),
        ("datetime", "1773300826615", "2026-03-12T07:33:46.615Z"),
        ("datetime", "2026-03-29T02:30:00", "2026-03-29T02:30:00Z"),
        ("datetime", "", None),
        ("enum", "lead", "lead"),
        ("enum_set", "a;b; c;", ("a", "b", "c")),
        ("enum_set", "", ()),
        ("list", ["vip", 7], ("vip", "7")),
        ("list", None, None),
        ("ref", 70003771198, "70003771198"),
        ("ref", "", None),
        ("json", {"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        ("json_ro", None, None),
    ],
)
def test_values_are_read_into_one_form(type: str, raw: Any, value: Value) -> None:
    assert decoder(type)(raw) == value
    assert str(decoder(type)(raw)) == str(value)


@pytest.mark.parametrize(
    ("type", "raw"),
    [
        ("int", "4.5"),
        ("int", True),
        ("decimal", "ten"),
        ("decimal", "NaN"),
        ("decimal", "1e999999"),
        ("bool", "maybe"),
        ("date", "tomorrow"),
        ("datetime", "99999999999999999999"),
        ("datetime", "2026-13-01T00:00:00Z"),
        ("list", 7),
        ("ref", {"id": 1}),
    ],
)
def test_what_is_not_of_its_type_is_not_guessed_at(type: str, raw: Any) -> None:
    with pytest.raises(Unreadable):
        decoder(type)(raw)


@pytest.mark.parametrize(
    ("type", "value", "json", "text"),
    [
        ("string", "00478", "00478", "00478"),
        ("int", 42, 42, "42"),
        ("decimal", "10.5", Decimal("10.5"), "10.5"),
        ("decimal", "10", 10, "10"),
        ("bool", True, True, "true"),
        ("enum_set", ("a", "b"), ["a", "b"], "a;b"),
        ("list", (), [], ""),
        ("ref", "70003771198", 70003771198, "70003771198"),
        ("ref", "007", "007", "007"),
        ("datetime", "2022-08-09T07:22:12Z", "2022-08-09T07:22:12Z", "2022-08-09T07:22:12Z"),
    ],
)
def test_values_are_written_as_the_product_takes_them(type: str, value: Value, json: Any, text: str) -> None:
    assert encoder(type, as_text=False)(value) == json
    assert encoder(type, as_text=True)(value) == text


def test_a_list_is_joined_where_the_product_takes_one_text() -> None:
    assert encoder("enum_set", as_text=False, separator=";")(("a", "b")) == "a;b"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=4))
def test_a_decimal_survives_the_way_out_and_back(number: Decimal) -> None:
    value = decoder("decimal")(str(number))
    assert decoder("decimal")(encoder("decimal", as_text=False)(value)) == value
    assert decoder("decimal")(value) == value


@given(st.datetimes(min_value=datetime(1971, 1, 1)))
def test_a_time_reads_the_same_twice(moment: datetime) -> None:
    value = decoder("datetime")(moment.isoformat())
    assert decoder("datetime")(value) == value


def test_times_of_change_are_ms_since_the_epoch() -> None:
    assert epoch_ms("2022-08-09T03:22:12-04:00") == 1660029732000
    assert epoch_ms("1773300826615") == epoch_ms(1773300826615) == epoch_ms("2026-03-12T07:33:46.615Z")
    assert epoch_ms(None) == epoch_ms("") == 0
    with pytest.raises(Unreadable):
        epoch_ms("yesterday")
