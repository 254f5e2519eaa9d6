"""Small clients for the tests: they speak HTTP and know nothing of the products' rules."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

JSON = Any
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: JSON
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Api:
    """One account of a product, called with one token."""

    session: aiohttp.ClientSession
    url: str
    authorization: str

    async def call(self, method: str, path: str, body: JSON = None, **query: str) -> Reply:
        async with self.session.request(
            method, self.url + path, json=body, params=query, headers={"Authorization": self.authorization}
        ) as response:
            raw = await response.read()
            answer = await response.json() if raw else None
            return Reply(response.status, answer, dict(response.headers))

    async def get(self, path: str, **query: str) -> Reply:
        return await self.call("GET", path, **query)

    async def post(self, path: str, body: JSON = None, **query: str) -> Reply:
        return await self.call("POST", path, body, **query)

    async def put(self, path: str, body: JSON = None, **query: str) -> Reply:
        return await self.call("PUT", path, body, **query)

    async def patch(self, path: str, body: JSON = None, **query: str) -> Reply:
        return await self.call("PATCH", path, body, **query)

    async def delete(self, path: str) -> Reply:
        return await self.call("DELETE", path)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A webhook as it arrived."""

    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> JSON:
        return json.loads(self.raw)


@dataclass(slots=True)
class Receiver:
    """Takes webhooks in; the first answers are those of `statuses`, then 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    deliveries: list[Delivered] = field(default_factory=list)

    @property
    def events(self) -> list[JSON]:
        """All events of all deliveries that were arrays."""
        return [event for each in self.deliveries for event in each.body]

    async def handle(self, request: web.Request) -> web.Response:
        self.deliveries.append(Delivered(dict(request.headers), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so; fails after ten seconds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)
