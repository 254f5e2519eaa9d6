"""What is particular to Freshsales, and must not show behind its document."""

from __future__ import annotations

import pytest

from connectors.client import Clients
from connectors.errors import CallFailed
from connectors.sandbox.server import Running
from tests.connectors.accounts import open_account


@pytest.mark.parametrize("language", ["en", "es", "de", "fr", "pt"])
async def test_a_duplicate_is_known_in_every_language(language: str, sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "freshsales", contacts=1, settings={"language": language})
    (id,) = await opened.records("contact")
    with pytest.raises(CallFailed) as caught:
        await opened.client.create("contact", {"email": "c0@x.example", "city": "Pune"})
    assert (caught.value.category, caught.value.existing_id) == ("duplicate", id)


async def test_an_update_to_anothers_email_names_the_other(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "freshsales", contacts=2)
    first, second = sorted(await opened.records("contact"))
    with pytest.raises(CallFailed) as caught:
        await opened.client.update("contact", second, {"email": "c0@x.example"})
    assert (caught.value.category, caught.value.existing_id) == ("duplicate", first)


async def test_an_account_of_the_same_name_is_a_duplicate(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "freshsales", settings={"language": "de"})
    accounts = {record["name"]: id for id, record in (await opened.records("sales_account")).items()}
    with pytest.raises(CallFailed) as caught:
        await opened.client.create("sales_account", {"name": "Acme"})
    assert (caught.value.category, caught.value.existing_id) == ("duplicate", accounts["Acme"])


async def test_what_is_wrong_is_not_taken_for_a_duplicate(sandbox: Running, clients: Clients) -> None:
    """The update brings its own email, which the look-up finds at the record itself."""
    opened = await open_account(sandbox, clients, "freshsales", contacts=1)
    (id,) = await opened.records("contact")
    values = {"email": "c0@x.example", "custom_field.cf_tier": "Platinum"}
    with pytest.raises(CallFailed) as caught:
        await opened.client.update("contact", id, values)
    assert (caught.value.category, caught.value.field) == ("invalid_field", "custom_field.cf_tier")


async def test_a_mandatory_field_is_named(sandbox: Running, clients: Clients) -> None:
    settings = {"mandatory": {"contacts": ["lead_source_id"]}}
    opened = await open_account(sandbox, clients, "freshsales", settings=settings)
    with pytest.raises(CallFailed) as caught:
        await opened.client.create("contact", {"email": "ann@x.example"})
    assert (caught.value.category, caught.value.field) == ("missing_required", "lead_source")
    made = await opened.client.create("contact", {"email": "ann@x.example", "lead_source": "Referral"})
    assert made.reading.fields["lead_source"] == "Referral"


async def test_a_throttling_in_disguise_closes_the_quota(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "freshsales", contacts=1)
    (id,) = await opened.records("contact")
    await opened.fault(kind="upstream_429", method="PUT")
    for _ in range(2):
        with pytest.raises(CallFailed) as caught:
            await opened.client.update("contact", id, {"city": "Pune"})
        assert caught.value.category == "rate_limited"
        assert not caught.value.sent
    assert len([call for call in await opened.calls() if call[0] == "PUT"]) == 1


async def test_other_accounts_of_a_contact_are_kept(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "freshsales", contacts=1)
    (id,) = await opened.records("contact")
    first, second = sorted(await opened.records("sales_account"))
    third = str((await opened.edit("create", "sales_account", name="Initech"))["id"])
    ties = [{"id": int(first), "is_primary": True}, {"id": int(second), "is_primary": False}]
    await opened.edit("update", "contact", id, sales_accounts=ties)
    await opened.client.update("contact", id, {"sales_account_id": third})
    accounts = (await opened.records("contact"))[id]["sales_accounts"]
    assert {(str(each["id"]), each["is_primary"]) for each in accounts} == {(third, True), (second, False)}
    await opened.client.update("contact", id, {"sales_account_id": second})
    accounts = (await opened.records("contact"))[id]["sales_accounts"]
    assert {(str(each["id"]), each["is_primary"]) for each in accounts} == {(second, True)}


async def test_times_come_in_utc_as_precise_as_they_were_given(sandbox: Running, clients: Clients) -> None:
    await sandbox.admin.stand_clock(1_660_029_732_000)
    opened = await open_account(sandbox, clients, "freshsales", contacts=1)
    (id, record), *_ = (await opened.records("contact")).items()
    assert record["updated_at"] == "2022-08-09T03:22:12-04:00"
    reading = await opened.client.get("contact", id)
    assert reading is not None
    assert reading.fields["updated_at"] == "2022-08-09T07:22:12Z"
    assert reading.updated_at == 1_660_029_732_000


async def test_a_choice_is_known_by_its_label_though_the_product_keeps_a_number(
    sandbox: Running, clients: Clients
) -> None:
    opened = await open_account(sandbox, clients, "freshsales")
    made = await opened.client.create("contact", {"email": "ann@x.example", "lifecycle_stage": "Customer"})
    assert made.reading.fields["lifecycle_stage"] == "Customer"
    assert isinstance((await opened.records("contact"))[made.id]["lifecycle_stage_id"], int)
    with pytest.raises(CallFailed) as caught:
        await opened.client.update("contact", made.id, {"lifecycle_stage": "Nobody knows"})
    assert (caught.value.category, caught.value.field) == ("invalid_field", "lifecycle_stage")


async def test_a_record_in_the_recycle_bin_is_gone_also_where_it_is_still_shown(
    sandbox: Running, clients: Clients
) -> None:
    opened = await open_account(sandbox, clients, "freshsales", contacts=1, settings={"deleted_reads": "flag"})
    (id,) = await opened.records("contact")
    await opened.edit("delete", "contact", id)
    assert await opened.client.get("contact", id) is None


async def test_a_page_smaller_than_asked_for_is_not_the_end(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "freshsales", contacts=60, settings={"max_per_page": 25})
    client = clients.of(opened.connection, fields={"contact": ["email"]})
    found: set[str] = set()
    cursor = None
    for expected_pages in (1, 2, 3):
        page = await client.list("contact", cursor)
        found |= {row.id for row in page.rows}
        cursor = page.cursor
        assert (cursor is None) == (expected_pages == 3)
    assert found == set(await opened.records("contact"))


async def test_the_view_is_found_by_the_name_it_has_in_the_account(sandbox: Running, clients: Clients) -> None:
    settings = {"language": "de"}
    opened = await open_account(sandbox, clients, "freshsales", contacts=1, settings=settings)
    with pytest.raises(CallFailed) as caught:
        await opened.client.list("contact")
    assert caught.value.category == "unsupported"
    assert "view" in caught.value.message
    config = {**opened.connection.config, "contact_view": "Alle Kontakte"}
    named = await open_account(sandbox, clients, "freshsales", contacts=1, settings=settings, config=config)
    assert len((await named.client.list("contact")).rows) == 1
    calls = len(await named.calls())
    await named.client.list("contact")
    assert len(await named.calls()) == calls + 1


async def test_an_upsert_finds_or_makes(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "freshsales", contacts=1)
    (id,) = await opened.records("contact")
    found = await opened.client.upsert("contact", "email", {"email": "c0@x.example", "city": "Pune"})
    assert (found.id, found.reading.fields["city"]) == (id, "Pune")
    made = await opened.client.upsert("contact", "email", {"email": "new@x.example", "city": "Pune"})
    assert made.id != id
    with pytest.raises(CallFailed) as caught:
        await opened.client.upsert("contact", "city", {"city": "Pune"})
    assert caught.value.category == "unsupported"


async def test_an_unknown_type_of_field_is_read_as_json_and_never_written(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "freshsales", contacts=1)
    (field,) = [field for field in await opened.client.discover("contact") if field.name.endswith("cf_related")]
    assert (field.type, field.read_only, field.vendor_type) == ("json_ro", True, "group_field")
