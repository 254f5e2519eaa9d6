"""Batches of HubSpot: all or nothing, or each for itself."""

from __future__ import annotations

import pytest

from tests.connectors.sandbox.api import JSON, Api

BATCH = "/crm/v3/objects/contacts/batch"
CONTACTS = "/crm/v3/objects/contacts"


def inputs(*emails: str, traced: bool = False) -> JSON:
    trace = [{"objectWriteTraceId": f"t{at}"} if traced else {} for at, _ in enumerate(emails)]
    return {"inputs": [{"properties": {"email": email}, **more} for email, more in zip(emails, trace, strict=True)]}


async def created(hubspot: Api, *emails: str) -> list[str]:
    reply = await hubspot.post(f"{BATCH}/create", inputs(*emails))
    assert reply.status == 201, reply.body
    return [each["id"] for each in reply.body["results"]]


async def count(hubspot: Api) -> int:
    return len((await hubspot.get(CONTACTS, limit="100")).body["results"])


async def test_a_batch_creates_all_of_its_contacts(hubspot: Api) -> None:
    await created(hubspot, "a@acme.example", "b@acme.example")
    assert await count(hubspot) == 2


async def test_one_taken_address_fails_the_whole_batch_naming_the_first(hubspot: Api) -> None:
    (first, _) = await created(hubspot, "a@acme.example", "b@acme.example")
    reply = await hubspot.post(f"{BATCH}/create", inputs("new@acme.example", "a@acme.example", "b@acme.example"))
    assert reply.status == 409
    assert reply.body["message"] == f"Contact already exists. Existing ID: {first}"
    assert await count(hubspot) == 2


async def test_trace_ids_turn_a_failure_into_partial_results(hubspot: Api) -> None:
    await created(hubspot, "a@acme.example")
    reply = await hubspot.post(f"{BATCH}/create", inputs("new@acme.example", "a@acme.example", traced=True))
    assert reply.status == 207
    assert reply.body["status"] == "COMPLETE"
    assert reply.body["numErrors"] == 1
    assert reply.body["errors"][0]["context"] == {"objectWriteTraceId": ["t1"]}
    assert reply.body["errors"][0]["category"] == "CONFLICT"
    assert [each["objectWriteTraceId"] for each in reply.body["results"]] == ["t0"]


async def test_trace_ids_that_are_not_distinct_change_nothing(hubspot: Api) -> None:
    await created(hubspot, "a@acme.example")
    body = inputs("new@acme.example", "a@acme.example", traced=True)
    body["inputs"][1]["objectWriteTraceId"] = "t0"
    assert (await hubspot.post(f"{BATCH}/create", body)).status == 409


async def test_the_dated_api_has_no_207(hubspot: Api) -> None:
    await created(hubspot, "a@acme.example")
    body = inputs("new@acme.example", "a@acme.example", traced=True)
    reply = await hubspot.post("/crm/objects/2026-09/contacts/batch/create", body)
    assert reply.status == 201
    assert reply.body["numErrors"] == 1


async def test_a_batch_reads_by_id_and_tells_what_is_missing(hubspot: Api) -> None:
    (one,) = await created(hubspot, "a@acme.example")
    body = {"inputs": [{"id": one}, {"id": "12345"}], "properties": ["email"], "propertiesWithHistory": ["email"]}
    reply = await hubspot.post(f"{BATCH}/read", body)
    assert reply.status == 207
    assert reply.body["results"][0]["properties"]["email"] == "a@acme.example"
    assert reply.body["results"][0]["propertiesWithHistory"]["email"][0]["value"] == "a@acme.example"
    assert reply.body["errors"][0]["context"] == {"ids": ["12345"]}


async def test_a_batch_reads_by_address(hubspot: Api) -> None:
    (one,) = await created(hubspot, "a@acme.example")
    reply = await hubspot.post(f"{BATCH}/read", {"inputs": [{"id": "A@acme.example"}], "idProperty": "email"})
    assert (reply.status, [each["id"] for each in reply.body["results"]]) == (200, [one])


async def test_a_batch_updates_by_id(hubspot: Api) -> None:
    ids = await created(hubspot, "a@acme.example", "b@acme.example")
    body = {"inputs": [{"id": id, "properties": {"tier": "Gold"}} for id in ids]}
    reply = await hubspot.post(f"{BATCH}/update", body)
    assert (reply.status, [each["properties"]["tier"] for each in reply.body["results"]]) == (200, ["Gold", "Gold"])


async def test_an_update_by_address_silently_does_nothing(hubspot: Api) -> None:
    (one,) = await created(hubspot, "a@acme.example")
    reply = await hubspot.post(
        f"{BATCH}/update", {"inputs": [{"id": "a@acme.example", "properties": {"tier": "Gold"}}]}
    )
    assert (reply.status, reply.body["results"]) == (200, [])
    assert (await hubspot.get(f"{CONTACTS}/{one}", properties="tier")).body["properties"]["tier"] is None


async def test_an_update_by_address_as_id_property_is_refused(hubspot: Api) -> None:
    body = {"inputs": [{"id": "a@acme.example", "idProperty": "email", "properties": {}}]}
    reply = await hubspot.post(f"{BATCH}/update", body)
    assert reply.status == 400
    assert "Unable to perform update/upsert by non-unique 0-1 property" in reply.body["message"]


async def test_one_bad_value_fails_a_whole_update(hubspot: Api) -> None:
    ids = await created(hubspot, "a@acme.example", "b@acme.example")
    values = ["Gold", "nonsense"]
    body = {"inputs": [{"id": id, "properties": {"tier": tier}} for id, tier in zip(ids, values, strict=True)]}
    assert (await hubspot.post(f"{BATCH}/update", body)).status == 400
    assert (await hubspot.get(f"{CONTACTS}/{ids[0]}", properties="tier")).body["properties"]["tier"] is None


async def test_an_upsert_by_address_says_what_is_new(hubspot: Api) -> None:
    await created(hubspot, "a@acme.example")
    body = {
        "inputs": [
            {"id": email, "idProperty": "email", "properties": {"tier": "Gold"}}
            for email in ("a@acme.example", "b@acme.example")
        ]
    }
    reply = await hubspot.post(f"{BATCH}/upsert", body)
    assert [each["new"] for each in reply.body["results"]] == [False, True]
    assert reply.body["results"][1]["properties"]["email"] == "b@acme.example"


async def test_an_upsert_by_address_fails_as_a_whole_even_with_trace_ids(hubspot: Api) -> None:
    body = {
        "inputs": [
            {"id": "a@acme.example", "idProperty": "email", "properties": {}, "objectWriteTraceId": "1"},
            {"id": "b@acme.example", "idProperty": "email", "properties": {"x": "1"}, "objectWriteTraceId": "2"},
        ]
    }
    assert (await hubspot.post(f"{BATCH}/upsert", body)).status == 400
    assert await count(hubspot) == 0


async def test_an_upsert_needs_a_unique_property(hubspot: Api) -> None:
    body = {"inputs": [{"id": "Ann", "idProperty": "firstname", "properties": {}}]}
    assert (await hubspot.post(f"{BATCH}/upsert", body)).status == 400


async def test_a_batch_archives(hubspot: Api) -> None:
    ids = await created(hubspot, "a@acme.example", "b@acme.example")
    reply = await hubspot.post(f"{BATCH}/archive", {"inputs": [{"id": id} for id in [*ids, "12345"]]})
    assert reply.status == 204
    assert await count(hubspot) == 0


@pytest.mark.parametrize("verb", ["read", "create", "update", "upsert", "archive"])
async def test_more_than_a_hundred_inputs_are_refused(hubspot: Api, verb: str) -> None:
    body = {"inputs": [{"id": str(at), "properties": {}} for at in range(101)]}
    assert (await hubspot.post(f"{BATCH}/{verb}", body)).status == 400


@pytest.mark.parametrize("verb", ["update", "upsert"])
async def test_an_id_may_stand_once_in_a_batch(hubspot: Api, verb: str) -> None:
    body = {"inputs": [{"id": "1", "idProperty": "email", "properties": {}}] * 2}
    reply = await hubspot.post(f"{BATCH}/{verb}", body)
    assert reply.status == 400
    assert "Duplicate IDs" in reply.body["message"]
