"""A load generator that costs little: fixed requests over keep-alive sockets, without an HTTP library."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

RequestBytes = Callable[[int], bytes]
"""The n-th request, whole: request line, headers, body."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of load came to. Rates per second, latencies in ms."""

    requests: int
    failures: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """One POST request as bytes."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def press(host: str, port: int, request: RequestBytes, *, seconds: float, connections: int, ok: bytes) -> Load:
    """Keep `connections` requests in flight for `seconds`; an answer counts if its status is `ok` (b"202")."""
    end = time.monotonic() + seconds
    started = time.monotonic()
    workers = [_worker(host, port, request, n * 10_000_000, end, ok) for n in range(connections)]
    counts = await asyncio.gather(*workers)
    elapsed = time.monotonic() - started
    return Load(sum(done for done, _ in counts), sum(failed for _, failed in counts), elapsed)


async def _worker(host: str, port: int, request: RequestBytes, number: int, end: float, ok: bytes) -> tuple[int, int]:
    reader, writer = await asyncio.open_connection(host, port)
    done = failed = 0
    while time.monotonic() < end:
        writer.write(request(number))
        number += 1
        status = await _read_response(reader)
        if status == ok:
            done += 1
            continue
        failed += 1
    writer.close()
    await writer.wait_closed()
    return done, failed


async def _read_response(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at >= 0:
        length = int(head[at + 15 : head.index(b"\r\n", at)])
        await reader.readexactly(length)
    return head[9:12]
