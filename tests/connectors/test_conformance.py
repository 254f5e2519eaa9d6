"""What every connector must do, whatever the product: run against the sandbox, for all built-ins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from connectors.client import Clients, Page
from connectors.errors import CallFailed
from connectors.sandbox.server import Running
from schemas.configuration import Connection
from schemas.values import Value
from tests.connectors.accounts import EMPLOYEE, PLURALS, Opened, open_account, sample

WRITABLE_ELSEWHERE = {"sales_account_id", "associatedcompanyid", "parent_sales_account_id"}
"""References: they need another record, and have tests of their own."""


async def all_ids(read: Callable[[str | None], Awaitable[Page]]) -> list[str]:
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await read(cursor)
        ids += [row.id for row in page.rows]
        if page.cursor is None:
            return ids
        cursor = page.cursor


async def samples(opened: Opened, entity: str, number: int) -> dict[str, Value]:
    """A value for every field of an entity that can be written, declared or discovered."""
    client = opened.client
    types = {
        name: field.type
        for name, field in client.entity(entity).fields.items()
        if field.access == "rw" and name not in WRITABLE_ELSEWHERE
    }
    types |= {field.name: field.type for field in await client.discover(entity) if not field.read_only}
    found: dict[str, Value] = {}
    for name, type in types.items():
        choices = [choice.text for choice in await client.choices(entity, name)] if type.startswith("enum") else []
        if not type.startswith("enum") or choices:
            found[name] = sample(type, number, choices)
    return found


async def test_the_probe_succeeds_and_names_the_account(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product)
    assert (await opened.client.probe()).account
    assert len(await opened.calls()) == 1


async def test_wrong_credentials_are_told_by_one_call(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product, settings={"revoked": True})
    with pytest.raises(CallFailed) as caught:
        await opened.client.probe()
    assert caught.value.category == "auth_revoked"
    assert len(await opened.calls()) == 1
    assert next(iter(opened.connection.credentials.values())) not in str(caught.value)


@pytest.mark.parametrize("count", [0, 1, 100, 101])
async def test_a_list_is_the_exact_set(product: str, count: int, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product, contacts=count)
    client = clients.of(opened.connection, fields={"contact": ["email"]})
    ids = await all_ids(lambda cursor: client.list("contact", cursor))
    assert sorted(ids) == sorted(await opened.records("contact"))
    assert len(ids) == count


async def test_a_failed_page_is_raised_and_is_not_the_end(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product, contacts=250)
    path = "/objects/contacts$" if product == "hubspot" else "/view/"
    await opened.fault(path=path, method="GET", skip=2, status=503)
    client = clients.of(opened.connection, fields={"contact": ["email"]})
    with pytest.raises(CallFailed) as caught:
        await all_ids(lambda cursor: client.list("contact", cursor))
    assert caught.value.category == "transient"


@pytest.mark.parametrize("body", [{"surprise": True}, [], {"results": None, "contacts": None}, "text"])
async def test_a_page_of_another_shape_is_raised(
    product: str, body: object, sandbox: Running, clients: Clients
) -> None:
    opened = await open_account(sandbox, clients, product, contacts=1)
    await opened.client.list("contact")
    await opened.fault(method="GET", status=200, body=body)
    with pytest.raises(CallFailed) as caught:
        await opened.client.list("contact")
    assert caught.value.category in ("unknown", "transient")


async def test_changes_of_one_moment_are_all_found(product: str, sandbox: Running, clients: Clients) -> None:
    """More than a page of them share the time that is asked from."""
    now = await sandbox.admin.stand_clock(1_790_000_000_000)
    opened = await open_account(sandbox, clients, product, contacts=130)
    client = clients.of(opened.connection, fields={"contact": ["email"]})
    ids = await all_ids(lambda cursor: client.changes("contact", now, cursor))
    assert set(ids) == set(await opened.records("contact"))


async def test_changes_leave_out_what_is_older_than_the_overlap(
    product: str, sandbox: Running, clients: Clients
) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    opened = await open_account(sandbox, clients, product, contacts=3)
    await sandbox.admin.stand_clock(1_790_000_600_000)
    made = await opened.edit("create", "contact", email="late@x.example")
    ids = await all_ids(lambda cursor: opened.client.changes("contact", 1_790_000_500_000, cursor))
    assert ids == [str(made["id"])]
    ids = await all_ids(lambda cursor: opened.client.changes("contact", 1_790_000_100_000, cursor))
    assert len(ids) == 4


@pytest.mark.parametrize("number", [1, 2])
async def test_what_is_created_reads_back_equal(product: str, number: int, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product)
    for entity in PLURALS[product]:
        wanted = await samples(opened, entity, number)
        made = await opened.client.create(entity, wanted)
        reading = await opened.client.get(entity, made.id)
        assert reading is not None
        assert {name: reading.fields[name] for name in wanted} == wanted
        assert {name: made.reading.fields[name] for name in wanted} == wanted


async def test_an_update_writes_its_fields_and_no_others(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product)
    for entity in PLURALS[product]:
        wanted = await samples(opened, entity, 1)
        made = await opened.client.create(entity, wanted)
        before = await opened.client.get(entity, made.id)
        reading = await opened.client.update(entity, made.id, {"city": "Pune"})
        after = await opened.client.get(entity, made.id)
        assert before is not None
        assert after is not None
        assert reading is not None
        assert reading.fields["city"] == "Pune"
        changed = {name for name in after.fields if after.fields[name] != before.fields.get(name)}
        assert changed - {"updated_at", "lastmodifieddate", "hs_lastmodifieddate"} == {"city"}


async def test_every_field_can_be_cleared(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product)
    for entity in PLURALS[product]:
        wanted = await samples(opened, entity, 1)
        made = await opened.client.create(entity, wanted)
        kept = {"email", "name", "external_id"}
        await opened.client.update(entity, made.id, {name: None for name in wanted if name not in kept})
        reading = await opened.client.get(entity, made.id)
        assert reading is not None
        left = {name: reading.fields[name] for name in wanted if reading.fields[name] not in (None, "", (), False)}
        assert left.keys() <= kept


async def test_a_reference_is_set_replaced_and_cleared(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product)
    first, second = sorted(await opened.records(opened.company))
    client = opened.client
    made = await client.create("contact", {"email": "ann@x.example", opened.reference: first})
    for value in (first, second, None, first):
        if value != first:
            await client.update("contact", made.id, {opened.reference: value, "city": "Pune"})
        elif made:
            await client.update("contact", made.id, {opened.reference: value})
        reading = await client.get("contact", made.id)
        assert reading is not None
        assert reading.fields[opened.reference] == value


async def test_a_reference_to_nothing_is_blamed_on_its_field(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product)
    made = await opened.client.create("contact", {"email": "ann@x.example"})
    with pytest.raises(CallFailed) as caught:
        await opened.client.update("contact", made.id, {opened.reference: "999999"})
    assert caught.value.category in ("reference_missing", "invalid_field")
    assert caught.value.field == opened.reference
    assert not caught.value.sent


async def test_deleting_twice_is_fine(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product, contacts=1)
    (id,) = await opened.records("contact")
    await opened.client.delete("contact", id)
    await opened.client.delete("contact", id)
    assert await opened.client.get("contact", id) is None
    assert await opened.records("contact") == {}
    with pytest.raises(CallFailed) as caught:
        await opened.client.update("contact", id, {"city": "Pune"})
    assert caught.value.category == "not_found"


async def test_an_erased_person_is_gone_for_good(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product, contacts=1)
    (id,) = await opened.records("contact")
    await opened.client.delete("contact", id, erase=True)
    assert await opened.client.get("contact", id) is None
    assert id not in await opened.records("contact", deleted=True)


async def test_a_duplicate_names_the_record_that_is_there(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product, contacts=2)
    (id,) = [found.id for found in await opened.client.find("contact", "email", "c0@x.example")]
    with pytest.raises(CallFailed) as caught:
        await opened.client.create("contact", {"email": "C0@x.example"}, stamp="new:1")
    assert (caught.value.category, caught.value.existing_id) == ("duplicate", id)
    assert not caught.value.sent
    assert len(await opened.records("contact")) == 2


@pytest.mark.parametrize("kind", ["commit_then_reset", "commit_then_answer", "malformed"])
async def test_a_create_whose_answer_was_lost_is_found_by_its_stamp(
    product: str, kind: str, sandbox: Running, clients: Clients
) -> None:
    opened = await open_account(sandbox, clients, product)
    client = opened.client
    await client.prepare_account()
    await opened.fault(kind=kind, method="POST", path="/contacts$", status=502)
    with pytest.raises(CallFailed) as caught:
        await client.create("contact", {"email": "ann@x.example"}, stamp="new:7f3a")
    assert caught.value.sent
    stamp = client.entity("contact").stamp
    assert stamp is not None
    (found,) = await client.find("contact", stamp, "new:7f3a")
    assert found.reading.stamp == "new:7f3a"
    assert found.reading.fields["email"] == "ann@x.example"
    assert await client.find("contact", stamp, "new:other") == []


async def test_a_create_that_was_refused_was_not_sent(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product)
    with pytest.raises(CallFailed) as caught:
        await opened.client.create("contact", {"email": "nobody at nowhere"})
    assert (caught.value.category, caught.value.field) == ("invalid_field", "email")
    assert not caught.value.sent
    assert "nobody at nowhere" not in caught.value.message


async def test_a_refusal_for_the_quotas_sake_closes_it_for_all(
    product: str, sandbox: Running, clients: Clients
) -> None:
    opened = await open_account(sandbox, clients, product, contacts=1)
    (id,) = await opened.records("contact")
    await opened.client.get("contact", id)
    before = len(await opened.calls())
    await opened.fault(status=429, headers={"Retry-After": "30"})
    waits = []
    for _ in range(3):
        with pytest.raises(CallFailed) as caught:
            await opened.client.get("contact", id)
        assert caught.value.category == "rate_limited"
        assert not caught.value.sent
        waits.append(caught.value.retry_after_ms or 0)
    assert len(await opened.calls()) == before + 1
    assert waits[0] >= 10_000
    assert waits[0] >= waits[1] > 5_000


async def test_custom_fields_are_discovered_with_their_types(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product)
    found = {field.name.removeprefix("custom_field.cf_"): field for field in await opened.client.discover("contact")}
    assert {name: found[name].type for name in ("nickname", "score", "tier", "interests", "newsletter")} == {
        "nickname": "string",
        "score": "decimal",
        "tier": "enum",
        "interests": "enum_set",
        "newsletter": "bool",
    }
    assert [choice.text for choice in found["tier"].choices] == ["Gold", "Silver"]
    calls = len(await opened.calls())
    await opened.client.discover("contact")
    assert len(await opened.calls()) == calls


async def test_only_wanted_fields_are_read(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product, contacts=1)
    (id,) = await opened.records("contact")
    custom = {"hubspot": "nickname", "freshsales": "custom_field.cf_nickname"}[product]
    client = clients.of(opened.connection, fields={"contact": ["email", custom, "no_such_field"]})
    reading = await client.get("contact", id)
    assert reading is not None
    assert reading.fields.keys() - {client.entity("contact").stamp} == {"email", custom}


async def test_an_owner_is_known_by_email(product: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, product)
    made = await opened.client.create("contact", {"email": "ann@x.example", "owner": EMPLOYEE})
    assert made.reading.fields["owner"] == EMPLOYEE
    record = (await opened.records("contact"))[made.id]
    assert EMPLOYEE not in str(record.get("owner_id") or record["properties"]["hubspot_owner_id"])


async def test_a_choice_that_is_new_in_the_account_can_be_written_at_once(
    product: str, sandbox: Running, clients: Clients
) -> None:
    opened = await open_account(sandbox, clients, product)
    await opened.client.create("contact", {"email": "ann@x.example", "owner": EMPLOYEE})
    (crm,) = [account.crm for account in sandbox.world.accounts.all() if account.name == opened.name]
    newcomer = "nia@customer.example"
    seeds = {
        "hubspot": {"owners": [{"email": newcomer, "first_name": "Nia", "last_name": "N"}]},
        "freshsales": {"users": [{"email": newcomer, "display_name": "Nia N"}]},
    }
    crm.load(seeds[product], sandbox.world.clock.now())
    made = await opened.client.create("contact", {"email": "bob@x.example", "owner": newcomer})
    assert made.reading.fields["owner"] == newcomer


async def test_a_field_that_cannot_be_written_is_refused_before_any_call(
    product: str, sandbox: Running, clients: Clients
) -> None:
    opened = await open_account(sandbox, clients, product, contacts=1)
    (id,) = await opened.records("contact")
    await opened.client.discover("contact")
    before = await opened.calls()
    for name in ("no_such_field", "created_at" if product == "freshsales" else "createdate"):
        with pytest.raises(CallFailed) as caught:
            await opened.client.update("contact", id, {name: "x"})
        assert (caught.value.category, caught.value.field) == ("invalid_field", name)
    assert not [call for call in (await opened.calls())[len(before) :] if call[0] != "GET"]


async def test_nothing_of_one_account_reaches_another(product: str, sandbox: Running, clients: Clients) -> None:
    first = await open_account(sandbox, clients, product, contacts=1)
    second = await open_account(sandbox, clients, product)
    (id,) = await first.records("contact")
    assert await second.client.get("contact", id) is None
    assert (await second.client.list("contact")).rows == ()


def test_an_address_outside_the_connectors_hosts_is_refused(product: str, clients: Clients) -> None:
    for address in ("https://evil.example", "http://10.0.0.1", "https://169.254.169.254"):
        connection = Connection(
            tenant="t", id="c", product=product, base_url=address, credentials={"api_key": "k", "access_token": "k"}
        )
        with pytest.raises(CallFailed) as caught:
            clients.of(connection)
        assert caught.value.category == "forbidden"
