"""Field values between a product's JSON and ours: one decoder and one encoder per declared type.

What a product writes in many ways (a number as text, a time in the account's offset) comes out in one; what
cannot be read as its type is not guessed at. Null stays null, and an empty text stays one where the type is text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from schemas.values import Value

Decode = Callable[[Any], Value]
"""JSON of the product → our value. Raises Unreadable."""
Encode = Callable[[Value], Any]
"""Our value (not null) → JSON for the product. Raises Unreadable."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


class Unreadable(ValueError):
    """A value that is not of its declared type."""


def decoder(type: str, separator: str = ";") -> Decode:
    """How a field of this declared type is read. `separator` parts the text form of a list."""
    if type in ("enum_set", "list"):
        return lambda raw: _list(raw, separator)
    return _DECODERS[type]


def encoder(type: str, *, as_text: bool, separator: str = "", format: str = "") -> Encode:
    """How a field of this declared type is written.

    `as_text`: the product takes every value as text. `separator`: it takes a list as one text, joined by it.
    `format`: it takes times as `epoch_ms`, `epoch_s` or `date` instead of ISO 8601.
    """
    if format in ("epoch_ms", "epoch_s", "date"):
        return lambda value: _time_out(value, format, as_text)
    if type in ("enum_set", "list"):
        return lambda value: _joined(value, separator) if separator or as_text else list(_elements(value))
    if type in ("json", "json_ro"):
        return _json_out
    if as_text:
        return _text_out
    return _ENCODERS.get(type, _text_out)


def epoch_ms(raw: object) -> int:
    """A product's time (ISO 8601 with any offset, or ms since the epoch as number or text) in ms; 0 for none.

    A time without an offset is taken as UTC. Raises Unreadable.
    """
    if raw is None or raw == "":
        return 0
    if isinstance(raw, bool):
        raise Unreadable("not a time")
    if isinstance(raw, int):
        return raw
    text = str(raw)
    if text.lstrip("-").isdigit():
        return int(text)
    return (_moment(text) - _EPOCH) // timedelta(milliseconds=1)


def _string(raw: Any) -> Value:
    if raw is None or isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | Decimal):
        return str(raw)
    if isinstance(raw, float):
        return format(Decimal(repr(raw)), "f")
    return _compact(raw)


def _int(raw: Any) -> Value:
    if raw is None or raw == "":
        return None
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    number = _number(raw)
    if number != number.to_integral_value():
        raise Unreadable("not a whole number")
    return int(number)


def _decimal(raw: Any) -> Value:
    if raw is None or raw == "":
        return None
    number = _number(raw).normalize()
    return format(number, "f") if number else "0"


def _number(raw: Any) -> Decimal:
    if isinstance(raw, bool):
        raise Unreadable("not a number")
    try:
        number = Decimal(repr(raw) if isinstance(raw, float) else str(raw).strip())
    except InvalidOperation as error:
        raise Unreadable("not a number") from error
    if not number.is_finite() or abs(number.adjusted()) > 400:
        raise Unreadable("not a number of this world")
    return number


def _bool(raw: Any) -> Value:
    if raw is None or raw == "":
        return None
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Unreadable("neither true nor false")


def _date(raw: Any) -> Value:
    """YYYY-MM-DD, from itself, from ms since the epoch (midnight UTC) or from a time (its own day)."""
    if raw is None or raw == "":
        return None
    text = str(raw).strip()
    try:
        if text.lstrip("-").isdigit() and len(text) != 8:
            return (_EPOCH + timedelta(milliseconds=int(text))).date().isoformat()
        return date.fromisoformat(text[:10]).isoformat()
    except (ValueError, OverflowError) as error:
        raise Unreadable("not a date") from error


def _datetime(raw: Any) -> Value:
    """ISO 8601 in UTC, with as many decimals of a second as the product gave."""
    if raw is None or raw == "":
        return None
    text = str(raw).strip()
    if text.lstrip("-").isdigit():
        try:
            moment = _EPOCH + timedelta(milliseconds=int(text))
        except OverflowError as error:
            raise Unreadable("not a time") from error
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    moment = _moment(text)
    fraction = text.partition(".")[2]
    digits = len(fraction) - len(fraction.lstrip("0123456789"))
    decimals = f".{moment.microsecond:06d}"[: min(digits, 6) + 1] if digits else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{decimals}Z"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable("not a time") from error


def _list(raw: Any, separator: str) -> Value:
    if raw is None:
        return None
    if isinstance(raw, str):
        return tuple(part for part in (part.strip() for part in raw.split(separator)) if part)
    if isinstance(raw, Sequence):
        return tuple(str(_string(element)) for element in raw if element is not None)
    raise Unreadable("not a list")


def _ref(raw: Any) -> Value:
    """The other record's id as text; an empty one refers to nothing."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, int | str) and not isinstance(raw, bool):
        return str(raw)
    raise Unreadable("not an id")


def _json(raw: Any) -> Value:
    return None if raw is None else _compact(raw)


def _compact(raw: Any) -> str:
    """Equal values give equal text: keys sorted, no spaces."""
    return _writer.encode(raw).decode()


def _elements(value: Value) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return () if value is None or value == "" else (_text_out(value),)


def _joined(value: Value, separator: str) -> str:
    return (separator or ";").join(_elements(value))


def _text_out(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _joined(value, ";") if isinstance(value, tuple) else str(value)


def _int_out(value: Value) -> Any:
    return _int(value)


def _decimal_out(value: Value) -> Any:
    """A whole number as an int, any other as a Decimal, which the JSON writer spells as a number."""
    number = _number(value)
    return int(number) if number == number.to_integral_value() else number


def _time_out(value: Value, format: str, as_text: bool) -> Any:
    if format == "date":
        return _date(value)
    ms = epoch_ms(value)
    number = ms if format == "epoch_ms" else ms // 1000
    return str(number) if as_text else number


def _ref_out(value: Value) -> Any:
    """Ids that are numbers go out as numbers."""
    text = _text_out(value)
    return int(text) if text.isascii() and text.isdigit() and str(int(text)) == text else text


def _json_out(value: Value) -> Any:
    try:
        return msgspec.json.decode(_text_out(value))
    except msgspec.DecodeError as error:
        raise Unreadable("not JSON") from error


_writer = msgspec.json.Encoder(order="sorted", decimal_format="number")
_DECODERS: Mapping[str, Decode] = {
    **dict.fromkeys(("string", "text", "email", "phone", "url", "enum"), _string),
    "int": _int,
    "decimal": _decimal,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "ref": _ref,
    "json": _json,
    "json_ro": _json,
}
_ENCODERS: Mapping[str, Encode] = {
    "int": _int_out,
    "decimal": _decimal_out,
    "bool": _bool,
    "ref": _ref_out,
}
