"""What a restart keeps."""

from __future__ import annotations

import os
from pathlib import Path

import aiohttp

from connectors.sandbox.server import Running, run
from tests.connectors.sandbox.api import JSON, Api


async def dump(sandbox: Running) -> JSON:
    entities = [("hubspot", "contacts"), ("hubspot", "companies"), ("freshsales", "contacts")]
    entities += [("freshsales", "sales_accounts")]
    return [await sandbox.admin.records(product, "acme", entity, deleted=True) for product, entity in entities]


async def test_a_restart_keeps_records_settings_webhooks_and_tokens(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    file = tmp_path / "sandbox" / "state.json"
    async with run(snapshot_file=file) as sandbox:
        (tenant,) = await sandbox.admin.seed(tenants=1, contacts=20, companies=5)
        token = tenant["accounts"][0]["integration"]["access_token"]
        await sandbox.admin.configure("hubspot", search_lag_ms=77)
        await sandbox.admin.hook("hubspot", url="http://127.0.0.1:1/", secret="s", subscriptions=[])
        await sandbox.admin.hook("freshsales", account="acme", url="http://127.0.0.1:1/", kind="fdk")
        hubspot = Api(session, sandbox.urls["hubspot"], f"Bearer {token}")
        contact = await hubspot.post("/crm/v3/objects/contacts", {"properties": {"email": "new@acme.example"}})
        before, hooks = await dump(sandbox), sandbox.world.hooks()
    async with run(snapshot_file=file) as sandbox:
        assert await dump(sandbox) == before
        assert sandbox.world.hooks() == hooks
        assert (await sandbox.admin.settings("hubspot", "acme"))["search_lag_ms"] == 77
        hubspot = Api(session, sandbox.urls["hubspot"], f"Bearer {token}")
        again = await hubspot.post("/crm/v3/objects/contacts", {"properties": {"email": "NEW@acme.example"}})
        assert again.status == 409
        assert contact.body["id"] in again.body["message"]
        company = await hubspot.get(f"/crm/v4/objects/contacts/{before[0][0]['id']}/associations/companies")
        assert [str(each["toObjectId"]) for each in company.body["results"]] == before[0][0]["companies"]


async def test_the_file_is_replaced_whole_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    async with run(snapshot_file=file) as sandbox:
        await sandbox.admin.seed(tenants=1, contacts=5, companies=2)
        await sandbox.admin.snapshot()
        assert os.stat(file).st_mode & 0o777 == 0o600
        assert os.listdir(tmp_path) == ["state.json"]
