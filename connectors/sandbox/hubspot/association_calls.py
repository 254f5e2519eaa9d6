"""Association endpoints (v4 and dated): single, list, batch, labels."""

from __future__ import annotations

from itertools import islice

from connectors.sandbox.calls import JSON, Answer, Call
from connectors.sandbox.hubspot import errors
from connectors.sandbox.hubspot.associating import (
    associate,
    define_label,
    described,
    dissociate,
    plain_type,
    unlabel,
)
from connectors.sandbox.hubspot.batches import answered
from connectors.sandbox.hubspot.kinds import Kind
from connectors.sandbox.hubspot.links import PLAIN, PRIMARY, End
from connectors.sandbox.hubspot.objects import as_object, found, page_limit, writer_of
from connectors.sandbox.hubspot.portal import Portal
from connectors.sandbox.hubspot.rendering import required_kind
from connectors.sandbox.hubspot.requests import Fan, Pair, Ref, TypeSpec, body_as, inputs_as

MAX_PAGE = 500
MAX_READ = 1_000
MAX_WRITE = 2_000


def put_default(portal: Portal, call: Call) -> Answer:
    """The unlabelled association of two records."""
    start, end = _ends(portal, call)
    type_id = plain_type(start.kind, end.kind)
    associate(portal, start, end, [], writer_of(call))
    results = [_default(start, end, type_id), _default(end, start, PLAIN[end.kind, start.kind])]
    return answered(call, 200, results, [])


def put_labels(portal: Portal, call: Call) -> Answer:
    """Associate with the types in the body."""
    start, end = _ends(portal, call)
    associate(portal, start, end, _type_ids(body_as(list[TypeSpec], call.body)), writer_of(call))
    return Answer(201, _pair(portal, start, end))


def delete(portal: Portal, call: Call) -> Answer:
    start, end = _ends(portal, call)
    dissociate(portal, start, end, writer_of(call))
    return Answer(204)


def list_of(portal: Portal, call: Call) -> Answer:
    """A record's associations with one object type, by pages."""
    start, to = _start(portal, call), required_kind(call.params["to"])
    limit, after = page_limit(call.first("limit", str(MAX_PAGE)), MAX_PAGE), call.first("after", "0")
    if not after.isdecimal():
        raise errors.invalid(f"Invalid after: {after}")
    later = ((id, types) for id, types in sorted(portal.links.of(start, to.plural).items()) if id > int(after))
    page = list(islice(later, limit + 1))
    body: dict[str, JSON] = {"results": [_held(portal, start, to.plural, id, types) for id, types in page[:limit]]}
    if len(page) > limit:
        last = page[limit - 1][0]
        body["paging"] = {"next": {"after": str(last), "link": f"{call.path}?after={last}"}}
    return Answer(200, body)


def batch_read(portal: Portal, call: Call) -> Answer:
    """The associations of many records; one without any is an error of its own."""
    kind, to = required_kind(call.params["type"]), required_kind(call.params["to"])
    results: list[JSON] = []
    problems: list[JSON] = []
    for each in inputs_as(Ref, call, MAX_READ):
        start = End(kind.plural, _id(each))
        held = portal.links.of(start, to.plural)
        if not held:
            problems.append(_none_found(kind, to, start.id))
            continue
        targets = [_held(portal, start, to.plural, id, types) for id, types in sorted(held.items())]
        results.append({"from": {"id": str(start.id)}, "to": targets})
    return answered(call, 200, results, problems)


def batch_create(portal: Portal, call: Call) -> Answer:
    """Associate many pairs with their types."""
    inputs = inputs_as(Pair, call, MAX_WRITE)
    pairs = [_pair_of(portal, call, each) for each in inputs]
    types = [_type_ids(each.types) for each in inputs]
    for (start, end), type_ids in zip(pairs, types, strict=True):
        associate(portal, start, end, type_ids, writer_of(call))
    return answered(call, 201, [_pair(portal, start, end) for start, end in pairs], [])


def batch_default(portal: Portal, call: Call) -> Answer:
    """Associate many pairs without a label."""
    pairs = [_pair_of(portal, call, each) for each in inputs_as(Pair, call, MAX_WRITE)]
    for start, end in pairs:
        associate(portal, start, end, [], writer_of(call))
    results = [_default(start, end, plain_type(start.kind, end.kind)) for start, end in pairs]
    return answered(call, 200, results, [])


def batch_archive(portal: Portal, call: Call) -> Answer:
    """End the associations of every `from` with all of its `to`."""
    kind, to = required_kind(call.params["type"]), required_kind(call.params["to"])
    for each in inputs_as(Fan, call, MAX_WRITE):
        for end in each.ends:
            dissociate(portal, End(kind.plural, _id(each.start)), End(to.plural, _id(end)), writer_of(call))
    return Answer(204)


def batch_unlabel(portal: Portal, call: Call) -> Answer:
    """Take labels off many pairs."""
    for each in inputs_as(Pair, call, MAX_WRITE):
        start, end = _pair_of(portal, call, each)
        unlabel(portal, start, end, _type_ids(each.types), writer_of(call))
    return Answer(204)


def list_labels(portal: Portal, call: Call) -> Answer:
    """All association types between two object types."""
    start, end = required_kind(call.params["type"]).plural, required_kind(call.params["to"]).plural
    ids = [known[start, end] for known in (PRIMARY, PLAIN) if (start, end) in known]
    own = [label.type_id for label in portal.state.labels if (label.from_kind, label.to_kind) == (start, end)]
    return Answer(200, {"results": [described(portal, start, end, type_id) for type_id in [*ids, *own]]})


def create_label(portal: Portal, call: Call) -> Answer:
    """A label of the account's own."""
    start, end = required_kind(call.params["type"]).plural, required_kind(call.params["to"]).plural
    plain_type(start, end)
    text = as_object(call.body).get("label")
    if not isinstance(text, str) or not text:
        raise errors.invalid("Invalid input JSON: label is required")
    pair = define_label(portal, start, end, text)
    return Answer(200, {"results": [described(portal, start, end, label.type_id) for label in pair]})


def _ends(portal: Portal, call: Call) -> tuple[End, End]:
    to = required_kind(call.params["to"])
    return _start(portal, call), End(to.plural, found(portal, to, call.params["to_id"]).id)


def _start(portal: Portal, call: Call) -> End:
    kind = required_kind(call.params["type"])
    return End(kind.plural, found(portal, kind, call.params["id"]).id)


def _pair_of(portal: Portal, call: Call, pair: Pair) -> tuple[End, End]:
    kind, to = required_kind(call.params["type"]), required_kind(call.params["to"])
    start = found(portal, kind, str(pair.start.id)).id
    return End(kind.plural, start), End(to.plural, found(portal, to, str(pair.end.id)).id)


def _id(ref: Ref) -> int:
    text = str(ref.id)
    if not text.isdecimal():
        raise errors.not_found(text)
    return int(text)


def _type_ids(types: list[TypeSpec]) -> list[int]:
    if not types:
        raise errors.invalid("Invalid input JSON: a list of association types is required")
    return [each.association_type_id for each in types]


def _default(start: End, end: End, type_id: int) -> JSON:
    return {
        "from": {"id": str(start.id)},
        "to": {"id": str(end.id)},
        "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id},
    }


def _pair(portal: Portal, start: End, end: End) -> JSON:
    types = [described(portal, start.kind, end.kind, each) for each in sorted(portal.links.types(start, end))]
    return {
        "fromObjectTypeId": required_kind(start.kind).type_id,
        "fromObjectId": start.id,
        "toObjectTypeId": required_kind(end.kind).type_id,
        "toObjectId": end.id,
        "labels": [each["label"] for each in types if each["label"]],
    }


def _held(portal: Portal, start: End, kind: str, id: int, types: set[int]) -> JSON:
    return {"toObjectId": id, "associationTypes": [described(portal, start.kind, kind, each) for each in sorted(types)]}


def _none_found(kind: Kind, to: Kind, id: int) -> JSON:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {to.singular} is associated with {kind.singular} {id}.",
        "context": {"fromObjectId": [str(id)], "fromObjectType": [kind.singular], "toObjectType": [to.singular]},
    }
