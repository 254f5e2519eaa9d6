"""The seed data."""

from __future__ import annotations

from connectors.sandbox.seed import tenants
from connectors.sandbox.server import run
from tests.connectors.sandbox.api import JSON


def emails(records: list[JSON]) -> set[str]:
    return {each.get("properties", each)["email"].lower() for each in records}


def test_the_same_seed_makes_the_same_tenants() -> None:
    assert tenants(seed=3, tenants=2, contacts=20) == tenants(seed=3, tenants=2, contacts=20)
    assert tenants(seed=3, tenants=1, contacts=20) != tenants(seed=4, tenants=1, contacts=20)


async def test_three_tenants_overlap_between_their_products_and_differ_in_part() -> None:
    async with run() as sandbox:
        made = await sandbox.admin.seed()
        assert [each["tenant"] for each in made] == ["acme", "globex", "initech"]
        for account in await sandbox.admin.accounts():
            counts = account["counts"]
            assert counts["contacts"] >= 200
            assert counts.get("companies", counts.get("sales_accounts")) >= 40
        hubspot = await sandbox.admin.records("hubspot", "acme", "contacts")
        freshsales = await sandbox.admin.records("freshsales", "acme", "contacts")
        both = emails(hubspot) & emails(freshsales)
        assert len(both) > 100
        assert emails(hubspot) - both
        assert emails(freshsales) - both
        tiers = {each["properties"]["email"]: each["properties"].get("tier") for each in hubspot}
        differing = [each for each in freshsales if tiers.get(each["email"].lower()) != each["custom_field"]["cf_tier"]]
        assert len(differing) > 20
        assert any(each["email"] != each["email"].lower() for each in freshsales)
        assert any(not each["first_name"].isascii() for each in freshsales)


async def test_contacts_belong_to_companies_and_owners_on_both_sides() -> None:
    async with run() as sandbox:
        await sandbox.admin.seed(tenants=1, contacts=40, companies=10)
        hubspot = await sandbox.admin.records("hubspot", "acme", "contacts")
        freshsales = await sandbox.admin.records("freshsales", "acme", "contacts")
        assert sum(bool(each["primary_company"]) for each in hubspot) > 15
        assert sum(bool(each["sales_accounts"]) for each in freshsales) > 15
        assert any(each["properties"].get("hubspot_owner_id") for each in hubspot)
        assert any(each["owner_id"] for each in freshsales)
        assert {each["properties"]["lifecyclestage"] for each in hubspot} >= {"lead", "customer"}
