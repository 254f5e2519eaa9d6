"""What the people of the demonstration do, step by step. Data and small acts; nothing here knows Freshpipe."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.demo.people import Person

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Both:
    """The ids of one thing in both products."""

    freshsales: str
    hubspot: str


@dataclass(slots=True)
class Company:
    """A tenant's two products with somebody at work in each, and records that are linked."""

    tenant: str
    name: str
    sales: Person
    marketing: Person
    contacts: Sequence[Both]
    companies: Sequence[Both]
    made: list[str] = field(default_factory=list)


Act = Callable[[Company], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that somebody does, and what an onlooker should expect of it."""

    title: str
    expect: str
    act: Act


def in_hubspot(entity: str, which: int, fields: Fields) -> Act:
    """Somebody edits a linked record in HubSpot."""

    async def act(company: Company) -> None:
        await company.marketing.edit(entity, _linked(company, entity)[which].hubspot, fields)

    return act


def in_freshsales(entity: str, which: int, fields: Fields) -> Act:
    """Somebody edits a linked record in Freshsales."""

    async def act(company: Company) -> None:
        await company.sales.edit(entity, _linked(company, entity)[which].freshsales, fields)

    return act


def at_once(*acts: Act) -> Act:
    """Several people act in the same moment."""

    async def act(company: Company) -> None:
        await asyncio.gather(*(one(company) for one in acts))

    return act


async def _new_contact(company: Company) -> None:
    email = f"grace.hopper@{company.tenant}-navy.example"
    company.made.append(
        await company.marketing.create("contact", {"email": email, "firstname": "Grace", "lastname": "Hopper"})
    )


async def _new_account_with_contact(company: Company) -> None:
    account = await company.sales.create(
        "sales_account",
        {"name": f"Analytical Engines {company.name}", "website": f"https://engines-{company.tenant}.example"},
    )
    person = {"first_name": "Ada", "last_name": "Lovelace", "email": f"ada@engines-{company.tenant}.example"}
    await company.sales.create("contact", person | {"sales_accounts": [{"id": int(account), "is_primary": True}]})


async def _tick_interests(company: Company) -> None:
    """One more on each side; who ticks a box in Freshsales saves the whole list with it."""
    both = company.contacts[6]
    known = (await company.sales.look("contact", both.freshsales))["custom_field"].get("cf_interests") or ""
    ticked = [one for one in known.split(";") if one]
    first, second = [one for one in ("Cooking", "Cycling", "Music", "Photography", "Travel") if one not in ticked][:2]
    await asyncio.gather(
        company.marketing.edit("contact", both.hubspot, {"interests": f";{first}"}),
        company.sales.edit("contact", both.freshsales, {"custom_field": {"cf_interests": ";".join([*ticked, second])}}),
    )


async def _a_lead_buys(company: Company) -> None:
    for both in company.contacts[30:]:
        if (await company.marketing.look("contact", both.hubspot)).get("lifecyclestage") == "lead":
            return await company.marketing.edit("contact", both.hubspot, {"lifecyclestage": "customer"})
    return None


async def _burst(company: Company) -> None:
    for number, both in enumerate(company.contacts[8:28]):
        await company.marketing.edit("contact", both.hubspot, {"jobtitle": f"Regional lead {number}"})


async def _delete(company: Company) -> None:
    await company.marketing.delete("contact", company.contacts[-1].hubspot)


STEPS: tuple[Step, ...] = (
    Step(
        "A marketer changes a job title in HubSpot",
        "the title arrives in Freshsales, nothing else is written",
        in_hubspot("contact", 0, {"jobtitle": "Chief Data Officer"}),
    ),
    Step(
        "A seller corrects a mobile number in Freshsales",
        "the number arrives in HubSpot",
        in_freshsales("contact", 1, {"mobile_number": "+1 415 555 0133"}),
    ),
    Step(
        "Someone new signs up in HubSpot",
        "a contact is created in Freshsales, once",
        _new_contact,
    ),
    Step(
        "A seller adds an account and, at once, a contact that belongs to it",
        "the contact waits for its company, then both are in HubSpot, associated",
        _new_account_with_contact,
    ),
    Step(
        "Two people edit different fields of one contact at the same moment",
        "both edits are kept, each goes across",
        at_once(
            in_hubspot("contact", 2, {"city": "Lisboa"}),
            in_freshsales("contact", 2, {"job_title": "Head of Partnerships"}),
        ),
    ),
    Step(
        "Two people edit the same field at the same moment",
        "one wins on both sides, the other is kept in the trail",
        at_once(
            in_hubspot("contact", 3, {"jobtitle": "Buyer (HubSpot)"}),
            in_freshsales("contact", 3, {"job_title": "Buyer (Freshsales)"}),
        ),
    ),
    Step(
        "A marketer clears a field",
        "it is cleared in Freshsales too",
        in_hubspot("contact", 4, {"jobtitle": ""}),
    ),
    Step(
        "A company moves",
        "each part of the address arrives",
        in_freshsales("sales_account", 0, {"address": "12 Rua do Carmo", "city": "Porto", "zipcode": "00478"}),
    ),
    Step(
        "A contact becomes a customer in HubSpot",
        "the stage arrives by the value table, as the account's own choice id",
        _a_lead_buys,
    ),
    Step(
        "Interests are ticked on one side and on the other",
        "the lists are merged, element by element",
        _tick_interests,
    ),
    Step(
        "Twenty contacts are edited as fast as HubSpot allows",
        "all arrive, in seconds, within Freshsales' quota",
        _burst,
    ),
    Step(
        "A marketer deletes a contact",
        "the link is cut, the Freshsales contact stays",
        _delete,
    ),
)


def _linked(company: Company, entity: str) -> Sequence[Both]:
    return company.contacts if entity == "contact" else company.companies
