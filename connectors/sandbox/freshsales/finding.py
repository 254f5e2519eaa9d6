"""`/lookup`, `/search`, `/filtered_search`: three ways to find a record, each with limits of its own."""

from __future__ import annotations

from collections.abc import Callable

from connectors.sandbox.calls import JSON, Answer, Call
from connectors.sandbox.freshsales import errors
from connectors.sandbox.freshsales.bundle import Bundle
from connectors.sandbox.freshsales.fields import ENTITIES, Entity
from connectors.sandbox.freshsales.rendering import shown
from connectors.sandbox.freshsales.shelf import Record, display_name
from connectors.sandbox.freshsales.views import paged

_LOOKUP = {"email": "emails", "mobile_number": "mobile_number", "external_id": "external_id", "name": "name"}
_BY_SINGULAR = {entity.singular: entity for entity in ENTITIES.values()}


def lookup(bundle: Bundle, call: Call) -> Answer:
    """Records with exactly this value, per record type, nested twice."""
    field = _LOOKUP.get(call.first("f"))
    entities = [_BY_SINGULAR[name] for name in call.listed("entities") if name in _BY_SINGULAR]
    if field is None or not entities or not call.first("q"):
        raise errors.refused([errors.text(bundle.settings.language, "invalid", "f")])
    body: dict[str, JSON] = {}
    for entity in entities:
        records = bundle.shelves[entity.plural].holding(field, call.first("q"))
        body[entity.plural] = {entity.plural: [shown(bundle, entity, each) for each in records]}
    return Answer(200, body)


def search(bundle: Bundle, call: Call) -> Answer:
    """Short records that contain the text."""
    text = call.first("q").strip().lower()
    if not text:
        raise errors.refused([errors.text(bundle.settings.language, "empty", "q")])
    found: list[JSON] = []
    for name in call.listed("include"):
        entity = _BY_SINGULAR.get(name)
        records = _visible(bundle, entity, call.now) if entity else []
        found += [_short(name, record) for record in records if _mentions(record, text)]
    return Answer(200, found[: bundle.settings.per_page])


def filtered_search(bundle: Bundle, call: Call) -> Answer:
    """Records that fit all rules, without their custom fields. Rules on `updated_at` find nothing."""
    entity = _BY_SINGULAR.get(call.params["singular"])
    rules = call.body.get("filter_rule") if isinstance(call.body, dict) else None
    if entity is None or not isinstance(rules, list) or not rules:
        raise errors.refused([errors.text(bundle.settings.language, "invalid", "filter_rule")])
    tests = [_test(bundle, entity, rule) for rule in rules]
    records = [each for each in _visible(bundle, entity, call.now) if all(test(each) for test in tests)]
    page, per_page = paged(bundle, call)
    chosen = records[(page - 1) * per_page : page * per_page]
    bodies = [shown(bundle, entity, each) for each in chosen]
    for body in bodies:
        del body["custom_field"]
    return Answer(200, {entity.plural: bodies, "meta": {"total": len(records)}})


def _test(bundle: Bundle, entity: Entity, rule: JSON) -> Callable[[Record], bool]:
    """One rule. The e-mail attribute has a name of its own."""
    attribute = rule.get("attribute") if isinstance(rule, dict) else None
    operator, value = (rule.get("operator"), str(rule.get("value", ""))) if attribute else ("", "")
    if attribute == "updated_at":
        return lambda record: False
    known = {"contact_email.email", *bundle.fields[entity.plural]}
    if not isinstance(attribute, str) or attribute not in known:
        raise errors.refused([errors.text(bundle.settings.language, "invalid", "attribute")])
    wanted = {item.strip().lower() for item in value.split(",")}
    match operator:
        case "is_in" | "is":
            return lambda record: bool(_values(record, attribute) & wanted)
        case "is_not_in" | "is_not":
            return lambda record: not _values(record, attribute) & wanted
        case "contains":
            return lambda record: any(value.lower() in held for held in _values(record, attribute))
        case "is_empty":
            return lambda record: not _values(record, attribute)
    raise errors.refused([errors.text(bundle.settings.language, "invalid", "operator")])


def _values(record: Record, attribute: str) -> set[str]:
    if attribute == "contact_email.email":
        return {each.value.lower() for each in record.emails}
    value = record.custom.get(attribute) if attribute.startswith("cf_") else record.fields.get(attribute)
    return set() if value in (None, "") else {str(value).lower()}


def _visible(bundle: Bundle, entity: Entity, now: int) -> list[Record]:
    """What the search index has seen: not the changes of the last moment."""
    seen = now - bundle.settings.search_lag_ms
    return [each for each in bundle.shelves[entity.plural].newest_first() if each.updated <= seen]


def _mentions(record: Record, text: str) -> bool:
    return any(text in value.lower() for value in (display_name(record), *(each.value for each in record.emails)))


def _short(type: str, record: Record) -> JSON:
    return {
        "id": str(record.id),
        "type": type,
        "name": display_name(record) or record.fields.get("name"),
        "email": record.email,
    }
