"""When two spellings are one value: the canonical form of each field type.

Used for matching, echo detection and comparison, never for what is written. A canonical form is idempotent and total:
what cannot be read in its type is compared as it stands. No product that we know keeps an empty text or an empty list
apart from "no value" once it has stored it, so in canonical form all three are null; on the way to a product they
stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from schemas.documents import scalars
from schemas.documents.calls import FAMILIES, FieldType
from schemas.documents.connector import CanonStep, FieldDeclaration
from schemas.values import Value, is_empty

Canonical = Callable[[Value], Value]
TextStep = Callable[[str], str]

_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BOOLS: Final = {"true": True, "false": False}


def canonicaliser(type: FieldType, steps: Sequence[CanonStep] = (), max: int | None = None) -> Canonical:
    """The canonical form of a field of this type; `max`: the product cuts texts to so many characters."""
    names = tuple(step if isinstance(step, str) else ("date", step["date"]) for step in steps)
    return _canonicaliser(type, names, max)


def canonical_of(field: FieldDeclaration) -> Canonical:
    """The canonical form of a declared field, with what its product is known to do to values."""
    steps: list[CanonStep] = list(field.canon)
    if "lower_cases" in field.quirks:
        steps.append("lower")
    return canonicaliser(field.type, steps, field.max if "truncates" in field.quirks else None)


@lru_cache(maxsize=1024)
def _canonicaliser(type: FieldType, steps: tuple[str | tuple[str, str], ...], max: int | None) -> Canonical:
    texts = [STEPS[step] if isinstance(step, str) else _date_step(step[1]) for step in steps]
    of_type = _OF_TYPE.get(type, _same)

    cut = max if FAMILIES[type] == "text" else None

    def step(value: Value) -> Value:
        if isinstance(value, str):
            value = value[:cut]
            for text in texts:
                value = text(value)
        return of_type(value)

    def settled(value: Value) -> Value:
        """Steps can undo each other's work (upper makes SS of ß, which may be too long): repeat until nothing moves."""
        for _ in range(8):
            value, before = step(value), value
            if value == before:
                break
        return value

    one = settled if texts or cut is not None else step

    def canonical(value: Value) -> Value:
        if isinstance(value, tuple):
            elements = {str(one(element)) for element in value if not is_empty(one(element))}
            return tuple(sorted(elements)) or None
        value = one(value)
        return None if is_empty(value) else value

    return canonical


def _date_step(form: str) -> TextStep:
    """Reads a product's own spelling of a date; ISO dates and what is no date stay."""

    def step(text: str) -> str:
        if _ISO_DATE.fullmatch(text):
            return text
        try:
            return datetime.strptime(text.strip(), form).date().isoformat()
        except ValueError:
            return text

    return step


def phone(text: str) -> str:
    """A phone number by its digits: `+1 (415) 555-0100`, `0014155550100` and `14155550100` are one."""
    numerals = scalars.digits(text)
    while numerals.startswith("00"):
        numerals = numerals[2:]
    return numerals or text.strip().lower()


def _strip_html(text: str) -> str:
    while (stripped := scalars.strip_html(text)) != text:
        text = stripped
    return text


STEPS: Final[Mapping[str, TextStep]] = {
    "trim": str.strip,
    "lower": str.lower,
    "upper": str.upper,
    "e164": phone,
    "digits": scalars.digits,
    "collapse_ws": scalars.collapse_spaces,
    "strip_html": _strip_html,
}


def _same(value: Value) -> Value:
    return value


def _lines(value: Value) -> Value:
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value


def _int(value: Value) -> Value:
    if isinstance(value, str):
        number = _decimal(value)
        return int(number) if isinstance(number, str) and _INTEGER.fullmatch(number) else number
    return value


def _decimal(value: Value) -> Value:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return value
    try:
        return scalars.decimal_text(value)
    except ValueError:
        return value


def _bool(value: Value) -> Value:
    return _BOOLS.get(value.lower(), value) if isinstance(value, str) else value


def _date(value: Value) -> Value:
    try:
        return scalars.date_text(value) if isinstance(value, str) and value else value
    except ValueError:
        return value


def _datetime(value: Value) -> Value:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return value
    try:
        return scalars.instant_ms(value)
    except ValueError:
        return value


def _email(value: Value) -> Value:
    return value.strip().lower() if isinstance(value, str) else value


def _phone(value: Value) -> Value:
    return phone(value) if isinstance(value, str) else value


def _url(value: Value) -> Value:
    """Scheme and host in lower case, no slash at the end."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    if parts.netloc:
        begin = text[: text.index(parts.netloc) + len(parts.netloc)]
        text = begin.lower() + text[len(begin) :]
    return text.rstrip("/ ")


_OF_TYPE: Final[Mapping[str, Canonical]] = {
    "text": _lines,
    "int": _int,
    "decimal": _decimal,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "email": _email,
    "phone": _phone,
    "url": _url,
}
