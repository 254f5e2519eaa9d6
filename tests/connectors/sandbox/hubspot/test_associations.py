"""HubSpot's associations between contacts and companies."""

from __future__ import annotations

import pytest

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import JSON, Api

OBJECTS = "/crm/v3/objects"
PLAIN = {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": None}
PRIMARY = {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"}


async def made(hubspot: Api, kind: str, **properties: str) -> str:
    reply = await hubspot.post(f"{OBJECTS}/{kind}", {"properties": properties})
    return str(reply.body["id"])


def single(root: str, contact: str, *rest: str) -> str:
    return "/".join((root, "contacts", contact, "associations", *rest))


async def types_of(hubspot: Api, contact: str) -> dict[int, JSON]:
    reply = await hubspot.get(single("/crm/v4/objects", contact, "companies"))
    return {each["toObjectId"]: each["associationTypes"] for each in reply.body["results"]}


@pytest.mark.parametrize("root", ["/crm/v4/objects", "/crm/objects/2026-09"])
async def test_the_first_company_becomes_the_primary_one(hubspot: Api, root: str) -> None:
    contact, company = await made(hubspot, "contacts"), await made(hubspot, "companies", name="Acme")
    reply = await hubspot.put(single(root, contact, "default", "companies", company))
    assert reply.status == 200
    assert reply.body["results"][0]["associationSpec"]["associationTypeId"] == 279
    assert await types_of(hubspot, contact) == {int(company): [PRIMARY, PLAIN]}
    read = await hubspot.get(
        f"{OBJECTS}/contacts/{contact}", properties="associatedcompanyid", associations="companies"
    )
    assert read.body["properties"]["associatedcompanyid"] == company
    assert read.body["associations"]["companies"]["results"] == [
        {"id": company, "type": "contact_to_company"},
        {"id": company, "type": "contact_to_company_unlabeled"},
    ]


async def test_without_that_setting_a_plain_association_is_not_primary(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("hubspot", first_company_is_primary=False)
    contact, company = await made(hubspot, "contacts"), await made(hubspot, "companies", name="Acme")
    await hubspot.put(single("/crm/v4/objects", contact, "default", "companies", company))
    assert await types_of(hubspot, contact) == {int(company): [PLAIN]}


async def test_there_is_one_primary_company_and_the_contact_says_which(hubspot: Api) -> None:
    contact = await made(hubspot, "contacts")
    first, second = [await made(hubspot, "companies", name=name) for name in ("One", "Two")]
    await hubspot.put(single("/crm/v4/objects", contact, "default", "companies", first))
    body = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    reply = await hubspot.put(single("/crm/v4/objects", contact, "companies", second), body)
    assert reply.status == 201
    assert reply.body["labels"] == ["Primary"]
    assert await types_of(hubspot, contact) == {int(first): [PLAIN], int(second): [PRIMARY, PLAIN]}
    read = await hubspot.get(f"{OBJECTS}/contacts/{contact}", properties="associatedcompanyid")
    assert read.body["properties"]["associatedcompanyid"] == second


async def test_ending_an_association_takes_it_from_both_ends(hubspot: Api) -> None:
    contact, company = await made(hubspot, "contacts"), await made(hubspot, "companies", name="Acme")
    await hubspot.put(single("/crm/v4/objects", contact, "default", "companies", company))
    assert (await hubspot.delete(single("/crm/v4/objects", contact, "companies", company))).status == 204
    back = await hubspot.get(f"/crm/v4/objects/companies/{company}/associations/contacts")
    read = await hubspot.get(f"{OBJECTS}/contacts/{contact}", properties="associatedcompanyid")
    assert back.body["results"] == []
    assert read.body["properties"]["associatedcompanyid"] is None


async def test_a_create_brings_its_associations(hubspot: Api) -> None:
    company = await made(hubspot, "companies", name="Acme")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    body = {"properties": {"email": "a@acme.example"}, "associations": [{"to": {"id": company}, "types": types}]}
    contact = (await hubspot.post(f"{OBJECTS}/contacts", body)).body["id"]
    assert int(company) in await types_of(hubspot, contact)


async def test_a_create_with_an_association_to_nothing_creates_nothing(hubspot: Api) -> None:
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    body = {"properties": {}, "associations": [{"to": {"id": "12345"}, "types": types}]}
    assert (await hubspot.post(f"{OBJECTS}/contacts", body)).status == 404
    assert (await hubspot.get(f"{OBJECTS}/contacts")).body["results"] == []


async def test_a_batch_reads_associations_and_tells_who_has_none(hubspot: Api) -> None:
    one, two = await made(hubspot, "contacts"), await made(hubspot, "contacts")
    company = await made(hubspot, "companies", name="Acme")
    await hubspot.put(single("/crm/v4/objects", one, "default", "companies", company))
    reply = await hubspot.post(
        "/crm/v4/associations/contacts/companies/batch/read", {"inputs": [{"id": one}, {"id": two}]}
    )
    assert reply.status == 207
    assert reply.body["results"] == [
        {"from": {"id": one}, "to": [{"toObjectId": int(company), "associationTypes": [PRIMARY, PLAIN]}]}
    ]
    assert reply.body["errors"][0]["context"]["fromObjectId"] == [two]


async def test_batches_associate_unlabel_and_end(hubspot: Api) -> None:
    contact, company = await made(hubspot, "contacts"), await made(hubspot, "companies", name="Acme")
    root, pair = "/crm/v4/associations/contacts/companies/batch", {"from": {"id": contact}, "to": {"id": company}}
    primary = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    assert (await hubspot.post(f"{root}/create", {"inputs": [{**pair, "types": primary}]})).status == 201
    assert (await hubspot.post(f"{root}/labels/archive", {"inputs": [{**pair, "types": primary}]})).status == 204
    assert await types_of(hubspot, contact) == {int(company): [PLAIN]}
    ends = {"inputs": [{"from": {"id": contact}, "to": [{"id": company}]}]}
    assert (await hubspot.post(f"{root}/archive", ends)).status == 204
    assert await types_of(hubspot, contact) == {}
    assert (await hubspot.post(f"{root}/associate/default", {"inputs": [pair]})).status == 200
    assert int(company) in await types_of(hubspot, contact)


async def test_a_label_of_the_accounts_own_joins_the_plain_association(hubspot: Api) -> None:
    contact, company = await made(hubspot, "contacts"), await made(hubspot, "companies", name="Acme")
    labels = "/crm/v4/associations/contacts/companies/labels"
    own = (await hubspot.post(labels, {"label": "Billing", "name": "billing"})).body["results"][0]
    body = [{"associationCategory": "USER_DEFINED", "associationTypeId": own["typeId"]}]
    await hubspot.put(single("/crm/v4/objects", contact, "companies", company), body)
    assert own in (await types_of(hubspot, contact))[int(company)]
    assert own in (await hubspot.get(labels)).body["results"]


async def test_a_type_that_does_not_fit_the_pair_is_refused(hubspot: Api) -> None:
    contact, company = await made(hubspot, "contacts"), await made(hubspot, "companies", name="Acme")
    body = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 280}]
    assert (await hubspot.put(single("/crm/v4/objects", contact, "companies", company), body)).status == 400


async def test_an_archived_company_is_nobodys_company(hubspot: Api) -> None:
    contact, company = await made(hubspot, "contacts"), await made(hubspot, "companies", name="Acme")
    await hubspot.put(single("/crm/v4/objects", contact, "default", "companies", company))
    await hubspot.delete(f"{OBJECTS}/companies/{company}")
    assert await types_of(hubspot, contact) == {}


async def test_a_merged_company_keeps_the_contacts_of_both(hubspot: Api) -> None:
    contacts = [await made(hubspot, "contacts") for _ in range(2)]
    companies = [await made(hubspot, "companies", name=name) for name in ("One", "Two")]
    for contact, company in zip(contacts, companies, strict=True):
        await hubspot.put(single("/crm/v4/objects", contact, "default", "companies", company))
    body = {"primaryObjectId": companies[0], "objectIdToMerge": companies[1]}
    merged = (await hubspot.post(f"{OBJECTS}/companies/merge", body)).body["id"]
    for contact in contacts:
        assert await types_of(hubspot, contact) == {int(merged): [PRIMARY, PLAIN]}


async def test_the_company_property_can_be_set_to_associate(hubspot: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("hubspot", associatedcompanyid="associates")
    company = await made(hubspot, "companies", name="Acme")
    contact = await made(hubspot, "contacts", associatedcompanyid=company)
    assert await types_of(hubspot, contact) == {int(company): [PRIMARY, PLAIN]}


async def test_a_person_associates_and_dissociates(hubspot: Api, sandbox: Running) -> None:
    contact, company = await made(hubspot, "contacts"), await made(hubspot, "companies", name="Acme")
    edited = await sandbox.admin.edit("hubspot", "acme", "associate", "contacts", contact, other=company)
    assert edited["primary_company"] == company
    edited = await sandbox.admin.edit("hubspot", "acme", "dissociate", "contacts", contact, other=company)
    assert edited["companies"] == []
