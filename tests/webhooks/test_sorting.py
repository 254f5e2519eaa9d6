"""Which messages a request becomes."""

from __future__ import annotations

import pytest

from schemas.events import Change, decode_change, decode_trail
from schemas.headers import traceparent_of
from schemas.records import RecordId
from tests.webhooks.hubspot import body_of, event
from webhooks.intake import Event, Intake
from webhooks.requests import Endpoint, Incoming
from webhooks.sorting import MAX_ID, Moment, Sorted, sort_for_app, sort_for_connection

MOMENT = Moment(1_782_371_970_000, "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
ACME = Endpoint("acme", "a-hs", "hubspot", "62515")
GLOBEX = Endpoint("globex", "g-hs", "hubspot", "99999")
PORTALS = {"62515": [ACME], "99999": [GLOBEX]}


def events(intake: Intake, body: bytes) -> list[Event]:
    incoming = Incoming("POST", "https://x.example", {}, {}, body)
    return intake.events(incoming, intake.decode(incoming))


def sort(intake: Intake, body: bytes, portals: dict[str, list[Endpoint]] = PORTALS) -> Sorted:
    return sort_for_app(intake, events(intake, body), lambda account: portals.get(account, []), MOMENT)


def changes(found: Sorted) -> list[Change]:
    return [decode_change(message.value) for message in found.messages]


def test_one_body_goes_to_the_portals_that_its_events_name(hubspot: Intake) -> None:
    found = sort(hubspot, body_of(event(), event(portalId=99999), event(portalId=7), event(objectId=1)))
    assert [(change.tenant, change.record.connection) for change in changes(found)] == [
        ("acme", "a-hs"),
        ("globex", "g-hs"),
        ("acme", "a-hs"),
    ]
    assert found.results == {"published": 3, "unknown_account": 1}


def test_an_account_that_two_tenants_have_connected_reaches_both(hubspot: Intake) -> None:
    found = changes(sort(hubspot, body_of(event()), {"62515": [ACME, GLOBEX]}))
    assert [change.tenant for change in found] == ["acme", "globex"]
    assert len({change.id for change in found}) == 2


def test_the_message_is_keyed_by_record_and_carries_its_headers(hubspot: Intake) -> None:
    (message,) = sort(hubspot, body_of(event())).messages
    assert (message.topic, message.key) == ("changes.hubspot", b"a-hs/contact/508369434347")
    headers = dict(message.headers)
    assert headers["ce_id"].decode() == decode_change(message.value).id
    assert headers["ce_type"] == b"freshpipe.change.v1"
    assert headers["ce_source"] == b"freshpipe/webhooks"
    assert traceparent_of(message.headers) == MOMENT.traceparent


def test_the_change_holds_the_event_as_it_was_written(hubspot: Intake) -> None:
    (change,) = changes(
        sort(hubspot, b'[{"portalId": 62515 ,"objectId":1,"occurredAt":5,"subscriptionType":"contact.creation"}]')
    )
    assert (
        bytes(change.raw) == b'{"portalId": 62515 ,"objectId":1,"occurredAt":5,"subscriptionType":"contact.creation"}'
    )
    assert change.received_at == MOMENT.received_at


def test_a_merge_becomes_one_change_per_record(hubspot: Intake) -> None:
    merged = event(subscriptionType="contact.merge", primaryObjectId=1, mergedObjectIds=[2], newObjectId=4)
    found = changes(sort(hubspot, body_of(merged)))
    assert [(change.kind, change.record.id, change.into) for change in found] == [
        ("merge", "1", RecordId("a-hs", "contact", "4")),
        ("merge", "2", RecordId("a-hs", "contact", "4")),
    ]
    assert len({change.id for change in found}) == 2


def test_a_redelivery_is_the_same_change(hubspot: Intake) -> None:
    first = changes(sort(hubspot, body_of(event())))
    again = changes(sort(hubspot, body_of(event(attemptNumber=1))))
    assert [change.id for change in first] == [change.id for change in again]


def test_equal_events_that_tell_no_time_are_changes_of_their_own(freshsales: Intake) -> None:
    endpoint = Endpoint("acme", "a-fs", "freshsales")
    same = events(freshsales, b'{"id": "1", "entity": "contact", "event": "update"}')
    later = Moment(MOMENT.received_at + 1, "")
    ids = {changes(sort_for_connection(freshsales, same, endpoint, moment))[0].id for moment in (MOMENT, later)}
    assert len(ids) == 2


def test_an_unreadable_event_is_put_before_people_without_its_payload(hubspot: Intake) -> None:
    found = sort(hubspot, body_of(event(objectId="canary-payload-" + "x" * 300), event()))
    poison, change = found.messages
    assert (poison.topic, poison.key) == ("trail", b"acme")
    trail = decode_trail(poison.value)
    assert (trail.tenant, trail.kind, trail.end, trail.stage) == ("acme", "poison", "attention", "webhooks")
    assert trail.changes == (trail.id,)
    assert b"canary" not in poison.value
    assert change.topic == "changes.hubspot"
    assert found.results == {"unreadable": 1, "published": 1}


def test_an_event_without_an_account_is_counted(hubspot: Intake) -> None:
    found = sort(hubspot, b'[{"objectId": 1}, 5, null, "x", []]')
    assert found.messages == []
    assert found.results == {"unreadable": 5}


@pytest.mark.parametrize("length", [10, 400])
def test_an_id_always_fits_where_it_is_kept(hubspot: Intake, length: int) -> None:
    (change,) = changes(sort(hubspot, body_of(event(propertyName="p" * length))))
    assert len(change.id) <= MAX_ID
    (other,) = changes(sort(hubspot, body_of(event(propertyName="p" * (length + 1)))))
    assert other.id != change.id


def test_an_event_that_no_broker_would_take_loses_its_payload_only(hubspot: Intake) -> None:
    (change,) = changes(sort(hubspot, body_of(event(propertyValue="v" * 600_000))))
    assert change.record.id == "508369434347"
    assert bytes(change.raw) == b"null"
