"""What an integration asks about the account: fields and selectors."""

from __future__ import annotations

from connectors.sandbox.calls import JSON, Answer, Call
from connectors.sandbox.freshsales import choices, errors
from connectors.sandbox.freshsales.bundle import Bundle
from connectors.sandbox.freshsales.fields import ENTITIES, Field
from connectors.sandbox.freshsales.rendering import user_shown

_ABSENT = {"id", "email", "sales_account_id", "external_id"}
"""Not in the list of fields, though records have them."""


def list_fields(bundle: Bundle, call: Call) -> Answer:
    """The fields of a record type."""
    entity = ENTITIES.get(call.params["entity"])
    if entity is None:
        raise errors.not_found()
    mandatory = bundle.settings.mandatory.get(entity.plural, [])
    shown = [
        _field(bundle, each, mandatory) for each in bundle.fields[entity.plural].values() if each.name not in _ABSENT
    ]
    return Answer(200, {"fields": shown})


def selector(bundle: Bundle, call: Call) -> Answer:
    """The choices of a system dropdown."""
    name = call.params["selector"]
    if name == "owners":
        return Answer(200, {"users": [user_shown(each) for each in bundle.state.users]})
    if name == "lifecycle_stages":
        return Answer(200, {name: choices.stages_shown(bundle.state.choices)})
    if name not in bundle.state.choices:
        raise errors.not_found()
    return Answer(200, {name: choices.shown(bundle.state.choices[name])})


def _field(bundle: Bundle, field: Field, mandatory: list[str]) -> JSON:
    selectable = bundle.state.choices.get(field.selector, [])
    listed = [{"id": each.id, "value": each.name} for each in selectable] if field.selector else []
    return {
        "id": field.id,
        "label": field.label,
        "name": field.name,
        "type": field.type,
        "default": field.default and not field.is_custom,
        "required": field.required or field.name in mandatory,
        "visible": field.visible,
        "base_model": field.base_model,
        "choices": listed or [{"id": each.id, "value": each.value} for each in field.choices],
    }
