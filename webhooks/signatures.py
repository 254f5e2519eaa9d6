"""Is it from the product? Signatures over the raw bytes, before anything is parsed.

The document's `events.verify` lists ways; the first whose header is present decides, and there is no second chance by
another. Every active secret is tried, in constant time and without an early exit.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from schemas.documents.expressions import ExpressionFailed
from schemas.documents.receiving import Mac, Timestamp, UrlToken
from schemas.documents.scopes import VERIFY
from webhooks.errors import Refused
from webhooks.formulas import Formula, compile_formula
from webhooks.requests import Incoming, Secrets

_HASHES: dict[str, Callable[[bytes], bytes]] = {
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
}
_UNIT_MS = {"ms": 1, "s": 1000}


@dataclass(frozen=True, slots=True)
class _Way:
    """A compiled Mac."""

    mac: Mac
    over: Formula

    def check(self, request: Incoming, given: str, secrets: Sequence[Secrets], now: int) -> None:
        """Raises Refused unless `given` is the signature by one of the secrets, made within the allowed time."""
        if self.mac.timestamp is not None:
            _check_time(request, self.mac.timestamp, now)
        signature = given.removeprefix(self.mac.prefix).strip().encode("utf-8", "replace")
        matches = [hmac.compare_digest(signature, self._expected(request, known)) for known in secrets]
        if not any(matches):
            raise Refused("bad_signature")

    def _expected(self, request: Incoming, secrets: Secrets) -> bytes:
        over = self.over({"req": request.scope(), "secret": secrets, "config": {}})
        if not isinstance(over, bytes):
            raise Refused("bad_signature")
        algorithm, digest = self.mac.mac, b""
        if self.mac.key is None:
            digest = _HASHES[algorithm](over)
        elif self.mac.key in secrets:
            digest = hmac.digest(secrets[self.mac.key].encode(), over, algorithm.removeprefix("hmac-"))
        else:
            raise Refused("bad_signature")
        return base64.b64encode(digest) if self.mac.encoding == "base64" else digest.hex().encode()


class Verifier:
    """The compiled `verify` of a document. Raises ExpressionFailed for one that does not compile."""

    def __init__(self, ways: Iterable[Mac | UrlToken]) -> None:
        listed = list(ways)
        self._macs = [_Way(way, compile_formula(way.over, VERIFY)) for way in listed if isinstance(way, Mac)]
        self._token_suffices = any(isinstance(way, UrlToken) for way in listed)

    @property
    def signs(self) -> bool:
        """False if nothing but the address is proof."""
        return bool(self._macs)

    def check(self, request: Incoming, secrets: Sequence[Secrets], now: int) -> None:
        """Raises Refused unless the request is the product's; `now` in ms.

        An address alone is proof only where the document says so and no secret is known: else who has seen the
        address could leave the signature out.
        """
        for way in self._macs:
            given = request.headers.get(way.mac.header)
            if given is not None:
                return self._by(way, request, given, secrets, now)
        if self._token_suffices and not (self._macs and secrets):
            return None
        raise Refused("unsigned")

    def _by(self, way: _Way, request: Incoming, given: str, secrets: Sequence[Secrets], now: int) -> None:
        try:
            way.check(request, given, secrets, now)
        except ExpressionFailed as error:
            raise Refused("bad_signature") from error


def _check_time(request: Incoming, timestamp: Timestamp, now: int) -> None:
    """A request signed too long ago may be a replay; one from the future would be a replay for longer."""
    text = request.headers.get(timestamp.header, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Refused("unsigned")
    if abs(now - int(text) * _UNIT_MS[timestamp.unit]) > timestamp.max_age_s * 1000:
        raise Refused("stale")
