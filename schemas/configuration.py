"""Who uses us and how: tenants, their connections, what is installed between them."""

from __future__ import annotations

from typing import Literal

import msgspec

ConnectionState = Literal["active", "paused", "broken"]
InstallationState = Literal["linking", "active", "paused", "removed"]
Guard = Literal["always", "contested", "never"]


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A customer of ours."""

    id: str
    name: str


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant's account on a product. `credentials` are absent where the reader may not see them."""

    tenant: str
    id: str
    product: str
    base_url: str
    """The account's address, as a person would type it."""
    account: str = ""
    """The product's own name for the account (HubSpot's portal id), learnt by the probe."""
    credentials: dict[str, str] = {}
    config: dict[str, str] = {}
    guard: Guard = "always"
    """Whether the sink reads a record before it writes: see docs/guarantees."""
    state: ConnectionState = "active"
    reason: str = ""

    def __repr__(self) -> str:
        return f"Connection({self.tenant}/{self.id}, {self.product}, {self.state})"


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """A sync app between two connections of a tenant. `linking`: its backfill's first phase is not over."""

    tenant: str
    id: str
    app: str
    version: str = ""
    """Of the app, as published: what is installed does not change until it is told to."""
    left: str
    """Connection id of the app's first endpoint."""
    right: str
    state: InstallationState = "linking"
    settings: dict[str, msgspec.Raw | str | int | bool | list[str] | None] = {}
    overrides: dict[str, msgspec.Raw] = {}
