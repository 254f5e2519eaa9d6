"""A field that an account has beyond what its connector document declares, as the product described it."""

from __future__ import annotations

import msgspec

from schemas.documents.calls import FieldType


class DiscoveredField(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`options`: of a choice, the stable text of each → its label."""

    name: str
    type: FieldType
    label: str = ""
    read_only: bool = False
    required: bool = False
    options: dict[str, str] = {}


def encode_discovered(fields: list[DiscoveredField]) -> str:
    """The JSON text that the registry keeps, in the order of the names, so that equal fields give equal texts."""
    return msgspec.json.encode(sorted(fields, key=lambda field: field.name)).decode()


def decode_discovered(text: str) -> dict[str, DiscoveredField]:
    """By name. Raises msgspec.DecodeError."""
    return {field.name: field for field in _decoder.decode(text)}


_decoder = msgspec.json.Decoder(list[DiscoveredField])
