"""What an integration asks about the account: properties, owners, pipelines, the account itself."""

from __future__ import annotations

import msgspec

from connectors.sandbox.calls import JSON, Answer, Call, Refused
from connectors.sandbox.hubspot import errors
from connectors.sandbox.hubspot.kinds import Kind
from connectors.sandbox.hubspot.objects import as_object, is_true, page_limit
from connectors.sandbox.hubspot.portal import DEAL_STAGES, Owner, Portal
from connectors.sandbox.hubspot.properties import FIELD_TYPES, MAX_UNIQUE, TYPES, Property
from connectors.sandbox.hubspot.rendering import required_kind
from connectors.sandbox.hubspot.requests import body_as
from connectors.sandbox.hubspot.values import iso

_REQUIRED = ("name", "label", "type", "fieldType", "groupName")
_TICKET_STAGES = ("New", "Waiting on contact", "Waiting on us", "Closed")
_BORN = "2021-03-12T07:33:46.615Z"


def account_details(portal: Portal, call: Call) -> Answer:
    """Which portal the token belongs to."""
    return Answer(
        200,
        {
            "portalId": portal.state.portal_id,
            "accountType": "STANDARD",
            "timeZone": portal.settings.time_zone,
            "companyCurrency": "USD",
            "additionalCurrencies": [],
            "utcOffset": "-04:00",
            "utcOffsetMilliseconds": -14_400_000,
            "uiDomain": "app-eu1.hubspot.com",
            "dataHostingLocation": "eu1",
        },
    )


def list_properties(portal: Portal, call: Call) -> Answer:
    """All properties of an object type, in one page."""
    archived = is_true(call.first("archived"))
    held = portal.properties[required_kind(call.params["type"]).plural].values()
    return Answer(200, {"results": [_shown(each) for each in held if each.archived is archived]})


def get_property(portal: Portal, call: Call) -> Answer:
    return Answer(200, _shown(_property(portal, call)))


def create_property(portal: Portal, call: Call) -> Answer:
    kind, body = required_kind(call.params["type"]), as_object(call.body)
    missing = [name for name in _REQUIRED if not body.get(name)]
    if missing:
        raise errors.invalid(f"Invalid input JSON: {', '.join(missing)} required")
    property = _converted(body)
    if property.type not in TYPES or property.field_type not in FIELD_TYPES:
        raise errors.invalid(f"Invalid type or fieldType: {property.type}, {property.field_type}")
    existing = portal.properties[kind.plural].get(property.name)
    if existing is not None and not existing.archived:
        answer = errors.error(409, f'A property named "{property.name}" already exists.', "OBJECT_ALREADY_EXISTS")
        raise Refused(answer)
    _check_unique_count(portal, kind, property)
    property.created_at = property.updated_at = iso(call.now)
    portal.define(kind, property)
    return Answer(201, _shown(property))


def update_property(portal: Portal, call: Call) -> Answer:
    """Change a definition, such as its options."""
    property = _property(portal, call)
    if property.modification_metadata.read_only_definition:
        raise errors.invalid(f'The definition of "{property.name}" is read only.')
    body = {**msgspec.to_builtins(property), **as_object(call.body), "name": property.name}
    changed = _converted(body)
    changed.updated_at = iso(call.now)
    portal.define(required_kind(call.params["type"]), changed)
    return Answer(200, _shown(changed))


def archive_property(portal: Portal, call: Call) -> Answer:
    property = _property(portal, call)
    if not property.modification_metadata.archivable:
        raise errors.invalid(f'"{property.name}" cannot be archived.')
    property.archived = True
    return Answer(204)


def list_owners(portal: Portal, call: Call) -> Answer:
    """The users to whom records can belong, by pages, or the one with an e-mail address."""
    limit, after, email = page_limit(call.first("limit", "100"), 500), call.first("after", "0"), call.first("email")
    owners = [each for each in portal.state.owners if not email or each.email == email.lower()]
    start = int(after) if after.isdecimal() else 0
    body: dict[str, JSON] = {"results": [_owner(each) for each in owners[start : start + limit]]}
    if start + limit < len(owners):
        body["paging"] = {"next": {"after": str(start + limit), "link": f"{call.path}?after={start + limit}"}}
    return Answer(200, body)


def get_owner(portal: Portal, call: Call) -> Answer:
    owner = next((each for each in portal.state.owners if str(each.id) == call.params["owner"]), None)
    if owner is None:
        raise errors.not_found(call.params["owner"])
    return Answer(200, _owner(owner))


def list_pipelines(portal: Portal, call: Call) -> Answer:
    return Answer(200, {"results": [_pipeline(required_kind(call.params["type"]))]})


def get_pipeline(portal: Portal, call: Call) -> Answer:
    pipeline = _pipeline(required_kind(call.params["type"]))
    if pipeline["id"] != call.params["pipeline"]:
        raise errors.not_found("0")
    return Answer(200, pipeline)


def _property(portal: Portal, call: Call) -> Property:
    kind = required_kind(call.params["type"])
    property = portal.properties[kind.plural].get(call.params["name"])
    if property is None or property.archived:
        raise errors.not_found("0")
    return property


def _converted(body: dict[str, JSON]) -> Property:
    property = body_as(Property, body)
    if property.type == "enumeration" and not property.options and not property.external_options:
        raise errors.invalid("An enumeration needs options.")
    return property


def _check_unique_count(portal: Portal, kind: Kind, property: Property) -> None:
    unique = sum(each.has_unique_value for each in portal.properties[kind.plural].values())
    if property.has_unique_value and unique >= MAX_UNIQUE:
        raise errors.invalid(f"At most {MAX_UNIQUE} properties can have unique values.")


def _shown(property: Property) -> JSON:
    body = msgspec.to_builtins(property)
    return {name: value for name, value in body.items() if name not in ("createdAt", "updatedAt") or value}


def _owner(owner: Owner) -> JSON:
    return {
        "id": str(owner.id),
        "email": owner.email,
        "type": "PERSON",
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "userId": owner.user_id,
        "userIdIncludingInactive": owner.user_id,
        "createdAt": _BORN,
        "updatedAt": _BORN,
        "archived": False,
    }


def _pipeline(kind: Kind) -> dict[str, JSON]:
    if kind.plural == "tickets":
        stages = [(str(at + 1), label) for at, label in enumerate(_TICKET_STAGES)]
        return _pipeline_of("0", "Support pipeline", stages)
    if kind.plural == "deals":
        return _pipeline_of("default", "Sales pipeline", [(stage, stage.capitalize()) for stage in DEAL_STAGES])
    raise errors.invalid(f"{kind.plural} have no pipelines")


def _pipeline_of(id: str, label: str, stages: list[tuple[str, str]]) -> dict[str, JSON]:
    dates = {"createdAt": _BORN, "updatedAt": _BORN, "archived": False}
    return {
        "id": id,
        "label": label,
        "displayOrder": 0,
        "stages": [
            {
                "id": stage,
                "label": text,
                "displayOrder": at,
                "metadata": {},
                "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
                **dates,
            }
            for at, (stage, text) in enumerate(stages)
        ],
        **dates,
    }
