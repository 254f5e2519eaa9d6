"""The admin API."""

from __future__ import annotations

import pytest

from connectors.sandbox.admin_client import AdminFailed
from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import Api, Receiver
from tests.connectors.sandbox.conftest import FRESHSALES, HUBSPOT


async def test_accounts_are_listed_with_what_they_hold(sandbox: Running, hubspot: Api) -> None:
    await hubspot.post("/crm/v3/objects/contacts", {"properties": {}})
    first, second = await sandbox.admin.accounts()
    assert (first["product"], first["name"], first["counts"]["contacts"]) == ("hubspot", "acme", 1)
    assert (first["portal_id"], first["app_id"]) == (147_893_286, 39_522_895)
    assert (second["product"], second["counts"]) == ("freshsales", {"contacts": 0, "sales_accounts": 0, "deals": 0})
    assert "pat-eu1-app" not in str([first, second])


async def test_a_name_or_a_token_can_be_used_once(sandbox: Running) -> None:
    for name in ("acme", "other"):
        with pytest.raises(AdminFailed) as failed:
            await sandbox.admin.open_account("hubspot", name, **HUBSPOT)
        assert failed.value.status == 409


async def test_accounts_of_one_port_do_not_see_each_other(sandbox: Running, hubspot: Api) -> None:
    keys = {"integration": {"access_token": "pat-2"}, "person": {"access_token": "pat-2p"}}
    await sandbox.admin.open_account("hubspot", "globex", **keys)
    other = Api(hubspot.session, hubspot.url, "Bearer pat-2")
    body = {"properties": {"email": "a@acme.example"}}
    mine, theirs = [await api.post("/crm/v3/objects/contacts", body) for api in (hubspot, other)]
    assert mine.body["id"] == theirs.body["id"]
    await hubspot.delete(f"/crm/v3/objects/contacts/{mine.body['id']}")
    assert (await other.get(f"/crm/v3/objects/contacts/{theirs.body['id']}")).status == 200
    details = [(await api.get("/account-info/v3/details")).body["portalId"] for api in (hubspot, other)]
    assert details[0] != details[1]


async def test_settings_are_checked_by_name_and_type(sandbox: Running) -> None:
    for settings in ({"latency": 5}, {"latency_ms": "x"}, {"change_flag": "MADE"}):
        with pytest.raises(AdminFailed) as failed:
            await sandbox.admin.configure("hubspot", **settings)
        assert failed.value.status == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [("/accounts/hubspot/nobody/contacts", 404), ("/accounts/hubspot/acme/widgets", 404), ("/log?since=x", 400)],
)
async def test_what_is_unknown_or_wrong_is_said(sandbox: Running, hubspot: Api, path: str, status: int) -> None:
    async with hubspot.session.get(sandbox.admin_url + path) as response:
        assert response.status == status


async def test_an_edit_that_the_product_refuses_says_why(sandbox: Running) -> None:
    with pytest.raises(AdminFailed) as failed:
        await sandbox.admin.edit("hubspot", "acme", "create", "contacts", fields={"tier": "nonsense"})
    assert failed.value.status == 422
    assert failed.value.body["body"]["errors"][0]["code"] == "INVALID_OPTION"


async def test_a_persons_edits_are_in_the_log(sandbox: Running) -> None:
    contact = await sandbox.admin.edit("freshsales", "acme", "create", "contact", fields={"emails": "a@acme.example"})
    fields = {"city": "Pune"}
    await sandbox.admin.edit("freshsales", "acme", "update", "contacts", str(contact["id"]), fields)
    last = (await sandbox.admin.log())[-1]
    assert (last["method"], last["by"], last["fields"]) == ("EDIT", "person", ["city"])
    assert last["path"] == f"/contacts/{contact['id']}"


async def test_deletion_and_erasure_by_a_person_show_in_the_dump(sandbox: Running) -> None:
    for product in ("hubspot", "freshsales"):
        key = "email" if product == "hubspot" else "emails"
        made = [
            await sandbox.admin.edit(product, "acme", "create", "contacts", fields={key: f"c{at}@acme.example"})
            for at in range(2)
        ]
        await sandbox.admin.edit(product, "acme", "delete", "contacts", str(made[0]["id"]))
        await sandbox.admin.edit(product, "acme", "erase", "contacts", str(made[1]["id"]))
        assert await sandbox.admin.records(product, "acme", "contacts") == []
        (left,) = await sandbox.admin.records(product, "acme", "contacts", deleted=True)
        assert left["id"] == made[0]["id"]


async def test_resetting_the_last_account_forgets_everything(
    sandbox: Running, hubspot: Api, receiver: Receiver
) -> None:
    await sandbox.admin.hook("hubspot", url=receiver.url, secret="s", subscriptions=[])
    await hubspot.get("/crm/v3/owners")
    await sandbox.admin.reset("hubspot", "acme")
    assert (await hubspot.get("/crm/v3/owners")).status == 401
    assert len(await sandbox.admin.accounts()) == 1
    await sandbox.admin.reset()
    assert await sandbox.admin.log() == []
    assert sandbox.world.hooks() == {"hubspot": [], "freshsales": []}
    await sandbox.admin.open_account("freshsales", "acme", **FRESHSALES)


async def test_a_snapshot_needs_a_file(sandbox: Running) -> None:
    with pytest.raises(AdminFailed):
        await sandbox.admin.snapshot()
