"""Secrets at rest: sealed with AES-256-GCM, bound to the row that they belong to.

A sealed text reads `v1.<key id>.<nonce>.<ciphertext>`, the last two in URL-safe base64 without padding. The tenant,
the connection, the field and the key id are authenticated along with it, so a text that is copied into another row,
field or tenant does not open. NIST SP 800-38D: random 96-bit nonces are safe far beyond the number of secrets that
we hold under one key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12


class SealBroken(Exception):
    """A sealed text does not open here: altered, moved to another row, or its key is not on the ring.

    The message names the place and the key id, never a part of the secret.
    """


class BadKey(ValueError):
    """A key in the settings is not 32 bytes in base64."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret belongs."""

    tenant: str
    connection: str
    field: str

    def __str__(self) -> str:
        return f"{self.tenant}|{self.connection}|{self.field}"


def webhook_secret_place(tenant: str, connection: str, name: str) -> Place:
    """A webhook secret of a connection; of a product's own, `tenant` is empty and `connection` the product."""
    return Place(tenant, connection, f"webhook_secret.{name}")


class Keyring:
    """One key that seals, and older ones that still open what they sealed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise BadKey(f"a sealing key must have {KEY_BYTES} bytes")
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._active = key_id(keys[0])

    @classmethod
    def from_text(cls, text: str) -> Keyring:
        """Keys as the settings hold them: base64, comma between them, the one that seals first. Raises BadKey."""
        try:
            keys = [base64.b64decode(part.strip(), validate=True) for part in text.split(",") if part.strip()]
        except binascii.Error:
            raise BadKey("a sealing key is not base64") from None
        return cls(keys)

    def __repr__(self) -> str:
        return f"Keyring(active={self._active}, keys={len(self._ciphers)})"

    def seal(self, secret: str, place: Place) -> str:
        """Encrypt for this place with the active key. Equal secrets give different texts."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._active].encrypt(nonce, secret.encode(), _bound(place, self._active))
        return ".".join((VERSION, self._active, _text(nonce), _text(sealed)))

    def open(self, sealed: str, place: Place) -> str:
        """The secret. Raises SealBroken unless this very text was sealed for this very place by a key on the ring."""
        key, nonce, ciphertext = _parts(sealed, place)
        cipher = self._ciphers.get(key)
        if cipher is None:
            raise SealBroken(f"{place}: no key {key} on the ring")
        try:
            return cipher.decrypt(nonce, ciphertext, _bound(place, key)).decode()
        except (InvalidTag, ValueError):
            raise SealBroken(f"{place}: altered or not from here") from None

    def is_current(self, sealed: str) -> bool:
        """False for what an older key sealed: seal it anew, then the old key can go."""
        return sealed.startswith(f"{VERSION}.{self._active}.")


def key_id(key: bytes) -> str:
    """A short public name of a key, derived from it, so that nobody has to hand out names."""
    return hashlib.sha256(b"freshpipe key id" + key).hexdigest()[:8]


def new_key() -> str:
    """A fresh key as the settings want it."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def token_digest(token: str) -> str:
    """SHA-256 in hex, to look a bearer token up by. Tokens have 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _bound(place: Place, key: str) -> bytes:
    """The authenticated part. A JSON list, because ids joined by a separator could be cut in two ways."""
    return json.dumps([place.tenant, place.connection, place.field, key]).encode()


def _parts(sealed: str, place: Place) -> tuple[str, bytes, bytes]:
    parts = sealed.split(".")
    if len(parts) != 4 or parts[0] != VERSION:
        raise SealBroken(f"{place}: not a sealed text")
    try:
        nonce, ciphertext = (
            base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True) for part in parts[2:]
        )
    except (binascii.Error, ValueError):
        raise SealBroken(f"{place}: not a sealed text") from None
    if len(nonce) != NONCE_BYTES:
        raise SealBroken(f"{place}: not a sealed text")
    return parts[1], nonce, ciphertext


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
