"""What the built-ins' documents make of the webhooks that their products send, in every form they come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from connectors.catalog import load_connectors
from connectors.client import Clients
from connectors.sandbox.server import Running
from tests.connectors.accounts import Opened, open_account
from tests.connectors.servers import serving
from webhooks.errors import Refused
from webhooks.intake import Hint, Intake
from webhooks.requests import Incoming

SECRET = "not-a-secret"
TEMPLATE = '{"id": "{{contact.id}}", "entity": "contact", "event": "update"}'
SUBSCRIPTIONS = [
    *({"type": f"contact.{kind}"} for kind in ("creation", "deletion", "merge", "restore", "privacyDeletion")),
    {"type": "contact.associationChange"},
    {"type": "contact.propertyChange", "property": "city"},
    {"type": "company.creation"},
]


class Receiver:
    """Takes what the sandbox delivers, by the product's document, and keeps the hints."""

    def __init__(self, product: str) -> None:
        self.intake = Intake(load_connectors()[product])
        self.hints: list[Hint] = []
        self.others: list[str] = []
        self.refused = 0
        self.url = ""

    async def receive(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        incoming = Incoming(request.method, self.url, headers, dict(request.query), await request.read())
        now = int(headers.get("x-hubspot-request-timestamp", 0))
        try:
            self.intake.verify(incoming, [{"client_secret": SECRET}], now)
        except Refused:
            self.refused += 1
            return web.Response(status=401)
        for event in self.intake.events(incoming, self.intake.decode(incoming)):
            hint = self.intake.hint(event)
            if isinstance(hint, Hint):
                self.hints.append(hint)
            else:
                self.others.append(hint)
        return web.Response(status=202)

    def told(self) -> set[tuple[str, str, str]]:
        return {(hint.kind, hint.entity, record) for hint in self.hints for record in hint.records}


@asynccontextmanager
async def receiving(opened: Opened, **hook: Any) -> AsyncIterator[Receiver]:
    receiver = Receiver(opened.product)
    async with serving(receiver.receive) as url:
        receiver.url = f"{url}/hook"
        await opened.sandbox.admin.hook(opened.product, url=receiver.url, **hook)
        yield receiver


async def delivered(opened: Opened) -> None:
    """All deliveries are over."""
    async with asyncio.timeout(10):
        while await opened.sandbox.admin.open_deliveries():  # noqa: ASYNC110 - the sandbox tells when it is asked
            await asyncio.sleep(0.01)


async def test_hubspots_events_name_their_records_and_kinds(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "hubspot", contacts=2)
    company = next(iter(await opened.records("company")))
    first, second = sorted(await opened.records("contact"))
    async with receiving(opened, secret=SECRET, subscriptions=SUBSCRIPTIONS) as receiver:
        made = str((await opened.edit("create", "contact", email="new@x.example"))["id"])
        await opened.edit("update", "contact", made, city="Pune")
        await opened.edit("delete", "contact", made)
        await opened.edit("restore", "contact", made)
        await sandbox.admin.edit("hubspot", opened.name, "associate", "contacts", made, {}, company)
        await opened.edit("erase", "contact", made)
        await sandbox.admin.edit("hubspot", opened.name, "merge", "contacts", first, {}, second)
        await delivered(opened)
    told = receiver.told()
    for kind in ("upsert", "delete", "restore", "erase"):
        assert (kind, "contact", made) in told
    merges = [hint for hint in receiver.hints if hint.kind == "merge"]
    assert {record for hint in merges for record in hint.records} == {first, second}
    assert all(hint.into not in (first, second, "") for hint in merges)
    assert ("city",) in {hint.touched for hint in receiver.hints}
    assert all(hint.at for hint in receiver.hints)
    assert receiver.others == []


async def test_hubspots_redeliveries_are_the_same_change(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "hubspot", settings={"webhook_duplicate": 1.0})
    async with receiving(opened, secret=SECRET, subscriptions=SUBSCRIPTIONS) as receiver:
        await opened.edit("create", "contact", email="a@x.example", city="Pune")
        await delivered(opened)
    ids = [hint.id for hint in receiver.hints]
    assert len(ids) == 2 * len(set(ids))
    assert "hubspot" not in ids


async def test_a_forged_delivery_is_refused(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "hubspot")
    async with receiving(opened, secret="another", subscriptions=SUBSCRIPTIONS, retries=0) as receiver:
        await opened.edit("create", "contact", email="a@x.example")
        await delivered(opened)
    assert receiver.refused == 1
    assert receiver.hints == []


@pytest.mark.parametrize(
    ("hook", "deletes"),
    [
        ({"kind": "workflow", "content": "advanced", "template": TEMPLATE}, False),
        ({"kind": "workflow", "content": "simple"}, False),
        ({"kind": "fdk", "payload": "old"}, True),
        ({"kind": "fdk", "payload": "2.0"}, True),
    ],
)
async def test_freshsales_events_name_their_records_in_every_form(
    hook: dict[str, Any], deletes: bool, sandbox: Running, clients: Clients
) -> None:
    opened = await open_account(sandbox, clients, "freshsales")
    async with receiving(opened, account=opened.name, records=["contact"], **hook) as receiver:
        made = str((await opened.edit("create", "contact", email="new@x.example"))["id"])
        await opened.edit("update", "contact", made, city="Pune")
        await opened.edit("delete", "contact", made)
        await delivered(opened)
    expected = {("upsert", "contact", made)} | ({("delete", "contact", made)} if deletes else set())
    assert receiver.told() == expected
    assert receiver.others == []


async def test_freshsales_accounts_are_told_from_contacts(sandbox: Running, clients: Clients) -> None:
    opened = await open_account(sandbox, clients, "freshsales")
    template = '{"id": "{{sales_account.id}}", "entity": "sales_account", "event": "update"}'
    hook = {"kind": "workflow", "content": "advanced", "template": template}
    async with receiving(opened, account=opened.name, records=["sales_account"], **hook) as receiver:
        made = str((await opened.edit("create", "sales_account", name="Initech"))["id"])
        await delivered(opened)
    assert receiver.told() == {("upsert", "sales_account", made)}
