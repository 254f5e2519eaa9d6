"""The small words of both vocabularies: names, versions, expressions, pointers, headers, rates, durations."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, JsonValue, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""Of a connector, entity, pair, bucket, setting …"""

FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*$", max_length=200)]
"""Of a field. Dots are part of the name (`custom_field.cf_tier`); unless `path` says otherwise they are also steps."""

SemanticVersion = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]

Formula = Annotated[str, StringConstraints(pattern=r"^=", max_length=1001)]
"""An expression: `=` and CEL."""

Pointer = Annotated[str, StringConstraints(pattern=r"^(/.*)?$")]
"""A JSON Pointer (RFC 6901); empty: the whole."""

PointerOrFormula = Annotated[str, StringConstraints(pattern=r"^(=.*|/.*)?$", max_length=1001)]

Header = Annotated[str, StringConstraints(pattern=r"^header\.[a-z0-9-]+$")]
"""`header.x-ratelimit-remaining`: a header of the answer, in lower case."""

Template = JsonValue
"""A tree whose texts that start with `=` are expressions; all else is literal."""

Status = Annotated[str, StringConstraints(pattern=r"^[1-5]xx$")] | int

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(\d+)([smhd])")
_RATE: Final = re.compile(r"(\d+)/(\d*)([smhd])")


def duration_ms(text: str) -> int:
    """`15m` in ms. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise ValueError(f"“{text}” is not a duration; write a number and s, m, h or d, as 15m")
    return int(match[1]) * _SECONDS[match[2]] * 1000


def rate(text: str) -> tuple[int, int]:
    """`100/10s` as (100, 10000 ms). Raises ValueError."""
    match = _RATE.fullmatch(text)
    if match is None or int(match[1]) == 0 or match[2] == "0":
        raise ValueError(f"“{text}” is not a rate; write count/period, as 100/10s")
    return int(match[1]), int(match[2] or 1) * _SECONDS[match[3]] * 1000


def _checked_duration(text: str) -> str:
    duration_ms(text)
    return text


def _checked_rate(text: str) -> str:
    rate(text)
    return text


Duration = Annotated[str, AfterValidator(_checked_duration)]
Rate = Annotated[str, AfterValidator(_checked_rate)]
