"""`/batch/*`: up to a hundred inputs that succeed together, or each for itself where every one has a trace id."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connectors.sandbox.calls import JSON, Answer, Call, Refused
from connectors.sandbox.hubspot import errors, writes
from connectors.sandbox.hubspot.kinds import Kind
from connectors.sandbox.hubspot.objects import archived, created, found, is_true, updated, writer_of
from connectors.sandbox.hubspot.portal import Portal
from connectors.sandbox.hubspot.rendering import Wanted, echoed, required_kind, shown
from connectors.sandbox.hubspot.requests import Input, Read, body_as, inputs_as
from connectors.sandbox.hubspot.shelf import Record
from connectors.sandbox.hubspot.values import iso
from connectors.sandbox.hubspot.writes import Writer

MAX_INPUTS = 100
Inputs = list[dict[str, JSON]]
Act = Callable[[Portal, Kind, dict[str, JSON], Writer], dict[str, JSON]]


def read(portal: Portal, call: Call) -> Answer:
    """Records by id, or by a unique property. The ones that are not there are told in a 207."""
    kind = required_kind(call.params["type"])
    body, inputs = body_as(Read, call.body), inputs_of(call)
    id_property = body.id_property or ""
    is_archived = is_true(call.first("archived"))
    wanted = Wanted(body.properties or None, body.properties_with_history or ())
    records: list[Record] = []
    missing: list[str] = []
    for id in (str(each.get("id", "")) for each in inputs):
        record = _looked_up(portal, kind, id, id_property, archived=is_archived)
        if record is None:
            missing.append(id)
            continue
        records.append(record)
    problems = [_missing(kind, missing)] if missing else []
    return answered(call, 200, [shown(portal, kind, each, wanted) for each in records], problems)


def create(portal: Portal, call: Call) -> Answer:
    return _each(portal, call, 201, _create, _could_create)


def update(portal: Portal, call: Call) -> Answer:
    """By id. With an e-mail address for an id nothing happens, and nothing is said about it."""
    kind = required_kind(call.params["type"])
    inputs = inputs_of(call)
    _distinct(inputs)
    if any(each.get("idProperty") and not _may_address(portal, kind, each["idProperty"]) for each in inputs):
        raise errors.invalid(f"Unable to perform update/upsert by non-unique {kind.type_id} property")
    present = [each for each in inputs if each.get("idProperty") or str(each.get("id", "")).isdecimal()]
    missing = [str(each["id"]) for each in present if _addressed(portal, kind, each) is None]
    there = [each for each in present if str(each["id"]) not in missing]
    problems = [_missing(kind, missing)] if missing else []
    return _each(portal, call, 200, _update, _could_update, there, problems)


def upsert(portal: Portal, call: Call) -> Answer:
    """By a unique property. By e-mail address the batch succeeds or fails as a whole."""
    kind = required_kind(call.params["type"])
    inputs = inputs_of(call)
    _distinct(inputs)
    for each in inputs:
        if not portal.shelves[kind.plural].is_unique(each.get("idProperty") or ""):
            raise errors.invalid(f"Unable to perform update/upsert by non-unique {kind.type_id} property")
    whole = any(each["idProperty"] == "email" for each in inputs)
    return _each(portal, call, 200, _upsert, _could_upsert, whole=whole)


def archive(portal: Portal, call: Call) -> Answer:
    """Ids that are not there are passed over."""
    kind = required_kind(call.params["type"])
    for each in inputs_of(call):
        record = _looked_up(portal, kind, str(each.get("id", "")), "", archived=False)
        if record is not None:
            archived(portal, kind, record, writer_of(call))
    return Answer(204)


def inputs_of(call: Call) -> Inputs:
    """The inputs of a batch as they came. Raises Refused (400)."""
    inputs_as(Input, call, MAX_INPUTS)
    inputs: Inputs = call.body["inputs"]
    return inputs


def answered(call: Call, status: int, results: list[JSON], problems: list[JSON]) -> Answer:
    """A batch's answer. Errors make it a 207, except in the dated API, where they stand in the usual body."""
    moment = iso(call.now)
    body: dict[str, JSON] = {"status": "COMPLETE", "results": results, "startedAt": moment, "completedAt": moment}
    if not problems:
        return Answer(status, body)
    body |= {"numErrors": len(problems), "errors": problems}
    return Answer(status if "version" in call.params else 207, body)


def _each(
    portal: Portal,
    call: Call,
    status: int,
    act: Act,
    check: Callable[[Portal, Kind, dict[str, JSON], Writer], None],
    inputs: Inputs | None = None,
    problems: list[JSON] | None = None,
    *,
    whole: bool = False,
) -> Answer:
    """Act on every input: all after all were checked, or, with trace ids, each for itself."""
    kind, writer = required_kind(call.params["type"]), writer_of(call)
    inputs = inputs_of(call) if inputs is None else inputs
    told = list(problems or [])
    results: list[JSON] = []
    apart = not whole and _traced(inputs)
    if not apart:
        _check_all(portal, kind, inputs, writer, check)
    for each in inputs:
        try:
            results.append(_with_trace(act(portal, kind, each, writer), each))
        except Refused as refusal:
            if not apart:
                raise
            told.append(_problem(refusal, each))
    return answered(call, status, results, told)


def _check_all(
    portal: Portal,
    kind: Kind,
    inputs: Inputs,
    writer: Writer,
    check: Callable[[Portal, Kind, dict[str, JSON], Writer], None],
) -> None:
    """Raise what any input would be refused for, before anything is done; also for two inputs of one address."""
    emails = [str(_properties(each).get("email", "")).lower() for each in inputs]
    for each in inputs:
        check(portal, kind, each, writer)
    doubled = {email for email in emails if email and emails.count(email) > 1}
    if doubled:
        raise errors.invalid(f"Duplicate values found in batch input: {sorted(doubled)}")


def _create(portal: Portal, kind: Kind, each: dict[str, JSON], writer: Writer) -> dict[str, JSON]:
    return echoed(portal, kind, created(portal, kind, each, writer))


def _could_create(portal: Portal, kind: Kind, each: dict[str, JSON], writer: Writer) -> None:
    writes.check(portal, kind, each.get("properties", {}), None, writer)


def _update(portal: Portal, kind: Kind, each: dict[str, JSON], writer: Writer) -> dict[str, JSON]:
    record = _addressed(portal, kind, each)
    if record is None:
        raise errors.not_found(str(each.get("id", "")))
    updated(portal, kind, record, each.get("properties"), writer)
    return echoed(portal, kind, record, each.get("properties"))


def _could_update(portal: Portal, kind: Kind, each: dict[str, JSON], writer: Writer) -> None:
    writes.check(portal, kind, each.get("properties"), _addressed(portal, kind, each), writer)


def _upsert(portal: Portal, kind: Kind, each: dict[str, JSON], writer: Writer) -> dict[str, JSON]:
    record = _addressed(portal, kind, each)
    if record is not None:
        updated(portal, kind, record, each.get("properties"), writer)
        return {**echoed(portal, kind, record, each.get("properties")), "new": False}
    record = created(portal, kind, {"properties": _identified(each)}, writer)
    return {**echoed(portal, kind, record), "new": True}


def _could_upsert(portal: Portal, kind: Kind, each: dict[str, JSON], writer: Writer) -> None:
    record = _addressed(portal, kind, each)
    properties = _identified(each) if record is None else each.get("properties")
    writes.check(portal, kind, properties, record, writer)


def _identified(each: dict[str, JSON]) -> dict[str, JSON]:
    return {each["idProperty"]: str(each.get("id", "")), **_properties(each)}


def _addressed(portal: Portal, kind: Kind, each: Mapping[str, JSON]) -> Record | None:
    return _looked_up(portal, kind, str(each.get("id", "")), each.get("idProperty") or "", archived=False)


def _looked_up(portal: Portal, kind: Kind, id: str, id_property: str, *, archived: bool) -> Record | None:
    """As `found`, but without an answer for what is not there. Ids of merged records are not followed."""
    shelf = portal.shelves[kind.plural]
    if id_property and id_property != "hs_object_id":
        if not shelf.is_unique(id_property):
            return found(portal, kind, id, id_property)
        return shelf.holder(id_property, id)
    record = shelf.records.get(int(id)) if id.isdecimal() else None
    return record if record is not None and bool(record.archived_at) is archived else None


def _may_address(portal: Portal, kind: Kind, id_property: str) -> bool:
    """An update may name a unique property of the account's own, but not the e-mail address."""
    if id_property == "hs_object_id":
        return True
    return id_property != "email" and portal.shelves[kind.plural].is_unique(id_property)


def _traced(inputs: Inputs) -> bool:
    traces = [each.get("objectWriteTraceId") for each in inputs]
    return all(traces) and len(set(traces)) == len(traces)


def _distinct(inputs: Inputs) -> None:
    ids = [str(each.get("id", "")) for each in inputs]
    doubled = sorted({id for id in ids if ids.count(id) > 1})
    if doubled:
        raise errors.invalid(f"Duplicate IDs found in batch input: {doubled}. IDs must be unique")


def _properties(each: Mapping[str, JSON]) -> dict[str, JSON]:
    properties = each.get("properties")
    return properties if isinstance(properties, dict) else {}


def _with_trace(result: dict[str, JSON], each: Mapping[str, JSON]) -> dict[str, JSON]:
    trace = each.get("objectWriteTraceId")
    return {**result, "objectWriteTraceId": trace} if trace else result


def _problem(refusal: Refused, each: Mapping[str, JSON]) -> JSON:
    body = refusal.answer.body
    return {
        "status": "error",
        "category": body.get("category", "OBJECT_NOT_FOUND"),
        "message": body["message"],
        "context": {"objectWriteTraceId": [each["objectWriteTraceId"]]},
        **({"errors": body["errors"]} if "errors" in body else {}),
    }


def _missing(kind: Kind, ids: list[str]) -> JSON:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": f"Could not get some {kind.singular.upper()} objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        "context": {"ids": ids},
    }
