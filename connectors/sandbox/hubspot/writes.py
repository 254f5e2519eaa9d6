"""Writing records by HubSpot's rules: what is checked, what is computed, what becomes of the old value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.sandbox.calls import JSON, By, Happening, Refused
from connectors.sandbox.hubspot import errors
from connectors.sandbox.hubspot.kinds import CONTACTS, DEALS, Kind
from connectors.sandbox.hubspot.links import End
from connectors.sandbox.hubspot.portal import Portal
from connectors.sandbox.hubspot.properties import STAGES
from connectors.sandbox.hubspot.shelf import Record, Revision
from connectors.sandbox.hubspot.values import NotValid, iso, kept

HISTORY = 20
"""Values kept of a property."""
_STAMPS = {"hs_lastmodifieddate", "lastmodifieddate"}


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, and when (ms).

    `enforced`: the rules of the portal's administrators hold, as they do in the pages and in the newer API.
    """

    by: By
    now: int
    enforced: bool = True


def create(portal: Portal, kind: Kind, written: JSON, writer: Writer) -> Record:
    """Add a record. Raises Refused: 400 for values, 409 if a contact has the e-mail address."""
    values = check(portal, kind, written, None, writer)
    id = portal.new_id(kind)
    source, source_id = portal.source_of(writer.by)
    properties = {name: value for name, value in values.items() if value}
    properties |= {
        "createdate": iso(writer.now),
        "hs_object_id": str(id),
        "hs_object_source": source,
        "hs_object_source_id": source_id,
        "num_notes": "0",
        **_defaults(portal, kind, values),
    }
    properties |= _computed(kind, properties, {}, writer.now)
    properties[kind.modified] = iso(writer.now)
    record = Record(id=id, properties=properties, created=writer.now, modified=writer.now)
    record.history = {name: [Revision(value, writer.now, source, source_id)] for name, value in properties.items()}
    portal.shelves[kind.plural].add(record)
    portal.note(kind, record, writer.now)
    changes = {name: (None, value) for name, value in properties.items() if name not in _STAMPS}
    portal.announce(Happening(portal.name, kind.singular, id, "created", writer.now, writer.by, changes))
    return record


def update(portal: Portal, kind: Kind, record: Record, written: JSON, writer: Writer) -> None:
    """Change some properties. A write that changes nothing leaves no trace. Raises Refused as `create`."""
    apply(portal, kind, record, check(portal, kind, written, record, writer), writer)


def check(portal: Portal, kind: Kind, written: JSON, record: Record | None, writer: Writer) -> dict[str, str]:
    """The values that a write would store, in a new record or in this one. Raises Refused as the write would."""
    values = checked(portal, kind, written, record.properties if record else {}, writer)
    for names in () if record else kind.needs:
        if not any(values.get(name) for name in names):
            raise _incomplete(kind, names)
    _check_unique(portal, kind, values, record)
    return values


def apply(portal: Portal, kind: Kind, record: Record, values: Mapping[str, str], writer: Writer) -> None:
    """Give checked or computed values to a record, and tell the world what changed."""
    values = {**values, **_computed(kind, {**record.properties, **values}, record.properties, writer.now)}
    changes = {
        name: (record.properties.get(name), value)
        for name, value in values.items()
        if value != record.properties.get(name, "")
    }
    if not changes:
        return
    source, source_id = portal.source_of(writer.by)
    for name, (_, value) in changes.items():
        revisions = [Revision(value, writer.now, source, source_id), *record.history.get(name, [])]
        record.history[name] = revisions[:HISTORY]
    properties = {**record.properties, **values, kind.modified: iso(writer.now)}
    record.modified = writer.now
    portal.shelves[kind.plural].replace(record, {name: value for name, value in properties.items() if value})
    portal.note(kind, record, writer.now)
    portal.announce(Happening(portal.name, kind.singular, record.id, "updated", writer.now, writer.by, changes))


def checked(portal: Portal, kind: Kind, written: JSON, before: Mapping[str, str], writer: Writer) -> dict[str, str]:
    """The values to store. Raises Refused with every property that is not valid."""
    if not isinstance(written, dict):
        raise errors.invalid("Invalid input JSON: properties must be an object")
    values: dict[str, str] = {}
    faults: list[errors.Fault] = []
    for name, value in written.items():
        try:
            values[name] = _checked(portal, kind, name, value, before, writer)
        except NotValid as refusal:
            faults.append(errors.Fault(name, refusal.code, refusal.message))
    if writer.enforced:
        faults += _forgotten(portal, kind, values, before)
    if faults:
        raise errors.invalid_values(faults)
    if _goes_back(values, before):
        if portal.settings.backward_lifecycle == "reject":
            message = "The lifecycle stage cannot be moved backward."
            raise errors.invalid_values([errors.Fault("lifecyclestage", "INVALID_LIFECYCLE_STAGE", message)])
        del values["lifecyclestage"]
    return values


def archive(portal: Portal, kind: Kind, record: Record, writer: Writer) -> None:
    """Move a record to the recycle bin; its associations end."""
    portal.shelves[kind.plural].archive(record, writer.now)
    portal.note(kind, record, writer.now, gone=True)
    portal.announce(Happening(portal.name, kind.singular, record.id, "deleted", writer.now, writer.by))


def restore(portal: Portal, kind: Kind, record: Record, writer: Writer) -> None:
    """Take a record out of the recycle bin. Raises Refused if another took its e-mail address meanwhile."""
    _check_unique(portal, kind, record.properties, record)
    portal.shelves[kind.plural].restore(record)
    record.modified = writer.now
    portal.shelves[kind.plural].replace(record, {**record.properties, kind.modified: iso(writer.now)})
    portal.note(kind, record, writer.now)
    portal.announce(Happening(portal.name, kind.singular, record.id, "restored", writer.now, writer.by))


def erase(portal: Portal, kind: Kind, record: Record, writer: Writer) -> None:
    """Delete for privacy's sake, for good."""
    for end in portal.links.ends_of(End(kind.plural, record.id)):
        portal.links.remove(End(kind.plural, record.id), end)
    portal.shelves[kind.plural].remove(record)
    portal.note(kind, record, writer.now, gone=True)
    portal.announce(Happening(portal.name, kind.singular, record.id, "erased", writer.now, writer.by))


def _checked(portal: Portal, kind: Kind, name: str, value: JSON, before: Mapping[str, str], writer: Writer) -> str:
    property = portal.properties[kind.plural].get(name)
    if property is None or property.archived:
        raise NotValid("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if property.read_only:
        raise NotValid("READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
    if not isinstance(value, str):
        raise NotValid("INVALID_TYPE", f"The value of {name} must be a string")
    text = kept(property, value, before.get(name, ""), portal.owner_ids, portal.stages(kind))
    if name == "email" and portal.settings.lower_case_email:
        return text.lower()
    if property.field_type == "phonenumber" and portal.settings.reformat_phones:
        return re.sub(r"(?!^\+)\D", "", text)
    return text


def _forgotten(
    portal: Portal, kind: Kind, values: Mapping[str, str], before: Mapping[str, str]
) -> Iterable[errors.Fault]:
    """What an administrator made mandatory: missing in a create, or cleared by an update."""
    for name in portal.settings.mandatory.get(kind.plural, []):
        if not values.get(name) and (name in values or not before):
            yield errors.Fault(name, "REQUIRED_PROPERTY", f'Property "{name}" is required')


def _goes_back(values: Mapping[str, str], before: Mapping[str, str]) -> bool:
    old, new = before.get("lifecyclestage", ""), values.get("lifecyclestage", "")
    return bool(old and new) and STAGES.index(new) < STAGES.index(old)


def _check_unique(portal: Portal, kind: Kind, values: Mapping[str, str], record: Record | None) -> None:
    shelf = portal.shelves[kind.plural]
    for name, value in values.items():
        holder = shelf.holder(name, value) if value and shelf.is_unique(name) else None
        if holder is None or holder is record:
            continue
        if name == "email":
            raise errors.conflict(kind.singular, holder.id, portal.settings.conflict_category)
        message = f"{name} is a unique property and value {value} is already in use by object {holder.id}"
        raise errors.invalid_values([errors.Fault(name, "CONFLICTING_UNIQUE_VALUE", message)])


def _incomplete(kind: Kind, names: Iterable[str]) -> Refused:
    message = f"Error creating {kind.singular.upper()}. Some required properties were not set."
    return errors.invalid(message, context={"properties": sorted(names)})


def _defaults(portal: Portal, kind: Kind, values: Mapping[str, str]) -> dict[str, str]:
    if kind is CONTACTS:
        stage = portal.settings.default_lifecyclestage
        return {"hs_is_contact": "true"} | (
            {"lifecyclestage": stage} if stage and "lifecyclestage" not in values else {}
        )
    if kind is DEALS and not values.get("pipeline"):
        return {"pipeline": "default"}
    if kind.plural == "tickets" and not values.get("hs_pipeline"):
        return {"hs_pipeline": "0"}
    return {}


def _computed(kind: Kind, after: Mapping[str, str], before: Mapping[str, str], now: int) -> dict[str, str]:
    """The properties that HubSpot derives from the others."""
    found: dict[str, str] = {}
    if kind is CONTACTS:
        email = after.get("email", "")
        name = " ".join(filter(None, (after.get("firstname"), after.get("lastname"))))
        found = {"hs_email_domain": email.partition("@")[2], "hs_full_name_or_email": name or email}
    stage = after.get("lifecyclestage", "")
    if stage and stage != before.get("lifecyclestage", ""):
        found[f"hs_lifecyclestage_{stage}_date"] = str(now)
    if after.get("hubspot_owner_id", "") != before.get("hubspot_owner_id", ""):
        found["hubspot_owner_assigneddate"] = iso(now)
    return found
