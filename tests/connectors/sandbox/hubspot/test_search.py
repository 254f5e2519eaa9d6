"""HubSpot's search."""

from __future__ import annotations

import pytest

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import JSON, Api, Reply

CONTACTS = "/crm/v3/objects/contacts"


async def fill(hubspot: Api) -> dict[str, str]:
    people = [
        {"email": "ann@acme.example", "firstname": "Ann", "score": "9", "tier": "Gold", "renewal_date": "2026-03-01"},
        {"email": "bob@acme.example", "firstname": "Bob", "score": "10", "tier": "Silver"},
        {"email": "cem@other.example", "firstname": "Cem Ann", "renewal_date": "2026-05-01"},
    ]
    reply = await hubspot.post(f"{CONTACTS}/batch/create", {"inputs": [{"properties": each} for each in people]})
    return {each["id"]: each["properties"]["firstname"] for each in reply.body["results"]}


async def search(hubspot: Api, *filters: JSON, **more: JSON) -> Reply:
    groups = {"filterGroups": [{"filters": list(filters)}]} if filters else {}
    return await hubspot.post(f"{CONTACTS}/search", {**groups, **more})


def clause(property: str, operator: str, value: JSON = None, **more: JSON) -> JSON:
    return {"propertyName": property, "operator": operator, **({} if value is None else {"value": value}), **more}


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        (clause("email", "EQ", "ANN@acme.example"), {"Ann"}),
        (clause("email", "NEQ", "ann@acme.example"), {"Bob", "Cem Ann"}),
        (clause("tier", "EQ", "Gold"), {"Ann"}),
        (clause("tier", "EQ", "gold"), set()),
        (clause("score", "GT", "9"), {"Bob"}),
        (clause("score", "GTE", "9"), {"Ann", "Bob"}),
        (clause("score", "LT", "10"), {"Ann"}),
        (clause("score", "BETWEEN", "9", highValue="9.5"), {"Ann"}),
        (clause("renewal_date", "LTE", "2026-03-01"), {"Ann"}),
        (clause("renewal_date", "GT", "1772323200000"), {"Cem Ann"}),
        (clause("firstname", "IN", values=["ann", "bob"]), {"Ann", "Bob"}),
        (clause("firstname", "IN", values=["Ann"]), set()),
        (clause("firstname", "NOT_IN", values=["ann"]), {"Bob", "Cem Ann"}),
        (clause("score", "HAS_PROPERTY"), {"Ann", "Bob"}),
        (clause("score", "NOT_HAS_PROPERTY"), {"Cem Ann"}),
        (clause("firstname", "CONTAINS_TOKEN", "ann"), {"Ann", "Cem Ann"}),
        (clause("firstname", "CONTAINS_TOKEN", "an*"), {"Ann", "Cem Ann"}),
        (clause("firstname", "NOT_CONTAINS_TOKEN", "ann"), {"Bob"}),
    ],
)
async def test_operators_find_what_they_should(hubspot: Api, filter: JSON, names: set[str]) -> None:
    known = await fill(hubspot)
    reply = await search(hubspot, filter)
    assert {known[each["id"]] for each in reply.body["results"]} == names
    assert reply.body["total"] == len(names)


async def test_filters_and_while_groups_or(hubspot: Api) -> None:
    await fill(hubspot)
    both = await search(hubspot, clause("score", "GTE", "9"), clause("tier", "EQ", "Gold"))
    groups = [{"filters": [clause("firstname", "EQ", name)]} for name in ("ann", "bob")]
    either = await hubspot.post(f"{CONTACTS}/search", {"filterGroups": groups})
    assert (both.body["total"], either.body["total"]) == (1, 2)


@pytest.mark.parametrize("sort", [{"propertyName": "score", "direction": "DESCENDING"}, "-score"])
async def test_both_forms_of_a_sort_are_understood(hubspot: Api, sort: JSON) -> None:
    known = await fill(hubspot)
    reply = await search(hubspot, clause("score", "HAS_PROPERTY"), sorts=[sort])
    assert [known[each["id"]] for each in reply.body["results"]] == ["Bob", "Ann"]


async def test_a_poll_by_time_of_change_finds_what_changed_in_order(hubspot: Api, sandbox: Running) -> None:
    ids = list(await fill(hubspot))
    now = await sandbox.admin.advance_clock(1_000)
    for id in (ids[2], ids[0]):
        await sandbox.admin.advance_clock(10)
        await hubspot.patch(f"{CONTACTS}/{id}", {"properties": {"jobtitle": "CTO"}})
    changed = clause("lastmodifieddate", "GTE", str(now))
    reply = await search(hubspot, changed, sorts=[{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}])
    assert [each["id"] for each in reply.body["results"]] == [ids[2], ids[0]]


async def test_results_come_in_pages_of_ten_unless_asked_otherwise(hubspot: Api) -> None:
    people = [{"properties": {"email": f"c{at}@acme.example"}} for at in range(12)]
    await hubspot.post(f"{CONTACTS}/batch/create", {"inputs": people})
    first = (await search(hubspot)).body
    rest = (await search(hubspot, after=first["paging"]["next"]["after"])).body
    assert (len(first["results"]), first["paging"]["next"]["after"], len(rest["results"])) == (10, "10", 2)
    assert "paging" not in rest


async def test_archived_records_are_never_found(hubspot: Api) -> None:
    ids = list(await fill(hubspot))
    await hubspot.delete(f"{CONTACTS}/{ids[0]}")
    assert (await search(hubspot)).body["total"] == 2


async def test_search_lags_behind_writes(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    (id, *_) = await fill(hubspot)
    await sandbox.admin.configure("hubspot", search_lag_ms=5_000, search_limit=None)
    await hubspot.patch(f"{CONTACTS}/{id}", {"properties": {"tier": "Bronze"}})
    bronze = clause("tier", "EQ", "Bronze")
    assert (await search(hubspot, bronze)).body["total"] == 0
    assert (await search(hubspot, clause("tier", "EQ", "Gold"))).body["total"] == 1
    await sandbox.admin.advance_clock(5_000)
    assert (await search(hubspot, bronze)).body["total"] == 1


async def test_an_equality_filter_follows_a_value_that_moves(hubspot: Api) -> None:
    (id, *_) = await fill(hubspot)
    await search(hubspot, clause("tier", "EQ", "Gold"))
    await hubspot.patch(f"{CONTACTS}/{id}", {"properties": {"tier": "Bronze"}})
    assert (await search(hubspot, clause("tier", "EQ", "Gold"))).body["total"] == 0
    assert (await search(hubspot, clause("tier", "EQ", "Bronze"))).body["total"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "9900", "limit": 200},
        {"after": "x"},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [clause("email", "EQ", "a")] * 7}]},
        {"filterGroups": [{"filters": [clause("email", "EQ", "a")] * 4}] * 5},
        {"filterGroups": [{"filters": [clause("email", "LIKE", "a")]}]},
        {"filterGroups": [{"filters": [clause("nonsense", "EQ", "a")]}]},
        {"filterGroups": [{"filters": [clause("email", "EQ")]}]},
        {"sorts": ["email", "tier"]},
        {"query": "x" * 3_001},
    ],
)
async def test_what_the_limits_forbid_is_refused(hubspot: Api, body: JSON) -> None:
    assert (await hubspot.post(f"{CONTACTS}/search", body)).status == 400
