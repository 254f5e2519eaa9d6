"""Invents the people and companies of a tenant, and what each of two products knows of them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from random import Random

from connectors.sandbox import names

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A company. `other_name` is how the second product spells it, where it does so differently."""

    name: str
    domain: str
    phone: str
    city: str
    country: str
    employees: int
    in_hubspot: bool
    in_freshsales: bool
    other_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one product knows of a person."""

    email: str
    job_title: str
    phone: str
    mobile: str
    stage: str
    nickname: str
    score: int
    renewal: str
    tier: str
    interests: list[str]
    newsletter: bool
    tags: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person; `company` is the name of one, or empty."""

    first_name: str
    last_name: str
    city: str
    country: str
    company: str
    owner: str
    age_ms: int
    in_hubspot: bool
    in_freshsales: bool
    hubspot: Side
    freshsales: Side


def invented(random: Random, contacts: int, companies: int) -> tuple[list[Company], list[Person]]:
    """So many of each in either product that the wanted numbers are met."""
    firms = [_company(random, at, *_presence(at)) for at in range(companies * 5 // 4)]
    people = [_person(random, at, firms) for at in range(contacts * 5 // 4)]
    return firms, sorted(people, key=lambda person: -person.age_ms)


def _presence(at: int) -> tuple[bool, bool]:
    """Of ten, six are in both products, two in the first only, two in the second only."""
    return at % 10 not in (3, 7), at % 10 not in (1, 5)


def _company(random: Random, at: int, in_hubspot: bool, in_freshsales: bool) -> Company:
    stem = names.FIRMS[at % len(names.FIRMS)]
    form = names.FORMS[at // len(names.FIRMS) % len(names.FORMS)]
    number = f" {at // len(names.FIRMS) + 1}" if at >= len(names.FIRMS) * len(names.FORMS) else ""
    city, country = random.choice(names.CITIES)
    name = f"{stem}{number} {form}"
    return Company(
        name=name,
        domain=f"{_ascii(stem)}{at}.example",
        phone=_phone(random, "+41 44 ### ## ##"),
        city=city,
        country=country,
        employees=random.randrange(3, 4_000),
        in_hubspot=in_hubspot,
        in_freshsales=in_freshsales,
        other_name=name.upper() if at % 6 == 0 else "",
    )


def _person(random: Random, at: int, firms: list[Company]) -> Person:
    first, last = random.choice(names.FIRST), random.choice(names.LAST)
    firm = random.choice(firms) if random.random() < 0.8 else None
    city, country = random.choice(names.CITIES)
    in_hubspot, in_freshsales = _presence(at)
    email = f"{_ascii(first) or 'contact'}.{_ascii(last)}{at}@{firm.domain if firm else 'mail.example'}"
    side = _side(random, at, email)
    return Person(
        first_name=first,
        last_name=last,
        city=city,
        country=country,
        company=firm.name if firm else "",
        owner=random.choice(names.OWNERS)[2] if random.random() < 0.7 else "",
        age_ms=random.randrange(DAY_MS, 90 * DAY_MS),
        in_hubspot=in_hubspot,
        in_freshsales=in_freshsales,
        hubspot=side,
        freshsales=_differing(random, side) if at % 10 in (2, 6, 8) else side,
    )


def _side(random: Random, at: int, email: str) -> Side:
    return Side(
        email=email,
        job_title=random.choice(names.TITLES),
        phone=_phone(random, random.choice(("+1 (555) ###-####", "0##/#######", "+44 20 #### ####", ""))),
        mobile=f"+49 151 {at:08d}" if random.random() < 0.6 else "",
        stage=random.choice(names.STAGES),
        nickname=f"Nick {at}" if random.random() < 0.4 else "",
        score=random.randrange(0, 101),
        renewal=f"2027-{random.randrange(1, 13):02d}-{random.randrange(1, 29):02d}" if random.random() < 0.7 else "",
        tier=random.choice((*names.TIERS, "")),
        interests=random.sample(names.INTERESTS, random.randrange(0, 4)),
        newsletter=random.random() < 0.5,
        tags=random.sample(names.TAGS, random.randrange(0, 3)),
    )


def _differing(random: Random, side: Side) -> Side:
    """The same person as another product tells it: spelled differently, and partly newer."""
    return replace(
        side,
        email=side.email.title(),
        phone=side.phone.replace(" ", "").replace("-", ""),
        job_title=random.choice(names.TITLES),
        tier=random.choice(names.TIERS),
        score=(side.score + random.randrange(1, 20)) % 101,
        tags=random.sample(names.TAGS, random.randrange(1, 4)),
    )


def _phone(random: Random, pattern: str) -> str:
    return "".join(str(random.randrange(10)) if each == "#" else each for each in pattern)


def _ascii(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(each for each in bare.lower() if each.isalnum())
