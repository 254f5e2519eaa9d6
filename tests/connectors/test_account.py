"""A connector that nobody built in: tokens that expire, pages by link, and a product that tries to lead us astray."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from connectors.client import Client, Clients
from connectors.connector import compile_connector
from connectors.errors import CallFailed
from schemas.configuration import Connection
from schemas.documents.connector import load_connector
from tests.connectors.servers import serving

DOCUMENT = """
kind: connector/v1
id: shop
version: 1.0.0
title: Shop
auth:
  oauth2: {authorize: "https://shop.example/authorize", token: "https://shop.example/oauth/token"}
  probe: {call: GET /me, good: "=body.active"}
http: {base: "https://shop.example/api", hosts: [shop.example], timeout_s: 5}
limits:
  - {bucket: burst, rate: 50000/1s, remaining: header.x-remaining, reset: header.x-reset}
errors:
  - {status: 401, is: auth_expired}
  - {status: 429, is: rate_limited, retry_after: header.retry-after}
entities:
  person:
    item: {id: /id, updated: /changed}
    fields:
      name: {type: string}
      changed: {type: datetime, access: ro}
    ops:
      get: {call: "GET /people/{id}"}
      list: {call: GET /people, items: "", page: {type: link_header, size: 2}}
      create: {call: POST /people, body: "=changed", returns: item}
"""


class Shop:
    """The product: five people, two a page, and tokens that live for as many calls as it is told."""

    def __init__(self, token_lives_for: int = 1_000) -> None:
        self.token_lives_for = token_lives_for
        self.tokens = 0
        self.left = 0
        self.forms: list[Mapping[str, Any]] = []
        self.paths: list[str] = []
        self.next_host = ""
        self.headers: dict[str, str] = {}
        self.status = 200
        self.refresh_works = True

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        if request.path == "/oauth/token":
            return await self._token(request)
        if self.left <= 0 or request.headers.get("Authorization") != f"Bearer t{self.tokens}":
            return web.json_response({"error": "expired"}, status=401)
        self.left -= 1
        if self.status != 200:
            return web.json_response({}, status=self.status, headers=self.headers)
        if request.path == "/api/me":
            return web.json_response({"active": True}, headers=self.headers)
        return self._people(request)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        self.forms.append(dict(await request.post()))
        if not self.refresh_works:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.tokens, self.left = self.tokens + 1, self.token_lives_for
        return web.json_response({"access_token": f"t{self.tokens}", "expires_in": 1800})

    def _people(self, request: web.Request) -> web.StreamResponse:
        start = int(request.query.get("from", 0))
        people = [{"id": number, "name": f"P{number}"} for number in range(5)][start : start + 2]
        host = self.next_host or f"http://{request.host}"
        headers = {"Link": f'<{host}/api/people?from={start + 2}>; rel="next"'} if start < 4 else {}
        return web.json_response(people, headers={**headers, **self.headers})


def client_of(url: str, clients: Clients) -> Client:
    """A client with a refresh token, as an installed app has it."""
    connectors = {"shop": compile_connector(load_connector(DOCUMENT, "shop.yaml"))}
    kept: list[Mapping[str, str]] = []

    async def keep(connection: Connection, credentials: Mapping[str, str]) -> None:
        kept.append(credentials)

    secrets = {"shop": {"client_id": "app", "client_secret": "hush"}}
    own = Clients(connectors, clients.transport, clients.quota, True, secrets, keep)
    connection = Connection(
        tenant="acme", id=uuid4().hex, product="shop", base_url=url, credentials={"refresh_token": "r"}
    )
    return own.of(connection)


async def names_of(client: Client) -> list[object]:
    names: list[object] = []
    cursor: str | None = None
    while True:
        page = await client.list("person", cursor)
        names += [row.reading.fields["name"] for row in page.rows]
        if page.cursor is None:
            return names
        cursor = page.cursor


async def test_a_token_that_expires_between_pages_is_renewed_once(clients: Clients) -> None:
    shop = Shop(token_lives_for=2)
    async with serving(shop.answer) as url:
        assert await names_of(client_of(url, clients)) == ["P0", "P1", "P2", "P3", "P4"]
    assert shop.tokens == 2
    assert shop.forms[0] == {
        "client_id": "app",
        "client_secret": "hush",
        "grant_type": "refresh_token",
        "refresh_token": "r",
    }


async def test_a_token_that_is_refused_at_once_is_not_renewed_for_ever(clients: Clients) -> None:
    shop = Shop(token_lives_for=0)
    async with serving(shop.answer) as url:
        with pytest.raises(CallFailed) as caught:
            await client_of(url, clients).get("person", "1")
    assert caught.value.category == "auth_revoked"
    assert shop.tokens == 2


async def test_a_dead_refresh_token_is_told_and_no_call_is_made(clients: Clients) -> None:
    shop = Shop()
    shop.refresh_works = False
    async with serving(shop.answer) as url:
        with pytest.raises(CallFailed) as caught:
            await client_of(url, clients).probe()
    assert caught.value.category == "auth_revoked"
    assert shop.paths == ["/oauth/token"]
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("host", ["http://evil.example", "http://127.0.0.1:1", "https://shop.example@evil.example"])
async def test_a_next_page_on_another_host_is_not_followed(host: str, clients: Clients) -> None:
    shop = Shop()
    shop.next_host = host
    async with serving(shop.answer) as url:
        with pytest.raises(CallFailed) as caught:
            await names_of(client_of(url, clients))
    assert caught.value.category == "unknown"


async def test_the_products_own_count_closes_the_bucket(clients: Clients) -> None:
    shop = Shop()
    shop.headers = {"x-remaining": "0", "x-reset": "60"}
    async with serving(shop.answer) as url:
        client = client_of(url, clients)
        await client.list("person")
        with pytest.raises(CallFailed) as caught:
            await client.list("person")
    assert caught.value.category == "rate_limited"
    assert (caught.value.retry_after_ms or 0) > 50_000
    assert shop.paths.count("/api/people") == 1


async def test_a_date_in_retry_after_is_honoured(clients: Clients) -> None:
    shop = Shop()
    shop.status = 429
    shop.headers = {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)}
    async with serving(shop.answer) as url:
        with pytest.raises(CallFailed) as caught:
            await client_of(url, clients).list("person")
    assert 30_000 < (caught.value.retry_after_ms or 0) <= 40_000


async def test_an_unknown_refusal_has_a_category_too(clients: Clients) -> None:
    shop = Shop()
    shop.status = 418
    async with serving(shop.answer) as url:
        with pytest.raises(CallFailed) as caught:
            await client_of(url, clients).create("person", {"name": "P9"})
    assert (caught.value.category, caught.value.status, caught.value.sent) == ("unknown", 418, False)


async def test_what_the_product_cannot_do_is_unsupported(clients: Clients) -> None:
    client = client_of("http://127.0.0.1:1", clients)
    for call in (
        client.get("car", "1"),
        client.update("person", "1", {"name": "P"}),
        client.changes("person", 0),
        client.delete("person", "1"),
        client.find("person", "name", "P1"),
        client.list("person", "not a cursor"),
    ):
        with pytest.raises(CallFailed) as caught:
            await call
        assert caught.value.category == "unsupported"
    assert await client.discover("person") == ()


async def test_a_connection_is_opened_anew_when_its_credentials_change(clients: Clients) -> None:
    connectors = {"shop": compile_connector(load_connector(DOCUMENT, "shop.yaml"))}
    own = Clients(connectors, clients.transport, clients.quota, True, {"shop": {"client_id": "a"}})
    connection = Connection(
        tenant="acme", id="c", product="shop", base_url="http://127.0.0.1:1", credentials={"refresh_token": "r"}
    )
    first = own.of(connection)
    assert own.of(connection, background=True).account is first.account
    renewed = Connection(
        tenant="acme", id="c", product="shop", base_url="http://127.0.0.1:1", credentials={"refresh_token": "s"}
    )
    assert own.of(renewed).account is not first.account
    with pytest.raises(CallFailed) as caught:
        own.of(Connection(tenant="acme", id="d", product="nothing", base_url=""))
    assert caught.value.category == "unsupported"
