"""What the receiver reads from MySQL, row by row, and whoever it reads it from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """A row of the view `webhook_endpoint`; `secret_name` is empty for a connection without secrets."""

    token_hash: str
    tenant: str
    connection: str
    product: str
    account: str
    secret_name: str
    sealed_secret: str


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A row of the view `webhook_product`."""

    product: str
    document: str
    secret_name: str
    sealed_secret: str


class Source(Protocol):
    """Where the rows come from. Every call raises EndpointsAway when MySQL does not answer in time."""

    async def revision(self) -> int:
        """The newest revision of the configuration."""

    async def rows(self) -> tuple[int, Sequence[EndpointRow], Sequence[ProductRow]]:
        """Everything, and the revision that it is at least of."""

    async def close(self) -> None:
        """Let the connections go."""
