"""Records of HubSpot, one at a time."""

from __future__ import annotations

import pytest

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import JSON, Api

CONTACTS = "/crm/v3/objects/contacts"
COMPANIES = "/crm/v3/objects/companies"


async def made(hubspot: Api, **properties: str) -> JSON:
    reply = await hubspot.post(CONTACTS, {"properties": properties})
    assert reply.status == 201, reply.body
    return reply.body


async def test_a_created_contact_is_echoed_with_its_computed_properties(hubspot: Api) -> None:
    contact = await made(hubspot, email="ann@acme.example", firstname="Ann", score="12.50", newsletter="true")
    assert len(contact["id"]) == 12
    assert contact["id"].isdecimal()
    assert contact["archived"] is False
    properties = contact["properties"]
    assert properties["hs_object_id"] == contact["id"]
    assert properties["score"] == "12.50"
    assert properties["newsletter"] == "true"
    assert properties["lifecyclestage"] == "lead"
    assert properties["createdate"] == contact["createdAt"]
    assert properties["hs_object_source"] == "INTEGRATION"
    assert all(isinstance(value, str) for value in properties.values())


@pytest.mark.parametrize("root", ["/crm/v3/objects/contacts", "/crm/objects/2026-09/contacts", "/crm/v3/objects/0-1"])
async def test_both_path_families_and_type_ids_reach_the_same_records(hubspot: Api, root: str) -> None:
    contact = await made(hubspot, email="ann@acme.example")
    assert (await hubspot.get(f"{root}/{contact['id']}")).body["id"] == contact["id"]


async def test_a_read_without_properties_shows_the_defaults_only(hubspot: Api) -> None:
    contact = await made(hubspot, email="ann@acme.example", jobtitle="CTO")
    properties = (await hubspot.get(f"{CONTACTS}/{contact['id']}")).body["properties"]
    assert set(properties) == {"createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"}
    assert properties["firstname"] is None


async def test_unset_properties_are_null_and_undefined_ones_are_left_out_of_reads(hubspot: Api) -> None:
    contact = await made(hubspot, email="ann@acme.example")
    reply = await hubspot.get(f"{CONTACTS}/{contact['id']}", properties="tier,nonsense,email", archived="False")
    assert reply.body["properties"]["tier"] is None
    assert "nonsense" not in reply.body["properties"]


async def test_a_repeated_properties_parameter_is_read_like_a_comma_list(hubspot: Api) -> None:
    contact = await made(hubspot, email="ann@acme.example", tier="Gold")
    path = f"{CONTACTS}/{contact['id']}?properties=tier&properties=email"
    assert (await hubspot.get(path)).body["properties"]["tier"] == "Gold"


async def test_a_second_contact_with_the_same_address_conflicts_and_names_the_first(hubspot: Api) -> None:
    first = await made(hubspot, email="ann@acme.example")
    reply = await hubspot.post(CONTACTS, {"properties": {"email": "ANN@acme.example"}})
    assert reply.status == 409
    assert reply.body["message"] == f"Contact already exists. Existing ID: {first['id']}"
    assert reply.body["category"] == "CONFLICT"


async def test_changing_to_an_address_that_is_taken_conflicts(hubspot: Api) -> None:
    first = await made(hubspot, email="ann@acme.example")
    second = await made(hubspot, email="bob@acme.example")
    reply = await hubspot.patch(f"{CONTACTS}/{second['id']}", {"properties": {"email": "ann@acme.example"}})
    assert reply.status == 409
    assert first["id"] in reply.body["message"]


async def test_two_companies_may_have_one_domain(hubspot: Api) -> None:
    ids = [(await hubspot.post(COMPANIES, {"properties": {"domain": "acme.example"}})).body["id"] for _ in range(2)]
    assert ids[0] != ids[1]


@pytest.mark.parametrize(
    ("kind", "properties", "missing"),
    [
        ("companies", {"city": "Pune"}, ["domain", "name"]),
        ("deals", {"dealname": "Big"}, ["dealstage"]),
        ("tickets", {"subject": "Help"}, ["hs_pipeline_stage"]),
    ],
)
async def test_a_create_without_its_minimum_is_refused(
    hubspot: Api, kind: str, properties: JSON, missing: list[str]
) -> None:
    reply = await hubspot.post(f"/crm/v3/objects/{kind}", {"properties": properties})
    assert reply.status == 400
    assert reply.body["context"]["properties"] == missing


async def test_deals_and_tickets_get_the_default_pipeline(hubspot: Api) -> None:
    deal = await hubspot.post(
        "/crm/v3/objects/deals", {"properties": {"dealname": "Big", "dealstage": "closedwon", "amount": "10"}}
    )
    ticket = await hubspot.post("/crm/v3/objects/0-5", {"properties": {"subject": "Help", "hs_pipeline_stage": "1"}})
    assert deal.body["properties"]["pipeline"] == "default"
    assert ticket.body["properties"]["hs_pipeline"] == "0"


@pytest.mark.parametrize(
    ("property", "value", "code"),
    [
        ("nonsense", "1", "PROPERTY_DOESNT_EXIST"),
        ("email", "not an address", "INVALID_EMAIL"),
        ("tier", "gold", "INVALID_OPTION"),
        ("interests", "Music;Nonsense", "INVALID_OPTION"),
        ("newsletter", "yes", "INVALID_OPTION"),
        ("hubspot_owner_id", "1", "INVALID_OPTION"),
        ("createdate", "2026-01-01T00:00:00Z", "READ_ONLY_VALUE"),
        ("associatedcompanyid", "1", "READ_ONLY_VALUE"),
        ("score", "many", "INVALID_INTEGER"),
        ("score", 5, "INVALID_TYPE"),
        ("firstname", None, "INVALID_TYPE"),
        ("renewal_date", "2026-02-30", "INVALID_DATE"),
        ("renewal_date", "1772323201000", "INVALID_DATE"),
    ],
)
async def test_a_write_that_is_not_valid_is_refused_with_its_code(
    hubspot: Api, property: str, value: JSON, code: str
) -> None:
    reply = await hubspot.post(CONTACTS, {"properties": {property: value}})
    assert reply.status == 400
    assert reply.body["category"] == "VALIDATION_ERROR"
    assert reply.body["message"].startswith('Property values were not valid: [{"isValid":false,')
    assert reply.body["errors"][0]["code"] == code
    assert reply.body["errors"][0]["context"] == {"propertyName": [property]}


async def test_an_unknown_property_is_told_in_the_documented_words(hubspot: Api) -> None:
    reply = await hubspot.post(CONTACTS, {"properties": {"x": "1"}})
    assert (
        '"message":"Property \\"x\\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"x"'
        in reply.body["message"]
    )


async def test_dates_are_read_back_as_days_and_owners_by_id(hubspot: Api, sandbox: Running) -> None:
    owner = (await hubspot.get("/crm/v3/owners")).body["results"][0]["id"]
    contact = await made(hubspot, renewal_date="1772323200000", hubspot_owner_id=owner)
    assert contact["properties"]["renewal_date"] == "2026-03-01"
    assert contact["properties"]["hubspot_owner_id"] == owner
    assert "hubspot_owner_assigneddate" in contact["properties"]


async def test_an_empty_text_clears_a_value(hubspot: Api) -> None:
    contact = await made(hubspot, email="ann@acme.example", tier="Gold")
    reply = await hubspot.patch(f"{CONTACTS}/{contact['id']}", {"properties": {"tier": ""}})
    assert reply.body["properties"]["tier"] == ""
    assert (await hubspot.get(f"{CONTACTS}/{contact['id']}", properties="tier")).body["properties"]["tier"] is None


async def test_a_leading_semicolon_appends_choices(hubspot: Api) -> None:
    contact = await made(hubspot, interests="Music;Travel")
    path = f"{CONTACTS}/{contact['id']}"
    appended = await hubspot.patch(path, {"properties": {"interests": ";Cooking;Music"}})
    replaced = await hubspot.patch(path, {"properties": {"interests": "Cycling"}})
    assert appended.body["properties"]["interests"] == "Music;Travel;Cooking"
    assert replaced.body["properties"]["interests"] == "Cycling"


async def test_a_lifecycle_stage_moves_forward_only_until_it_is_cleared(hubspot: Api) -> None:
    contact = await made(hubspot, lifecyclestage="customer")
    path = f"{CONTACTS}/{contact['id']}"
    back = await hubspot.patch(path, {"properties": {"lifecyclestage": "lead"}})
    assert back.status == 200
    assert back.body["properties"]["lifecyclestage"] == "customer"
    await hubspot.patch(path, {"properties": {"lifecyclestage": ""}})
    again = await hubspot.patch(path, {"properties": {"lifecyclestage": "lead"}})
    assert again.body["properties"]["lifecyclestage"] == "lead"


async def test_moving_a_stage_back_can_be_set_to_be_refused(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("hubspot", backward_lifecycle="reject")
    contact = await made(hubspot, lifecyclestage="customer")
    reply = await hubspot.patch(f"{CONTACTS}/{contact['id']}", {"properties": {"lifecyclestage": "lead"}})
    assert reply.status == 400


async def test_an_update_that_changes_nothing_leaves_the_time_of_change(hubspot: Api) -> None:
    contact = await made(hubspot, email="ann@acme.example", tier="Gold")
    reply = await hubspot.patch(f"{CONTACTS}/{contact['id']}", {"properties": {"tier": "Gold"}})
    assert reply.body["updatedAt"] == contact["updatedAt"]


async def test_a_contact_is_updated_by_address_and_by_nothing_that_is_not_unique(hubspot: Api) -> None:
    contact = await made(hubspot, email="ann@acme.example")
    path = f"{CONTACTS}/ann%40acme.example"
    reply = await hubspot.patch(path, {"properties": {"firstname": "Ann"}}, idProperty="email")
    assert reply.body["id"] == contact["id"]
    assert (await hubspot.get(path, idProperty="firstname")).status == 400


async def test_a_property_with_unique_values_identifies_and_refuses_doubles(hubspot: Api) -> None:
    definition = {"name": "crm_key", "label": "Key", "type": "string", "fieldType": "text", "groupName": "g"}
    await hubspot.post("/crm/v3/properties/contacts", {**definition, "hasUniqueValue": True})
    contact = await made(hubspot, crm_key="k1")
    assert (await hubspot.get(f"{CONTACTS}/k1", idProperty="crm_key")).body["id"] == contact["id"]
    reply = await hubspot.post(CONTACTS, {"properties": {"crm_key": "k1"}})
    assert reply.status == 400
    assert reply.body["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"


async def test_an_unknown_id_and_an_id_that_is_no_number_have_answers_of_their_own(hubspot: Api) -> None:
    unknown, text = await hubspot.get(f"{CONTACTS}/12345"), await hubspot.get(f"{CONTACTS}/ann")
    assert (unknown.status, unknown.body["message"]) == (404, "resource not found")
    assert "category" not in unknown.body
    assert (text.status, text.body["category"]) == (404, "OBJECT_NOT_FOUND")
    assert text.body["message"] == "Object not found.  objectId are usually numeric."
    assert text.body["context"] == {"id": ["ann"]}


async def test_a_deleted_contact_is_archived_and_its_address_is_free(hubspot: Api, sandbox: Running) -> None:
    contact = await made(hubspot, email="ann@acme.example")
    path = f"{CONTACTS}/{contact['id']}"
    assert (await hubspot.delete(path)).status == 204
    assert (await hubspot.get(path)).status == 404
    assert (await hubspot.get(path, archived="true")).body["archived"] is True
    listed = await hubspot.get(CONTACTS, archived="true")
    assert [each["id"] for each in listed.body["results"]] == [contact["id"]]
    assert (await hubspot.get(CONTACTS)).body["results"] == []
    await made(hubspot, email="ann@acme.example")


async def test_a_person_restores_a_deleted_contact(hubspot: Api, sandbox: Running) -> None:
    contact = await made(hubspot, email="ann@acme.example")
    await hubspot.delete(f"{CONTACTS}/{contact['id']}")
    await sandbox.admin.edit("hubspot", "acme", "restore", "contacts", contact["id"])
    assert (await hubspot.get(f"{CONTACTS}/{contact['id']}")).status == 200


async def test_deleting_what_is_not_there_succeeds_unless_set_otherwise(hubspot: Api, sandbox: Running) -> None:
    assert (await hubspot.delete(f"{CONTACTS}/12345")).status == 204
    await sandbox.admin.configure("hubspot", delete_unknown=404)
    assert (await hubspot.delete(f"{CONTACTS}/12345")).status == 404


async def test_the_list_goes_through_all_records_by_pages(hubspot: Api) -> None:
    made_ids = [(await made(hubspot, email=f"c{at}@acme.example"))["id"] for at in range(5)]
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page = (await hubspot.get(CONTACTS, **query)).body
        seen += [each["id"] for each in page["results"]]
        if "paging" not in page:
            break
        query["after"] = page["paging"]["next"]["after"]
    assert seen == made_ids


@pytest.mark.parametrize("query", [{"limit": "101"}, {"limit": "0"}, {"after": "x"}])
async def test_a_page_beyond_the_limits_is_refused(hubspot: Api, query: dict[str, str]) -> None:
    assert (await hubspot.get(CONTACTS, **query)).status == 400


async def test_the_history_of_a_property_is_told_newest_first(hubspot: Api, hubspot_person: Api) -> None:
    contact = await made(hubspot, tier="Gold")
    path = f"{CONTACTS}/{contact['id']}"
    await hubspot_person.patch(path, {"properties": {"tier": "Silver"}})
    history = (await hubspot.get(path, propertiesWithHistory="tier")).body["propertiesWithHistory"]["tier"]
    assert [each["value"] for each in history] == ["Silver", "Gold"]
    assert history[0]["sourceType"] == "CRM_UI"
    assert history[0]["sourceId"] == f"userId:{history[0]['updatedByUserId']}"
    assert (history[1]["sourceType"], history[1]["sourceId"]) == ("INTEGRATION", "39522895")


async def test_a_merge_mints_an_id_and_keeps_the_old_ones(hubspot: Api) -> None:
    one = await made(hubspot, email="ann@acme.example", firstname="Ann")
    two = await made(hubspot, email="ann2@acme.example", firstname="Anna", tier="Gold", lifecyclestage="customer")
    reply = await hubspot.post(f"{CONTACTS}/merge", {"primaryObjectId": one["id"], "objectIdToMerge": two["id"]})
    merged = reply.body
    assert reply.status == 200
    assert merged["id"] not in (one["id"], two["id"])
    properties = merged["properties"]
    assert properties["firstname"] == "Ann"
    assert properties["tier"] == "Gold"
    assert properties["lifecyclestage"] == "customer"
    assert properties["hs_merged_object_ids"] == f"{one['id']};{two['id']}"
    assert properties["hs_additional_emails"] == "ann2@acme.example"


async def test_a_merged_id_is_accepted_alone_but_not_in_a_batch(hubspot: Api) -> None:
    one, two = await made(hubspot, email="a@acme.example"), await made(hubspot, email="b@acme.example")
    body = {"primaryObjectId": one["id"], "objectIdToMerge": two["id"]}
    merged = (await hubspot.post(f"{CONTACTS}/merge", body)).body["id"]
    alone = await hubspot.patch(f"{CONTACTS}/{two['id']}", {"properties": {"firstname": "B"}})
    assert alone.body["id"] == merged
    batch = await hubspot.post(f"{CONTACTS}/batch/read", {"inputs": [{"id": two["id"]}]})
    assert batch.status == 207
    assert batch.body["results"] == []
    conflict = await hubspot.post(CONTACTS, {"properties": {"email": "b@acme.example"}})
    assert conflict.status == 409
    assert merged in conflict.body["message"]


async def test_a_merge_can_be_set_to_keep_the_primary_id(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("hubspot", merge_mints_id=False)
    one, two = await made(hubspot, email="a@acme.example"), await made(hubspot, email="b@acme.example")
    body = {"primaryObjectId": one["id"], "objectIdToMerge": two["id"]}
    assert (await hubspot.post(f"{CONTACTS}/merge", body)).body["id"] == one["id"]


async def test_a_privacy_deletion_leaves_nothing(hubspot: Api) -> None:
    contact = await made(hubspot, email="ann@acme.example")
    body = {"objectId": "ann@acme.example", "idProperty": "email"}
    assert (await hubspot.post(f"{CONTACTS}/gdpr-delete", body)).status == 204
    assert (await hubspot.get(f"{CONTACTS}/{contact['id']}", archived="true")).status == 404


async def test_an_address_is_kept_as_written_where_lower_casing_is_off(hubspot: Api, sandbox: Running) -> None:
    assert (await made(hubspot, email="Ann@Acme.example"))["properties"]["email"] == "ann@acme.example"
    await sandbox.admin.configure("hubspot", lower_case_email=False, reformat_phones=True)
    other = await made(hubspot, email="Bob@Acme.example", phone="+1 (555) 010-01")
    assert other["properties"]["email"] == "Bob@Acme.example"
    assert other["properties"]["phone"] == "+155501001"


async def test_mandatory_properties_bind_the_newer_api_only(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("hubspot", mandatory={"contacts": ["lastname"]})
    body = {"properties": {"email": "ann@acme.example"}}
    assert (await hubspot.post("/crm/objects/2026-09/contacts", body)).status == 400
    assert (await hubspot.post("/crm/v3/objects/contacts", body)).status == 201


@pytest.mark.parametrize("token", ["", "Bearer nonsense", "Bearer pat-eu1-other"])
async def test_an_unknown_token_gets_the_documented_401(hubspot: Api, token: str) -> None:
    reply = await Api(hubspot.session, hubspot.url, token).get(CONTACTS)
    assert reply.status == 401
    assert reply.body["category"] == "INVALID_AUTHENTICATION"
    assert reply.body["message"].startswith("Authentication credentials not found. This API supports OAuth 2.0")


async def test_a_missing_scope_is_named(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("hubspot", missing_scopes=["crm.objects.contacts.write"])
    reply = await hubspot.get(CONTACTS)
    assert (reply.status, reply.body["category"]) == (403, "MISSING_SCOPES")
    assert reply.body["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.contacts.write"]
    assert (await hubspot.get(COMPANIES)).status == 200


async def test_an_unknown_object_type_and_an_unknown_path_are_told_apart(hubspot: Api) -> None:
    assert (await hubspot.get("/crm/v3/objects/widgets")).status == 400
    assert (await hubspot.get("/crm/v9/objects/contacts")).status == 404
