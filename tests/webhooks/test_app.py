"""Every answer that a product can get."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from io import BytesIO

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from schemas.events import decode_change
from tests.webhooks.conftest import Client, Outbox, Rows, endpoint_row, product_row
from tests.webhooks.hubspot import APP_PATH, body_of, event, signed
from webhooks.app import Health, make_metrics_app
from webhooks.errors import Refused

FS_PATH = "/v1/hooks/acme-fs-token"
FS_EVENT = b'{"id": "7004", "entity": "contact", "event": "update"}'


async def test_a_signed_request_is_accepted_when_it_is_published(client: Client, outbox: Outbox) -> None:
    body = body_of(event(), event(portalId=99999))
    answer = await client.post(APP_PATH, data=body, headers=signed(body))
    assert answer.status == 202
    assert [decode_change(message.value).tenant for message in outbox.messages] == ["acme", "globex"]


async def test_an_unguessable_address_is_accepted(client: Client, outbox: Outbox) -> None:
    answer = await client.post(FS_PATH, data=FS_EVENT)
    assert answer.status == 202
    assert decode_change(outbox.messages[0].value).record.connection == "a-fs"


async def test_a_signed_product_may_use_a_connections_own_address(client: Client, outbox: Outbox) -> None:
    body, path = body_of(event()), "/v1/hooks/globex-hs-token"
    assert (await client.post(path, data=body, headers=signed(body, path))).status == 202
    assert decode_change(outbox.messages[0].value).tenant == "globex"


async def test_an_app_level_request_whose_portals_nobody_connected_is_accepted(
    client: Client, outbox: Outbox, registry: CollectorRegistry
) -> None:
    body = body_of(event(portalId=1))
    assert (await client.post(APP_PATH, data=body, headers=signed(body))).status == 202
    assert outbox.messages == []
    labels = {"product": "hubspot", "result": "unknown_account"}
    assert registry.get_sample_value("freshpipe_webhook_events_total", labels) == 1


async def test_a_portal_connected_a_moment_ago_is_found(client: Client, outbox: Outbox, rows: Rows) -> None:
    rows.endpoints.append(endpoint_row("new", "initech", "i-hs", "hubspot", "4711"))
    rows.number += 1
    body = body_of(event(portalId=4711))
    assert (await client.post(APP_PATH, data=body, headers=signed(body))).status == 202
    assert [decode_change(message.value).tenant for message in outbox.messages] == ["initech"]


async def test_a_token_made_a_moment_ago_is_found(client: Client, rows: Rows) -> None:
    rows.endpoints.append(endpoint_row("fresh", "initech", "i-fs", "freshsales"))
    rows.number += 1
    assert (await client.post("/v1/hooks/fresh", data=FS_EVENT)).status == 202


async def test_events_of_an_unknown_kind_are_accepted_and_counted(
    client: Client, outbox: Outbox, registry: CollectorRegistry
) -> None:
    body = body_of(event(subscriptionType="quote.creation"))
    assert (await client.post(APP_PATH, data=body, headers=signed(body))).status == 202
    assert outbox.messages == []
    labels = {"product": "hubspot", "result": "unknown_kind"}
    assert registry.get_sample_value("freshpipe_webhook_events_total", labels) == 1


@pytest.mark.parametrize("path", ["/v1/hooks/nobodys-token", "/v1/hooks/app/freshsales", "/v1/hooks/app/nothing"])
async def test_an_unknown_address_is_not_found(client: Client, path: str) -> None:
    body = body_of(event())
    assert (await client.post(path, data=body, headers=signed(body, path))).status == 404
    assert (await client.get(path)).status == 404


@pytest.mark.parametrize("path", [FS_PATH, APP_PATH])
async def test_a_probe_is_answered(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 200
    assert (await client.head(path)).status == 200


async def test_a_bad_signature_is_unauthorised(client: Client, outbox: Outbox) -> None:
    body = body_of(event())
    for headers in ({}, signed(body, secret="another"), signed(body, at=1)):
        assert (await client.post(APP_PATH, data=body, headers=headers)).status == 401
    assert outbox.messages == []


async def test_the_signature_is_judged_before_the_body_is_parsed(client: Client) -> None:
    assert (await client.post(APP_PATH, data=b"[[[", headers=signed(b"other"))).status == 401
    assert (await client.post(APP_PATH, data=b"[[[", headers=signed(b"[[["))).status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[NaN]", b"[" * 70 + b"]" * 70, b"\xff", b"[" * 100_000])
async def test_an_unparsable_body_is_a_bad_request(client: Client, body: bytes) -> None:
    assert (await client.post(FS_PATH, data=body)).status == 400


async def test_an_unsigned_body_may_have_256_kib_and_a_signed_one_1_mib(client: Client) -> None:
    padding = b'{"id": "1", "pad": "' + b"x" * 300_000 + b'"}'
    assert (await client.post(FS_PATH, data=BytesIO(padding))).status == 413
    body = body_of(event(propertyValue="x" * 300_000))
    assert (await client.post(APP_PATH, data=body, headers=signed(body))).status == 202
    huge = body_of(event(propertyValue="x" * 1_100_000))
    assert (await client.post(APP_PATH, data=BytesIO(huge), headers=signed(huge))).status == 413


async def test_a_body_without_a_length_is_bounded_too(client: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    assert (await client.post(FS_PATH, data=endless())).status == 413


async def test_a_compressed_bomb_is_too_large(client: Client) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    assert (await client.post(FS_PATH, data=bomb, headers={"Content-Encoding": "gzip"})).status == 413


async def test_a_body_is_measured_after_decompression(client: Client) -> None:
    small = gzip.compress(b'{"id": "1", "pad": "' + b"x" * 300_000 + b'"}')
    assert (await client.post(FS_PATH, data=small, headers={"Content-Encoding": "gzip"})).status == 413


async def test_a_compressed_body_is_read(client: Client) -> None:
    answer = await client.post(FS_PATH, data=gzip.compress(FS_EVENT), headers={"Content-Encoding": "gzip"})
    assert answer.status == 202


async def test_a_broken_compression_is_a_bad_request(client: Client) -> None:
    assert (await client.post(FS_PATH, data=b"no gzip", headers={"Content-Encoding": "gzip"})).status == 400


async def test_a_body_that_never_ends_is_given_up(client: Client) -> None:
    reader, writer = await asyncio.open_connection(client.server.host, client.server.port)
    writer.write(f"POST {FS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_contradicting_lengths_are_refused(client: Client) -> None:
    reader, writer = await asyncio.open_connection(client.server.host, client.server.port)
    head = f"POST {FS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    writer.write(head.encode())
    assert b" 400 " in await reader.readline()
    writer.close()


@pytest.mark.parametrize("reason", ["away", "busy"])
async def test_what_cannot_be_published_is_to_come_again(client: Client, outbox: Outbox, reason: str) -> None:
    outbox.refusal = Refused("away" if reason == "away" else "busy")
    answer = await client.post(FS_PATH, data=FS_EVENT)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0


async def test_our_own_mistakes_are_503_and_quote_nothing(
    client: Client, outbox: Outbox, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    outbox.refusal = ValueError("canary-payload")  # type: ignore[assignment]  # what no Publish may raise
    answer = await client.post(FS_PATH, data=FS_EVENT)
    assert answer.status == 503
    written = "".join(capsys.readouterr()) + caplog.text
    assert "webhook_failed" in written
    assert "canary-payload" not in written + await answer.text()


async def test_no_token_and_no_payload_is_ever_logged(
    client: Client, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for body in (FS_EVENT, b"{canary", b""):
        await client.post(FS_PATH, data=body)
    await client.post("/v1/hooks/nobodys-token", data=FS_EVENT)
    written = "".join(capsys.readouterr()) + "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("webhooks")
    )
    for secret in ("acme-fs-token", "nobodys-token", "canary", "7004"):
        assert secret not in written


async def test_a_request_is_counted_by_its_result(client: Client, registry: CollectorRegistry) -> None:
    await client.post(FS_PATH, data=FS_EVENT)
    await client.post(FS_PATH, data=b"{")
    await client.post("/v1/hooks/nobodys-token", data=FS_EVENT)
    for product, result in (("freshsales", "accepted"), ("freshsales", "unparsable"), ("", "unknown_endpoint")):
        labels = {"product": product, "result": result}
        assert registry.get_sample_value("freshpipe_webhook_requests_total", labels) == 1


async def test_it_is_ready_once_it_knows_the_endpoints(client: Client) -> None:
    assert (await client.get("/livez")).status == 200
    assert (await client.get("/readyz")).status == 200


async def test_metrics_and_health_are_served_apart(registry: CollectorRegistry) -> None:
    app = make_metrics_app(registry, Health(lambda: False))
    async with TestClient[web.Request, web.Application](TestServer(app)) as inside:
        assert (await inside.get("/metrics")).status == 200
        assert (await inside.get("/livez")).status == 200
        assert (await inside.get("/readyz")).status == 503


async def test_metrics_are_not_shown_to_the_world(client: Client) -> None:
    assert (await client.get("/metrics")).status == 404


async def test_a_rotated_app_secret_is_good_as_soon_as_it_is_known(client: Client, rows: Rows) -> None:
    rows.products[1:] = product_row("hubspot", "new-secret", "old-secret")
    rows.number += 1
    await client.get("/v1/hooks/look-again")
    body = body_of(event())
    for secret, status in (("new-secret", 202), ("old-secret", 202), ("oldest", 401)):
        assert (await client.post(APP_PATH, data=body, headers=signed(body, secret=secret))).status == status


async def test_a_hundred_events_are_published_in_their_order(client: Client, outbox: Outbox) -> None:
    body = msgspec.json.encode([event(objectId=number) for number in range(1, 101)])
    assert (await client.post(APP_PATH, data=body, headers=signed(body))).status == 202
    assert [decode_change(message.value).record.id for message in outbox.messages] == [str(n) for n in range(1, 101)]
