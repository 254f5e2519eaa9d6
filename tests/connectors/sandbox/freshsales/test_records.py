"""Records of Freshsales, one at a time."""

from __future__ import annotations

import re

import pytest

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import JSON, Api, Reply


async def create(freshsales: Api, **contact: JSON) -> Reply:
    return await freshsales.post("/contacts", {"contact": contact})


async def made(freshsales: Api, **contact: JSON) -> JSON:
    reply = await create(freshsales, **contact)
    assert reply.status == 200, reply.body
    return reply.body["contact"]


async def account(freshsales: Api, name: str) -> int:
    return int(
        (await freshsales.post("/sales_accounts", {"sales_account": {"name": name}})).body["sales_account"]["id"]
    )


async def test_a_contact_is_enveloped_and_has_an_eleven_digit_id(freshsales: Api) -> None:
    contact = await made(freshsales, emails="ann@acme.example", first_name="Ann", last_name="Lee")
    assert len(str(contact["id"])) == 11
    assert contact["display_name"] == "Ann Lee"
    assert contact["email"] == "ann@acme.example"
    assert contact["emails"][0] | {"id": 0} == {
        "id": 0,
        "value": "ann@acme.example",
        "is_primary": True,
        "label": None,
        "_destroy": False,
    }
    assert contact["is_deleted"] is False
    assert "sales_accounts" not in contact


async def test_an_address_alone_is_identity_enough(freshsales: Api) -> None:
    contact = await made(freshsales, emails="ann@acme.example")
    assert (contact["first_name"], contact["last_name"]) == (None, None)
    assert contact["display_name"] == "ann@acme.example"


async def test_times_are_whole_seconds_with_the_accounts_offset(freshsales: Api, sandbox: Running) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_999)
    contact = await made(freshsales, emails="ann@acme.example")
    assert contact["created_at"] == "2026-09-21T10:13:20-04:00"
    await sandbox.admin.configure("freshsales", time_zone="UTC")
    read = await freshsales.get(f"/contacts/{contact['id']}")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", read.body["contact"]["updated_at"])


async def test_the_legacy_base_path_reaches_the_same_records(freshsales: Api, sandbox: Running) -> None:
    contact = await made(freshsales, emails="ann@acme.example")
    legacy = Api(freshsales.session, sandbox.urls["freshsales"] + "/api", freshsales.authorization)
    assert (await legacy.get(f"/contacts/{contact['id']}")).status == 200


async def test_there_is_no_plain_list(freshsales: Api) -> None:
    assert (await freshsales.get("/contacts")).status == 404


async def test_custom_fields_are_heard_in_the_singular_only(freshsales: Api) -> None:
    contact = await made(
        freshsales, emails="a@acme.example", custom_field={"cf_tier": "Gold"}, custom_fields={"cf_tier": "Bronze"}
    )
    assert contact["custom_field"]["cf_tier"] == "Gold"
    path = f"/contacts/{contact['id']}"
    ignored = await freshsales.put(path, {"contact": {"custom_fields": {"cf_tier": "Bronze"}}})
    assert ignored.status == 200
    assert ignored.body["contact"]["custom_field"]["cf_tier"] == "Gold"
    assert "custom_fields" not in ignored.body["contact"]


async def test_values_keep_their_types(freshsales: Api) -> None:
    custom = {
        "cf_nickname": "00478",
        "cf_score": 12.5,
        "cf_renewal": "2026-03-01",
        "cf_interests": "Music;Travel",
        "cf_newsletter": False,
    }
    contact = await made(freshsales, emails="a@acme.example", tags=["vip", "vip", "beta"], custom_field=custom)
    assert {name: contact["custom_field"][name] for name in custom} == custom
    assert contact["tags"] == ["vip", "beta"]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"custom_field": {"cf_tier": "gold"}}, "Tier is invalid"),
        ({"custom_field": {"cf_interests": "Music;Nonsense"}}, "Interests is invalid"),
        ({"custom_field": {"cf_score": "12"}}, "Score is invalid"),
        ({"custom_field": {"cf_newsletter": "true"}}, "Newsletter is invalid"),
        ({"custom_field": {"cf_renewal": "01/03/2026"}}, "Renewal is invalid"),
        ({"custom_field": []}, None),
        ({"lifecycle_stage_id": "Lead"}, "Lifecycle stage is invalid"),
        ({"lifecycle_stage_id": 1}, "Lifecycle stage is invalid"),
        ({"owner_id": "olive@sales.example"}, "Sales owner is invalid"),
        ({"first_name": 5}, "First name is invalid"),
        ({"tags": "vip"}, "The type for tags is invalid."),
        ({"sales_accounts": {"id": 1}}, "The type for sales_accounts is invalid."),
        ({"sales_accounts": [{"id": 1}]}, "Account is invalid"),
        ({"emails": "not an address"}, "Email is invalid"),
        ({"emails": ["a@acme.example"]}, "The type for emails is invalid."),
    ],
)
async def test_a_value_that_is_not_valid_is_refused(freshsales: Api, fields: JSON, complaint: str | None) -> None:
    reply = await create(freshsales, **{"emails": "a@acme.example", **fields})
    if complaint is None:
        assert reply.status == 200
        return
    assert reply.status == 400
    assert reply.body == {"errors": {"code": 400, "message": [complaint]}}


async def test_read_only_and_unknown_fields_are_passed_over(freshsales: Api, sandbox: Running) -> None:
    contact = await made(freshsales, emails="a@acme.example", updated_at="2020-01-01T00:00:00Z", lead_score=99, nope=1)
    assert contact["lead_score"] == 26
    assert not contact["updated_at"].startswith("2020")
    await sandbox.admin.configure("freshsales", unknown_fields="reject")
    assert (await create(freshsales, emails="b@acme.example", nope=1)).status == 400


async def test_null_clears_a_value(freshsales: Api) -> None:
    contact = await made(freshsales, emails="a@acme.example", job_title="CTO", custom_field={"cf_tier": "Gold"})
    body = {"contact": {"job_title": None, "custom_field": {"cf_tier": None}}}
    cleared = (await freshsales.put(f"/contacts/{contact['id']}", body)).body["contact"]
    assert (cleared["job_title"], cleared["custom_field"]["cf_tier"]) == (None, None)


async def test_an_update_touches_only_what_it_names(freshsales: Api) -> None:
    contact = await made(freshsales, emails="a@acme.example", job_title="CTO", city="Pune")
    updated = (await freshsales.put(f"/contacts/{contact['id']}", {"contact": {"city": "Lyon"}})).body["contact"]
    assert (updated["job_title"], updated["city"]) == ("CTO", "Lyon")


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("emails", "ANN@acme.example", "Email is not unique"),
        ("mobile_number", "+15550101", "MobileNumber is not unique"),
        ("external_id", "x1", "ExternalId is not unique"),
    ],
)
async def test_a_duplicate_is_a_400(freshsales: Api, field: str, value: str, complaint: str) -> None:
    await made(freshsales, emails="ann@acme.example", mobile_number="+15550101", external_id="x1")
    reply = await create(freshsales, **{"emails": "bob@acme.example", field: value})
    assert reply.status == 400
    assert reply.body == {"errors": {"code": 400, "message": [complaint]}}


async def test_an_update_to_an_address_that_is_taken_is_refused_and_changes_nothing(freshsales: Api) -> None:
    await made(freshsales, emails="ann@acme.example")
    contact = await made(freshsales, emails="bob@acme.example")
    path = f"/contacts/{contact['id']}"
    reply = await freshsales.put(path, {"contact": {"email": "ann@acme.example", "city": "Pune"}})
    assert reply.status == 400
    assert (await freshsales.get(path)).body["contact"]["city"] is None


async def test_an_accounts_name_is_unique(freshsales: Api) -> None:
    await account(freshsales, "Acme")
    reply = await freshsales.post("/sales_accounts", {"sales_account": {"name": "acme"}})
    assert reply.body == {"errors": {"code": 400, "message": ["Name has already been taken"]}}


@pytest.mark.parametrize(
    ("language", "complaint"),
    [("es", "Email ya existe"), ("de", "Email ist nicht eindeutig"), ("pt", "Email já existe")],
)
async def test_complaints_are_in_the_accounts_language(
    freshsales: Api, sandbox: Running, language: str, complaint: str
) -> None:
    await sandbox.admin.configure("freshsales", language=language)
    await made(freshsales, emails="ann@acme.example")
    reply = await create(freshsales, emails="ann@acme.example")
    assert reply.body["errors"]["message"] == [complaint]


async def test_mandatory_fields_are_asked_for_by_their_labels(freshsales: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("freshsales", mandatory={"contacts": ["lead_source_id", "cf_tier"]})
    reply = await create(freshsales, emails="a@acme.example")
    assert reply.body["errors"]["message"] == ["Source can't be empty", "Tier can't be empty"]


async def test_a_mandatory_field_can_be_left_alone_by_an_update_but_not_emptied(
    freshsales: Api, sandbox: Running
) -> None:
    contact = await made(freshsales, emails="a@acme.example")
    await sandbox.admin.configure("freshsales", mandatory={"contacts": ["last_name"]})
    path = f"/contacts/{contact['id']}"
    assert (await freshsales.put(path, {"contact": {"city": "Pune"}})).status == 200
    assert (await freshsales.put(path, {"contact": {"last_name": None}})).status == 400


async def test_accounts_of_a_contact_are_replaced_and_one_is_primary(freshsales: Api) -> None:
    one, two = await account(freshsales, "One"), await account(freshsales, "Two")
    contact = await made(freshsales, emails="a@acme.example", sales_accounts=[{"id": one}])
    path = f"/contacts/{contact['id']}"
    await freshsales.put(path, {"contact": {"sales_accounts": [{"id": two, "is_primary": True}]}})
    (held,) = (await freshsales.get(path, include="sales_accounts")).body["contact"]["sales_accounts"]
    assert (held["id"], held["name"], held["is_primary"], held["partial"]) == (two, "Two", True, True)


async def test_a_deleted_account_leaves_its_contacts(freshsales: Api) -> None:
    one = await account(freshsales, "One")
    contact = await made(freshsales, emails="a@acme.example", sales_accounts=[{"id": one}])
    await freshsales.delete(f"/sales_accounts/{one}")
    read = await freshsales.get(f"/contacts/{contact['id']}", include="sales_accounts")
    assert read.body["contact"]["sales_accounts"] == []


async def test_an_owner_stands_beside_the_contact_when_included(freshsales: Api) -> None:
    owner = (await freshsales.get("/selector/owners")).body["users"][-1]
    contact = await made(freshsales, emails="a@acme.example", owner_id=owner["id"])
    reply = await freshsales.get(f"/contacts/{contact['id']}", include="owner")
    assert [each["email"] for each in reply.body["users"]] == ["olive@sales.example"]
    assert "users" not in (await freshsales.get(f"/contacts/{contact['id']}")).body


async def test_addresses_are_changed_added_and_removed_by_their_ids(freshsales: Api) -> None:
    contact = await made(freshsales, emails="a@acme.example")
    path, first = f"/contacts/{contact['id']}", contact["emails"][0]["id"]
    added = await freshsales.put(path, {"contact": {"emails": [{"value": "b@acme.example", "is_primary": True}]}})
    assert added.body["contact"]["email"] == "b@acme.example"
    assert [each["value"] for each in added.body["contact"]["emails"]] == ["a@acme.example", "b@acme.example"]
    changed = await freshsales.put(path, {"contact": {"emails": [{"id": first, "value": "c@acme.example"}]}})
    assert [each["value"] for each in changed.body["contact"]["emails"]] == ["c@acme.example", "b@acme.example"]
    removed = await freshsales.put(path, {"contact": {"emails": [{"id": first, "_destroy": True}]}})
    assert [each["value"] for each in removed.body["contact"]["emails"]] == ["b@acme.example"]


async def test_the_primary_address_is_changed_through_email(freshsales: Api) -> None:
    contact = await made(freshsales, emails="a@acme.example")
    reply = await freshsales.put(f"/contacts/{contact['id']}", {"contact": {"email": "b@acme.example"}})
    assert reply.body["contact"]["emails"][0]["id"] == contact["emails"][0]["id"]
    assert [each["value"] for each in reply.body["contact"]["emails"]] == ["b@acme.example"]


async def test_a_deleted_contact_is_gone_and_its_address_free(freshsales: Api, sandbox: Running) -> None:
    contact = await made(freshsales, emails="a@acme.example")
    path = f"/contacts/{contact['id']}"
    deleted = await freshsales.delete(path)
    assert (deleted.status, deleted.body) == (200, True)
    assert (await freshsales.get(path)).status == 404
    assert (await freshsales.put(path, {"contact": {"city": "Pune"}})).status == 404
    await sandbox.admin.configure("freshsales", deleted_reads="flag", delete_status=204)
    assert (await freshsales.get(path)).body["contact"]["is_deleted"] is True
    other = await made(freshsales, emails="a@acme.example")
    assert (await freshsales.delete(f"/contacts/{other['id']}")).status == 204


async def test_a_forgotten_contact_leaves_nothing(freshsales: Api, sandbox: Running) -> None:
    contact = await made(freshsales, emails="a@acme.example")
    assert (await freshsales.delete(f"/contacts/{contact['id']}/forget")).status == 200
    assert await sandbox.admin.records("freshsales", "acme", "contacts", deleted=True) == []


async def test_a_clone_lacks_what_must_be_unique(freshsales: Api) -> None:
    contact = await made(freshsales, emails="a@acme.example", first_name="Ann", mobile_number="1", city="Pune")
    clone = (await freshsales.post(f"/contacts/{contact['id']}/clone")).body["contact"]
    assert (clone["city"], clone["email"], clone["mobile_number"]) == ("Pune", None, None)


async def test_a_body_without_its_envelope_is_refused(freshsales: Api) -> None:
    assert (await freshsales.post("/contacts", {"first_name": "Ann"})).status == 400


async def test_deals_are_kept_with_their_amount_as_text(freshsales: Api) -> None:
    reply = await freshsales.post("/deals", {"deal": {"name": "Big", "amount": 1500.5, "expected_close": "2026-12-01"}})
    assert reply.body["deal"]["amount"] == "1500.5"


@pytest.mark.parametrize("token", ["", "Token token=nonsense", "Bearer key-app", "Token key-app"])
async def test_a_key_that_is_unknown_or_in_another_form_is_refused(freshsales: Api, token: str) -> None:
    reply = await Api(freshsales.session, freshsales.url, token).get("/selector/owners")
    assert (reply.status, reply.body["login"]) == (401, "failed")


async def test_bodies_without_a_source_can_be_set(freshsales: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("freshsales", error_bodies={"404": "not here", "401": {"message": "no"}})
    assert (await freshsales.get("/contacts/1")).body == "not here"
    await sandbox.admin.configure("freshsales", revoked=True)
    reply = await freshsales.get("/contacts/1")
    assert (reply.status, reply.body) == (401, {"message": "no"})


async def test_a_persons_merge_moves_the_other_record_to_the_bin(freshsales: Api, sandbox: Running) -> None:
    one, two = await account(freshsales, "One"), await account(freshsales, "Two")
    kept = await made(freshsales, emails="a@acme.example", sales_accounts=[{"id": one}])
    other = await made(freshsales, emails="b@acme.example", city="Pune", sales_accounts=[{"id": two}])
    args = ("freshsales", "acme", "merge", "contact", str(kept["id"]))
    merged = await sandbox.admin.edit(*args, other=str(other["id"]))
    assert [each["value"] for each in merged["emails"]] == ["a@acme.example", "b@acme.example"]
    assert merged["city"] == "Pune"
    assert {each["id"] for each in merged["sales_accounts"]} == {one, two}
    assert (await freshsales.get(f"/contacts/{other['id']}")).status == 404
