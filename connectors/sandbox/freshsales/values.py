"""What a field accepts, and the value that it keeps."""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import date

from connectors.sandbox.calls import JSON
from connectors.sandbox.freshsales.fields import Field

_EMAIL = re.compile(r"[^@\s,;<>()\[\]\\\"]+@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,63}")


class NotValid(Exception):
    """The value is refused; `what` is the kind of complaint."""

    def __init__(self, what: str = "invalid") -> None:
        super().__init__(what)
        self.what = what


def kept(field: Field, value: JSON, selectable: Container[int]) -> JSON:
    """The value that the field holds after this was written. Null clears any field. Raises NotValid."""
    if value is None:
        return [] if field.type == "auto_complete" else None
    if field.selector:
        return _number_in(value, selectable)
    match field.type:
        case "number":
            return _number(value)
        case "checkbox":
            return _typed(value, bool)
        case "date":
            return _date(value)
        case "dropdown" | "radio":
            return _chosen(field, value)
        case "multi_select_dropdown":
            return ";".join(_chosen(field, item) for item in _typed(value, str).split(";") if item) or None
        case "auto_complete":
            return _tags(value)
    return _typed(value, str)


def is_email(value: JSON) -> bool:
    return isinstance(value, str) and len(value) <= 254 and _EMAIL.fullmatch(value) is not None and ".." not in value


def _number_in(value: JSON, selectable: Container[int]) -> int:
    """System dropdowns take a choice's number; its label is refused."""
    if isinstance(value, bool) or not isinstance(value, int) or value not in selectable:
        raise NotValid
    return value


def _number(value: JSON) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotValid
    return value


def _typed(value: JSON, type: type) -> JSON:
    if not isinstance(value, type):
        raise NotValid
    return value


def _date(value: JSON) -> str:
    text: str = _typed(value, str)
    try:
        return date.fromisoformat(text[:10]).isoformat() if len(text) in (10, 20, 25) else _no_date()
    except ValueError:
        return _no_date()


def _no_date() -> str:
    raise NotValid


def _chosen(field: Field, value: JSON) -> str:
    if value not in {choice.value for choice in field.choices}:
        raise NotValid
    return str(value)


def _tags(value: JSON) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise NotValid("shape")
    return list(dict.fromkeys(value))
