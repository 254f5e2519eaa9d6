"""HubSpot's webhooks."""

from __future__ import annotations

import pytest

from connectors.sandbox.hubspot import signatures
from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import JSON, Api, Receiver, until

CONTACTS = "/crm/v3/objects/contacts"
SECRET = "app-secret"
TYPES = ("creation", "deletion", "merge", "restore", "associationChange", "privacyDeletion")


async def subscribe(sandbox: Running, receiver: Receiver, *properties: str, **more: JSON) -> None:
    subscriptions = [{"type": f"{kind}.{name}"} for kind in ("contact", "company") for name in TYPES]
    subscriptions += [{"type": "contact.propertyChange", "property": name} for name in properties]
    await sandbox.admin.hook(
        "hubspot", url=receiver.url, secret=SECRET, subscriptions=subscriptions, retry_ms=1, **more
    )


async def create(hubspot: Api, **properties: str) -> str:
    return str((await hubspot.post(CONTACTS, {"properties": properties})).body["id"])


def of_type(receiver: Receiver, type: str) -> list[JSON]:
    return [event for event in receiver.events if event["subscriptionType"] == type]


async def test_a_create_sends_creation_and_subscribed_properties_of_one_moment(
    hubspot: Api, sandbox: Running, receiver: Receiver
) -> None:
    await subscribe(sandbox, receiver, "email", "tier")
    id = await create(hubspot, email="a@acme.example", firstname="Ann")
    await until(lambda: len(receiver.events) == 2)
    (creation,), (change,) = of_type(receiver, "contact.creation"), of_type(receiver, "contact.propertyChange")
    assert creation["objectId"] == int(id)
    assert creation["changeFlag"] == "CREATED"
    assert (change["propertyName"], change["propertyValue"]) == ("email", "a@acme.example")
    assert change["occurredAt"] == creation["occurredAt"]
    for event in receiver.events:
        assert (event["changeSource"], event["sourceId"]) == ("INTEGRATION", "39522895")
        assert (event["portalId"], event["appId"], event["attemptNumber"]) == (147_893_286, 39_522_895, 0)


async def test_the_flag_of_a_creation_can_be_the_documented_one(
    hubspot: Api, sandbox: Running, receiver: Receiver
) -> None:
    await subscribe(sandbox, receiver)
    await sandbox.admin.configure("hubspot", change_flag="NEW")
    await create(hubspot)
    await until(lambda: len(receiver.events) == 1)
    assert receiver.events[0]["changeFlag"] == "NEW"


async def test_a_persons_change_names_the_person(hubspot: Api, sandbox: Running, receiver: Receiver) -> None:
    id = await create(hubspot, email="a@acme.example")
    await subscribe(sandbox, receiver, "tier")
    await sandbox.admin.edit("hubspot", "acme", "update", "contacts", id, {"tier": "Gold"})
    await until(lambda: len(receiver.events) == 1)
    (event,) = receiver.events
    assert (event["changeSource"], event["sourceId"]) == ("CRM_UI", "userId:47812075")
    assert "changeFlag" not in event


async def test_deletion_restore_and_privacy_deletion_are_told(
    hubspot: Api, sandbox: Running, receiver: Receiver
) -> None:
    id = await create(hubspot, email="a@acme.example")
    await subscribe(sandbox, receiver)
    await hubspot.delete(f"{CONTACTS}/{id}")
    await sandbox.admin.edit("hubspot", "acme", "restore", "contacts", id)
    await hubspot.post(f"{CONTACTS}/gdpr-delete", {"objectId": id})
    await until(lambda: len(receiver.events) == 4)
    told = sorted(event["subscriptionType"] for event in receiver.events)
    assert told == ["contact.deletion", "contact.deletion", "contact.privacyDeletion", "contact.restore"]
    assert of_type(receiver, "contact.deletion")[0]["changeFlag"] == "DELETED"


async def test_a_merge_names_all_ids(hubspot: Api, sandbox: Running, receiver: Receiver) -> None:
    one, two = await create(hubspot, email="a@acme.example"), await create(hubspot, email="b@acme.example", tier="Gold")
    await subscribe(sandbox, receiver)
    body = {"primaryObjectId": one, "objectIdToMerge": two}
    merged = (await hubspot.post(f"{CONTACTS}/merge", body)).body["id"]
    await until(lambda: len(receiver.events) == 1)
    (event,) = receiver.events
    assert event["primaryObjectId"] == int(one)
    assert event["mergedObjectIds"] == [int(one), int(two)]
    assert event["newObjectId"] == int(merged)
    assert event["numberOfPropertiesMoved"] == 1


async def test_a_primary_association_is_two_events_on_either_side(
    hubspot: Api, sandbox: Running, receiver: Receiver
) -> None:
    contact = await create(hubspot)
    company = (await hubspot.post("/crm/v3/objects/companies", {"properties": {"name": "Acme"}})).body["id"]
    await subscribe(sandbox, receiver, "associatedcompanyid")
    await hubspot.put(f"/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}")
    await until(lambda: len(receiver.events) == 5)
    told = of_type(receiver, "contact.associationChange")
    assert {event["isPrimaryAssociation"] for event in told} == {True, False}
    assert {(event["fromObjectId"], event["toObjectId"]) for event in told} == {(int(contact), int(company))}
    assert {event["associationType"] for event in told} == {"CONTACT_TO_COMPANY"}
    assert {event["associationRemoved"] for event in told} == {False}
    assert len(of_type(receiver, "company.associationChange")) == 2
    assert of_type(receiver, "contact.propertyChange")[0]["propertyValue"] == company


async def test_deliveries_are_signed_over_the_configured_url(
    hubspot: Api, sandbox: Running, receiver: Receiver
) -> None:
    await subscribe(sandbox, receiver)
    await create(hubspot)
    await until(lambda: len(receiver.deliveries) == 1)
    (delivery,) = receiver.deliveries
    at = int(delivery.headers["X-HubSpot-Request-Timestamp"])
    assert delivery.headers["X-HubSpot-Signature"] == signatures.v1(SECRET, delivery.raw)
    assert delivery.headers["X-HubSpot-Signature-Version"] == "v1"
    expected = signatures.v3(SECRET, "POST", receiver.url, delivery.raw, at)
    assert delivery.headers["X-HubSpot-Signature-v3"] == expected


async def test_arrays_hold_at_most_a_hundred_events(hubspot: Api, sandbox: Running, receiver: Receiver) -> None:
    await subscribe(sandbox, receiver, "email")
    people = [{"properties": {"email": f"c{at}@acme.example"}} for at in range(60)]
    await hubspot.post(f"{CONTACTS}/batch/create", {"inputs": people})
    await until(lambda: len(receiver.events) == 120)
    assert sorted(len(each.body) for each in receiver.deliveries) == [20, 100]


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_whatever_is_not_2xx_is_tried_again_with_a_higher_attempt_number(
    hubspot: Api, sandbox: Running, receiver: Receiver, status: int
) -> None:
    receiver.statuses = [status, status]
    await subscribe(sandbox, receiver)
    await create(hubspot)
    await until(lambda: len(receiver.deliveries) == 3)
    assert [event["attemptNumber"] for event in receiver.events] == [0, 1, 2]
    assert len({event["eventId"] for event in receiver.events}) == 1


async def test_event_ids_can_be_set_to_change_on_a_retry(hubspot: Api, sandbox: Running, receiver: Receiver) -> None:
    receiver.statuses = [500]
    await subscribe(sandbox, receiver, keep_event_id=False)
    await create(hubspot)
    await until(lambda: len(receiver.deliveries) == 2)
    assert len({event["eventId"] for event in receiver.events}) == 2


async def test_a_delivery_is_given_up_after_its_retries(hubspot: Api, sandbox: Running, receiver: Receiver) -> None:
    receiver.statuses = [500] * 10
    await subscribe(sandbox, receiver, retries=2)
    await create(hubspot)
    await until(lambda: sandbox.world.courier.busy == 0)
    assert len(receiver.deliveries) == 3


async def test_events_can_be_doubled_and_lost(hubspot: Api, sandbox: Running, receiver: Receiver) -> None:
    await subscribe(sandbox, receiver)
    await sandbox.admin.configure("hubspot", webhook_duplicate=1.0)
    await create(hubspot)
    await until(lambda: len(receiver.events) == 2)
    assert receiver.events[0] == receiver.events[1]
    await sandbox.admin.configure("hubspot", webhook_drop=1.0)
    await create(hubspot)
    await until(lambda: sandbox.world.courier.busy == 0)
    assert len(receiver.events) == 2


async def test_one_array_mixes_portals_unless_set_otherwise(hubspot: Api, sandbox: Running, receiver: Receiver) -> None:
    keys = {"integration": {"access_token": "pat-2"}, "person": {"access_token": "pat-2p"}}
    await sandbox.admin.open_account("hubspot", "globex", **keys)
    other = Api(hubspot.session, hubspot.url, "Bearer pat-2")
    await sandbox.admin.configure("hubspot", webhook_delay_ms=200)
    for mixed, arrays in ((True, 1), (False, 2)):
        receiver.deliveries.clear()
        await subscribe(sandbox, receiver, mix_portals=mixed)
        await create(hubspot)
        await create(other)
        await until(lambda: len(receiver.events) == 2)
        assert len(receiver.deliveries) == arrays
        assert len({event["portalId"] for event in receiver.events}) == 2


async def test_an_app_hears_only_of_portals_that_installed_it(
    hubspot: Api, sandbox: Running, receiver: Receiver
) -> None:
    await subscribe(sandbox, receiver)
    await sandbox.admin.configure("hubspot", "acme", app_id=7)
    await create(hubspot)
    await until(lambda: sandbox.world.courier.busy == 0)
    assert receiver.deliveries == []
