"""What a property accepts, and the text that it keeps. Every value of HubSpot is a text."""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import UTC, date, datetime, timedelta

from connectors.sandbox.hubspot.properties import Property

_EMAIL = re.compile(r"[^@\s,;<>()\[\]\\\"]+@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,63}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_MILLISECONDS = re.compile(r"-?\d{1,15}")
_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_TEXT = 65_536


class NotValid(Exception):
    """The value is refused; `code` is the API's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def iso(at: int) -> str:
    """A moment (ms) as the API writes it: `2026-03-12T07:33:46.615Z`."""
    return (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kept(property: Property, text: str, before: str, owners: Container[str], stages: Container[str]) -> str:
    """The text that the property holds after `text` was written over `before`. Raises NotValid.

    `owners` are the ids that an owner property accepts, `stages` what pipeline and stage properties accept.
    """
    if text == "":
        return ""
    if property.name in ("dealstage", "pipeline", "hs_pipeline", "hs_pipeline_stage"):
        return _one_of(property, text, stages)
    if property.external_options:
        return _one_of(property, text, owners)
    match property.type:
        case "enumeration" if property.field_type == "checkbox":
            return _checked(property, text, before)
        case "enumeration":
            return _one_of(property, text, property.values)
        case "bool":
            return _one_of(property, text, ("true", "false"))
        case "number":
            return _number(text)
        case "date":
            return _date(text)
        case "datetime":
            return stored_datetime(text)
    return _text(property, text)


def is_email(text: str) -> bool:
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None and ".." not in text


def _one_of(property: Property, text: str, allowed: Container[str]) -> str:
    if text not in allowed:
        choices = sorted(allowed) if isinstance(allowed, set | tuple) else []
        raise NotValid("INVALID_OPTION", f"{text} was not one of the allowed options: {choices}")
    return text


def _checked(property: Property, text: str, before: str) -> str:
    """Several choices, joined by `;`. A leading `;` adds to those that are checked."""
    written = [_one_of(property, item, property.values) for item in text.split(";") if item]
    standing = before.split(";") if text.startswith(";") and before else []
    return ";".join(dict.fromkeys([*standing, *written]))


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise NotValid("INVALID_INTEGER", f"{text} was not a valid number.")
    return text


def _date(text: str) -> str:
    if _MILLISECONDS.fullmatch(text):
        if int(text) % _DAY_MS:
            raise NotValid("INVALID_DATE", f"{text} is not midnight UTC.")
        return iso(int(text))[:10]
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else _no_date(text)
    except ValueError:
        return _no_date(text)


def stored_datetime(text: str) -> str:
    """A moment, given as ISO text with an offset or in ms, as the API writes it. Raises NotValid."""
    if _MILLISECONDS.fullmatch(text):
        return iso(int(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _no_date(text)
    if moment.tzinfo is None:
        return _no_date(text)
    return iso((moment - _EPOCH) // timedelta(milliseconds=1))


def _no_date(text: str) -> str:
    raise NotValid("INVALID_DATE", f"{text} was not a valid date.")


def _text(property: Property, text: str) -> str:
    if property.name == "email" and not is_email(text):
        raise NotValid("INVALID_EMAIL", f"Email address {text} is invalid")
    if len(text) > MAX_TEXT:
        raise NotValid("VALUE_TOO_LONG", f"The value is longer than {MAX_TEXT} characters.")
    return text
