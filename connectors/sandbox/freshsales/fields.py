"""Field definitions: their shape, and the ones that every account starts with."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

TYPES = {
    "text",
    "textarea",
    "number",
    "dropdown",
    "multi_select_dropdown",
    "radio",
    "checkbox",
    "date",
    "auto_complete",
    "group_field",
}


class FieldChoice(msgspec.Struct, frozen=True):
    """One choice of a custom dropdown."""

    id: int
    value: str


class Field(msgspec.Struct, kw_only=True):
    """A field of a form. `selector`: the value is a choice's number, from there."""

    id: int
    label: str
    name: str
    type: str = "text"
    default: bool = True
    required: bool = False
    visible: bool = True
    base_model: str = "Contact"
    choices: list[FieldChoice] = []
    selector: str = ""

    @property
    def is_custom(self) -> bool:
        return self.name.startswith("cf_")


@dataclass(frozen=True, slots=True)
class Entity:
    """A record type: how paths, envelopes and models call it, and what it shows that nobody writes."""

    plural: str
    singular: str
    model: str
    needs: tuple[str, ...]
    """Fields that a create must bring."""
    computed: tuple[str, ...]
    """Shown as null unless something is known."""


CONTACTS = Entity(
    "contacts",
    "contact",
    "Contact",
    (),
    (
        "avatar",
        "last_seen",
        "last_contacted",
        "last_contacted_mode",
        "recent_note",
        "open_deals_amount",
        "won_deals_amount",
        "team_user_ids",
        "mcr_id",
    ),
)
ACCOUNTS = Entity(
    "sales_accounts",
    "sales_account",
    "SalesAccount",
    ("name",),
    ("avatar", "last_contacted", "last_contacted_mode", "recent_note", "team_user_ids"),
)
DEALS = Entity("deals", "deal", "Deal", ("name",), ("closed_date", "stage_updated_time", "rotten_days"))
ENTITIES = {entity.plural: entity for entity in (CONTACTS, ACCOUNTS, DEALS)}

_CONTACTS = """
    first_name|First name|text
    last_name|Last name|text
    job_title|Job title|text
    work_number|Work|text
    mobile_number|Mobile|text
    address|Address|text
    city|City|text
    state|State|text
    zipcode|Zipcode|text
    country|Country|text
    time_zone|Time zone|text
    locale|Locale|text
    facebook|Facebook|text
    twitter|Twitter|text
    linkedin|LinkedIn|text
    external_id|External ID|text
    keyword|Keyword|text
    medium|Medium|text
    work_email|Work email|text
    subscription_types|Subscription types|text
    unsubscription_reason|Unsubscription reason|text
    subscription_status|Subscription status|number
    sms_subscription_status|SMS subscription status|number
    whatsapp_subscription_status|WhatsApp subscription status|number
    owner_id|Sales owner|dropdown|owners
    lifecycle_stage_id|Lifecycle stage|dropdown|lifecycle_stages
    contact_status_id|Status|dropdown|contact_statuses
    lead_source_id|Source|dropdown|lead_sources
    territory_id|Territory|dropdown|territories
    campaign_id|Campaign|dropdown|campaigns
    tags|Tags|auto_complete
"""
_ACCOUNTS = """
    name|Name|text
    website|Website|text
    phone|Phone|text
    address|Address|text
    city|City|text
    state|State|text
    zipcode|Zipcode|text
    country|Country|text
    facebook|Facebook|text
    twitter|Twitter|text
    linkedin|LinkedIn|text
    number_of_employees|Number of employees|number
    annual_revenue|Annual revenue|number
    parent_sales_account_id|Parent account|number
    owner_id|Sales owner|dropdown|owners
    industry_type_id|Industry type|dropdown|industry_types
    business_type_id|Business type|dropdown|business_types
    territory_id|Territory|dropdown|territories
    tags|Tags|auto_complete
"""
_DEALS = """
    name|Name|text
    amount|Deal value|number
    sales_account_id|Account|number
    deal_stage_id|Deal stage|dropdown|deal_stages
    deal_pipeline_id|Deal pipeline|dropdown|deal_pipelines
    currency_id|Currency|dropdown|currencies
    owner_id|Sales owner|dropdown|owners
    lead_source_id|Source|dropdown|lead_sources
    territory_id|Territory|dropdown|territories
    campaign_id|Campaign|dropdown|campaigns
    expected_close|Expected close date|date
    probability|Probability (%)|number
    tags|Tags|auto_complete
"""
_OWN = {"contacts": _CONTACTS, "sales_accounts": _ACCOUNTS, "deals": _DEALS}
FIRST_ID = 70_000_310_000


def standard(entity: Entity) -> list[Field]:
    """The fields that every account has for this record type."""
    lines = [line.strip().split("|") for line in _OWN[entity.plural].strip().splitlines()]
    first = FIRST_ID + list(ENTITIES).index(entity.plural) * 1_000
    return [
        Field(
            id=first + at,
            name=name,
            label=label,
            type=type,
            selector=rest[0] if rest else "",
            required=name in entity.needs,
            base_model=entity.model,
        )
        for at, (name, label, type, *rest) in enumerate(lines)
    ]
