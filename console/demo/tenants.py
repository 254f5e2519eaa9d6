"""The demonstration's customers: accounts with data in the sandbox products, connected and with the app installed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from connectors.catalog import load_connectors
from connectors.sandbox.admin_client import AdminClient
from console import onboarding, overview
from deploy.local.secrets import write_private
from schemas.configuration import Connection, Installation, Tenant
from schemas.settings import Settings
from streams.database import Database
from streams.registry.connections import get_connection
from streams.registry.keys import Keys
from streams.registry.tenants import add_tenant
from streams.registry.webhooks import add_product_secret, webhook_token

JSON = Any
APP = "freshsales-hubspot"
NAMES = {"acme": "Acme Robotics", "globex": "Globex Energy", "initech": "Initech Software"}
HUBSPOT_ENTITIES = ("contact", "company")
HUBSPOT_ACTIONS = ("creation", "deletion", "restore", "merge", "associationChange")
Plans = Mapping[str, tuple[dict[str, str], dict[str, int | None]]]
"""Product → what we are told of an account's quotas, and what the sandbox enforces."""
PLANS: Plans = {
    "hubspot": (
        {"limit_burst": "250/10s", "limit_daily": "1000000/1d"},
        {"burst_limit": 250, "daily_limit": 1_000_000},
    ),
    "freshsales": ({"limit_hourly": "72000/1h"}, {"hourly_limit": 72_000}),
}
"""With room for a demonstration."""
NO_QUOTAS: Plans = {
    "hubspot": (
        {"limit_burst": "1000000/10s", "limit_search": "100000/1s", "limit_daily": "1000000000/1d"},
        {"burst_limit": None, "daily_limit": None, "search_limit": None},
    ),
    "freshsales": ({"limit_hourly": "1000000000/1h"}, {"hourly_limit": None}),
}
"""For measuring our own speed."""
TEMPLATE = '{"id": "{{%s.id}}", "entity": "%s", "event": "update"}'
"""What a workflow webhook of Freshsales carries: the ids alone, for the record is read anyway."""


async def create_tenants(
    settings: Settings, addresses: Mapping[str, str], notebook: Path, contacts: int, plans: Plans
) -> list[JSON]:
    """Make them, each account with so many contacts, if they are not there yet; what the ready file says of each.

    `notebook`: a private file that keeps, for a later run, what the people of the accounts log in with.
    """
    database = Database(settings.mysql, size=4)
    try:
        if not await overview.tenants(database):
            async with AdminClient(addresses["sandbox_admin"]) as admin:
                await _create(database, settings, addresses, admin, notebook, contacts, plans)
        return await _described(database, settings, orjson.loads(await asyncio.to_thread(notebook.read_bytes)))
    finally:
        await database.close()


async def _create(
    database: Database,
    settings: Settings,
    addresses: Mapping[str, str],
    admin: AdminClient,
    notebook: Path,
    contacts: int,
    plans: Plans,
) -> None:
    await _subscribe_hubspot(database, settings, admin)
    seeds = await admin.seed(tenants=len(NAMES), contacts=contacts)
    people = {
        f"{one['tenant']}-{account['product']}": account["person"] for one in seeds for account in one["accounts"]
    }
    write_private(notebook, orjson.dumps(people).decode())
    for seeded in seeds:
        tenant = seeded["tenant"]
        await add_tenant(database, Tenant(id=tenant, name=NAMES.get(tenant, tenant.title())))
        for account in seeded["accounts"]:
            told, enforced = plans[account["product"]]
            await admin.configure(account["product"], account["account"], **enforced)
            connection = Connection(
                tenant=tenant,
                config=told,
                id=f"{tenant}-{account['product']}",
                product=account["product"],
                base_url=addresses[account["product"]],
                credentials=account["integration"],
            )
            joined = await onboarding.connect(database, settings, connection)
            if account["product"] == "freshsales":
                await _add_workflows(admin, account["account"], joined.webhook_url)
        await onboarding.install(
            database,
            settings,
            Installation(
                tenant=tenant,
                id=f"{tenant}-{APP}",
                app=APP,
                version="",
                left=f"{tenant}-freshsales",
                right=f"{tenant}-hubspot",
            ),
        )


async def _subscribe_hubspot(database: Database, settings: Settings, admin: AdminClient) -> None:
    """As an app's developer does it once: one address for all portals, one secret, a subscription per property."""
    secret = secrets.token_urlsafe(24)
    await add_product_secret(database, Keys.of(settings), "hubspot", "client_secret", secret)
    entities = load_connectors()["hubspot"].entities
    subscriptions = [{"type": "contact.privacyDeletion"}]
    for entity in HUBSPOT_ENTITIES:
        subscriptions += [{"type": f"{entity}.{action}"} for action in HUBSPOT_ACTIONS]
        names = {*entities[entity].fields, *_custom_properties()} if entity == "contact" else {*entities[entity].fields}
        subscriptions += [{"type": f"{entity}.propertyChange", "property": name} for name in sorted(names)]
    await admin.hook(
        "hubspot", url=f"{settings.public_url}/v1/hooks/app/hubspot", secret=secret, subscriptions=subscriptions
    )


def _custom_properties() -> tuple[str, ...]:
    return ("nickname", "score", "renewal_date", "tier", "interests", "newsletter", "tags")


async def _add_workflows(admin: AdminClient, account: str, url: str) -> None:
    """As an account's administrator does it: a workflow per kind of record that calls our address."""
    for record in ("contact", "sales_account"):
        await admin.hook(
            "freshsales",
            account=account,
            id=f"freshpipe-{record}",
            url=url,
            records=[record],
            trigger="created_or_updated",
            content="advanced",
            template=TEMPLATE % (record, record),
        )


async def _described(database: Database, settings: Settings, people: Mapping[str, JSON]) -> list[JSON]:
    keys = Keys.of(settings)
    found = []
    for tenant in await overview.tenants(database):
        connections = []
        for row in await overview.connections(database, tenant["id"]):
            known = await get_connection(database, tenant["id"], row["id"], keys.credentials)
            token = await webhook_token(database, keys, tenant["id"], known.id)
            connections.append(
                {
                    "id": known.id,
                    "product": known.product,
                    "base_url": known.base_url,
                    "webhook_url": f"{settings.public_url}/v1/hooks/{token}",
                    "credentials": known.credentials,
                    "person_credentials": people[known.id],
                }
            )
        installations = [
            {
                "id": one["id"],
                "app": one["app"],
                "left": one["left_connection"],
                "right": one["right_connection"],
                "state": one["state"],
            }
            for one in await overview.installations(database, tenant["id"])
        ]
        found.append(
            {"id": tenant["id"], "name": tenant["name"], "connections": connections, "installations": installations}
        )
    return found
