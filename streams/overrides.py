"""What an installation does otherwise than its app: per line a recorded difference, so that an upgrade keeps it.

`Installation.overrides` maps `pair/line` to a difference; a line that the app does not have is one that `add` brings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from schemas.documents.app import FieldLine


class LineOverride(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A line's difference. `policy` is a word of the app vocabulary; `owner` the alias that always wins."""

    disabled: bool = False
    direction: str | None = None
    policy: str | None = None
    owner: str | None = None
    add: dict[str, Any] | None = None
    """A whole line, as a document would write it."""

    @property
    def decides(self) -> str | None:
        return self.owner or self.policy


class InvalidOverride(Exception):
    """An override that cannot be read: it is left out, and said."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


def read_override(key: str, raw: bytes) -> LineOverride:
    """One difference, from its JSON. Raises InvalidOverride."""
    try:
        return msgspec.json.decode(raw, type=LineOverride)
    except msgspec.MsgspecError as error:
        raise InvalidOverride(key, str(error)) from error


def overrides_of(
    pair: str, overrides: Mapping[str, msgspec.Raw]
) -> Iterator[tuple[str, LineOverride | InvalidOverride]]:
    """(line, difference) of one pair; of what cannot be read, why not."""
    for key, raw in overrides.items():
        of, _, line = key.partition("/")
        if of != pair:
            continue
        try:
            yield line, read_override(key, bytes(raw))
        except InvalidOverride as invalid:
            yield line, invalid


def added_line(key: str, override: LineOverride) -> FieldLine | None:
    """The line that an override adds, if it adds one. Raises InvalidOverride."""
    if override.add is None:
        return None
    try:
        return FieldLine.model_validate_json(msgspec.json.encode(override.add))
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidOverride(key, f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from error
