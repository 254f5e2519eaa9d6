"""Single values in their one spelling: decimals, dates, instants, phone numbers, domains.

Every function is pure and total over text: what cannot be read raises ValueError, never anything else.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import phonenumbers

_SPACES: Final = re.compile(r"\s+")
_TAGS: Final = re.compile(r"<[^<>]*>")
_NOT_DIGITS: Final = re.compile(r"[^0-9]")
_DECIMAL: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
_EPOCH: Final = re.compile(r"-?[0-9]{9,14}")
_HOST: Final = re.compile(r"([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)+[a-z0-9-]{2,}")
_EPOCH_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_DIGITS: Final = 400


def decimal_text(value: str | int | float | Decimal) -> str:
    """The shortest plain spelling of a number: `12000.0`, `1.2e4` and `+12000` are `12000`. Raises ValueError."""
    text = str(value).strip()
    if len(text) > _MAX_DIGITS or not _DECIMAL.fullmatch(text):
        raise ValueError("not a number")
    try:
        plain = format(Decimal(text), "f")
    except InvalidOperation as error:
        raise ValueError("not a number") from error
    whole, _, fraction = plain.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    fraction = fraction.rstrip("0")
    shortest = (digits.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
    return shortest if shortest == "0" else sign + shortest


def date_text(value: str | int) -> str:
    """A calendar date as `YYYY-MM-DD`, from that, from an ISO time (its own date), or from epoch ms at UTC midnight."""
    text = str(value).strip()
    if _EPOCH.fullmatch(text):
        return _instant(text).date().isoformat()
    try:
        return date.fromisoformat(text[:10] if len(text) > 10 and text[10] in "T " else text).isoformat()
    except ValueError as error:
        raise ValueError("not a date") from error


def instant_ms(value: str | int) -> int:
    """An instant in ms since the epoch, from ISO 8601 (no offset: UTC) or from epoch s or ms. Raises ValueError."""
    return (_instant(str(value)) - _EPOCH_START) // timedelta(milliseconds=1)


def instant_text(value: str | int) -> str:
    """The same instant as ISO 8601 in UTC, as precise as it was given: `2022-08-09T07:22:12Z`. Raises ValueError."""
    moment = _instant(str(value)).astimezone(UTC)
    precision = "seconds" if moment.microsecond == 0 else "milliseconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


@lru_cache(maxsize=4096)
def e164(value: str, country: str) -> str:
    """A phone number as `+14155550100`; `country` (ISO 3166, two letters) is where a number without + belongs.

    What is not a possible number stays as it is, without surrounding space: a phone field may hold `ext. 12`.
    """
    text = value.strip()
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return text
    if number.extension or not phonenumbers.is_possible_number(number):
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def digits(value: str) -> str:
    """ASCII digits only."""
    return _NOT_DIGITS.sub("", value)


def collapse_spaces(value: str) -> str:
    """Runs of white space become one space; none at the ends."""
    return _SPACES.sub(" ", value).strip()


def strip_html(value: str) -> str:
    """Tags removed, entities left alone, white space collapsed. Not a defence against scripts: for comparison only."""
    return collapse_spaces(_TAGS.sub(" ", value))


def domain(value: str) -> str:
    """The host of a web address or the right part of an e-mail address, lower case, without `www.`; "" if none."""
    text = value.strip().lower()
    if "@" in text and "/" not in text:
        text = text.rpartition("@")[2]
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""
    host = host.rstrip(".")
    while host.startswith("www.") and host.count(".") > 1:
        host = host[4:]
    return host if _HOST.fullmatch(host) else ""


def _instant(text: str) -> datetime:
    text = text.strip()
    try:
        if _EPOCH.fullmatch(text):
            number = int(text)
            return _EPOCH_START + timedelta(milliseconds=number if len(text.lstrip("-")) > 10 else number * 1000)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("not a time") from error
