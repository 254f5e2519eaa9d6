"""The signatures, against the vendor's published examples and its own client library."""

from __future__ import annotations

from hubspot.utils.signature import Signature

from connectors.sandbox.hubspot import signatures

SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
URI = "https://www.example.com/webhook_uri"
EVENTS = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
    b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",'
    b'"changeFlag":"NEW","appId":54321}]'
)


def test_v1_reproduces_the_published_example() -> None:
    assert signatures.v1(SECRET, EVENTS) == "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"


def test_v2_reproduces_the_published_examples() -> None:
    get = signatures.v2(SECRET, "GET", URI, b"")
    post = signatures.v2(SECRET, "POST", URI, b'{"example_field":"example_value"}')
    assert get == "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"
    assert post == "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"


def test_v3_reproduces_the_published_examples() -> None:
    body = b"{'example_field':'example_value'}"
    assert signatures.v3(SECRET, "POST", URI, body, 1693657560000) == "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
    assert signatures.v3(SECRET, "POST", URI, body, 1700000300000) == "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw="


def test_the_official_client_computes_the_same() -> None:
    body, at = '[{"eventId":1,"propertyValue":"Zoë"}]', 1790000000000
    for version, ours in (
        ("v1", signatures.v1(SECRET, body.encode())),
        ("v2", signatures.v2(SECRET, "POST", URI, body.encode())),
        ("v3", signatures.v3(SECRET, "POST", URI, body.encode(), at)),
    ):
        assert Signature.get_signature(SECRET, body, version, URI, "POST", str(at)) == ours
