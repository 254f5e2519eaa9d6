"""Upsert, one by one and in bulk."""

from __future__ import annotations

import json

import pytest

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import JSON, Api, Reply


async def upsert(freshsales: Api, identifier: JSON, **contact: JSON) -> Reply:
    return await freshsales.post("/contacts/upsert", {"unique_identifier": identifier, "contact": contact})


@pytest.mark.parametrize(
    ("key", "value"), [("emails", "ann@acme.example"), ("external_id", "x1"), ("mobile_number", "+15550101")]
)
async def test_each_key_creates_once_and_then_updates(freshsales: Api, key: str, value: str) -> None:
    first = await upsert(freshsales, {key: value}, first_name="Ann")
    second = await upsert(freshsales, {key: value}, first_name="Anna")
    assert (first.status, second.status) == (201, 200)
    assert first.body["contact"]["id"] == second.body["contact"]["id"]
    assert second.body["contact"]["first_name"] == "Anna"


async def test_an_account_is_upserted_by_name(freshsales: Api) -> None:
    replies = [
        await freshsales.post(
            "/sales_accounts/upsert", {"unique_identifier": {"name": "Acme"}, "sales_account": {"city": city}}
        )
        for city in ("Pune", "Lyon")
    ]
    assert replies[0].body["sales_account"]["id"] == replies[1].body["sales_account"]["id"]
    assert replies[1].body["sales_account"]["city"] == "Lyon"


async def test_identifiers_of_two_records_are_not_unique(freshsales: Api) -> None:
    await upsert(freshsales, {"emails": "a@acme.example"})
    await upsert(freshsales, {"external_id": "x1"}, first_name="B")
    reply = await upsert(freshsales, {"emails": "a@acme.example", "external_id": "x1"})
    assert reply.status == 400
    assert reply.body["errors"]["message"] == ["Contact is not unique"]


async def test_an_unknown_identifier_is_refused(freshsales: Api) -> None:
    assert (await upsert(freshsales, {"first_name": "Ann"})).status == 400
    assert (await upsert(freshsales, {})).status == 400


async def test_accounts_are_shown_on_upsert_when_included(freshsales: Api) -> None:
    body = {"unique_identifier": {"emails": "a@acme.example"}, "contact": {}}
    reply = await freshsales.post("/contacts/upsert", body, include="sales_accounts")
    assert reply.body["contact"]["sales_accounts"] == []


async def test_a_bulk_upsert_runs_later_and_reports_in_a_string(freshsales: Api, sandbox: Running) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    items = [
        {"emails": "a@acme.example", "data": {"first_name": "A", "custom_field": {"cf_score": 1}}},
        {"emails": "b@acme.example", "data": {"custom_field": {"cf_tier": "nonsense"}}},
        {"id": 7, "data": {}},
    ]
    started = await freshsales.post("/contacts/bulk_upsert", {"contacts": items})
    assert started.status == 200
    status = f"/job_statuses/{started.body['job_id']}"
    assert started.body["job_status_url"].endswith(status)
    assert (await freshsales.get(status)).body["status"] == "INPROGRESS"
    assert await sandbox.admin.records("freshsales", "acme", "contacts") == []
    await sandbox.admin.advance_clock(1_000)
    done = (await freshsales.get(status)).body
    report = json.loads(done["data"])
    assert done["status"] == "SUCCESS"
    assert report["record_status"] == {"succeeded": 1, "failed": 2}
    assert report["detailed_failure_report"][0]["errors"] == ["Tier is invalid"]
    (contact,) = await sandbox.admin.records("freshsales", "acme", "contacts")
    assert contact["custom_field"]["cf_score"] == 1


async def test_a_second_job_has_to_wait_for_the_first(freshsales: Api, sandbox: Running) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    body = {"contacts": [{"emails": "a@acme.example", "data": {}}]}
    assert (await freshsales.post("/contacts/bulk_upsert", body)).status == 200
    assert (await freshsales.post("/contacts/bulk_upsert", body)).status == 405
    await sandbox.admin.advance_clock(1_000)
    assert (await freshsales.post("/contacts/bulk_upsert", body)).status == 200


async def test_a_bulk_upsert_takes_a_hundred_at_most(freshsales: Api) -> None:
    body = {"contacts": [{"emails": f"c{at}@acme.example", "data": {}} for at in range(101)]}
    assert (await freshsales.post("/contacts/bulk_upsert", body)).status == 400


async def test_contacts_are_deleted_in_bulk(freshsales: Api, sandbox: Running) -> None:
    id = (await upsert(freshsales, {"emails": "a@acme.example"})).body["contact"]["id"]
    assert (await freshsales.post("/contacts/bulk_destroy", {"selected_ids": [id, 5]})).status == 200
    assert await sandbox.admin.records("freshsales", "acme", "contacts") == []
