"""Bodies that a stranger may send."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.decoding import MAX_DEPTH, decode_form, decode_json
from webhooks.errors import Refused

HOSTILE = {
    "nothing": b"",
    "cut off": b'[{"a":',
    "trailing": b"{} {}",
    "NaN": b"[NaN]",
    "Infinity": b"[-Infinity]",
    "beyond a double": b"[1e999]",
    "5,000 digits": b"[" + b"1" * 5_000 + b"]",
    "a half surrogate": b'["\\ud800"]',
    "a half surrogate in a text": b'["a\\ud800b"]',
    "a surrogate in UTF-8": b'["\xed\xa0\x80"]',
    "no UTF-8": b'["\xff"]',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "65 deep": b"[" * 65 + b"]" * 65,
    "65 deep in objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "100,000 deep": b"[" * 100_000,
    "a control character": b'["\x01"]',
    "single quotes": b"{'a': 1}",
    "a comment": b"{} // x",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_json_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="unparsable"):
        decode_json(body)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_crash_the_decoders(body: bytes) -> None:
    for decode in (decode_json, decode_form):
        with contextlib.suppress(Refused):
            decode(body)


def test_the_deepest_allowed_is_read() -> None:
    decode_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    decode_json(b"[" + b",".join([b"[]"] * 1_000) + b"]")


def test_large_integers_stay_exact() -> None:
    assert decode_json(b"[123456789012345678901]") == [123456789012345678901]


def test_a_byte_order_mark_is_no_reason_to_lose_an_event() -> None:
    assert decode_json(b'\xef\xbb\xbf{"id": 1}') == {"id": 1}


def test_of_equal_keys_the_last_counts() -> None:
    assert decode_json(b'{"a": 1, "a": 2}') == {"a": 2}


def test_brackets_of_a_form_nest() -> None:
    body = (
        b"type=subscribe&fired_at=2009-03-26+21%3A35%3A57&data%5Bid%5D=8a25"
        b"&data[merges][EMAIL]=a%40b.co&data[merges][ZIP]=00478"
    )
    assert decode_form(body) == {
        "type": "subscribe",
        "fired_at": "2009-03-26 21:35:57",
        "data": {"id": "8a25", "merges": {"EMAIL": "a@b.co", "ZIP": "00478"}},
    }


@pytest.mark.parametrize(
    "body",
    [
        b"a",
        b"a=1&a[b]=2",
        b"a[b]=2&a=1",
        b"a[b=1",
        b"a" + b"[b]" * 100 + b"=1",
        b"&".join(b"a%d=1" % n for n in range(1_100)),
        b"a=%ff",
        b"\xff=1",
    ],
)
def test_a_hostile_form_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="unparsable"):
        decode_form(body)
