from __future__ import annotations

from streams.boundary import described


def test_an_error_is_described_without_the_value_that_it_quotes() -> None:
    try:
        int("jane@example.com")
    except ValueError as error:
        text = described(error)
    assert text.startswith("ValueError in test_boundary.py:")
    assert "jane" not in text


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert described(KeyError("secret")) == "KeyError"
