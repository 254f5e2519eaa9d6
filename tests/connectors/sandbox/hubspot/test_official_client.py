"""The vendor's own client library works against the sandbox unchanged."""

from __future__ import annotations

import asyncio

import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4 import (
    BatchInputPublicFetchAssociationsBatchRequest,
)
from hubspot.crm.contacts import (
    ApiException,
    BatchInputSimplePublicObjectBatchInputUpsert,
    PublicMergeInput,
    PublicObjectSearchRequest,
    SimplePublicObjectInput,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.properties import PropertyCreate

from connectors.sandbox.server import Running

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the library's own, in urllib3 and models


def client_of(sandbox: Running) -> HubSpot:
    return HubSpot(access_token="pat-eu1-app", host=sandbox.urls["hubspot"], client_side_validation=True)


async def test_contacts_live_a_whole_life(sandbox: Running) -> None:
    await asyncio.to_thread(whole_life, client_of(sandbox))


def whole_life(client: HubSpot) -> None:
    api = client.crm.contacts.basic_api
    properties = {"email": "ann@acme.example", "firstname": "Ann"}
    contact = api.create(SimplePublicObjectInputForCreate(properties=properties, associations=[]))
    with pytest.raises(ApiException) as conflict:
        api.create(SimplePublicObjectInputForCreate(properties=properties, associations=[]))
    assert conflict.value.status == 409
    assert f"Existing ID: {contact.id}" in conflict.value.body
    api.update(contact.id, SimplePublicObjectInput(properties={"tier": "Gold"}))
    read = api.get_by_id(contact.id, properties=["tier", "email"], archived=False)
    assert read.properties["tier"] == "Gold"
    by_email = api.get_by_id("ann@acme.example", id_property="email")
    assert by_email.id == contact.id
    assert [each.id for each in api.get_page(limit=10).results] == [contact.id]
    api.archive(contact.id)
    with pytest.raises(ApiException) as gone:
        api.get_by_id(contact.id)
    assert gone.value.status == 404


async def test_search_upsert_and_merge(sandbox: Running) -> None:
    await asyncio.to_thread(search_upsert_and_merge, client_of(sandbox))


def search_upsert_and_merge(client: HubSpot) -> None:
    inputs = [
        {"id": email, "idProperty": "email", "properties": {"tier": "Gold"}}
        for email in ("ann@acme.example", "bob@acme.example")
    ]
    batch = BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)
    upserted = client.crm.contacts.batch_api.upsert(batch)
    assert [each.new for each in upserted.results] == [True, True]
    request = PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": "tier", "operator": "EQ", "value": "Gold"}]}],
        sorts=["-createdate"],
        properties=["email"],
        limit=10,
        after="0",
    )
    found = client.crm.contacts.search_api.do_search(request)
    assert found.total == 2
    one, two = (each.id for each in upserted.results)
    merge = PublicMergeInput(primary_object_id=one, object_id_to_merge=two)
    merged = client.crm.contacts.basic_api.merge(merge)
    assert merged.properties["hs_merged_object_ids"] == f"{one};{two}"


async def test_properties_owners_and_associations(sandbox: Running) -> None:
    await asyncio.to_thread(properties_owners_and_associations, client_of(sandbox))


def properties_owners_and_associations(client: HubSpot) -> None:
    definition = PropertyCreate(name="colour", label="Colour", type="string", field_type="text", group_name="info")
    assert client.crm.properties.core_api.create("contacts", definition).name == "colour"
    assert "tier" in {each.name for each in client.crm.properties.core_api.get_all("contacts").results}
    assert client.crm.owners.owners_api.get_page().results[0].email == "olive@sales.example"
    company = client.crm.companies.basic_api.create(
        SimplePublicObjectInputForCreate(properties={"name": "Acme"}, associations=[])
    )
    contact = client.crm.contacts.basic_api.create(
        SimplePublicObjectInputForCreate(properties={"email": "ann@acme.example"}, associations=[])
    )
    associations = client.crm.associations.v4
    associations.basic_api.create_default("contacts", contact.id, "companies", company.id)
    listed = associations.basic_api.get_page("contacts", contact.id, "companies").results
    assert [each.to_object_id for each in listed] == [company.id]
    request = BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": contact.id}])
    pages = associations.batch_api.get_page("contacts", "companies", request)
    assert pages.results[0].to[0].to_object_id == company.id
    associations.basic_api.archive("contacts", contact.id, "companies", company.id)
    assert associations.basic_api.get_page("contacts", contact.id, "companies").results == []
