"""Bytes to and from products: one session per process, with every limit set and no redirects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import aiohttp
import msgspec
from yarl import URL

from connectors.egress import socket_guard
from connectors.errors import CallFailed

ANSWER_LIMIT = 5 * 1024 * 1024
"""Bytes of an answer's body, decompressed."""
CONNECT_S = 5.0
KEEPALIVE_S = 15.0
"""Short: a connection that the other side closes under a request makes the fate of a create unknown."""
CONNECTIONS = 256
CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """A call ready to be sent. `url` is already encoded. `headers` hold the credentials, so they are not shown."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None = None
    timeout_s: float = 15.0

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url.host}{self.url.path})"


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status. Headers are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def json(self) -> Any:
        """The body as JSON, integers of any size kept; None if it is empty. Raises msgspec.DecodeError."""
        return _decode(self.body) if self.body else None


class Transport(Protocol):
    """What the connector runtime needs of HTTP."""

    async def send(self, request: Request) -> Answer: ...


class Http:
    """The process's one HTTP session. Open it inside the event loop, close it at the end."""

    def __init__(self, *, allow_loopback: bool = False) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS,
                limit_per_host=0,
                keepalive_timeout=KEEPALIVE_S,
                socket_factory=socket_guard(allow_loopback),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "freshpipe", "Accept": "application/json"},
        )

    async def send(self, request: Request) -> Answer:
        """Send and read the whole answer; any status is an answer, redirects included.

        Raises CallFailed (`timeout`, `transient` or `too_large`); its `sent` is False only where the request
        certainly never left.
        """
        try:
            async with self._session.request(
                request.method,
                request.url,
                data=request.body,
                headers=request.headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=request.timeout_s, sock_connect=CONNECT_S),
            ) as response:
                return Answer(response.status, response.headers, await _read(response))
        except aiohttp.ConnectionTimeoutError as error:
            raise CallFailed("timeout", "no connection in time") from error
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise CallFailed("transient", "cannot connect") from error
        except TimeoutError as error:
            raise CallFailed("timeout", f"no answer within {request.timeout_s:g} s", sent=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise CallFailed("transient", f"the connection broke ({type(error).__name__})", sent=True) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()
        await asyncio.sleep(0)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    length = response.content_length
    if length is not None and length <= ANSWER_LIMIT and "Content-Encoding" not in response.headers:
        return await response.read()
    chunks = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        chunks += chunk
        if len(chunks) > ANSWER_LIMIT:
            response.close()
            raise CallFailed("too_large", "the answer is larger than 5 MiB", status=response.status, sent=True)
    return bytes(chunks)


def now_ms() -> int:
    """Our clock, in ms since the epoch."""
    return time.time_ns() // 1_000_000


_decode = msgspec.json.Decoder().decode
