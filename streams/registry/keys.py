"""The keys that open what the registry holds, and where each kind of secret belongs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from schemas.sealing import Keyring, Place
from schemas.settings import Settings


@dataclass(frozen=True, slots=True)
class Keys:
    """`credentials` opens API credentials and webhook tokens; `webhooks` what webhooks are signed with, no more."""

    credentials: Keyring
    webhooks: Keyring

    @classmethod
    def of(cls, settings: Settings) -> Keys:
        """Raises schemas.sealing.BadKey where a key is missing or malformed."""
        return cls(
            credentials=Keyring.from_text(settings.credentials_key.get_secret_value()),
            webhooks=Keyring.from_text(settings.webhook_key.get_secret_value()),
        )


def credential_place(tenant: str, connection: str, name: str) -> Place:
    return Place(tenant, connection, f"credentials.{name}")


def token_place(tenant: str, connection: str) -> Place:
    return Place(tenant, connection, "webhook_token")


def seal_credentials(ring: Keyring, tenant: str, connection: str, credentials: Mapping[str, str]) -> str:
    """JSON object, name → sealed text."""
    sealed = {
        name: ring.seal(secret, credential_place(tenant, connection, name)) for name, secret in credentials.items()
    }
    return msgspec.json.encode(sealed).decode()


def open_credentials(ring: Keyring, tenant: str, connection: str, column: str) -> dict[str, str]:
    """Raises schemas.sealing.SealBroken if one of them does not belong here."""
    sealed = msgspec.json.decode(column, type=dict[str, str])
    return {name: ring.open(text, credential_place(tenant, connection, name)) for name, text in sealed.items()}
