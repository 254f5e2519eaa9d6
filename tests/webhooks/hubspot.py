"""HubSpot's side of a webhook: bodies as it sends them, signed as it signs them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

import msgspec

from tests.webhooks.conftest import CLIENT_SECRET, PUBLIC_URL

APP_PATH = "/v1/hooks/app/hubspot"


def event(**changed: Any) -> dict[str, Any]:
    """A property change, as captured from live traffic."""
    return {
        "eventId": 2572854942,
        "subscriptionId": 6527612,
        "portalId": 62515,
        "appId": 39522895,
        "occurredAt": 1782371969536,
        "subscriptionType": "contact.propertyChange",
        "attemptNumber": 0,
        "objectId": 508369434347,
        "propertyName": "firstname",
        "propertyValue": "Maton",
        "changeSource": "INTEGRATION",
        "sourceId": "39522895",
        **changed,
    }


def body_of(*events: dict[str, Any]) -> bytes:
    return msgspec.json.encode(events)


def signed(
    body: bytes, path: str = APP_PATH, *, secret: str = CLIENT_SECRET, at: int | None = None, method: str = "POST"
) -> dict[str, str]:
    """The headers of signature v3, and of v1, which HubSpot sends along."""
    timestamp = str(at if at is not None else time.time_ns() // 1_000_000)
    source = f"{method}{PUBLIC_URL}{path}".encode() + body + timestamp.encode()
    return {
        "Content-Type": "application/json",
        "X-HubSpot-Request-Timestamp": timestamp,
        "X-HubSpot-Signature-v3": base64.b64encode(hmac.digest(secret.encode(), source, "sha256")).decode(),
        **signed_v1(body, secret),
    }


def signed_v1(body: bytes, secret: str = CLIENT_SECRET) -> dict[str, str]:
    digest = hashlib.sha256(secret.encode() + body).hexdigest()
    return {"X-HubSpot-Signature": digest, "X-HubSpot-Signature-Version": "v1"}
