"""Bytes come and go within their limits, and a failure says whether the call may have taken effect."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from yarl import URL

from connectors.errors import CallFailed
from connectors.http import ANSWER_LIMIT, Http, Request
from tests.connectors.servers import serving
from tests.ports import free_port


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    http = Http(allow_loopback=True)
    yield http
    await http.close()


def request(url: str, method: str = "GET", timeout_s: float = 5.0) -> Request:
    return Request(method, URL(url), {"Authorization": "Bearer canary"}, None, timeout_s)


async def test_any_status_is_an_answer_and_redirects_are_not_followed(http: Http) -> None:
    async def redirect(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://169.254.169.254/latest")

    async with serving(redirect) as url:
        answer = await http.send(request(url))
    assert answer.status == 302


async def test_integers_of_any_size_are_kept(http: Http) -> None:
    async def big(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b'{"id": 123456789012345678901234567890}', content_type="application/json")

    async with serving(big) as url:
        assert (await http.send(request(url))).json == {"id": 123456789012345678901234567890}


@pytest.mark.parametrize("compressed", [True, False])
async def test_an_answer_that_is_too_large_is_cut_off(http: Http, compressed: bool) -> None:
    body = b" " * (ANSWER_LIMIT + 1)

    async def large(_: web.Request) -> web.StreamResponse:
        if compressed:
            return web.Response(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
        return web.Response(body=body)

    async with serving(large) as url:
        with pytest.raises(CallFailed) as caught:
            await http.send(request(url))
    assert caught.value.category == "too_large"
    assert caught.value.sent


async def test_no_connection_means_that_nothing_was_sent(http: Http) -> None:
    with pytest.raises(CallFailed) as caught:
        await http.send(request(f"http://127.0.0.1:{free_port()}/x", "POST"))
    assert caught.value.category == "transient"
    assert not caught.value.sent
    assert "canary" not in str(caught.value)


async def test_an_answer_that_does_not_come_leaves_the_effect_open(http: Http) -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with serving(hang) as url:
        with pytest.raises(CallFailed) as caught:
            await http.send(request(url, "POST", timeout_s=0.2))
    assert caught.value.category == "timeout"
    assert caught.value.sent


async def test_a_connection_that_breaks_leaves_the_effect_open(http: Http) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(hang_up) as url:
        with pytest.raises(CallFailed) as caught:
            await http.send(request(url, "POST"))
    assert caught.value.category == "transient"
    assert caught.value.sent


async def test_this_machine_is_out_of_reach_by_default() -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        raise AssertionError("was reached")

    http = Http()
    try:
        async with serving(never) as url:
            with pytest.raises(CallFailed) as caught:
                await http.send(request(url))
    finally:
        await http.close()
    assert not caught.value.sent


async def test_cookies_are_not_carried_from_one_call_to_the_next(http: Http) -> None:
    seen: list[str | None] = []

    async def cookie(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Cookie"))
        response = web.Response()
        response.set_cookie("account", "a")
        return response

    async with serving(cookie) as url:
        url = url.replace("127.0.0.1", "localhost")
        await http.send(request(url))
        await http.send(request(url))
    assert seen == [None, None]


def test_a_request_does_not_show_its_credentials() -> None:
    shown = repr(Request("GET", URL("https://x.io/a?email=ann%40x.io"), {"Authorization": "canary"}))
    assert shown == "Request(GET x.io/a)"
