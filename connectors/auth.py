"""How calls prove who they are: a key, basic authentication, or OAuth tokens that are renewed before they expire."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from connectors import templates
from connectors.errors import CallFailed
from schemas.documents import scopes
from schemas.documents.connector import ApiKey, Auth, Basic, OAuth2
from schemas.documents.expressions import ExpressionFailed

EARLY_S = 120
"""A token is renewed this long before it expires, so that it lives through the call that it is used for."""

Exchange = Callable[[Mapping[str, str]], Awaitable[Mapping[str, object]]]
"""Posts a form to the product's token endpoint and returns the JSON of its answer. Raises CallFailed."""
Keep = Callable[[Mapping[str, str]], Awaitable[None]]
"""Stores renewed credentials; done before they are used, for the old ones may be dead by then."""


class Credentials(Protocol):
    """What is added to a call."""

    async def headers(self) -> Mapping[str, str]:
        """The headers that authorise a call. Raises CallFailed."""

    @property
    def query(self) -> Mapping[str, str]:
        """What is added to the query."""

    async def renew(self, used: Mapping[str, str]) -> bool:
        """A call with the headers `used` was refused as expired. True if there are new ones to try, once."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Credentials that stay as they are."""

    _headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    query: Mapping[str, str] = field(repr=False, default_factory=dict)

    async def headers(self) -> Mapping[str, str]:
        return self._headers

    async def renew(self, used: Mapping[str, str]) -> bool:
        return False


@dataclass(slots=True)
class Tokens:
    """OAuth 2.0 (RFC 6749): an access token, renewed by a refresh token or by the client's own credentials."""

    secrets: Mapping[str, str] = field(repr=False)
    lifetime_s: int
    exchange: Exchange = field(repr=False)
    keep: Keep = field(repr=False)
    _access: str = field(repr=False, default="")
    _refresh: str = field(repr=False, default="")
    _expires: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._access = self.secrets.get("access_token", "")
        self._refresh = self.secrets.get("refresh_token", "")
        self._expires = float(self.secrets.get("expires_at", 0)) / 1000

    @property
    def query(self) -> Mapping[str, str]:
        return {}

    async def headers(self) -> Mapping[str, str]:
        if not self._access or time.time() > self._expires - EARLY_S:
            async with self._lock:
                if not self._access or time.time() > self._expires - EARLY_S:
                    await self._renew()
        return {"Authorization": f"Bearer {self._access}"}

    async def renew(self, used: Mapping[str, str]) -> bool:
        async with self._lock:
            if used.get("Authorization") == f"Bearer {self._access}":
                await self._renew()
        return True

    async def _renew(self) -> None:
        form = {"client_id": self.secrets.get("client_id", ""), "client_secret": self.secrets.get("client_secret", "")}
        if self._refresh:
            form |= {"grant_type": "refresh_token", "refresh_token": self._refresh}
        else:
            form |= {"grant_type": "client_credentials"}
        answer = await self.exchange(form)
        access = answer.get("access_token")
        if not isinstance(access, str) or not access:
            raise CallFailed("auth_revoked", "the token endpoint gave no token")
        lifetime = answer.get("expires_in")
        expires = time.time() + (float(lifetime) if isinstance(lifetime, int | float) else self.lifetime_s)
        refresh = str(answer.get("refresh_token") or self._refresh)
        await self.keep({"access_token": access, "refresh_token": refresh, "expires_at": str(int(expires * 1000))})
        self._access, self._refresh, self._expires = access, refresh, expires


def credentials_of(auth: Auth, secrets: Mapping[str, str], exchange: Exchange, keep: Keep) -> Credentials:
    """The first of the document's ways for which there are secrets. Raises CallFailed (`auth_revoked`) if none is."""
    if auth.oauth2 and _has_tokens(auth.oauth2, secrets):
        return Tokens(secrets, auth.oauth2.expires_s, exchange, keep)
    if auth.api_key and secrets.get(auth.api_key.secret):
        return _keyed(auth.api_key, secrets[auth.api_key.secret])
    if auth.basic:
        return _basic(auth.basic, secrets)
    if auth.none:
        return Fixed()
    raise CallFailed("auth_revoked", "the connection has no credentials")


def _has_tokens(declared: OAuth2, secrets: Mapping[str, str]) -> bool:
    if secrets.get("refresh_token"):
        return bool(secrets.get("client_id"))
    return bool(secrets.get("access_token")) and declared.refresh == "never"


def _keyed(declared: ApiKey, secret: str) -> Fixed:
    if declared.query is not None:
        return Fixed(query={declared.query: declared.prefix + secret})
    return Fixed({declared.header or "Authorization": declared.prefix + secret})


def _basic(declared: Basic, secrets: Mapping[str, str]) -> Fixed:
    try:
        user, password = (
            str(templates.template(text, scopes.AUTH)({"secret": secrets, "config": {}}))
            for text in (declared.user, declared.password)
        )
    except ExpressionFailed as error:
        raise CallFailed("auth_revoked", "the connection has no credentials") from error
    return Fixed({"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()})
