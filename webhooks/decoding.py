"""Bodies to data, whatever a stranger may send: bounded in depth and number, never by way of a crash."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from schemas.documents.source import JSON
from webhooks.errors import Refused

MAX_DEPTH = 64
MAX_FORM_FIELDS = 1_000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_decode = msgspec.json.Decoder().decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def decode_json(raw: bytes) -> JSON:
    """Strict JSON (RFC 8259) in UTF-8: no NaN, no half surrogates, no number beyond bounds, no deeper than 64.

    Integers of any plausible size stay exact. A leading byte order mark is ignored; of equal keys the last counts,
    as for every parser we know. Raises Refused.
    """
    try:
        data: JSON = _decode(raw.removeprefix(BYTE_ORDER_MARK))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Refused("unparsable") from error
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _check_depth(data, MAX_DEPTH)
    return data


def raw_elements(raw: bytes) -> list[msgspec.Raw]:
    """The elements of a JSON list, each as it was written. `raw` has been decoded before, and was a list."""
    return _decode_list(raw.removeprefix(BYTE_ORDER_MARK))


def decode_form(raw: bytes) -> JSON:
    """`a[b][c]=d` as {"a": {"b": {"c": "d"}}}; all values are texts. Raises Refused."""
    try:
        pairs = parse_qsl(
            raw.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except ValueError as error:
        raise Refused("unparsable") from error
    form: dict[str, JSON] = {}
    for name, value in pairs:
        _put(form, _keys(name), value)
    return form


def _keys(name: str) -> list[str]:
    first, *rest = name.split("[")
    if len(rest) >= MAX_DEPTH or not all(part.endswith("]") for part in rest):
        raise Refused("unparsable")
    return [first, *(part[:-1] for part in rest)]


def _put(form: dict[str, JSON], keys: list[str], value: str) -> None:
    """Set a value under nested keys; of equals the last counts. A name of both a text and a group is refused."""
    *outer, last = keys
    for key in outer:
        below = form.setdefault(key, {})
        if not isinstance(below, dict):
            raise Refused("unparsable")
        form = below
    if isinstance(form.get(last), dict):
        raise Refused("unparsable")
    form[last] = value


def _check_depth(value: Any, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise Refused("unparsable")
    for below in value.values() if isinstance(value, dict) else value:
        if isinstance(below, dict | list):
            _check_depth(below, left - 1)
