"""Lookup, search and filtered search."""

from __future__ import annotations

import pytest

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import JSON, Api


async def fill(freshsales: Api) -> int:
    contact = {
        "emails": "ann@acme.example",
        "first_name": "Ann",
        "last_name": "Lee",
        "mobile_number": "+15550101",
        "external_id": "x1",
        "custom_field": {"cf_tier": "Gold"},
    }
    await freshsales.post("/sales_accounts", {"sales_account": {"name": "Acme"}})
    return int((await freshsales.post("/contacts", {"contact": contact})).body["contact"]["id"])


@pytest.mark.parametrize(
    ("field", "text"),
    [("email", "ANN@acme.example"), ("mobile_number", "+15550101"), ("external_id", "x1"), ("name", "ann lee")],
)
async def test_lookup_nests_its_answer_twice(freshsales: Api, field: str, text: str) -> None:
    id = await fill(freshsales)
    reply = await freshsales.get("/lookup", q=text, f=field, entities="contact")
    assert [each["id"] for each in reply.body["contacts"]["contacts"]] == [id]


async def test_lookup_covers_several_record_types_and_may_find_nothing(freshsales: Api) -> None:
    await fill(freshsales)
    reply = await freshsales.get("/lookup", q="acme", f="name", entities="contact,sales_account")
    assert reply.body["contacts"] == {"contacts": []}
    assert reply.body["sales_accounts"]["sales_accounts"][0]["name"] == "Acme"


async def test_lookup_by_something_else_is_refused(freshsales: Api) -> None:
    assert (await freshsales.get("/lookup", q="x", f="colour", entities="contact")).status == 400


async def test_search_gives_short_records(freshsales: Api) -> None:
    id = await fill(freshsales)
    found = (await freshsales.get("/search", q="ann", include="contact,sales_account")).body
    assert found == [{"id": str(id), "type": "contact", "name": "Ann Lee", "email": "ann@acme.example"}]


def rule(attribute: str, operator: str, value: JSON) -> JSON:
    return {"filter_rule": [{"attribute": attribute, "operator": operator, "value": value}]}


async def test_filtered_search_lacks_custom_fields(freshsales: Api) -> None:
    id = await fill(freshsales)
    reply = await freshsales.post("/filtered_search/contact", rule("contact_email.email", "is_in", "ann@acme.example"))
    assert [each["id"] for each in reply.body["contacts"]] == [id]
    assert "custom_field" not in reply.body["contacts"][0]
    assert reply.body["meta"] == {"total": 1}


@pytest.mark.parametrize(
    ("body", "total"),
    [
        (rule("cf_tier", "is_in", "Gold,Silver"), 1),
        (rule("cf_tier", "is_not", "Gold"), 0),
        (rule("first_name", "contains", "nn"), 1),
        (rule("city", "is_empty", ""), 1),
        (rule("updated_at", "is_after", "2020-01-01"), 0),
    ],
)
async def test_rules_find_what_they_should(freshsales: Api, body: JSON, total: int) -> None:
    await fill(freshsales)
    assert (await freshsales.post("/filtered_search/contact", body)).body["meta"]["total"] == total


@pytest.mark.parametrize("body", [{}, rule("email", "is_in", "a@b.example"), rule("city", "resembles", "Pune")])
async def test_rules_that_make_no_sense_are_refused(freshsales: Api, body: JSON) -> None:
    assert (await freshsales.post("/filtered_search/contact", body)).status == 400


async def test_searches_lag_while_lookup_does_not(freshsales: Api, sandbox: Running) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    await sandbox.admin.configure("freshsales", search_lag_ms=5_000)
    await fill(freshsales)
    body = rule("contact_email.email", "is_in", "ann@acme.example")
    assert (await freshsales.post("/filtered_search/contact", body)).body["meta"]["total"] == 0
    looked_up = await freshsales.get("/lookup", q="ann@acme.example", f="email", entities="contact")
    assert len(looked_up.body["contacts"]["contacts"]) == 1
    await sandbox.admin.advance_clock(5_000)
    assert (await freshsales.post("/filtered_search/contact", body)).body["meta"]["total"] == 1
