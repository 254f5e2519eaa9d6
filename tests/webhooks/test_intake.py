"""What the built-in products' events say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.documents.connector import ConnectorDocument, load_connector
from schemas.documents.expressions import ExpressionFailed
from tests.webhooks.conftest import document
from tests.webhooks.hubspot import body_of, event
from webhooks.errors import CannotReceive, Refused
from webhooks.intake import Answer, Event, Hint, Intake
from webhooks.requests import Incoming


def request(body: bytes) -> Incoming:
    return Incoming("POST", "https://hooks.example.com/v1/hooks/t", {}, {}, body)


def events(intake: Intake, body: bytes) -> list[Event]:
    incoming = request(body)
    return intake.events(incoming, intake.decode(incoming))


def hint(intake: Intake, body: bytes) -> Hint:
    (only,) = events(intake, body)
    found = intake.hint(only)
    assert isinstance(found, Hint)
    return found


def changed(document: ConnectorDocument, **updates: Any) -> ConnectorDocument:
    return document.model_copy(update={"events": document.events.model_copy(update=updates)})


def test_a_property_change_says_which_field_of_which_record(hubspot: Intake) -> None:
    found = hint(hubspot, body_of(event()))
    assert (found.kind, found.entity, found.records) == ("upsert", "contact", ("508369434347",))
    assert (found.touched, found.at) == (("firstname",), 1782371969536)
    assert found.origin == "INTEGRATION:39522895"


def test_a_redelivery_has_the_same_id_and_another_event_has_not(hubspot: Intake) -> None:
    first = hint(hubspot, body_of(event())).id
    assert hint(hubspot, body_of(event(attemptNumber=3))).id == first
    others = [
        event(objectId=1),
        event(portalId=1),
        event(occurredAt=1),
        event(propertyName="lastname"),
        event(eventId=1),
    ]
    assert first not in [hint(hubspot, body_of(other)).id for other in others]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("contact.deletion", "delete"), ("contact.privacyDeletion", "erase"), ("contact.restore", "restore")],
)
def test_the_kinds_of_a_contacts_events(hubspot: Intake, kind: str, expected: str) -> None:
    assert hint(hubspot, body_of(event(subscriptionType=kind))).kind == expected


def test_a_merge_names_every_record_that_is_gone_and_the_one_that_lives_on(hubspot: Intake) -> None:
    merged = event(
        subscriptionType="contact.merge", primaryObjectId=1, mergedObjectIds=[2, 3], newObjectId=4, objectId=1
    )
    found = hint(hubspot, body_of(merged))
    assert (found.kind, found.records, found.into) == ("merge", ("1", "2", "3"), "4")


def test_an_unknown_kind_is_told_apart_from_an_unreadable_event(hubspot: Intake) -> None:
    unknown, unreadable = events(
        hubspot, body_of(event(subscriptionType="quote.creation"), {"subscriptionType": "contact.creation"})
    )
    assert hubspot.hint(unknown) == "unknown_kind"
    with pytest.raises(ExpressionFailed):
        hubspot.hint(unreadable)


def test_each_event_keeps_its_own_bytes(hubspot: Intake) -> None:
    body = b' [ {"portalId": 1.50, "x": 12345678901234567890123} , {"portalId": 2} ] '
    raws = [bytes(found.raw) for found in events(hubspot, body)]
    assert raws == [b'{"portalId": 1.50, "x": 12345678901234567890123}', b'{"portalId": 2}']


@pytest.mark.parametrize("body", [b'{"portalId": 1}', b'"x"', b"null", b"1"])
def test_a_body_that_is_no_list_of_events_is_refused(hubspot: Intake, body: bytes) -> None:
    with pytest.raises(Refused, match="unparsable"):
        events(hubspot, body)


def test_more_events_than_any_product_sends_are_refused(hubspot: Intake) -> None:
    with pytest.raises(Refused, match="too_large"):
        events(hubspot, b"[" + b",".join([b"{}"] * 1_001) + b"]")


def test_a_workflows_own_template(freshsales: Intake) -> None:
    found = hint(freshsales, b'{"id": "7004", "entity": "contact", "event": "update"}')
    assert (found.kind, found.entity, found.records) == ("upsert", "contact", ("7004",))
    assert (found.id, found.at) == ("", None)


def test_a_relayed_product_event(freshsales: Intake) -> None:
    body = {
        "event": "onContactUpdate",
        "timestamp": 1611058345.21,
        "data": {"contact": {"id": 7004}, "actor": {"type": "user"}},
    }
    found = hint(freshsales, msgspec.json.encode(body))
    assert (found.entity, found.records, found.at, found.origin) == ("contact", ("7004",), 1611058345210, "user")


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"1", b"{}"])
def test_json_that_is_no_event_is_of_no_known_kind(freshsales: Intake, body: bytes) -> None:
    (only,) = events(freshsales, body)
    assert freshsales.hint(only) == "unknown_kind"


def test_a_rule_without_op_ignores_the_event() -> None:
    connector = load_connector(document("freshsales"), "freshsales")
    silent = connector.events.rules[0].model_copy(update={"condition": "=has(event.quiet)", "op": None, "entity": None})
    intake = Intake(changed(connector, rules=(silent,)))
    (only,) = events(intake, b'{"quiet": true}')
    assert intake.hint(only) == "ignored"


@pytest.mark.parametrize("at", ["'soon'", "-5", "99999999999999999999", "true", "null", "'9999-99-99T00:00:00Z'", "{"])
def test_a_time_that_is_none_is_unknown(at: str) -> None:
    connector = load_connector(document("freshsales"), "freshsales")
    assert connector.events.each is not None
    each = connector.events.each.model_copy(update={"at": "=from_json(event.at)"})
    intake = Intake(changed(connector, each=each))
    found = hint(intake, msgspec.json.encode({"id": "1", "at": at.replace("'", '"')}))
    assert found.at is None


def test_a_products_question_is_answered() -> None:
    connector = load_connector(document("freshsales"), "freshsales")
    asked = {
        "if": "=has(body.challenge)",
        "reply": {"status": 200, "headers": {"x-echo": "=body.challenge"}, "body": "=body.challenge"},
    }
    events_model = type(connector.events)
    full = events_model.model_validate({**connector.events.model_dump(by_alias=True), "challenge": asked})
    intake = Intake(connector.model_copy(update={"events": full}))
    assert intake.answer(request(b""), {"challenge": "abc"}) == Answer(200, {"x-echo": "abc"}, "abc")
    assert intake.answer(request(b""), {"id": 1}) is None


def test_a_product_that_is_only_polled_cannot_be_received() -> None:
    connector = load_connector(document("freshsales"), "freshsales")
    with pytest.raises(CannotReceive):
        Intake(changed(connector, transport="poll"))
    with pytest.raises(CannotReceive):
        Intake(changed(connector, decode="xml"))
