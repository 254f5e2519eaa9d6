"""What system dropdowns offer: every choice has a number, and the number is what a record holds."""

from __future__ import annotations

import msgspec

from connectors.sandbox.calls import JSON


class Choice(msgspec.Struct, frozen=True):
    """One choice of a selector."""

    id: int
    name: str
    position: int
    type: str = ""


_NAMES = {
    "lifecycle_stages": ("Lead", "Sales Qualified Lead", "Customer"),
    "contact_statuses": ("New", "Contacted", "Interested", "Qualified", "Won", "Churned"),
    "lead_sources": ("Web Form", "Organic Search", "Referral", "Chat", "Event", "Integration"),
    "deal_stages": ("New", "Qualification", "Demo", "Negotiation", "Won", "Lost"),
    "deal_pipelines": ("Default Pipeline",),
    "currencies": ("USD", "EUR"),
    "territories": ("North America", "EMEA", "APAC"),
    "industry_types": (
        "Banking",
        "Construction",
        "Education",
        "Health",
        "Information Technology",
        "Logistics",
        "Retail",
    ),
    "business_types": ("Customer", "Partner", "Competitor", "Investor", "Vendor", "Other"),
    "campaigns": ("Spring 2026", "Trade fair"),
}
FIRST_ID = 71_012_139_270


def standard() -> dict[str, list[Choice]]:
    """The choices of a new account, per selector. Ids follow each other over all selectors."""
    found: dict[str, list[Choice]] = {}
    id = FIRST_ID
    for selector, names in _NAMES.items():
        found[selector] = []
        for position, name in enumerate(names, 1):
            id += 3
            found[selector].append(Choice(id, name, position, name))
    return found


def stages_shown(choices: dict[str, list[Choice]]) -> list[JSON]:
    """Lifecycle stages as their selector writes them: each with the statuses that belong to it."""
    statuses = [each.id for each in choices["contact_statuses"]]
    return [
        {
            "id": each.id,
            "name": each.name,
            "position": each.position,
            "disabled": False,
            "default": each.position == 1,
            "type": each.type,
            "contact_status_ids": statuses[2 * at : 2 * at + 2],
        }
        for at, each in enumerate(choices["lifecycle_stages"])
    ]


def shown(choices: list[Choice]) -> list[JSON]:
    return [{"partial": True, "id": each.id, "name": each.name, "position": each.position} for each in choices]
