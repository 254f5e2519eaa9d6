"""An answer becomes a category by the document's rules, and its words are told without anybody's data."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from connectors.catalog import compile_connectors
from connectors.http import Answer
from connectors.rules import Verdict, message_of
from schemas.events import Category

HUBSPOT_INVALID = (
    'Property values were not valid: [{"isValid":false,"message":"Property \\"cf\\" does not exist",'
    '"error":"PROPERTY_DOESNT_EXIST","name":"cf"}]'
)


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    return Answer(status, headers, body if isinstance(body, bytes) else msgspec.json.encode(body))


def first(product: str, given: Answer, operation: str = "update") -> Verdict:
    """The first verdict that needs no look-up."""
    verdicts = compile_connectors()[product].rules.verdicts(given, operation, now_ms=0)
    return next(verdict for verdict in verdicts if not verdict.confirm)


def freshsales(text: str) -> Any:
    return {"errors": {"code": 400, "message": [text]}}


@pytest.mark.parametrize(
    ("given", "category"),
    [
        (answer(401, {"category": "INVALID_AUTHENTICATION"}), "auth_expired"),
        (answer(400, {"error": "invalid_grant", "status": "BAD_REFRESH_TOKEN"}), "auth_revoked"),
        (answer(403, {"category": "MISSING_SCOPES"}), "forbidden"),
        (answer(404, {}), "not_found"),
        (answer(429, {"policyName": "TEN_SECONDLY_ROLLING"}), "rate_limited"),
        (answer(429, {"policyName": "DAILY"}), "quota_exhausted"),
        (answer(429, b"<html>slow down</html>"), "rate_limited"),
        (answer(423), "transient"),
        (answer(477), "rate_limited"),
        (answer(414), "too_large"),
        (answer(400, {}), "rejected"),
        (answer(400, []), "rejected"),
        (answer(502, b"<html>"), "transient"),
        (answer(418), "unknown"),
        (answer(302), "unknown"),
    ],
)
def test_hubspots_answers_have_their_categories(given: Answer, category: Category) -> None:
    assert first("hubspot", given).category == category


def test_hubspot_names_what_is_there_already() -> None:
    body = {"message": "Contact already exists. Existing ID: 512", "category": "OBJECT_ALREADY_EXISTS"}
    verdict = first("hubspot", answer(409, body), "create")
    assert (verdict.category, verdict.existing_id) == ("duplicate", "512")


@pytest.mark.parametrize(
    "body",
    [
        {"message": HUBSPOT_INVALID, "errors": [{"code": "X", "context": {"propertyName": ["cf"]}}]},
        {"message": HUBSPOT_INVALID},
        {"message": 'Property "cf" does not exist'},
    ],
)
def test_hubspot_names_the_property_to_blame_in_any_of_its_ways(body: Any) -> None:
    verdict = first("hubspot", answer(400, body))
    assert (verdict.category, verdict.field) == ("invalid_field", "cf")


@pytest.mark.parametrize(
    ("given", "category", "field"),
    [
        (answer(401, {"login": "failed"}), "auth_revoked", ""),
        (answer(429), "rate_limited", ""),
        (
            answer(
                400, freshsales("UCR contact fetch failure :: response_code :: 429 :: response :: Too many requests")
            ),
            "rate_limited",
            "",
        ),
        (answer(400, freshsales("Source can't be empty")), "missing_required", "Source"),
        (answer(400, freshsales("The type for sales_accounts is invalid.")), "invalid_field", "sales_accounts"),
        (answer(400, freshsales("Lifecycle stage is invalid")), "invalid_field", "Lifecycle stage"),
        (answer(400, freshsales("Email is not unique")), "duplicate", ""),
        (answer(400, freshsales("MobileNumber 429429 is unheard of")), "rejected", ""),
        (answer(400, {"errors": {"message": "one text"}}), "rejected", ""),
        (answer(500), "transient", ""),
    ],
)
def test_freshsales_answers_have_their_categories(given: Answer, category: Category, field: str) -> None:
    verdict = first("freshsales", given)
    assert (verdict.category, verdict.field) == (category, field)


def test_a_bad_request_after_a_create_is_looked_up_before_its_words_are_read() -> None:
    verdicts = list(compile_connectors()["freshsales"].rules.verdicts(answer(400, freshsales("?")), "create", 0))
    assert verdicts[0].category == "duplicate"
    assert verdicts[0].confirm == ("email", "mobile_number", "external_id", "name")
    assert not any(v.confirm for v in compile_connectors()["freshsales"].rules.verdicts(answer(400), "get", 0))


def test_a_wait_is_read_from_the_header_or_from_the_document() -> None:
    assert first("freshsales", answer(429, **{"Retry-After": "7"})).retry_after_ms == 7_000
    assert first("freshsales", answer(429)).retry_after_ms is None
    assert first("hubspot", answer(429), "changes") == Verdict("rate_limited", retry_after_ms=1_000, bucket="search")


def test_a_message_holds_no_data() -> None:
    body = {"message": "ann.lee@acme.io was not valid, nor was Zebra Crossing; call +1 (415) 555-0100"}
    told = message_of(answer(400, body), ["Zebra Crossing", "io"])
    assert told == "… was not valid, nor was …; call …"
    assert len(message_of(answer(400, {"message": "x" * 5_000}))) == 200
    assert message_of(answer(400, b"\xff\xfe")) == ""
    assert message_of(answer(400, freshsales("Source can't be empty"))) == "Source can't be empty"
