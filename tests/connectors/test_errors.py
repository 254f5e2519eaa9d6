"""A failed call says what to do about it, and Retry-After is read in both its forms."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from connectors.errors import LONGEST_WAIT_MS, CallFailed, retry_after_ms

NOW = 1_700_000_000_000


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("7", 7_000),
        (" 0 ", 0),
        ("1.5", 1_500),
        ("-3", 0),
        ("999999999", LONGEST_WAIT_MS),
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
    ],
)
def test_seconds_are_read(text: str | None, wait: int | None) -> None:
    assert retry_after_ms(text, NOW) == wait


def test_a_date_is_read_against_our_clock() -> None:
    date = format_datetime(datetime.fromtimestamp(NOW / 1000 + 30, UTC), usegmt=True)
    assert retry_after_ms(date, NOW) == 30_000
    assert retry_after_ms(date, NOW + 60_000) == 0


def test_the_text_of_a_failure_names_its_category() -> None:
    assert str(CallFailed("duplicate", "there already")) == "duplicate: there already"
    assert str(CallFailed("timeout")) == "timeout"
