"""The fields that an account has beyond what its connector document declares, as they are kept for planning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from schemas.documents.calls import FieldType


class DescribedChoice(Protocol):
    """One of the values that a field may have."""

    @property
    def text(self) -> str: ...
    @property
    def label(self) -> str: ...


class Described(Protocol):
    """A field as a client found it."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> FieldType: ...
    @property
    def label(self) -> str: ...
    @property
    def read_only(self) -> bool: ...
    @property
    def required(self) -> bool: ...
    @property
    def choices(self) -> Sequence[DescribedChoice]: ...


class DiscoveredField(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A field as it is kept. `options`: of a choice, the stable text of each → its label."""

    name: str
    type: FieldType
    label: str = ""
    read_only: bool = False
    required: bool = False
    options: dict[str, str] = {}


def encode_discovered(fields: Iterable[Described]) -> str:
    """The JSON text that the registry keeps, in the order of the names, so that equal fields give equal texts."""
    kept = [
        DiscoveredField(
            name=field.name,
            type=field.type,
            label=field.label,
            read_only=field.read_only,
            required=field.required,
            options={choice.text: choice.label for choice in field.choices},
        )
        for field in fields
    ]
    return msgspec.json.encode(sorted(kept, key=lambda field: field.name)).decode()


def decode_discovered(text: str) -> dict[str, DiscoveredField]:
    """By name. Raises msgspec.DecodeError."""
    return {field.name: field for field in _decoder.decode(text)}


_decoder = msgspec.json.Decoder(list[DiscoveredField])
