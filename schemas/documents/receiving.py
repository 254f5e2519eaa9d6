"""The connector vocabulary for events: how a product speaks to us, and how what it says becomes change hints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from schemas.documents.calls import Request
from schemas.documents.model import Model
from schemas.documents.words import Formula, Name, PointerOrFormula, Template

HeaderName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]


class Route(Model):
    """Of an app-level endpoint: the config value that names a connection, and where each event carries it."""

    to: Name
    by: Formula


class Timestamp(Model):
    """The header that says when the request was signed; older or newer than `max_age_s` is refused."""

    header: HeaderName
    unit: Literal["ms", "s"] = "ms"
    max_age_s: int = Field(300, gt=0)


class Mac(Model):
    """A signature over the raw bytes (`over`, of `req`, gives bytes). `key` names a secret; a plain digest has none."""

    mac: Literal["hmac-sha256", "hmac-sha1", "sha256", "sha1"]
    key: Name | None = None
    over: Formula
    header: HeaderName
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    """What stands before the signature in the header (`sha256=`)."""
    timestamp: Timestamp | None = None

    @model_validator(mode="after")
    def _key_fits(self) -> Mac:
        if self.mac.startswith("hmac") and self.key is None:
            raise ValueError(f"{self.mac} needs the name of its secret as “key”")
        return self


class UrlToken(Model):
    """The unguessable path of the endpoint is all the proof there is."""

    url_token: Literal[True]


class Each(Model):
    """What is read from every event. `at`: the time of the change (epoch ms or ISO); `id` equal on a redelivery."""

    record: Formula
    at: Formula | None = None
    origin: Formula | None = None
    id: Formula | None = None
    """None: a digest of the event."""


class Rule(Model):
    """What an event means; the first rule whose `if` holds wins. Without `op`, such events are ignored."""

    condition: Formula = Field(alias="if")
    entity: Name | None = None
    op: Literal["upsert", "delete", "erase", "merge", "restore"] | None = None
    record: Formula | None = None
    """Instead of `each.record`; a list of ids: one change per id."""
    touched: Formula | None = None
    into: Formula | None = None
    """Of a merge: the id of the record that lives on."""
    data: Formula | None = None
    """The record, where the event carries all of it."""

    @model_validator(mode="after")
    def _op_has_entity(self) -> Rule:
        if self.op is not None and self.entity is None:
            raise ValueError(f"op {self.op} needs the entity that it happened to")
        return self


class Hydrate(Model):
    """The read behind a hint; hints of one record within `coalesce_ms` share one."""

    op: Literal["get"] = "get"
    coalesce_ms: int = Field(1500, ge=0, le=60_000)


class Reply(Model):
    """What a product's own question is answered with."""

    status: int = 200
    headers: Mapping[str, Template] = {}
    body: Template = ""


class Challenge(Model):
    """A product's probe of the endpoint: not an event."""

    condition: Formula = Field(alias="if")
    reply: Reply = Reply()


class Subscription(Model):
    """The calls that make, keep and end a webhook at the product; they read `hook.url` and `hook.id` (by `id`)."""

    create: Request
    id: PointerOrFormula
    renew: Request | None = None
    renew_every_s: int | None = Field(None, gt=0)
    delete: Request


class Events(Model):
    """How changes become known."""

    transport: Literal["webhook", "relay", "poll"]
    endpoint: Literal["app", "connection"] = "connection"
    route: Route | None = None
    subscribe: Literal["manual"] | Subscription = "manual"
    decode: Literal["json", "form_brackets", "xml"] = "json"
    verify: tuple[Mac | UrlToken, ...] = ()
    """The first whose header is present decides."""
    split: Formula = "=[body]"
    each: Each | None = None
    rules: tuple[Rule, ...] = ()
    hydrate: Hydrate = Hydrate()
    challenge: Challenge | None = None
    poll_s: int = Field(300, gt=0)
    """How often `changes` is asked, as the safety net or the only source."""

    @model_validator(mode="after")
    def _complete(self) -> Events:
        if self.transport == "poll":
            return self
        if self.each is None or not self.rules or not self.verify:
            raise ValueError(f"transport {self.transport} needs verify, each and rules")
        if self.endpoint == "app" and self.route is None:
            raise ValueError("an endpoint for all connections needs a route")
        if self.endpoint == "app" and any(isinstance(way, UrlToken) for way in self.verify):
            raise ValueError("an endpoint for all connections has no url_token; verify a signature")
        return self
