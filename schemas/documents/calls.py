"""The connector vocabulary for calls: how a request is made, what its answer holds, how pages follow each other.

What expressions may read is said per place in `schemas.documents.scopes`. A null in `query`, `form` or at the top
level of `body` is left out of the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from schemas.documents.model import Model
from schemas.documents.words import FieldName, Formula, Name, Pointer, PointerOrFormula, Template

Call = Annotated[str, StringConstraints(pattern=r"^(GET|POST|PUT|PATCH|DELETE) /\S*$")]
"""Method and path below the connector's `base`; `{x}` in the path is url-encoded, `{+x}` is not (RFC 6570)."""

FieldType = Literal[
    "string",
    "text",
    "int",
    "decimal",
    "bool",
    "date",
    "datetime",
    "enum",
    "enum_set",
    "email",
    "phone",
    "url",
    "ref",
    "list",
    "json",
    "json_ro",
]

Family = Literal["text", "number", "bool", "date", "datetime", "list", "ref", "json"]
"""Types whose values can stand for each other."""

FAMILIES: Final[Mapping[FieldType, Family]] = {
    "string": "text",
    "text": "text",
    "email": "text",
    "phone": "text",
    "url": "text",
    "enum": "text",
    "int": "number",
    "decimal": "number",
    "bool": "bool",
    "date": "date",
    "datetime": "datetime",
    "enum_set": "list",
    "list": "list",
    "ref": "ref",
    "json": "json",
    "json_ro": "json",
}

OperationName = Literal["list", "changes", "get", "find", "search", "create", "update", "upsert", "delete", "erase"]
"""`find` looks records up by what is unique, `search` by any other field: each by the fields that it names."""


class Request(Model):
    """One call. `ok`: the statuses that are success (empty: every 2xx)."""

    call: Call
    query: Mapping[str, Template] = {}
    headers: Mapping[str, Template] = {}
    body: Template = None
    form: Mapping[str, Template] | None = None
    ok: tuple[int, ...] = ()

    @property
    def method(self) -> str:
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.call.partition(" ")[2]


class Prepare(Request):
    """A call whose result others need (a view's id); kept per connection for `ttl_s`, read as `prepared.<name>`."""

    name: Name
    pick: Formula
    """The result, from `body`."""
    ttl_s: int = Field(3600, gt=0)


class CursorPage(Model):
    """The answer names the next page; read as `page.cursor`, null on the first."""

    type: Literal["cursor"]
    size: int = Field(gt=0)
    next: PointerOrFormula


class OffsetPage(Model):
    """`page.offset` counts records; a page that is not full is the last, or the one that reaches `total`."""

    type: Literal["offset"]
    size: int = Field(gt=0)
    total: PointerOrFormula | None = None


class NumberPage(Model):
    """`page.number` counts pages from `start`; the last is `pages`, or the first that is not full."""

    type: Literal["number"]
    size: int = Field(gt=0)
    start: int = 1
    pages: str | None = Field(None, pattern=r"^(=.*|/.*|header\.[a-z0-9-]+)$")


class LinkPage(Model):
    """The answer's Link header holds the next page's address (rel="next", RFC 8288)."""

    type: Literal["link_header"]
    size: int = Field(gt=0)


class NoPage(Model):
    """Everything comes at once."""

    type: Literal["none"]
    size: int = Field(1000, gt=0)


Page = Annotated[CursorPage | OffsetPage | NumberPage | LinkPage | NoPage, Field(discriminator="type")]


class Since(Model):
    """Where an incremental read begins: `since.epoch_ms`, `since.epoch_s`, `since.iso`, `since.date`, `since.text`.

    `order: desc`: the newest come first, and the reading ends at the first record that is older. `cap`: the most
    records that the product lists for one question; then `advance_since` asks again from the last record's time.
    """

    field: FieldName
    format: Literal["iso", "epoch_ms", "epoch_s", "date"] = "iso"
    order: Literal["asc", "desc", "none"] = "asc"
    overlap_s: int = Field(120, ge=0)
    cap: int | None = Field(None, gt=0)
    on_cap: Literal["advance_since", "stop"] = "advance_since"


class BatchErrors(Model):
    """Where the answer blames single inputs; `match` is read from each, as `Batch.match` from each item."""

    items: Pointer
    match: PointerOrFormula


class Batch(Model):
    """Many inputs in one call. Results belong to inputs by `match`, never by order; `body` reads `batch`."""

    max: int = Field(gt=1)
    items: Pointer
    match: PointerOrFormula
    body: Template
    errors: BatchErrors | None = None


class Operation(Request):
    """What can be done with an entity. `at` is where a single record stands in the answer, `items` a list of them."""

    prepare: tuple[Prepare, ...] = ()
    at: Pointer = ""
    items: PointerOrFormula | None = None
    page: Page | None = None
    since: Since | None = None
    by: tuple[FieldName, ...] = ()
    """Of `find`, `search` and `upsert`: the fields to look up by."""
    returns: Literal["item", "id", "none"] = "item"
    partial: bool = False
    """Of `list`, `changes`, `find`: records come without all their fields, and are read again one by one."""
    lag_s: int = Field(0, ge=0)
    """How long this call may not know of a write (an index that lags)."""
    batch: Batch | None = None
    effect: Literal["archive", "delete", "deactivate"] | None = None
    """Of `delete`: what the product does."""


class Options(Request):
    """The choices of a field, from a call. `value` is what the API wants, `text` the stable text that we keep."""

    items: Pointer
    page: Page | None = None
    value: PointerOrFormula
    label: PointerOrFormula
    text: PointerOrFormula | None = None
    """None: as `value`."""
    ttl_s: int = Field(3600, gt=0)


class InlineOptions(Model):
    """The choices of a discovered field, beside its description."""

    items: Pointer
    value: PointerOrFormula
    label: PointerOrFormula
    text: PointerOrFormula | None = None


class DiscoveredName(Model):
    """How a discovered field is called, from `item`."""

    name: PointerOrFormula
    label: PointerOrFormula
    read_only: Formula | None = None
    required: Formula | None = None
    path: Formula | None = None
    """Its JSON Pointer in a record; None: the steps of its name."""
    skip: Formula | None = None


class DiscoveredTypes(Model):
    """From the product's word for a type to ours; an unknown word is `else`, with a warning, never a failure."""

    at: PointerOrFormula
    map: Mapping[str, FieldType]
    otherwise: FieldType = Field("json_ro", alias="else")


class Discover(Request):
    """The fields that a connection has beyond the declared ones."""

    items: Pointer
    page: Page | None = None
    field: DiscoveredName
    types: DiscoveredTypes
    options: InlineOptions | None = None
