"""Records as the API writes them."""

from __future__ import annotations

from collections.abc import Collection

from connectors.sandbox.calls import JSON
from connectors.sandbox.freshsales.bundle import Bundle
from connectors.sandbox.freshsales.fields import ACCOUNTS, CONTACTS, DEALS, Entity
from connectors.sandbox.freshsales.shelf import Record, display_name

_SCORE = 26


def shown(bundle: Bundle, entity: Entity, record: Record, include: Collection[str] = ()) -> dict[str, JSON]:
    """A record in full; its accounts stand in it only where they were asked for."""
    custom = {field.name: record.custom.get(field.name) for field in _custom_fields(bundle, entity)}
    body: dict[str, JSON] = {"id": record.id}
    body |= dict.fromkeys(entity.computed)
    body |= {field.name: record.fields.get(field.name) for field in _plain_fields(bundle, entity)}
    body |= {
        "links": _links(entity, record),
        "custom_field": custom,
        "created_at": bundle.time(record.created),
        "updated_at": bundle.time(record.updated),
        "is_deleted": record.is_deleted,
    }
    if entity is CONTACTS:
        body |= _of_contact(bundle, record, include)
    if entity is ACCOUNTS:
        body |= {"open_deals_amount": "0.0", "open_deals_count": 0, "won_deals_amount": "0.0", "has_connections": False}
    if entity is DEALS:
        body["amount"] = None if record.fields.get("amount") is None else str(record.fields["amount"])
    return body


def side_collections(bundle: Bundle, records: Collection[Record], include: Collection[str]) -> dict[str, JSON]:
    """What stands beside the records of an answer."""
    if "owner" not in include:
        return {}
    owners = {record.fields.get("owner_id") for record in records}
    return {"users": [user_shown(each) for each in bundle.state.users if each.id in owners]}


def user_shown(user: JSON) -> dict[str, JSON]:
    return {
        "id": user.id,
        "display_name": user.display_name,
        "email": user.email,
        "is_active": True,
        "work_number": None,
        "mobile_number": None,
    }


def _of_contact(bundle: Bundle, record: Record, include: Collection[str]) -> dict[str, JSON]:
    emails = [
        {"id": each.id, "value": each.value, "is_primary": each.is_primary, "label": each.label, "_destroy": False}
        for each in record.emails
    ]
    body: dict[str, JSON] = {
        "display_name": display_name(record),
        "email": record.email,
        "emails": emails,
        "lead_score": _SCORE,
        "customer_fit": 2,
        "record_type_id": "71010794476",
        "phone_numbers": [],
        "system_tags": [],
    }
    if "sales_accounts" in include:
        accounts = bundle.shelves[ACCOUNTS.plural]
        body["sales_accounts"] = [
            _partial(account, is_primary=each.is_primary)
            for each in record.accounts
            if (account := accounts.live(each.id)) is not None
        ]
    return body


def _partial(account: Record, *, is_primary: bool) -> JSON:
    return {
        "partial": True,
        "id": account.id,
        "name": account.fields.get("name"),
        "avatar": None,
        "website": account.fields.get("website"),
        "last_contacted": None,
        "record_type_id": "71010794477",
        "is_primary": is_primary,
    }


def _links(entity: Entity, record: Record) -> dict[str, str]:
    if entity is DEALS:
        return {}
    return {"conversations": f"/crm/sales/{entity.plural}/{record.id}/conversations/all"}


def _custom_fields(bundle: Bundle, entity: Entity) -> list[JSON]:
    return [field for field in bundle.fields[entity.plural].values() if field.is_custom]


def _plain_fields(bundle: Bundle, entity: Entity) -> list[JSON]:
    return [field for field in bundle.fields[entity.plural].values() if not field.is_custom]
