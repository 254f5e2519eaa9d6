"""The bodies of Freshsales' webhooks: workflow (simple and advanced) and product events (old and version 2.0)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from connectors.sandbox.calls import JSON, Happening
from connectors.sandbox.freshsales.bundle import Bundle
from connectors.sandbox.freshsales.fields import Entity
from connectors.sandbox.freshsales.rendering import shown, user_shown
from connectors.sandbox.freshsales.shelf import Record

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\.(\w+)\s*\}\}")
_PARTS = {"created": "Create", "updated": "Update", "restored": "Update", "deleted": "Delete", "erased": "Delete"}
_WORDS = {"contact": "Contact", "sales_account": "SalesAccount", "deal": "Deal"}


def simple(bundle: Bundle, entity: Entity, record: Record) -> dict[str, JSON]:
    """The ticked fields, each named after its record type."""
    body = shown(bundle, entity, record)
    ticked = ["id", *(name for name in bundle.fields[entity.plural] if not name.startswith("cf_"))]
    ticked += ["email"] if "email" in body else []
    found = {f"{entity.singular}_{name}": body.get(name) for name in ticked}
    return {**found, **{f"{entity.singular}_{name}": value for name, value in body["custom_field"].items()}}


def advanced(bundle: Bundle, entity: Entity, record: Record, template: str) -> str:
    """The template with `{{contact.email}}` and its like replaced by the bare values."""
    body = shown(bundle, entity, record)
    values = {**body, **body["custom_field"]}

    def value(match: re.Match[str]) -> str:
        found = values.get(match[2]) if match[1] == entity.singular else None
        return "" if found is None else str(found)

    return _PLACEHOLDER.sub(value, template)


def event_name(happening: Happening) -> str:
    """`onContactUpdate` and its like."""
    return f"on{_WORDS[happening.entity]}{_PARTS[happening.action]}"


def old_event(bundle: Bundle, entity: Entity, record: Record | None, happening: Happening) -> dict[str, JSON]:
    """The first form: a flat object, beside it what changed and side collections."""
    body: dict[str, JSON] = {"id": happening.id}
    if record is not None:
        body = shown(bundle, entity, record, ["sales_accounts"])
    accounts: list[JSON] = body.pop("sales_accounts", [])
    return {
        "event": event_name(happening),
        "timestamp": happening.at / 1000,
        "region": "US",
        "data": {
            entity.singular: body,
            "changes": _pairs(happening.changes),
            "users": [user_shown(each) for each in bundle.state.users if each.id == body.get("owner_id")],
            "sales_accounts": accounts,
        },
        "productContext": {"url": f"https://{bundle.name}.myfreshworks.com/crm/sales", "name": "freshworks_crm"},
    }


def event(bundle: Bundle, entity: Entity, record: Record | None, happening: Happening) -> dict[str, JSON]:
    """Version 2.0: every attribute is an object, custom fields are a list."""
    user = bundle.user_of(happening.by)
    return {
        "event": event_name(happening),
        "version": "2.0",
        "timestamp": happening.at / 1000,
        "region": "US",
        "currentHost": {
            "subscribed_modules": [entity.singular],
            "endpoint_urls": {"freshworks_crm": f"https://{bundle.name}.myfreshworks.com/crm/sales"},
        },
        "data": {
            "actor": {"id": user.id, "type": "user", "email": user.email},
            "associations": {"owner": {}, "creator": {}, "contact_status": {}},
            entity.singular: _attributes(bundle, entity, record) if record else {"id": happening.id},
            "changes": {
                "model_changes": _pairs(happening.changes),
                "misc_changes": {},
                "system_changes": {},
            },
        },
    }


def _attributes(bundle: Bundle, entity: Entity, record: Record) -> dict[str, JSON]:
    body = shown(bundle, entity, record)
    found: dict[str, JSON] = {"id": record.id}
    for field in bundle.fields[entity.plural].values():
        if not field.is_custom:
            found[field.name] = {"label": field.label, "type": field.type, "value": body.get(field.name)}
    if "emails" in body:
        emails = [{"email": each["value"], "is_primary": each["is_primary"]} for each in body["emails"]]
        found["emails"] = {"label": "Emails", "value": emails}
    found["custom_fields"] = [
        {"name": name, "value": value, "type": bundle.fields[entity.plural][name].type}
        for name, value in body["custom_field"].items()
    ]
    return found


def _pairs(changes: Mapping[str, tuple[JSON, JSON]]) -> dict[str, list[JSON]]:
    return {name: [before, after] for name, (before, after) in changes.items()}
