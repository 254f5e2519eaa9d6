"""Records as the API writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.sandbox.calls import JSON, Call
from connectors.sandbox.hubspot import errors
from connectors.sandbox.hubspot.kinds import Kind, kind_named
from connectors.sandbox.hubspot.links import PRIMARY, End
from connectors.sandbox.hubspot.portal import Portal
from connectors.sandbox.hubspot.shelf import Record, Revision
from connectors.sandbox.hubspot.values import iso


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader asked to see. `properties` of None: the defaults."""

    properties: Sequence[str] | None = None
    with_history: Sequence[str] = ()
    associations: Sequence[Kind] = ()


def wanted_of(call: Call) -> Wanted:
    """What a query string asks for."""
    kinds = [required_kind(name) for name in call.listed("associations")]
    return Wanted(call.listed("properties") or None, call.listed("propertiesWithHistory"), kinds)


def required_kind(name: str) -> Kind:
    """The object type of this name. Raises Refused (400) if there is none."""
    kind = kind_named(name)
    if kind is None:
        raise errors.invalid(f"Unable to infer object type from: {name}")
    return kind


def shown(portal: Portal, kind: Kind, record: Record, wanted: Wanted) -> dict[str, JSON]:
    """A record as a read returns it: unset properties are null, undefined ones are left out."""
    body = envelope(portal, kind, record, selected(portal, kind, record.properties, wanted.properties))
    if wanted.with_history:
        body["propertiesWithHistory"] = {
            name: [_revision(each) for each in record.history.get(name, [])]
            for name in wanted.with_history
            if name in portal.properties[kind.plural]
        }
    associations = {
        other.plural: {"results": found}
        for other in wanted.associations
        if (found := _associated(portal, kind, record, other))
    }
    if associations:
        body["associations"] = associations
    return body


def echoed(portal: Portal, kind: Kind, record: Record, written: JSON = None) -> dict[str, JSON]:
    """A record as a write returns it: a create echoes all it holds, an update what was written and computed."""
    if not isinstance(written, dict):
        return envelope(portal, kind, record, dict(record.properties))
    names = {*written, *kind.defaults, "hs_object_id", "createdate", kind.modified}
    computed = {name for name in record.properties if name.startswith("hs_")}
    properties = {
        name: record.properties.get(name, "") for name in names | computed if name in portal.properties[kind.plural]
    }
    shown_names = {name: value for name, value in properties.items() if value or name in written}
    return envelope(portal, kind, record, dict(sorted(shown_names.items())))


def envelope(portal: Portal, kind: Kind, record: Record, properties: Mapping[str, str | None]) -> dict[str, JSON]:
    body = {
        "id": str(record.id),
        "properties": properties,
        "createdAt": iso(record.created),
        "updatedAt": iso(record.modified),
        "archived": bool(record.archived_at),
        "url": f"https://app-eu1.hubspot.com/contacts/{portal.state.portal_id}/record/{kind.type_id}/{record.id}",
    }
    if record.archived_at:
        body["archivedAt"] = iso(record.archived_at)
    return body


def selected(
    portal: Portal, kind: Kind, properties: Mapping[str, str], names: Sequence[str] | None
) -> dict[str, str | None]:
    """The properties asked for, and those that are always there."""
    if names is None:
        return {name: properties.get(name) for name in kind.defaults}
    defined = portal.properties[kind.plural]
    always = ("createdate", "hs_object_id", kind.modified)
    return {name: properties.get(name) for name in dict.fromkeys([*names, *always]) if name in defined}


def paging(after: object, link: str) -> dict[str, JSON]:
    return {"next": {"after": str(after), "link": link}}


def _revision(each: Revision) -> dict[str, JSON]:
    body: dict[str, JSON] = {
        "value": each.value,
        "timestamp": iso(each.at),
        "sourceType": each.source,
        "sourceId": each.source_id,
    }
    user = each.source_id.removeprefix("userId:")
    return body | {"updatedByUserId": int(user)} if user != each.source_id else body


def _associated(portal: Portal, kind: Kind, record: Record, other: Kind) -> list[JSON]:
    names = f"{kind.singular}_to_{other.singular}"
    primary = PRIMARY.get((kind.plural, other.plural))
    found: list[JSON] = []
    for id, types in portal.links.of(End(kind.plural, record.id), other.plural).items():
        if primary in types:
            found.append({"id": str(id), "type": names})
        found.append({"id": str(id), "type": f"{names}_unlabeled" if primary else names})
    return found
