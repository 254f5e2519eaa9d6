"""Object types: how a path names them, what they are called elsewhere, and what they show by default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One object type. `needs` are the properties that a create must bring: one of each inner tuple."""

    plural: str
    singular: str
    type_id: str
    modified: str
    """The property that holds the time of the last change."""
    defaults: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...] = ()


CONTACTS = Kind(
    "contacts",
    "contact",
    "0-1",
    "lastmodifieddate",
    ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
)
COMPANIES = Kind(
    "companies",
    "company",
    "0-2",
    "hs_lastmodifieddate",
    ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    (("name", "domain"),),
)
DEALS = Kind(
    "deals",
    "deal",
    "0-3",
    "hs_lastmodifieddate",
    (
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ),
    (("dealname",), ("dealstage",)),
)
TICKETS = Kind(
    "tickets",
    "ticket",
    "0-5",
    "hs_lastmodifieddate",
    (
        "content",
        "createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_priority",
        "subject",
    ),
    (("subject",), ("hs_pipeline_stage",)),
)
KINDS = {kind.plural: kind for kind in (CONTACTS, COMPANIES, DEALS, TICKETS)}
_NAMES = {name: kind for kind in KINDS.values() for name in (kind.plural, kind.singular, kind.type_id)}


def kind_named(name: str) -> Kind | None:
    """The object type of a path's segment: plural, singular or type id."""
    return _NAMES.get(name.lower())
