"""Bodies as types: what does not fit them is refused before anything is looked at."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from connectors.sandbox.calls import JSON, Call
from connectors.sandbox.hubspot import errors

Scalar = str | int | float | bool
T = TypeVar("T")


class Filter(msgspec.Struct, rename="camel", frozen=True):
    """One condition on one property."""

    property_name: str
    operator: str
    value: Scalar | None = None
    high_value: Scalar | None = None
    values: list[Scalar] | None = None


class Group(msgspec.Struct, frozen=True):
    """Conditions that must all be met."""

    filters: list[Filter] = []


class Sort(msgspec.Struct, rename="camel", frozen=True):
    """What to sort by, in the documented form; the other form is a string with a leading minus."""

    property_name: str
    direction: str = "ASCENDING"


class Search(msgspec.Struct, rename="camel", frozen=True):
    """A search. Without groups, everything fits."""

    filter_groups: list[Group] | None = None
    filters: list[Filter] | None = None
    sorts: list[str | Sort] | None = None
    properties: list[str] | None = None
    query: str | None = None
    limit: int | str | None = None
    after: int | str | None = None


class Ref(msgspec.Struct, frozen=True):
    """A record by its id."""

    id: str | int


class TypeSpec(msgspec.Struct, rename="camel", frozen=True):
    """A kind of association."""

    association_category: str
    association_type_id: int


class Target(msgspec.Struct, frozen=True):
    """What a new record is to be associated with."""

    to: Ref
    types: list[TypeSpec]


class Pair(msgspec.Struct, rename={"start": "from", "end": "to"}, frozen=True):
    """Two records of a batch, and the kinds of association between them."""

    start: Ref
    end: Ref
    types: list[TypeSpec] = []


class Fan(msgspec.Struct, rename={"start": "from", "ends": "to"}, frozen=True):
    """A record and the ones that it is associated with no longer."""

    start: Ref
    ends: list[Ref]


class Input(msgspec.Struct, rename="camel", frozen=True):
    """What is checked of an input of an object batch; its properties are checked one by one later."""

    id: str | int = ""
    id_property: str | None = None
    object_write_trace_id: str | None = None


class Read(msgspec.Struct, rename="camel", frozen=True):
    """A batch read."""

    properties: list[str] | None = None
    properties_with_history: list[str] | None = None
    id_property: str | None = None


def body_as(type: type[T], body: JSON) -> T:
    """A body in this form. Raises Refused (400)."""
    try:
        return msgspec.convert(body, type)
    except msgspec.ValidationError as error:
        raise errors.invalid(f"Invalid input JSON: {error}") from error


def inputs_as(type: type[T], call: Call, most: int) -> list[T]:
    """The inputs of a batch in this form. Raises Refused (400), also if there are none or too many."""
    inputs = call.body.get("inputs") if isinstance(call.body, dict) else None
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= most:
        raise errors.invalid(f"Invalid input JSON: between 1 and {most} inputs are allowed in a batch request")
    return [body_as(type, each) for each in inputs]
