"""Accounts in the sandbox, for tests that treat all products alike, and clients that speak to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from connectors.client import Client, Clients
from connectors.sandbox.server import Running
from schemas.configuration import Connection
from schemas.values import Value

NO_LIMITS = {
    "hubspot": {"burst_limit": None, "search_limit": None, "daily_limit": None},
    "freshsales": {"hourly_limit": None},
}
FAST = {
    "hubspot": {"limit_burst": "50000/1s", "limit_search": "50000/1s", "limit_daily": "50000/1s"},
    "freshsales": {"limit_hourly": "50000/1s"},
}
CREDENTIALS = {"hubspot": "access_token", "freshsales": "api_key"}
PLURALS = {
    "hubspot": {"contact": "contacts", "company": "companies"},
    "freshsales": {"contact": "contacts", "sales_account": "sales_accounts"},
}
COMPANY = {"hubspot": "company", "freshsales": "sales_account"}
REFERENCE = {"hubspot": "associatedcompanyid", "freshsales": "sales_account_id"}
FIRST_NAME = {"hubspot": "firstname", "freshsales": "first_name"}
CITY = "city"


def hubspot_property(name: str, type: str, field_type: str, *options: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": name.title(),
        "type": type,
        "fieldType": field_type,
        "groupName": "contactinformation",
        "options": [{"label": option, "value": option} for option in options],
    }


def freshsales_field(id: int, name: str, type: str, *choices: str) -> dict[str, Any]:
    listed = [{"id": at, "value": choice} for at, choice in enumerate(choices, 1)]
    return {"id": id, "label": name.title(), "name": name, "type": type, "default": False, "choices": listed}


CUSTOM: Mapping[str, Mapping[str, Sequence[dict[str, Any]]]] = {
    "hubspot": {
        "contacts": [
            hubspot_property("nickname", "string", "text"),
            hubspot_property("score", "number", "number"),
            hubspot_property("renewal_date", "date", "date"),
            hubspot_property("tier", "enumeration", "select", "Gold", "Silver"),
            hubspot_property("interests", "enumeration", "checkbox", "Sailing", "Chess"),
            hubspot_property("newsletter", "bool", "booleancheckbox", "true", "false"),
        ]
    },
    "freshsales": {
        "contacts": [
            freshsales_field(1, "cf_nickname", "text"),
            freshsales_field(2, "cf_score", "number"),
            freshsales_field(3, "cf_renewal", "date"),
            freshsales_field(4, "cf_tier", "dropdown", "Gold", "Silver"),
            freshsales_field(5, "cf_interests", "multi_select_dropdown", "Sailing", "Chess"),
            freshsales_field(6, "cf_newsletter", "checkbox"),
            freshsales_field(7, "cf_related", "group_field"),
        ]
    },
}
EMPLOYEE = "olga@customer.example"


@dataclass(frozen=True, slots=True)
class Opened:
    """An account of the sandbox, and our connection to it."""

    product: str
    name: str
    connection: Connection
    clients: Clients
    sandbox: Running

    @property
    def client(self) -> Client:
        return self.clients.of(self.connection)

    @property
    def company(self) -> str:
        """What the product calls a company."""
        return COMPANY[self.product]

    @property
    def reference(self) -> str:
        """The contact's field that names its company."""
        return REFERENCE[self.product]

    @property
    def first_name(self) -> str:
        return FIRST_NAME[self.product]

    async def records(self, entity: str, *, deleted: bool = False) -> dict[str, dict[str, Any]]:
        """What the product really holds, in its own words, by id."""
        plural = PLURALS[self.product][entity]
        found = await self.sandbox.admin.records(self.product, self.name, plural, deleted=deleted)
        return {str(record["id"]): record for record in found}

    async def calls(self) -> list[tuple[str, str, int]]:
        """Our calls so far: method, path, status."""
        logged = await self.sandbox.admin.log(product=self.product, account=self.name)
        return [(each["method"], each["path"], each["status"]) for each in logged if each["by"] == "freshpipe"]

    async def fault(self, **fault: Any) -> None:
        await self.sandbox.admin.fault(self.product, account=self.name, **fault)

    async def edit(self, action: str, entity: str, id: str = "", **fields: Any) -> dict[str, Any]:
        """A person's edit, in the product's own words."""
        made: dict[str, Any] = await self.sandbox.admin.edit(
            self.product, self.name, action, PLURALS[self.product][entity], id, fields
        )
        return made


async def open_account(
    sandbox: Running,
    clients: Clients,
    product: str,
    *,
    contacts: int = 0,
    settings: Mapping[str, Any] | None = None,
    config: Mapping[str, str] | None = None,
) -> Opened:
    """An account with two companies and so many contacts, without limits unless `settings` say so."""
    name, token = f"a{uuid4().hex[:10]}", uuid4().hex
    key = CREDENTIALS[product]
    seed = _seed(product, contacts)
    await sandbox.admin.open_account(
        product,
        name,
        {key: token},
        {key: f"person-{token}"},
        settings={**NO_LIMITS[product], **(settings or {})},
        seed=seed,
    )
    connection = Connection(
        tenant=f"tenant-{name}",
        id=f"c-{name}",
        product=product,
        base_url=sandbox.urls[product],
        credentials={key: token},
        config={**FAST[product], **(config or {})},
    )
    return Opened(product, name, connection, clients, sandbox)


def _seed(product: str, contacts: int) -> dict[str, Any]:
    people = [{"email": f"c{number}@x.example", FIRST_NAME[product]: f"C{number}"} for number in range(contacts)]
    companies = [{"name": "Acme"}, {"name": "Globex"}]
    if product == "hubspot":
        return {
            "owners": [{"email": EMPLOYEE, "first_name": "Olga", "last_name": "B"}],
            "properties": CUSTOM[product],
            "companies": [{"properties": company} for company in companies],
            "contacts": [{"properties": person} for person in people],
        }
    return {
        "users": [{"email": EMPLOYEE, "display_name": "Olga B"}],
        "fields": CUSTOM[product],
        "accounts": companies,
        "contacts": people,
    }


def sample(type: str, number: int, choices: Sequence[str]) -> Value:
    """A value of a type, another one for each number."""
    match type:
        case "email":
            return f"sample{number}@x.example"
        case "phone":
            return f"+1415555{number:04}"
        case "url":
            return f"https://x{number}.example"
        case "int":
            return 40 + number
        case "decimal":
            return f"{number}.5"
        case "bool":
            return number % 2 == 0
        case "date":
            return f"2026-03-{number % 27 + 1:02}"
        case "datetime":
            return f"2026-03-{number % 27 + 1:02}T07:00:00Z"
        case "enum":
            return choices[-1 - number % len(choices)]
        case "enum_set":
            return tuple(choices[: 1 + number % len(choices)])
        case "list":
            return (f"tag{number}", "vip")
    return f"00{number} Ünïcode 🎉 <b>&amp;"
