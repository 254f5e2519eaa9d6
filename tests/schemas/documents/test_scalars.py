"""One spelling per value, and ValueError for everything that has none."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents import scalars


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [("12000.0", "12000"), ("+1.50", "1.5"), ("1.2e4", "12000"), ("-0.0", "0"), ("007", "7"), (".5", "0.5"),
     ("1E-3", "0.001"), (" 12 ", "12"), ("-0010.0100", "-10.01"), (12, "12"), (0.1, "0.1")],
)  # fmt: skip
def test_a_number_has_one_spelling(given_text: str | int | float, expected: str) -> None:
    assert scalars.decimal_text(given_text) == expected


@pytest.mark.parametrize("text", ["", "x", "1,5", "1 2", "NaN", "Infinity", "0x10", "1e9999", "٣", "1" * 401, "--1"])
def test_what_is_no_number_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        scalars.decimal_text(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_a_number_keeps_its_value(number: Decimal) -> None:
    text = scalars.decimal_text(number)
    assert Decimal(text) == number
    assert scalars.decimal_text(text) == text


@pytest.mark.parametrize(
    ("text", "ms", "iso"),
    [("2022-08-09T03:22:12-04:00", 1660029732000, "2022-08-09T07:22:12Z"),
     ("2026-03-12T07:33:46.615Z", 1773300826615, "2026-03-12T07:33:46.615Z"),
     ("1773300826615", 1773300826615, "2026-03-12T07:33:46.615Z"),
     ("1773300826", 1773300826000, "2026-03-12T07:33:46Z"),
     ("2026-03-12 07:33:46", 1773300826000, "2026-03-12T07:33:46Z")],
)  # fmt: skip
def test_an_instant_is_one_whatever_its_offset_and_form(text: str, ms: int, iso: str) -> None:
    assert (scalars.instant_ms(text), scalars.instant_text(text)) == (ms, iso)


def test_a_date_keeps_its_own_day() -> None:
    assert scalars.date_text("2026-01-01T00:30:00+05:30") == "2026-01-01"
    assert scalars.date_text("1767225600000") == "2026-01-01"


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [("(415) 555-0100", "US", "+14155550100"), ("0171 1234567", "DE", "+491711234567"),
     ("+44 20 7946 0958", "US", "+442079460958"), ("ask for Bob", "US", "ask for Bob"), (" 12 ", "US", "12"),
     ("(415) 555-0100 ext. 7", "US", "(415) 555-0100 ext. 7"), ("", "US", "")],
)  # fmt: skip
def test_a_phone_number_becomes_international_or_stays(text: str, country: str, expected: str) -> None:
    assert scalars.e164(text, country) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("https://www.Acme.io/about?x=1", "acme.io"), ("acme.io", "acme.io"), ("Acme.IO.", "acme.io"),
     ("ann@acme.co.uk", "acme.co.uk"), ("http://www.com", "www.com"), ("http://user:pw@acme.io:8080/", "acme.io"),
     ("not a site", ""), ("http://[::1", ""), ("localhost", ""), ("", "")],
)  # fmt: skip
def test_a_domain_is_the_host_alone(text: str, expected: str) -> None:
    assert scalars.domain(text) == expected


@pytest.mark.parametrize(
    "function",
    [scalars.decimal_text, scalars.date_text, scalars.instant_ms, scalars.instant_text, scalars.digits, scalars.domain,
     scalars.collapse_spaces, scalars.strip_html, lambda text: scalars.e164(text, "US")],
)  # fmt: skip
@given(text=st.text(max_size=40))
def test_any_text_gives_a_value_or_a_value_error(function: Callable[[str], object], text: str) -> None:
    try:
        function(text)
    except ValueError:
        return
