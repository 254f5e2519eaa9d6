"""Reading a request's body within bounds of size and time, which aiohttp has not by itself."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from webhooks.errors import Refused

BODY_S = 5.0
"""For the whole body: who sends it byte by byte does not keep us."""


async def read_body(request: web.Request, limit: int, seconds: float = BODY_S) -> bytes:
    """The body, decompressed. Raises Refused if it has more than `limit` bytes, takes too long or is broken."""
    if (request.content_length or 0) > limit:
        raise Refused("too_large")
    if request.content.is_eof() and request.content.exception() is None:  # all of it came with the headers
        body = request.content.read_nowait()
        if len(body) > limit:
            raise Refused("too_large")
        return body
    return await _gathered(request, limit, seconds)


async def _gathered(request: web.Request, limit: int, seconds: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > limit:
                    raise Refused("too_large")
                chunks.append(chunk)
    except TimeoutError as error:
        raise Refused("too_slow") from error
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:
        raise Refused("unparsable") from error
    return b"".join(chunks)
