"""HubSpot's published examples, and what an attacker would try."""

from __future__ import annotations

import pytest

from schemas.documents.receiving import Mac, UrlToken
from tests.webhooks.conftest import CLIENT_SECRET, PUBLIC_URL
from tests.webhooks.hubspot import body_of, event, signed, signed_v1
from webhooks.errors import Reason, Refused
from webhooks.intake import Intake
from webhooks.requests import Incoming
from webhooks.signatures import Verifier

URI = "https://www.example.com/webhook_uri"
SECRETS = [{"client_secret": CLIENT_SECRET}]
NOW = 1_782_371_970_000
BODY = body_of(event())
PATH = "/v1/hooks/app/hubspot"


def request(headers: dict[str, str], body: bytes, url: str = PUBLIC_URL + PATH, method: str = "POST") -> Incoming:
    return Incoming(method, url, {name.lower(): value for name, value in headers.items()}, {}, body)


def refusal(intake: Intake, incoming: Incoming, secrets: list[dict[str, str]] | None = None, now: int = NOW) -> Reason:
    with pytest.raises(Refused) as caught:
        intake.verify(incoming, SECRETS if secrets is None else secrets, now)
    assert caught.value.status == 401
    return caught.value.reason


def test_the_published_example_of_v1(hubspot: Intake) -> None:
    body = (
        b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
        b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",'
        b'"changeFlag":"NEW","appId":54321}]'
    )
    signature = "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"
    hubspot.verify(request({"X-HubSpot-Signature": signature}, body), SECRETS, NOW)


@pytest.mark.parametrize(
    ("at", "signature"),
    [
        (1693657560000, "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="),
        (1700000300000, "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw="),
    ],
)
def test_the_published_examples_of_v3(hubspot: Intake, at: int, signature: str) -> None:
    headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": str(at)}
    incoming = request(headers, b"{'example_field':'example_value'}", URI)
    hubspot.verify(incoming, SECRETS, at + 299_000)
    hubspot.verify(incoming, SECRETS, at - 299_000)
    assert refusal(hubspot, incoming, now=at + 301_000) == "stale"
    assert refusal(hubspot, incoming, now=at - 301_000) == "stale"


def test_v3_decodes_twelve_escapes_of_the_address_and_no_others(hubspot: Intake) -> None:
    sent = "/v1/hooks/app/hubspot?q=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B%20%26"
    as_signed = "/v1/hooks/app/hubspot?q=:/?@!$'()*,;%20%26"
    headers = signed(BODY, as_signed, at=NOW)
    hubspot.verify(request(headers, BODY, PUBLIC_URL + sent), SECRETS, NOW)
    assert refusal(hubspot, request(headers, BODY, PUBLIC_URL + sent.replace("%20", " "))) == "bad_signature"


@pytest.mark.parametrize(
    "tampered",
    [
        request(signed(BODY, at=NOW), BODY.replace(b"Maton", b"Mator")),
        request(signed(BODY, at=NOW), BODY + b" "),
        request(signed(BODY, at=NOW), BODY, PUBLIC_URL + PATH + "?a=1"),
        request(signed(BODY, at=NOW), BODY, method="PUT"),
        request(signed(BODY, at=NOW) | {"X-HubSpot-Request-Timestamp": str(NOW + 1)}, BODY),
        request(signed(BODY, at=NOW, secret="another-apps-secret"), BODY),
        request(signed(BODY, at=NOW) | {"X-HubSpot-Signature-v3": ""}, BODY),
        request(signed(BODY, at=NOW) | {"X-HubSpot-Signature-v3": "é\udcff"}, BODY),
        request(signed_v1(BODY, "another-apps-secret"), BODY),
        request(signed_v1(BODY + b" "), BODY),
    ],
)
def test_what_was_tampered_with_is_refused(hubspot: Intake, tampered: Incoming) -> None:
    assert refusal(hubspot, tampered) == "bad_signature"


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "１７８", "9" * 30, "1782371970000.5"])
def test_a_timestamp_that_is_none_is_refused(hubspot: Intake, timestamp: str) -> None:
    headers = signed(BODY, at=NOW) | {"X-HubSpot-Request-Timestamp": timestamp}
    assert refusal(hubspot, request(headers, BODY)) == "unsigned"


def test_an_unsigned_request_is_refused(hubspot: Intake) -> None:
    assert refusal(hubspot, request({}, BODY)) == "unsigned"


def test_a_bad_v3_is_not_saved_by_a_good_v1(hubspot: Intake) -> None:
    headers = signed(BODY, at=NOW, secret="other") | signed_v1(BODY)
    assert refusal(hubspot, request(headers, BODY)) == "bad_signature"


def test_during_a_rotation_both_secrets_are_good(hubspot: Intake) -> None:
    both = [{"client_secret": "new"}, {"client_secret": "old"}]
    for secret in ("new", "old"):
        hubspot.verify(request(signed(BODY, at=NOW, secret=secret), BODY), both, NOW)
    assert refusal(hubspot, request(signed(BODY, at=NOW, secret="older"), BODY), both) == "bad_signature"


def test_without_any_secret_nothing_is_good(hubspot: Intake) -> None:
    assert refusal(hubspot, request(signed(BODY, at=NOW, secret=""), BODY), []) == "bad_signature"
    assert refusal(hubspot, request(signed_v1(BODY, ""), BODY), []) == "bad_signature"


def test_where_the_address_is_the_proof_nothing_else_is_asked(freshsales: Intake) -> None:
    freshsales.verify(request({}, b"{}"), [], NOW)


def test_who_knows_the_address_cannot_leave_a_signature_out() -> None:
    mac = Mac(mac="hmac-sha256", key="signing_secret", over="=req.raw", header="x-signature", prefix="sha256=")
    verifier = Verifier([mac, UrlToken(url_token=True)])
    verifier.check(request({}, b""), [], NOW)
    with pytest.raises(Refused, match="unsigned"):
        verifier.check(request({}, b""), [{"signing_secret": "s"}], NOW)
    good = "sha256=88fbf0a8a4edc5ed2a1dd7eb8e1a4d6fc1c7d94b4e0cb43ab2b5e2ac2a7ab1ae"
    with pytest.raises(Refused, match="bad_signature"):
        verifier.check(request({"X-Signature": good}, b""), [{"signing_secret": "s"}], NOW)
