"""What the server asks of a product, and of one account on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.sandbox.calls import JSON, Answer, Call
from connectors.sandbox.settings import Settings


class Crm(Protocol):
    """One account's data with the rules of its product."""

    name: str

    @property
    def settings(self) -> Settings: ...

    def configure(self, patch: dict[str, object]) -> None:
        """Change settings. Raises msgspec.ValidationError."""

    def saved(self) -> Any:
        """The state for a snapshot, as a msgspec struct."""

    def entities(self) -> Sequence[str]:
        """The names of its record types."""

    def dump(self, entity: str, *, deleted: bool) -> list[JSON]:
        """All records of a type, as the API shows them in full. Raises KeyError for an unknown type."""

    def edit(self, edit: Edit, now: int) -> JSON:
        """Do what a person does in the product's own pages. Raises Refused as the API would."""

    def load(self, seed: JSON, now: int) -> None:
        """Fill in definitions and records."""

    def described(self) -> dict[str, JSON]:
        """What the vendor calls the account: its ids."""

    def take(self, path: str, now: int) -> tuple[Answer | None, Mapping[str, str]]:
        """Count a call against the limits: a refusal or None, and headers for every answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """An edit as a person. `action`: create, update, delete, restore, merge, erase, associate, dissociate.

    `fields` are in the product's own form; `other` is the second record of a merge or an association.
    """

    action: str
    entity: str
    id: str = ""
    fields: dict[str, JSON]
    other: str = ""


Handler = Callable[[Any, Call], Answer]
"""Answers one call on an account of its product."""


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint; `pattern` in aiohttp's form."""

    method: str
    pattern: str
    handler: Handler


class Product(Protocol):
    """What is particular about a product's HTTP."""

    name: str
    routes: Sequence[Route]

    def open(self, name: str, number: int, state: Any) -> Crm:
        """An account: a new one (`state` is None), the `number`th, or one from a snapshot."""

    def token_of(self, headers: Mapping[str, str]) -> str: ...

    def fields_of(self, body: JSON) -> list[str]:
        """The names of the record fields that a body writes."""

    def unauthorised(self, crm: Any | None) -> Answer:
        """For a token that is unknown, or (with the account it was good for) revoked."""

    def unknown(self) -> Answer:
        """For a path that is none of the routes."""

    def unparsable(self) -> Answer: ...

    def injected(self, kind: str, status: int) -> Answer: ...

    def hook(self, hook: dict[str, JSON]) -> JSON:
        """Set up a webhook. Raises msgspec.ValidationError."""

    def hooks(self) -> list[JSON]: ...

    def unhook(self) -> None: ...
