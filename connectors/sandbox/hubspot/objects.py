"""`/crm/v3/objects/{type}` and its dated twin: one record at a time."""

from __future__ import annotations

from itertools import islice

from connectors.sandbox.calls import JSON, Answer, Call
from connectors.sandbox.hubspot import errors, writes
from connectors.sandbox.hubspot.associating import associate, dissociate_all
from connectors.sandbox.hubspot.kinds import Kind
from connectors.sandbox.hubspot.links import PLAIN, PRIMARY, End
from connectors.sandbox.hubspot.merging import merge
from connectors.sandbox.hubspot.portal import Portal
from connectors.sandbox.hubspot.rendering import echoed, paging, required_kind, shown, wanted_of
from connectors.sandbox.hubspot.requests import Target, body_as
from connectors.sandbox.hubspot.shelf import Record
from connectors.sandbox.hubspot.writes import Writer

MAX_PAGE = 100
ENFORCED_SINCE = "2026-09"
"""The first version of the API that holds writes to the administrators' rules."""


def list_records(portal: Portal, call: Call) -> Answer:
    """A page of the live (or with `archived=true` only the archived) records, by id."""
    kind = required_kind(call.params["type"])
    limit, after = page_limit(call.first("limit", "10"), MAX_PAGE), call.first("after", "0")
    if not after.isdecimal():
        raise errors.invalid(f"Invalid after: {after}")
    archived = is_true(call.first("archived"))
    fitting = (each for each in portal.shelves[kind.plural].after(int(after)) if bool(each.archived_at) is archived)
    page = list(islice(fitting, limit + 1))
    wanted = wanted_of(call)
    body: dict[str, JSON] = {"results": [shown(portal, kind, each, wanted) for each in page[:limit]]}
    if len(page) > limit:
        last = page[limit - 1].id
        body["paging"] = paging(last, f"{call.path}?limit={limit}&after={last}")
    return Answer(200, body)


def create_record(portal: Portal, call: Call) -> Answer:
    kind = required_kind(call.params["type"])
    record = created(portal, kind, as_object(call.body), writer_of(call))
    return Answer(201, echoed(portal, kind, record))


def get_record(portal: Portal, call: Call) -> Answer:
    kind = required_kind(call.params["type"])
    record = found(portal, kind, call.params["id"], call.first("idProperty"), archived=is_true(call.first("archived")))
    return Answer(200, shown(portal, kind, record, wanted_of(call)))


def update_record(portal: Portal, call: Call) -> Answer:
    kind = required_kind(call.params["type"])
    record = found(portal, kind, call.params["id"], call.first("idProperty"))
    written = as_object(call.body).get("properties")
    updated(portal, kind, record, written, writer_of(call))
    return Answer(200, echoed(portal, kind, record, written))


def archive_record(portal: Portal, call: Call) -> Answer:
    kind = required_kind(call.params["type"])
    id = call.params["id"]
    record = portal.shelves[kind.plural].live(int(id)) if id.isdecimal() else None
    if record is None:
        if portal.settings.delete_unknown == 404 or not id.isdecimal():
            raise errors.not_found(id)
        return Answer(204)
    archived(portal, kind, record, writer_of(call))
    return Answer(204)


def merge_records(portal: Portal, call: Call) -> Answer:
    kind = required_kind(call.params["type"])
    body = as_object(call.body)
    primary, other = (found(portal, kind, str(body.get(name, ""))) for name in ("primaryObjectId", "objectIdToMerge"))
    if primary is other:
        raise errors.invalid("A record cannot be merged with itself.")
    return Answer(200, echoed(portal, kind, merge(portal, kind, primary, other, writer_of(call))))


def erase_record(portal: Portal, call: Call) -> Answer:
    """gdpr-delete: for good, by id or e-mail address."""
    kind = required_kind(call.params["type"])
    body = as_object(call.body)
    id = str(body.get("objectId", ""))
    erased(portal, kind, found(portal, kind, id, str(body.get("idProperty") or "")), writer_of(call))
    return Answer(204)


def created(portal: Portal, kind: Kind, body: dict[str, JSON], writer: Writer) -> Record:
    """Create with associations, all or nothing."""
    properties = body.get("properties", {})
    targets = body_as(list[Target], body.get("associations") or [])
    ends = [_association(portal, kind, each) for each in targets]
    company = properties.get("associatedcompanyid") if isinstance(properties, dict) else None
    record = writes.create(portal, kind, properties, writer)
    for end, type_ids in ends:
        associate(portal, End(kind.plural, record.id), end, type_ids, writer)
    _follow_company(portal, record, company, writer)
    return record


def updated(portal: Portal, kind: Kind, record: Record, written: JSON, writer: Writer) -> None:
    """Change properties; an association may follow from one of them (a setting)."""
    writes.update(portal, kind, record, written, writer)
    _follow_company(portal, record, written.get("associatedcompanyid"), writer)


def archived(portal: Portal, kind: Kind, record: Record, writer: Writer) -> None:
    """To the recycle bin; associations end."""
    writes.archive(portal, kind, record, writer)
    dissociate_all(portal, End(kind.plural, record.id), writer)


def erased(portal: Portal, kind: Kind, record: Record, writer: Writer) -> None:
    """For good; associations end."""
    dissociate_all(portal, End(kind.plural, record.id), writer)
    writes.erase(portal, kind, record, writer)


def found(portal: Portal, kind: Kind, id: str, id_property: str = "", *, archived: bool = False) -> Record:
    """The record of this id, or of this unique value. Raises Refused (404; 400 if it is not unique)."""
    shelf = portal.shelves[kind.plural]
    if id_property and id_property != "hs_object_id":
        if not shelf.is_unique(id_property):
            raise errors.invalid(f"Unable to perform a read by non-unique {kind.type_id} property {id_property}")
        holder = shelf.holder(id_property, id)
        if holder is None:
            raise errors.not_found("0")
        return holder
    if not id.isdecimal():
        raise errors.not_found(id)
    record = shelf.records.get(int(id)) if archived else shelf.live(int(id))
    if record is None or bool(record.archived_at) is not archived:
        raise errors.not_found(id)
    return record


def writer_of(call: Call) -> Writer:
    return Writer(call.by, call.now, enforced=call.params.get("version", "") >= ENFORCED_SINCE)


def as_object(body: JSON) -> dict[str, JSON]:
    """The body as an object. Raises Refused (400)."""
    if not isinstance(body, dict):
        raise errors.invalid("Invalid input JSON: expected an object")
    return body


def page_limit(text: str, most: int) -> int:
    """A page size between 1 and `most`. Raises Refused (400)."""
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise errors.invalid(f"Invalid limit: {text}. The maximum is {most}.")
    return int(text)


def is_true(text: str) -> bool:
    """Query values come as `true`, or as Python writes it."""
    return text.lower() == "true"


def _association(portal: Portal, kind: Kind, target: Target) -> tuple[End, list[int]]:
    """One association of a create: what to associate with, by which types."""
    type_ids = [each.association_type_id for each in target.types]
    other = required_kind(_kind_of_type(kind, type_ids, portal))
    return End(other.plural, found(portal, other, str(target.to.id)).id), type_ids


def _kind_of_type(kind: Kind, type_ids: list[int], portal: Portal) -> str:
    for known in (PLAIN, PRIMARY):
        for (start, end), type_id in known.items():
            if start == kind.plural and type_id in type_ids:
                return end
    for label in portal.state.labels:
        if label.from_kind == kind.plural and label.type_id in type_ids:
            return label.to_kind
    raise errors.invalid(f"Association types {type_ids} are not valid for {kind.plural}")


def _follow_company(portal: Portal, record: Record, company: JSON, writer: Writer) -> None:
    """Writing `associatedcompanyid` sets the primary company, where the portal lets it be written."""
    if (
        not isinstance(company, str)
        or not company.isdecimal()
        or portal.shelves["companies"].live(int(company)) is None
    ):
        return
    associate(portal, End("contacts", record.id), End("companies", int(company)), [1], writer)
