"""The connector document: one product, described so that one runtime can speak to it.

The vocabulary is `kind: connector/v1`; calls are in `schemas.documents.calls`, events in `schemas.documents.receiving`,
what the expressions of each place may read in `schemas.documents.scopes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from schemas.documents.calls import Discover, FieldType, Operation, OperationName, Options, Request
from schemas.documents.model import Model, parse
from schemas.documents.receiving import Events
from schemas.documents.source import InvalidDocument, read_yaml
from schemas.documents.words import (
    FieldName,
    Formula,
    Header,
    Name,
    Pointer,
    PointerOrFormula,
    Rate,
    SemanticVersion,
    Status,
    Template,
    rate,
)
from schemas.events import Category

CanonStep = (
    Literal["trim", "lower", "upper", "e164", "digits", "collapse_ws", "strip_html"] | Mapping[Literal["date"], str]
)
"""What makes two spellings of a value equal; `{date: "%d.%m.%Y"}` reads a product's own spelling of a date."""

Quirk = (
    Literal["reformats", "lower_cases", "truncates", "forward_only", "eventual"] | Mapping[Literal["search_lag"], int]
)


class ConfigValue(Model):
    """A value that a connection has: typed in by a person, or learnt by the probe."""

    type: Literal["string", "int", "bool", "enum"] = "string"
    default: str | int | bool | None = None
    options: tuple[str, ...] = ()
    from_probe: Formula | None = None
    label: str = ""


class SecretValue(Model):
    """A secret, by name only. `app`: ours, one for all connections; `connection`: each connection's own."""

    owner: Literal["app", "connection"] = "connection"
    label: str = ""


class OAuth2(Model):
    """The authorization code flow (RFC 6749)."""

    authorize: str
    token: str
    scopes: tuple[str, ...] = ()
    refresh: Literal["on_expiry", "never"] = "on_expiry"
    expires_s: int = Field(1800, gt=0)


class ApiKey(Model):
    """A secret in a header or in the query."""

    secret: Name = "api_key"  # noqa: S105  the name of a secret, not one
    header: str | None = None
    query: str | None = None
    prefix: str = ""

    @model_validator(mode="after")
    def _one_place(self) -> ApiKey:
        if (self.header is None) == (self.query is None):
            raise ValueError("say where the key goes: either header or query")
        return self


class Basic(Model):
    """HTTP basic authentication; a value that starts with `=` reads `secret` and `config`."""

    user: str
    password: str = Field(alias="pass")


class Probe(Request):
    """The connection test; it also names the account. `good`: what the answer must say besides its status."""

    good: Formula | None = None


class Auth(Model):
    """How calls prove who they are. Of several ways a connection uses the first that it has the secrets for."""

    oauth2: OAuth2 | None = None
    api_key: ApiKey | None = None
    basic: Basic | None = None
    none: Literal[True] | None = None
    probe: Probe

    @model_validator(mode="after")
    def _some_way(self) -> Auth:
        if not (self.oauth2 or self.api_key or self.basic or self.none):
            raise ValueError("say how calls are authorised: oauth2, api_key, basic or none: true")
        return self


class Http(Model):
    """Where the product is: `base` may hold the connection's `{base_url}` and `{config.x}`, `hosts` bounds it.

    `paths`: parts of paths that depend on `config` (an API's version), written into a call as `{+paths.name}`.
    """

    base: str
    paths: Mapping[Name, Formula] = {}
    hosts: tuple[Annotated[str, StringConstraints(pattern=r"^(\*\.)?[a-z0-9.-]+$")], ...] = Field(min_length=1)
    headers: Mapping[str, str] = {}
    timeout_s: int = Field(15, gt=0, le=120)


class Limit(Model):
    """A quota of the product; a call needs room in every bucket that names its operation, or names none.

    `remaining`, `reset`: the answer's own figures (`reset` in s from now, or epoch s). `share`: the part that is ours.
    """

    bucket: Name
    per: Literal["connection", "app"] = "connection"
    rate: Rate
    ops: tuple[OperationName | Literal["discover", "options", "probe"], ...] = ()
    remaining: Header | None = None
    reset: Header | None = None
    share: float | None = Field(None, gt=0, le=1)

    @property
    def count(self) -> int:
        return rate(self.rate)[0]

    @property
    def period_ms(self) -> int:
        return rate(self.rate)[1]


class Locator(Model):
    """A text of the answer: at a pointer, and of it the part that the regular expression's group 1 matches."""

    at: Pointer
    regex: str | None = None


class ErrorRule(Model):
    """Which category an answer belongs to. First match wins.

    `confirm`: the rule holds only if a record other than the one being written is found by one of these fields with
    the value that was to be written; that record is the existing one. `bucket`: which quota to close while waiting.
    """

    status: Status | None = None
    condition: Formula | None = Field(None, alias="if")
    category: Category = Field(alias="is")
    ops: tuple[OperationName, ...] = ()
    field: Locator | Formula | None = None
    existing_id: Locator | Formula | None = None
    retry_after: Header | Annotated[int, Field(gt=0)] | Formula | None = None
    """Seconds, or what a Retry-After header may hold (RFC 9110 §10.2.3)."""
    confirm: tuple[FieldName, ...] = ()
    bucket: Name | None = None

    @model_validator(mode="after")
    def _some_condition(self) -> ErrorRule:
        if self.status is None and self.condition is None:
            raise ValueError("say when: status, if or both")
        return self


class FieldTimes(Model):
    """Where a record says when each field was set: `at` maps a field to its history; `time`, `value` within."""

    at: Pointer
    time: Pointer
    value: Pointer | None = None


class Item(Model):
    """Where things stand in a record as the product returns it."""

    id: PointerOrFormula
    fields: Pointer = ""
    updated: PointerOrFormula | None = None
    created: PointerOrFormula | None = None
    deleted: PointerOrFormula | None = None
    times: FieldTimes | None = None


class Container(Model):
    """What records live in (an audience): one per connection, chosen by `options`, read as `config.<param>`."""

    param: Name
    options: Options


class Option(Model):
    """A choice that is the same in every account."""

    value: str | int | bool
    label: str = ""
    text: str | None = None


class FieldCall(Request):
    """A field that is not written with its record: `{id}` and `{value}` (and, to clear it, `{previous}`)."""


class FieldDeclaration(Model):
    """A field. `access`: `create` only when the record is made, `write` never read back.

    Its place is `path`, else the steps of its name below `item.fields`. `read` (an expression over `item`) and
    `write` (a pointer, or an expression over `value` that gives an object to be merged into what is written) are for
    products that read and write a thing differently; where `write` reads `item`, the record is read before it is
    written, so that a list can keep its other elements. Where `path` is given too, `read` is asked only for records
    that have something there. `set`/`unset`: the calls of a field that is written by its own, `{previous}` is what it
    holds; `create_with`: of such a field, what is merged into the body of a create instead.
    """

    type: FieldType
    label: str = ""
    path: Pointer | None = None
    read: Formula | None = None
    write: PointerOrFormula | None = None
    set: FieldCall | None = None
    unset: FieldCall | None = None
    create_with: Formula | None = None
    access: Literal["rw", "ro", "create", "write"] = "rw"
    required: bool = False
    max: int | None = Field(None, gt=0)
    """Characters of a text, elements of a list."""
    to: Name | None = None
    """Of a ref: the entity."""
    options: tuple[Option, ...] | Options | None = None
    separator: str | None = None
    """Of enum_set and list: how the product joins the elements in one text; None: a JSON list."""
    format: Literal["iso", "epoch_ms", "epoch_s", "date"] | None = None
    """How a date or datetime is written; reading accepts all of them."""
    canon: tuple[CanonStep, ...] = ()
    clear: Literal["", "omit"] | None = None
    """How the product is told that the value is gone; where absent, as the entity's."""
    quirk: Quirk | tuple[Quirk, ...] = ()
    pii: bool = False

    @property
    def quirks(self) -> frozenset[str]:
        """The names of its quirks."""
        given = self.quirk if isinstance(self.quirk, tuple) else (self.quirk,)
        return frozenset(quirk if isinstance(quirk, str) else next(iter(quirk)) for quirk in given)

    def clears_as(self, entity: Entity) -> Literal["", "omit"] | None:
        """What is written to clear the field: its own word, else its entity's. None is null."""
        return self.clear if "clear" in self.model_fields_set else entity.clear

    @property
    def readable(self) -> bool:
        return self.access != "write"

    @property
    def writable(self) -> bool:
        return self.access != "ro" and self.type != "json_ro"


class Entity(Model):
    """A kind of record. `clear`: what the product takes for "no value". `wire: text`: it wants every value as text."""

    title: str = ""
    item: Item
    write_as: Template = "=changed"
    clear: Literal["", "omit"] | None = None
    wire: Literal["typed", "text"] = "typed"
    keys: tuple[tuple[FieldName, ...], ...] = ()
    """What is unique in an account."""
    stamp: FieldName | None = None
    """The field that a create puts our placeholder id into, by which it is found again."""
    setup: tuple[Request, ...] = ()
    """Calls that make an account ready when it is connected (a property for `stamp`); repeatable."""
    container: Container | None = None
    fields: Mapping[FieldName, FieldDeclaration]
    discover: Discover | None = None
    ops: Mapping[OperationName, Operation]


class ConnectorDocument(Model):
    """A product."""

    kind: Literal["connector/v1"]
    id: Name
    version: SemanticVersion
    title: str
    config: Mapping[Name, ConfigValue] = {}
    secrets: Mapping[Name, SecretValue] = {}
    auth: Auth
    http: Http
    limits: tuple[Limit, ...] = ()
    errors: tuple[ErrorRule, ...] = ()
    entities: Mapping[Name, Entity]
    events: Events = Events(transport="poll")


def load_connector(text: str, name: str) -> ConnectorDocument:
    """Read a connector document. Raises InvalidDocument with every problem found."""
    from schemas.documents.connector_checks import check_connector  # here, because the checks build on the models above

    source = read_yaml(text, name)
    document = parse(source, ConnectorDocument)
    problems = check_connector(document, source)
    if problems:
        raise InvalidDocument(name, problems)
    return document
