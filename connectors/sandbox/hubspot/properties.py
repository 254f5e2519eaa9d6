"""Property definitions: their shape, and the ones that every portal starts with."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

STAGES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)
"""Lifecycle stages in their order: by API a record only moves towards the end."""
TYPES = {"bool", "date", "datetime", "enumeration", "number", "phone_number", "string"}
FIELD_TYPES = {
    "booleancheckbox",
    "calculation_equation",
    "checkbox",
    "date",
    "file",
    "html",
    "number",
    "phonenumber",
    "radio",
    "select",
    "text",
    "textarea",
}
MAX_UNIQUE = 10
"""Properties with unique values, per object type."""


class Option(msgspec.Struct, rename="camel"):
    """One choice of an enumeration."""

    label: str
    value: str
    display_order: int = -1
    hidden: bool = False
    description: str = ""


class Modification(msgspec.Struct, rename="camel"):
    """What may be changed about a property."""

    archivable: bool = True
    read_only_definition: bool = False
    read_only_value: bool = False


class Property(msgspec.Struct, rename="camel", kw_only=True):
    """A property definition, in the API's own words."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    group_name: str = ""
    description: str = ""
    options: list[Option] = []
    display_order: int = -1
    calculated: bool = False
    external_options: bool = False
    has_unique_value: bool = False
    hidden: bool = False
    hubspot_defined: bool = False
    form_field: bool = True
    archived: bool = False
    created_at: str = ""
    updated_at: str = ""
    modification_metadata: Modification = msgspec.field(default_factory=Modification)

    @property
    def read_only(self) -> bool:
        return self.calculated or self.modification_metadata.read_only_value

    @property
    def values(self) -> set[str]:
        return {option.value for option in self.options}


_SHARED = """
    lifecyclestage|Lifecycle stage|enumeration|radio|stages
    hubspot_owner_id|Owner|enumeration|select|external
    hubspot_owner_assigneddate|Owner assigned date|datetime|date|read-only
    createdate|Create date|datetime|date|read-only
    hs_lastmodifieddate|Last modified date|datetime|date|read-only
    hs_object_id|Record id|number|number|read-only
    hs_object_source|Record source|string|text|read-only
    hs_object_source_id|Record source id|string|text|read-only
    hs_object_source_user_id|Record source user id|number|number|read-only
    hs_merged_object_ids|Merged record ids|enumeration|checkbox|read-only
    num_notes|Number of activities|number|number|read-only
"""
_CONTACTS = """
    email|Email|string|text
    firstname|First name|string|text
    lastname|Last name|string|text
    salutation|Salutation|string|text
    phone|Phone number|string|phonenumber
    mobilephone|Mobile phone number|string|phonenumber
    fax|Fax number|string|phonenumber
    jobtitle|Job title|string|text
    company|Company name|string|text
    website|Website|string|text
    address|Street address|string|text
    city|City|string|text
    state|State/Region|string|text
    zip|Postal code|string|text
    country|Country/Region|string|text
    industry|Industry|string|text
    date_of_birth|Date of birth|string|text
    twitterhandle|Twitter username|string|text
    message|Message|string|textarea
    hs_language|Preferred language|enumeration|select|de,en,es,fr,it,ja,nl,pl,pt,sv
    hs_lead_status|Lead status|enumeration|radio|NEW,OPEN,IN_PROGRESS,OPEN_DEAL,UNQUALIFIED,CONNECTED,BAD_TIMING
    lastmodifieddate|Last modified date|datetime|date|read-only
    associatedcompanyid|Primary associated company id|number|number|read-only
    hs_additional_emails|Additional email addresses|enumeration|checkbox|read-only
    hs_email_domain|Email domain|string|text|read-only
    hs_email_optout|Unsubscribed from all email|bool|booleancheckbox|read-only
    hs_full_name_or_email|Full name or email|string|text|read-only
    hs_is_contact|Is a contact|bool|booleancheckbox|read-only
    num_associated_deals|Number of associated deals|number|number|read-only
"""
_COMPANIES = """
    name|Company name|string|text
    domain|Company domain name|string|text
    website|Website|string|text
    phone|Phone number|string|phonenumber
    address|Street address|string|text
    address2|Street address 2|string|text
    city|City|string|text
    state|State/Region|string|text
    zip|Postal code|string|text
    country|Country/Region|string|text
    description|Description|string|textarea
    timezone|Time zone|string|text
    industry|Industry|enumeration|select|ACCOUNTING,AUTOMOTIVE,BANKING,BIOTECHNOLOGY,COMPUTER_SOFTWARE,CONSTRUCTION,EDUCATION_MANAGEMENT,FINANCIAL_SERVICES,FOOD_PRODUCTION,HOSPITAL_HEALTH_CARE,INFORMATION_TECHNOLOGY_AND_SERVICES,INSURANCE,LOGISTICS_AND_SUPPLY_CHAIN,MACHINERY,RENEWABLES_ENVIRONMENT,RETAIL,TELECOMMUNICATIONS
    type|Type|enumeration|select|PROSPECT,PARTNER,RESELLER,VENDOR,OTHER
    numberofemployees|Number of employees|number|number
    annualrevenue|Annual revenue|number|number
    founded_year|Year founded|string|text
    twitterhandle|Twitter handle|string|text
    linkedin_company_page|LinkedIn company page|string|text
    facebook_company_page|Facebook company page|string|text
    hs_parent_company_id|Parent company id|number|number|read-only
    num_associated_contacts|Number of associated contacts|number|number|read-only
"""
_DEALS = """
    dealname|Deal name|string|text
    dealstage|Deal stage|enumeration|radio|external
    pipeline|Pipeline|enumeration|select|external
    amount|Amount|number|number
    closedate|Close date|datetime|date
    dealtype|Deal type|enumeration|radio|newbusiness,existingbusiness
    description|Deal description|string|textarea
    hs_priority|Priority|enumeration|select|low,medium,high
"""
_TICKETS = """
    subject|Ticket name|string|text
    content|Ticket description|string|textarea
    hs_pipeline|Pipeline|enumeration|select|external
    hs_pipeline_stage|Ticket status|enumeration|select|external
    hs_ticket_priority|Priority|enumeration|select|LOW,MEDIUM,HIGH,URGENT
"""
_OWN = {"contacts": _CONTACTS, "companies": _COMPANIES, "deals": _DEALS, "tickets": _TICKETS}
_WITHOUT_STAGE = {"deals", "tickets"}


def standard(kind: str) -> list[Property]:
    """The properties that HubSpot defines for this object type."""
    lines = [*_lines(_OWN[kind]), *_lines(_SHARED)]
    found = [_property(kind, line.split("|")) for line in lines]
    if kind in _WITHOUT_STAGE:
        return [each for each in found if each.name != "lifecyclestage"]
    return [*found, *(_stage_date(kind, stage) for stage in STAGES)]


def _lines(text: str) -> Iterable[str]:
    return (line.strip() for line in text.strip().splitlines())


def _property(kind: str, parts: list[str]) -> Property:
    name, label, type, field_type, *rest = parts
    mark = rest[0] if rest else ""
    choices = {"": (), "read-only": (), "external": (), "stages": STAGES}.get(mark, mark.split(","))
    return Property(
        name=name,
        label=label,
        type=type,
        field_type=field_type,
        group_name=_group(kind),
        options=[Option(label=_spoken(value), value=value, display_order=at) for at, value in enumerate(choices)],
        external_options=mark == "external",
        hubspot_defined=True,
        modification_metadata=Modification(
            archivable=False, read_only_definition=True, read_only_value=mark == "read-only"
        ),
    )


def _stage_date(kind: str, stage: str) -> Property:
    return Property(
        name=f"hs_lifecyclestage_{stage}_date",
        label=f"Became a {stage} date",
        type="datetime",
        field_type="date",
        group_name=_group(kind),
        hubspot_defined=True,
        calculated=True,
        modification_metadata=Modification(archivable=False, read_only_definition=True, read_only_value=True),
    )


def _group(kind: str) -> str:
    return {"contacts": "contactinformation", "companies": "companyinformation"}.get(kind, f"{kind[:-1]}information")


def _spoken(value: str) -> str:
    return value.replace("_", " ").capitalize()
