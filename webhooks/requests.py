"""What a product sent us, before anybody believes it, and who it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Secrets = Mapping[str, str]
"""Secret name → secret."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came. `url` is the public one, as the sender saw it; header names are in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    raw: bytes

    def scope(self) -> dict[str, object]:
        """What the document's expressions read as `req`."""
        return {
            "method": self.method,
            "url": self.url,
            "headers": self.headers,
            "query": self.query,
            "raw": self.raw,
        }


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A connection as the receiver knows it: no address, no API credential.

    `secrets`: every set of secrets that a signature may be made with; during a rotation there are several.
    """

    tenant: str
    connection: str
    product: str
    account: str = ""
    secrets: Sequence[Secrets] = field(default=(), repr=False)
