"""Credentials are taken from what a connection has, renewed once for all, and kept before they are used."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import pytest

from connectors.auth import credentials_of
from connectors.errors import CallFailed
from schemas.documents.connector import Auth

KEY = {"secret": "api_key", "header": "Authorization", "prefix": "Token token="}
OAUTH = {"authorize": "https://x.io/a", "token": "https://x.io/t"}
PROBE = {"call": "GET /me"}
APP = {"client_id": "app", "client_secret": "hush", "refresh_token": "r0"}


class Endpoint:
    """A token endpoint that counts, and a store that remembers what it was given."""

    def __init__(self, lifetime: int = 1800, refuses: bool = False) -> None:
        self.forms: list[Mapping[str, str]] = []
        self.kept: list[Mapping[str, str]] = []
        self.lifetime = lifetime
        self.refuses = refuses

    async def exchange(self, form: Mapping[str, str]) -> Mapping[str, object]:
        self.forms.append(form)
        await asyncio.sleep(0)
        if self.refuses:
            raise CallFailed("auth_revoked", status=400)
        number = len(self.forms)
        return {"access_token": f"a{number}", "refresh_token": f"r{number}", "expires_in": self.lifetime}

    async def keep(self, credentials: Mapping[str, str]) -> None:
        self.kept.append(credentials)


def auth(**ways: object) -> Auth:
    return Auth.model_validate({"probe": PROBE, **ways})


async def test_a_key_goes_where_the_document_says() -> None:
    endpoint = Endpoint()
    keyed = credentials_of(auth(api_key=KEY), {"api_key": "k"}, endpoint.exchange, endpoint.keep)
    assert await keyed.headers() == {"Authorization": "Token token=k"}
    assert not await keyed.renew({})
    queried = credentials_of(auth(api_key={"query": "key"}), {"api_key": "k"}, endpoint.exchange, endpoint.keep)
    assert queried.query == {"key": "k"}
    basic = credentials_of(
        auth(basic={"user": "=secret.api_key", "pass": "X"}), {"api_key": "k"}, endpoint.exchange, endpoint.keep
    )
    assert await basic.headers() == {"Authorization": "Basic azpY"}


async def test_a_connection_without_secrets_is_revoked_before_any_call() -> None:
    endpoint = Endpoint()
    for ways in ({"api_key": KEY}, {"oauth2": OAUTH}, {"basic": {"user": "=secret.api_key", "pass": "X"}}):
        with pytest.raises(CallFailed) as caught:
            credentials_of(auth(**ways), {}, endpoint.exchange, endpoint.keep)
        assert caught.value.category == "auth_revoked"


async def test_many_calls_renew_a_token_once_and_keep_it_first() -> None:
    endpoint = Endpoint()
    tokens = credentials_of(auth(oauth2=OAUTH, api_key=KEY), APP, endpoint.exchange, endpoint.keep)
    headers = await asyncio.gather(*(tokens.headers() for _ in range(10)))
    assert headers == [{"Authorization": "Bearer a1"}] * 10
    assert [form["refresh_token"] for form in endpoint.forms] == ["r0"]
    assert endpoint.kept[0]["refresh_token"] == "r1"
    assert int(endpoint.kept[0]["expires_at"]) > time.time() * 1000 + 1_700_000


async def test_a_token_is_renewed_before_it_expires_by_the_newest_refresh_token() -> None:
    endpoint = Endpoint(lifetime=60)
    tokens = credentials_of(auth(oauth2=OAUTH), APP, endpoint.exchange, endpoint.keep)
    await tokens.headers()
    assert await tokens.headers() == {"Authorization": "Bearer a2"}
    assert endpoint.forms[1]["refresh_token"] == "r1"


async def test_a_kept_token_is_used_while_it_lives() -> None:
    endpoint = Endpoint()
    secrets = {**APP, "access_token": "a0", "expires_at": str(int(time.time() * 1000) + 900_000)}
    tokens = credentials_of(auth(oauth2=OAUTH), secrets, endpoint.exchange, endpoint.keep)
    assert await tokens.headers() == {"Authorization": "Bearer a0"}
    assert endpoint.forms == []


async def test_calls_that_were_refused_together_renew_once() -> None:
    endpoint = Endpoint()
    tokens = credentials_of(auth(oauth2=OAUTH), APP, endpoint.exchange, endpoint.keep)
    used = await tokens.headers()
    assert await asyncio.gather(*(tokens.renew(used) for _ in range(5))) == [True] * 5
    assert len(endpoint.forms) == 2


async def test_a_dead_refresh_token_is_revoked() -> None:
    endpoint = Endpoint(refuses=True)
    tokens = credentials_of(auth(oauth2=OAUTH), APP, endpoint.exchange, endpoint.keep)
    with pytest.raises(CallFailed) as caught:
        await tokens.headers()
    assert caught.value.category == "auth_revoked"
    assert endpoint.kept == []


def test_secrets_do_not_show() -> None:
    endpoint = Endpoint()
    for ways, secrets in (
        ({"api_key": KEY}, {"api_key": "canary"}),
        ({"oauth2": OAUTH}, {**APP, "access_token": "canary"}),
    ):
        assert "canary" not in repr(credentials_of(auth(**ways), secrets, endpoint.exchange, endpoint.keep))
        assert "hush" not in repr(credentials_of(auth(**ways), secrets, endpoint.exchange, endpoint.keep))
