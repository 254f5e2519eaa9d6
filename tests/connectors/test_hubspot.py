"""What is particular to HubSpot, and must not show behind its document."""

from __future__ import annotations

import asyncio

import pytest

from connectors.catalog import built_in_texts
from connectors.client import Clients
from connectors.connector import compile_connector
from connectors.errors import CallFailed
from connectors.sandbox.server import Running
from schemas.documents.connector import load_connector
from tests.connectors.accounts import FAST, open_account


@pytest.mark.parametrize("version", ["v3", "2026-09"])
async def test_both_api_versions_do_the_same(version: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "hubspot", contacts=1, config={"version": version})
    company = next(iter(await opened.records("company")))
    client = opened.client
    assert await client.prepare_account() == {}
    made = await client.create("contact", {"email": "ann@x.example", "associatedcompanyid": company}, "new:1")
    await client.update("contact", made.id, {"city": "Pune"})
    assert {row.id for row in (await client.list("contact")).rows} == set(await opened.records("contact"))
    assert len((await client.changes("contact", 0)).rows) == 2
    assert await client.discover("contact")
    await client.delete("contact", made.id)
    paths = {path for _, path, _ in await opened.calls() if path.startswith("/crm/")}
    assert all((version in path) or (version == "v3" and "/v4/" in path) for path in paths)


async def test_a_stage_goes_back_by_way_of_nothing(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "hubspot")
    made = await opened.client.create("contact", {"email": "ann@x.example", "lifecyclestage": "customer"})
    before = len(await opened.calls())
    reading = await opened.client.update("contact", made.id, {"lifecyclestage": "lead", "city": "Pune"})
    assert reading is not None
    assert reading.fields["lifecyclestage"] == "lead"
    assert (await opened.records("contact"))[made.id]["properties"]["city"] == "Pune"
    assert len(await opened.calls()) == before + 3
    await opened.client.update("contact", made.id, {"lifecyclestage": "customer"})
    assert len(await opened.calls()) == before + 4


async def test_a_stage_that_is_refused_goes_back_all_the_same(sandbox: Running, clients: Clients) -> None:
    settings = {"backward_lifecycle": "reject"}
    opened = await open_account(sandbox, clients, "hubspot", settings=settings)
    made = await opened.client.create("contact", {"email": "ann@x.example", "lifecyclestage": "customer"})
    reading = await opened.client.update("contact", made.id, {"lifecyclestage": "lead"})
    assert reading is not None
    assert reading.fields["lifecyclestage"] == "lead"


async def test_every_field_says_when_it_was_set(sandbox: Running, clients: Clients) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    opened = await open_account(sandbox, clients, "hubspot")
    made = await opened.client.create("contact", {"email": "ann@x.example", "firstname": "Ann"})
    await sandbox.admin.stand_clock(1_790_000_005_000)
    await opened.client.update("contact", made.id, {"firstname": "Anne"})
    reading = await opened.client.get("contact", made.id)
    assert reading is not None
    assert reading.field_times is not None
    assert reading.field_times["email"] == 1_790_000_000_000
    assert reading.field_times["firstname"] == reading.updated_at == 1_790_000_005_000


async def test_without_our_property_a_create_goes_without_a_stamp(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "hubspot")
    for number in (1, 2):
        made = await opened.client.create("contact", {"email": f"c{number}@x.example"}, f"new:{number}")
        assert made.reading.stamp is None
    posts = [status for method, path, status in await opened.calls() if method == "POST" and path.endswith("contacts")]
    assert posts == [400, 201, 201]
    assert await opened.client.find("contact", "freshpipe_id", "new:1") == []


async def test_the_property_for_our_stamp_is_made_once(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "hubspot")
    assert await opened.client.prepare_account() == {}
    assert await opened.client.prepare_account() == {}
    made = await opened.client.create("company", {"name": "Initech"}, "new:1")
    with pytest.raises(CallFailed) as caught:
        await opened.client.create("company", {"name": "Initech"}, "new:1")
    assert (caught.value.category, caught.value.existing_id) == ("duplicate", made.id)
    assert [found.id for found in await opened.client.find("company", "freshpipe_id", "new:1")] == [made.id]


async def test_a_missing_permission_to_make_properties_is_told(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "hubspot")
    await opened.fault(path="/properties/companies", method="POST", status=403)
    refused = await opened.client.prepare_account()
    assert {entity: error.category for entity, error in refused.items()} == {"company": "forbidden"}


async def test_a_search_finds_by_other_fields(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "hubspot", contacts=3)
    assert [found.reading.fields["email"] for found in await opened.client.find("contact", "firstname", "C1")] == [
        "c1@x.example"
    ]
    assert [found.reading.fields["name"] for found in await opened.client.find("company", "name", "Acme")] == ["Acme"]
    with pytest.raises(CallFailed) as caught:
        await opened.client.find("contact", "lifecyclestage", "lead")
    assert caught.value.category == "unsupported"


async def test_more_changes_than_one_search_lists_are_all_found(sandbox: Running, clients: Clients) -> None:
    """By a document whose cap is lower than the product's."""
    opened = await open_account(sandbox, clients, "hubspot")
    for number in range(30):
        await sandbox.admin.stand_clock(1_790_000_000_000 + number * 1_000)
        await opened.edit("create", "contact", email=f"c{number}@x.example")
    text = built_in_texts()["hubspot"].replace("size: 100", "size: 4")
    text = text.replace("overlap_s: 120, cap: 10000", "overlap_s: 0, cap: 12")
    lowered = compile_connector(load_connector(text, "hubspot.yaml"))
    client = Clients({"hubspot": lowered}, clients.transport, clients.quota, allow_loopback=True).of(
        opened.connection, fields={"contact": ["email"]}
    )
    found: set[str] = set()
    cursors: list[str | None] = [None]
    while not cursors[1:] or cursors[-1]:
        page = await client.changes("contact", 1_790_000_000_000, cursors[-1])
        found |= {row.id for row in page.rows}
        cursors.append(page.cursor)
    assert found == set(await opened.records("contact"))
    assert len([cursor for cursor in cursors if cursor and '"cursor"' not in cursor]) >= 2


async def test_the_portals_limits_are_never_met(sandbox: Running, clients: Clients) -> None:
    """With the document's own figures, and many who call at once, the product never has to refuse."""
    settings = {"burst_limit": 100, "search_limit": 5}
    config = dict.fromkeys(FAST["hubspot"], "")
    opened = await open_account(sandbox, clients, "hubspot", contacts=1, settings=settings, config=config)
    (id,) = await opened.records("contact")
    client = clients.of(opened.connection, fields={"contact": ["email"]})

    async def call(number: int) -> str:
        try:
            await (client.changes("contact", 0) if number % 4 == 0 else client.get("contact", id))
        except CallFailed as error:
            return error.category
        return "done"

    results = await asyncio.gather(*(call(number) for number in range(60)))
    statuses = [status for _, _, status in await opened.calls()]
    assert set(results) <= {"done", "rate_limited"}
    assert results.count("done") == len(statuses)
    assert set(statuses) == {200}


async def test_a_record_under_a_lock_is_tried_again_later(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "hubspot", contacts=1)
    (id,) = await opened.records("contact")
    await opened.fault(method="PATCH", status=423)
    with pytest.raises(CallFailed) as caught:
        await opened.client.update("contact", id, {"city": "Pune"})
    assert (caught.value.category, caught.value.retry_after_ms) == ("transient", 2_000)


async def test_a_missing_scope_is_forbidden(sandbox: Running, clients: Clients) -> None:
    settings = {"missing_scopes": ["crm.objects.contacts.read"]}
    opened = await open_account(sandbox, clients, "hubspot", settings=settings)
    with pytest.raises(CallFailed) as caught:
        await opened.client.list("contact")
    assert caught.value.category == "forbidden"
