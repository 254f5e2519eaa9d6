"""Customers to play with: the same people and companies in two products, as messy as such data are.

Everything follows the seed: names, tokens, and who is where. Of the people of a tenant some are in one product only,
some in both and equal, some in both and different.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

from connectors.sandbox import names
from connectors.sandbox.accounts import NewAccount
from connectors.sandbox.calls import JSON
from connectors.sandbox.people import Company, Person, invented

TENANTS = ("acme", "globex", "initech", "umbrella", "hooli", "stark")
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer with an account on each product."""

    name: str
    accounts: list[NewAccount]


def tenants(seed: int = 1, tenants: int = 3, contacts: int = 220, companies: int = 44) -> list[Tenant]:
    """Tenants whose accounts hold about (and at least nine tenths of) that many contacts and companies each."""
    return [_tenant(_name(at), Random(f"{seed}/{at}"), contacts, companies) for at in range(tenants)]  # noqa: S311 - repeatable on purpose


def _name(at: int) -> str:
    return TENANTS[at] if at < len(TENANTS) else f"tenant{at + 1}"


def _tenant(name: str, random: Random, contacts: int, companies: int) -> Tenant:
    firms, people = invented(random, contacts, companies)
    return Tenant(
        name,
        [
            NewAccount(
                product="hubspot",
                name=name,
                integration={"access_token": f"pat-eu1-{_uuid(random)}"},
                person={"access_token": f"pat-eu1-{_uuid(random)}"},
                seed=_hubspot(firms, people),
            ),
            NewAccount(
                product="freshsales",
                name=name,
                integration={"api_key": f"{random.getrandbits(132):033x}"},
                person={"api_key": f"{random.getrandbits(132):033x}"},
                seed=_freshsales(firms, people),
            ),
        ],
    )


def _uuid(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)


def _hubspot(firms: Sequence[Company], people: Sequence[Person]) -> JSON:
    here = [firm for firm in firms if firm.in_hubspot]
    place = {firm.name: at for at, firm in enumerate(here)}
    return {
        "owners": [{"email": email, "first_name": first, "last_name": last} for first, last, email in names.OWNERS],
        "properties": {"contacts": hubspot_properties(), "companies": []},
        "companies": [
            {
                "age_ms": 100 * DAY_MS,
                "properties": {
                    "name": firm.name,
                    "domain": firm.domain,
                    "phone": firm.phone,
                    "city": firm.city,
                    "country": firm.country,
                    "numberofemployees": str(firm.employees),
                },
            }
            for firm in here
        ],
        "contacts": [
            {
                "age_ms": person.age_ms,
                "company": place.get(person.company),
                "properties": _hubspot_contact(person),
            }
            for person in people
            if person.in_hubspot
        ],
    }


def _hubspot_contact(person: Person) -> dict[str, str]:
    side = person.hubspot
    values = {
        "email": side.email,
        "firstname": person.first_name,
        "lastname": person.last_name,
        "jobtitle": side.job_title,
        "phone": side.phone,
        "mobilephone": side.mobile,
        "city": person.city,
        "country": person.country,
        "lifecyclestage": side.stage.lower().replace(" ", ""),
        "owner_email": person.owner,
        "nickname": side.nickname,
        "score": str(side.score),
        "renewal_date": side.renewal,
        "tier": side.tier,
        "interests": ";".join(side.interests),
        "newsletter": "true" if side.newsletter else "false",
        "tags": ";".join(side.tags),
    }
    return {name: value for name, value in values.items() if value}


def _freshsales(firms: Sequence[Company], people: Sequence[Person]) -> JSON:
    here = [firm for firm in firms if firm.in_freshsales]
    place = {firm.name: at for at, firm in enumerate(here)}
    return {
        "users": [{"email": email, "display_name": f"{first} {last}"} for first, last, email in names.OWNERS],
        "fields": {"contacts": freshsales_fields()},
        "accounts": [
            {
                "age_ms": 100 * DAY_MS,
                "name": firm.other_name or firm.name,
                "website": f"https://www.{firm.domain}",
                "phone": firm.phone,
                "city": firm.city,
                "country": firm.country,
                "number_of_employees": firm.employees,
            }
            for firm in here
        ],
        "contacts": [
            {"age_ms": person.age_ms, "account": place.get(person.company), **_freshsales_contact(person)}
            for person in people
            if person.in_freshsales
        ],
    }


def _freshsales_contact(person: Person) -> dict[str, JSON]:
    side = person.freshsales
    return {
        "emails": side.email,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "job_title": side.job_title or None,
        "work_number": side.phone or None,
        "mobile_number": side.mobile or None,
        "city": person.city,
        "country": person.country,
        "lifecycle_stage": side.stage,
        "owner_email": person.owner,
        "tags": side.tags,
        "custom_field": {
            "cf_nickname": side.nickname or None,
            "cf_score": side.score,
            "cf_renewal": side.renewal or None,
            "cf_tier": side.tier or None,
            "cf_interests": ";".join(side.interests) or None,
            "cf_newsletter": side.newsletter,
        },
    }


def hubspot_properties() -> list[JSON]:
    """Contact properties of the account's own, one of each type."""

    def options(values: Sequence[str]) -> list[JSON]:
        return [{"label": value, "value": value, "displayOrder": at} for at, value in enumerate(values)]

    def property(name: str, label: str, type: str, field_type: str, values: Sequence[str] = ()) -> JSON:
        return {
            "name": name,
            "label": label,
            "type": type,
            "fieldType": field_type,
            "groupName": "contactinformation",
            "options": options(values),
        }

    return [
        property("nickname", "Nickname", "string", "text"),
        property("score", "Score", "number", "number"),
        property("renewal_date", "Renewal date", "date", "date"),
        property("tier", "Tier", "enumeration", "select", names.TIERS),
        property("interests", "Interests", "enumeration", "checkbox", names.INTERESTS),
        property("newsletter", "Newsletter", "bool", "booleancheckbox", ("true", "false")),
        property("tags", "Tags", "enumeration", "checkbox", names.TAGS),
    ]


def freshsales_fields() -> list[JSON]:
    """Contact fields of the account's own, one of each type."""

    def field(at: int, name: str, label: str, type: str, values: Sequence[str] = ()) -> JSON:
        choices = [{"id": 71_020_000_000 + at * 100 + n, "value": value} for n, value in enumerate(values)]
        return {"id": 70_000_400_000 + at, "name": name, "label": label, "type": type, "choices": choices}

    return [
        field(1, "cf_nickname", "Nickname", "text"),
        field(2, "cf_score", "Score", "number"),
        field(3, "cf_renewal", "Renewal", "date"),
        field(4, "cf_tier", "Tier", "dropdown", names.TIERS),
        field(5, "cf_interests", "Interests", "multi_select_dropdown", names.INTERESTS),
        field(6, "cf_newsletter", "Newsletter", "checkbox"),
    ]
