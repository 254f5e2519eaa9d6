"""Merging two records into one."""

from __future__ import annotations

from connectors.sandbox.calls import Happening
from connectors.sandbox.hubspot.associating import associate, primary_company
from connectors.sandbox.hubspot.kinds import CONTACTS, Kind
from connectors.sandbox.hubspot.links import PRIMARY, End
from connectors.sandbox.hubspot.portal import Portal
from connectors.sandbox.hubspot.properties import STAGES
from connectors.sandbox.hubspot.shelf import Record
from connectors.sandbox.hubspot.values import iso
from connectors.sandbox.hubspot.writes import Writer


def merge(portal: Portal, kind: Kind, primary: Record, other: Record, writer: Writer) -> Record:
    """One record with the primary's values, filled up from the other. It may get an id of its own (a setting).

    The old ids live on in `hs_merged_object_ids`; the associations of both are its associations.
    """
    shelf = portal.shelves[kind.plural]
    ends = [
        (end, portal.links.types(End(kind.plural, each.id), end))
        for each in (primary, other)
        for end in _ends(portal, kind, each)
    ]
    company = primary_company(portal, primary.id) if kind is CONTACTS else ""
    moved = [name for name in other.properties if name not in primary.properties]
    id = portal.new_id(kind) if portal.settings.merge_mints_id else primary.id
    merged = Record(
        id=id,
        properties=_merged(kind, primary, other, id, writer.now),
        created=min(primary.created, other.created),
        modified=writer.now,
        history={**other.history, **primary.history},
        merged=[old for old in (primary.id, other.id, *primary.merged, *other.merged) if old != id],
    )
    for each in (primary, other):
        for end in _ends(portal, kind, each):
            portal.links.remove(End(kind.plural, each.id), end)
        shelf.remove(each)
        portal.note(kind, each, writer.now, gone=True)
    shelf.add(merged)
    portal.note(kind, merged, writer.now)
    detail = {
        "primaryObjectId": primary.id,
        "mergedObjectIds": [primary.id, other.id] if id != primary.id else [other.id],
        "newObjectId": id,
        "numberOfPropertiesMoved": len(moved),
    }
    portal.announce(Happening(portal.name, kind.singular, id, "merged", writer.now, writer.by, detail=detail))
    for end, types in ends:
        is_primary = company in ("", str(end.id))
        primary_type = PRIMARY.get((kind.plural, end.kind))
        associate(
            portal, End(kind.plural, id), end, [each for each in types if is_primary or each != primary_type], writer
        )
    return merged


def _ends(portal: Portal, kind: Kind, record: Record) -> list[End]:
    return portal.links.ends_of(End(kind.plural, record.id))


def _merged(kind: Kind, primary: Record, other: Record, id: int, now: int) -> dict[str, str]:
    properties = {**other.properties, **primary.properties}
    old_ids = [primary.id, other.id, *primary.merged, *other.merged]
    properties |= {
        "hs_object_id": str(id),
        "createdate": iso(min(primary.created, other.created)),
        kind.modified: iso(now),
        "hs_merged_object_ids": ";".join(str(old) for old in old_ids if old != id),
    }
    properties.pop("associatedcompanyid", None)
    properties.pop("num_associated_contacts", None)
    stages = [each.properties.get("lifecyclestage", "") for each in (primary, other)]
    if any(stages):
        properties["lifecyclestage"] = max(filter(None, stages), key=STAGES.index)
    if kind is CONTACTS:
        more = [email for email in dict.fromkeys([*primary.emails, *other.emails]) if email != properties.get("email")]
        properties["hs_additional_emails"] = ";".join(more)
    return {name: value for name, value in properties.items() if value}
