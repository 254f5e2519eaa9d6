"""The limits of Freshsales."""

from __future__ import annotations

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import Api


async def test_the_hourly_limit_says_when_to_come_back(freshsales: Api, sandbox: Running) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    await sandbox.admin.configure("freshsales", hourly_limit=2)
    assert [(await freshsales.get("/selector/owners")).status for _ in range(3)] == [200, 200, 429]
    await sandbox.admin.advance_clock(3_599_500)
    refused = await freshsales.get("/selector/owners")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    await sandbox.admin.advance_clock(500)
    assert (await freshsales.get("/selector/owners")).status == 200


async def test_limit_headers_are_told_only_where_set(freshsales: Api, sandbox: Running) -> None:
    assert "X-RateLimit-Limit" not in (await freshsales.get("/selector/owners")).headers
    await sandbox.admin.configure("freshsales", limit_headers=True)
    assert (await freshsales.get("/selector/owners")).headers["X-RateLimit-Remaining"] == "998"


async def test_an_inner_throttling_is_told_as_a_400(freshsales: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("freshsales", upstream_429=1.0)
    reply = await freshsales.post("/contacts", {"contact": {"emails": "a@acme.example"}})
    assert reply.status == 400
    assert "response_code :: 429" in reply.body["errors"]["message"][0]
    assert await sandbox.admin.records("freshsales", "acme", "contacts") == []
