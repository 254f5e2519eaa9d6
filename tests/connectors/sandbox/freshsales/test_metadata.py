"""Fields and selectors of Freshsales."""

from __future__ import annotations

import pytest

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import Api


async def test_fields_tell_their_type_and_choices(freshsales: Api) -> None:
    fields = {each["name"]: each for each in (await freshsales.get("/settings/contacts/fields")).body["fields"]}
    assert fields["cf_tier"]["type"] == "dropdown"
    assert fields["cf_tier"]["default"] is False
    assert [each["value"] for each in fields["cf_tier"]["choices"]] == ["Gold", "Silver", "Bronze"]
    assert fields["cf_interests"]["type"] == "multi_select_dropdown"
    assert fields["lifecycle_stage_id"]["choices"][0]["value"] == "Lead"
    assert not {"id", "email", "sales_account_id"} & set(fields)


async def test_a_mandatory_field_is_marked_required(freshsales: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("freshsales", mandatory={"contacts": ["lead_source_id"]})
    fields = (await freshsales.get("/settings/contacts/fields", include="field_group")).body["fields"]
    assert [each["name"] for each in fields if each["required"]] == ["lead_source_id"]


async def test_lifecycle_stages_have_ids_a_default_and_statuses(freshsales: Api) -> None:
    stages = (await freshsales.get("/selector/lifecycle_stages")).body["lifecycle_stages"]
    assert [each["name"] for each in stages] == ["Lead", "Sales Qualified Lead", "Customer"]
    assert [each["default"] for each in stages] == [True, False, False]
    assert stages[0]["contact_status_ids"]
    contact = await freshsales.post("/contacts", {"contact": {"emails": "a@acme.example"}})
    assert contact.body["contact"]["lifecycle_stage_id"] == stages[0]["id"]


async def test_owners_are_users(freshsales: Api) -> None:
    users = (await freshsales.get("/selector/owners")).body["users"]
    assert "olive@sales.example" in {each["email"] for each in users}


@pytest.mark.parametrize("name", ["contact_statuses", "lead_sources", "deal_stages", "deal_pipelines", "currencies"])
async def test_every_selector_has_numbered_choices(freshsales: Api, name: str) -> None:
    choices = (await freshsales.get(f"/selector/{name}")).body[name]
    assert all(isinstance(each["id"], int) for each in choices)


async def test_what_is_not_there_is_not_found(freshsales: Api) -> None:
    assert (await freshsales.get("/selector/nonsense")).status == 404
    assert (await freshsales.get("/settings/nonsense/fields")).status == 404
