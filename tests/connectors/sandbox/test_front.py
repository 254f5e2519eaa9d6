"""The door of a product: faults on demand, malformed bodies, latency, the log."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import JSON, Api, until

CONTACTS = "/crm/v3/objects/contacts"


async def contacts(sandbox: Running, product: str = "hubspot") -> list[JSON]:
    return await sandbox.admin.records(product, "acme", "contacts")


async def test_the_next_calls_that_match_fail_and_the_rest_do_not(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.fault("hubspot", path="/contacts$", method="POST", status=503, times=2, skip=1)
    body: JSON = {"properties": {}}
    assert (await hubspot.get(CONTACTS)).status == 200
    assert [(await hubspot.post(CONTACTS, body)).status for _ in range(4)] == [201, 503, 503, 201]
    assert len(await contacts(sandbox)) == 2
    assert await sandbox.admin.faults() == []


@pytest.mark.parametrize("status", [401, 403, 404, 423, 429, 477, 500, 502, 503, 504, 521, 522, 523, 524])
async def test_a_fault_without_a_body_speaks_as_the_vendor_does(hubspot: Api, sandbox: Running, status: int) -> None:
    await sandbox.admin.fault("hubspot", status=status)
    reply = await hubspot.get(CONTACTS)
    assert reply.status == status
    assert reply.body["status"] == "error"
    assert ("Retry-After" in reply.headers) is (status == 477)


async def test_a_fault_may_bring_its_own_body_and_headers(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.fault("hubspot", status=429, body={"why": "so"}, headers={"Retry-After": "7"})
    reply = await hubspot.get(CONTACTS)
    assert (reply.status, reply.body, reply.headers["Retry-After"]) == (429, {"why": "so"}, "7")


async def test_faults_spare_people_and_other_accounts(hubspot_person: Api, hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.fault("hubspot", account="other")
    await sandbox.admin.fault("hubspot", by="person", status=500)
    assert (await hubspot.get(CONTACTS)).status == 200
    assert (await hubspot_person.get(CONTACTS)).status == 500
    await sandbox.admin.clear_faults()
    assert await sandbox.admin.faults() == []


@pytest.mark.parametrize("kind", ["commit_then_reset", "commit_then_hang"])
async def test_work_may_be_done_though_its_answer_is_lost(hubspot: Api, sandbox: Running, kind: str) -> None:
    await sandbox.admin.fault("hubspot", kind=kind, delay_ms=50)
    with pytest.raises(aiohttp.ClientError):
        await hubspot.post(CONTACTS, {"properties": {"email": "a@acme.example"}})
    assert len(await contacts(sandbox)) == 1


@pytest.mark.parametrize("kind", ["reset", "hang"])
async def test_a_connection_may_break_before_anything_is_done(hubspot: Api, sandbox: Running, kind: str) -> None:
    await sandbox.admin.fault("hubspot", kind=kind, delay_ms=50)
    with pytest.raises(aiohttp.ClientError):
        await hubspot.post(CONTACTS, {"properties": {"email": "a@acme.example"}})
    assert await contacts(sandbox) == []


async def test_work_may_be_done_though_an_error_is_told(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.fault("hubspot", kind="commit_then_answer", status=504)
    assert (await hubspot.post(CONTACTS, {"properties": {"email": "a@acme.example"}})).status == 504
    assert len(await contacts(sandbox)) == 1


async def test_an_answer_may_come_in_drips(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.fault("hubspot", kind="drip", delay_ms=5)
    started = time.monotonic()
    reply = await hubspot.get(CONTACTS)
    assert reply.body == {"results": []}
    assert time.monotonic() - started > 0.03


async def test_an_answer_may_be_cut_off(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.fault("hubspot", kind="malformed")
    with pytest.raises(ValueError, match=r"line 1 column"):
        await hubspot.get(CONTACTS)


async def test_throttling_in_disguise_can_be_injected(freshsales: Api, sandbox: Running) -> None:
    await sandbox.admin.fault("freshsales", kind="upstream_429", path="/contacts")
    reply = await freshsales.post("/contacts", {"contact": {"emails": "a@acme.example"}})
    assert reply.status == 400
    assert "429" in reply.body["errors"]["message"][0]
    assert await contacts(sandbox, "freshsales") == []


@pytest.mark.parametrize("product", ["hubspot", "freshsales"])
async def test_a_body_that_is_not_json_is_a_400(hubspot: Api, freshsales: Api, product: str) -> None:
    api, path = (hubspot, CONTACTS) if product == "hubspot" else (freshsales, "/contacts")
    headers = {"Authorization": api.authorization}
    async with api.session.post(api.url + path, data=b'{"properties": ', headers=headers) as response:
        assert response.status == 400


async def test_a_revoked_token_is_refused_while_the_persons_works(
    hubspot: Api, hubspot_person: Api, sandbox: Running
) -> None:
    await sandbox.admin.configure("hubspot", "acme", revoked=True)
    assert (await hubspot.get(CONTACTS)).status == 401
    assert (await hubspot_person.get(CONTACTS)).status == 200


async def test_the_log_tells_who_wrote_which_fields(
    hubspot: Api, hubspot_person: Api, freshsales: Api, sandbox: Running
) -> None:
    since = sandbox.world.clock.now()
    await hubspot.post(CONTACTS, {"properties": {"email": "secret@acme.example", "tier": "Gold"}})
    await hubspot_person.post(f"{CONTACTS}/batch/create", {"inputs": [{"properties": {"firstname": "A"}}]})
    await Api(hubspot.session, hubspot.url, "Bearer nobody").get(CONTACTS)
    await freshsales.post("/contacts", {"contact": {"emails": "a@b.example", "custom_field": {"cf_tier": "Gold"}}})
    entries = await sandbox.admin.log(since)
    told = [(each["product"], each["account"], each["method"], each["status"], each["by"]) for each in entries]
    assert told == [
        ("hubspot", "acme", "POST", 201, "freshpipe"),
        ("hubspot", "acme", "POST", 201, "person"),
        ("hubspot", "", "GET", 401, "other"),
        ("freshsales", "acme", "POST", 200, "freshpipe"),
    ]
    assert [each["fields"] for each in entries] == [
        ["email", "tier"],
        ["firstname"],
        [],
        ["emails", "custom_field.cf_tier"],
    ]
    assert entries[0]["path"] == CONTACTS
    assert "secret" not in str(entries)
    assert await sandbox.admin.log(since, product="freshsales") == entries[3:]
    assert await sandbox.admin.log(sandbox.world.clock.now() + 1) == []


async def test_accounts_with_latency_answer_late(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("hubspot", latency_ms=40)
    started = time.monotonic()
    await asyncio.gather(*(hubspot.get(CONTACTS) for _ in range(3)))
    assert time.monotonic() - started >= 0.04


async def test_a_skewed_clock_shows_in_the_vendors_times(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    await sandbox.admin.configure("hubspot", clock_skew_ms=-3_600_000)
    reply = await hubspot.post(CONTACTS, {"properties": {"email": "a@acme.example"}})
    assert reply.body["createdAt"] == "2026-09-21T13:13:20.000Z"


async def test_a_call_that_hangs_does_not_hold_up_the_others(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.fault("hubspot", kind="hang", path="/contacts/1$")
    hanging = asyncio.ensure_future(hubspot.get(f"{CONTACTS}/1"))
    await until(lambda: bool(sandbox.world.log.since(0)))
    assert (await hubspot.get(CONTACTS)).status == 200
    hanging.cancel()
