"""What HubSpot tells about the account itself."""

from __future__ import annotations

import pytest

from tests.connectors.sandbox.api import JSON, Api

PROPERTIES = "/crm/v3/properties/contacts"


def definition(**more: JSON) -> JSON:
    base = {"name": "colour", "label": "Colour", "type": "string", "fieldType": "text", "groupName": "info"}
    return {**base, **more}


async def test_the_account_names_its_portal(hubspot: Api) -> None:
    assert (await hubspot.get("/account-info/v3/details")).body["portalId"] == 147_893_286
    assert (await hubspot.get("/account-info/2026-09/details")).status == 200


async def test_owners_are_listed_with_and_without_a_trailing_slash(hubspot: Api) -> None:
    for path in ("/crm/v3/owners", "/crm/v3/owners/", "/crm/owners/2026-09"):
        (owner,) = (await hubspot.get(path)).body["results"]
        assert owner["email"] == "olive@sales.example"
    assert (await hubspot.get(f"/crm/v3/owners/{owner['id']}")).body["userId"] == owner["userId"]
    assert (await hubspot.get("/crm/v3/owners", email="nobody@sales.example")).body["results"] == []


async def test_properties_say_what_may_be_written_and_chosen(hubspot: Api) -> None:
    listed = {each["name"]: each for each in (await hubspot.get(PROPERTIES)).body["results"]}
    assert listed["createdate"]["modificationMetadata"]["readOnlyValue"] is True
    assert listed["email"]["modificationMetadata"]["readOnlyValue"] is False
    assert [each["value"] for each in listed["tier"]["options"]] == ["Gold", "Silver", "Bronze"]
    assert listed["interests"]["fieldType"] == "checkbox"
    assert listed["lifecyclestage"]["options"][0]["value"] == "subscriber"


async def test_a_property_is_made_changed_and_archived(hubspot: Api) -> None:
    assert (await hubspot.post(PROPERTIES, definition())).status == 201
    assert (await hubspot.post(PROPERTIES, definition())).status == 409
    changed = await hubspot.patch(f"{PROPERTIES}/colour", {"label": "Farbe"})
    assert changed.body["label"] == "Farbe"
    assert (await hubspot.delete(f"{PROPERTIES}/colour")).status == 204
    assert (await hubspot.get(f"{PROPERTIES}/colour")).status == 404
    reply = await hubspot.post("/crm/v3/objects/contacts", {"properties": {"colour": "red"}})
    assert reply.body["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"


@pytest.mark.parametrize(
    "body",
    [
        {"name": "colour"},
        definition(type="colour"),
        definition(fieldType="picker"),
        definition(type="enumeration", fieldType="select"),
    ],
)
async def test_a_definition_that_is_not_complete_is_refused(hubspot: Api, body: JSON) -> None:
    assert (await hubspot.post(PROPERTIES, body)).status == 400


async def test_ten_properties_with_unique_values_are_the_most(hubspot: Api) -> None:
    made = [await hubspot.post(PROPERTIES, definition(name=f"key{at}", hasUniqueValue=True)) for at in range(11)]
    assert [each.status for each in made] == [201] * 10 + [400]


async def test_properties_of_the_vendor_cannot_be_redefined_or_archived(hubspot: Api) -> None:
    assert (await hubspot.patch(f"{PROPERTIES}/email", {"label": "x"})).status == 400
    assert (await hubspot.delete(f"{PROPERTIES}/email")).status == 400


async def test_pipelines_have_their_stages(hubspot: Api) -> None:
    (deals,) = (await hubspot.get("/crm/v3/pipelines/deals")).body["results"]
    tickets = (await hubspot.get("/crm/v3/pipelines/tickets/0")).body
    assert deals["id"] == "default"
    assert [each["id"] for each in tickets["stages"]] == ["1", "2", "3", "4"]
    assert (await hubspot.get("/crm/v3/pipelines/deals/nonsense")).status == 404
