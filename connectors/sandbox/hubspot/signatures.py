"""Signatures of HubSpot's deliveries. The key is the app's client secret.

https://developers.hubspot.com/docs/api/webhooks/validating-requests
"""

from __future__ import annotations

import base64
import hashlib
import hmac


def v1(secret: str, body: bytes) -> str:
    """SHA-256 in hex over secret and raw body."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def v2(secret: str, method: str, uri: str, body: bytes) -> str:
    """As v1, with method and full URI between the two."""
    return hashlib.sha256(f"{secret}{method}{uri}".encode() + body).hexdigest()


def v3(secret: str, method: str, uri: str, body: bytes, timestamp: int) -> str:
    """HMAC-SHA256 in standard base64; the timestamp (ms) is signed with the rest."""
    text = f"{method}{uri}".encode() + body + str(timestamp).encode()
    return base64.b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()


def headers(secret: str, uri: str, body: bytes, now: int) -> dict[str, str]:
    """What a delivery carries: v1, and v3 beside it."""
    return {
        "X-HubSpot-Signature": v1(secret, body),
        "X-HubSpot-Signature-Version": "v1",
        "X-HubSpot-Signature-v3": v3(secret, "POST", uri, body, now),
        "X-HubSpot-Request-Timestamp": str(now),
    }
