"""HubSpot's rate limits."""

from __future__ import annotations

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import Api

CONTACTS = "/crm/v3/objects/contacts"


async def test_every_answer_but_a_search_carries_the_burst_and_daily_headers(hubspot: Api) -> None:
    listed, found = await hubspot.get(CONTACTS), await hubspot.post(f"{CONTACTS}/search", {})
    assert listed.headers["X-HubSpot-RateLimit-Max"] == "190"
    assert listed.headers["X-HubSpot-RateLimit-Remaining"] == "189"
    assert listed.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert listed.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "649999"
    assert not any("RateLimit" in name for name in found.headers)


async def test_a_burst_is_refused_until_ten_seconds_have_rolled_by(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    await sandbox.admin.configure("hubspot", burst_limit=2)
    assert [(await hubspot.get(CONTACTS)).status for _ in range(3)] == [200, 200, 429]
    await sandbox.admin.advance_clock(9_999)
    refused = await hubspot.get(CONTACTS)
    assert refused.status == 429
    assert refused.body["message"] == "You have reached your ten_secondly_rolling limit."
    assert (refused.body["errorType"], refused.body["policyName"]) == ("RATE_LIMIT", "TEN_SECONDLY_ROLLING")
    assert "Retry-After" not in refused.headers
    await sandbox.admin.advance_clock(1)
    assert (await hubspot.get(CONTACTS)).status == 200


async def test_a_refusal_can_be_set_to_say_when_to_come_back(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    await sandbox.admin.configure("hubspot", burst_limit=1, retry_after=True)
    await hubspot.get(CONTACTS)
    await sandbox.admin.advance_clock(2_500)
    assert (await hubspot.get(CONTACTS)).headers["Retry-After"] == "8"


async def test_searches_have_a_limit_of_their_own(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    replies = [await hubspot.post(f"{CONTACTS}/search", {}) for _ in range(6)]
    assert [each.status for each in replies] == [200] * 5 + [429]
    assert replies[5].body["message"].endswith("secondly limit.")
    assert (await hubspot.get(CONTACTS)).status == 200
    await sandbox.admin.advance_clock(1_000)
    assert (await hubspot.post(f"{CONTACTS}/search", {})).status == 200


async def test_the_daily_limit_ends_at_the_portals_midnight(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    await sandbox.admin.configure("hubspot", daily_limit=1, time_zone="UTC")
    await hubspot.get(CONTACTS)
    refused = await hubspot.get(CONTACTS)
    assert (refused.status, refused.body["policyName"]) == (429, "DAILY")
    await sandbox.admin.advance_clock(24 * 3_600_000)
    assert (await hubspot.get(CONTACTS)).status == 200


async def test_an_oauth_app_has_no_daily_limit(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("hubspot", daily_limit=1, oauth=True)
    replies = [await hubspot.get(CONTACTS) for _ in range(2)]
    assert [each.status for each in replies] == [200, 200]
    assert "X-HubSpot-RateLimit-Daily" not in replies[0].headers


async def test_limits_can_be_lifted_and_do_not_bind_people(hubspot: Api, hubspot_person: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("hubspot", burst_limit=1)
    assert {(await hubspot_person.get(CONTACTS)).status for _ in range(3)} == {200}
    await sandbox.admin.configure("hubspot", burst_limit=None)
    assert {(await hubspot.get(CONTACTS)).status for _ in range(5)} == {200}
