"""`/search`: filters over what the index has seen so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from operator import ge, gt, le, lt

import orjson

from connectors.sandbox.calls import JSON, Answer, Call
from connectors.sandbox.hubspot import errors
from connectors.sandbox.hubspot.index import Document, Index
from connectors.sandbox.hubspot.kinds import Kind
from connectors.sandbox.hubspot.portal import Portal
from connectors.sandbox.hubspot.properties import Property
from connectors.sandbox.hubspot.rendering import required_kind, selected
from connectors.sandbox.hubspot.requests import Filter, Scalar, Search, Sort, body_as
from connectors.sandbox.hubspot.values import NotValid, iso, stored_datetime

MAX_RESULTS = 10_000
MAX_BODY = 3_000
MAX_PAGE = 200
MAX_GROUPS, MAX_FILTERS, MAX_IN_ALL = 5, 6, 18
Test = Callable[[Document], bool]
_ORDERS = {"LT": lt, "LTE": le, "GT": gt, "GTE": ge}
_TOKENS = re.compile(r"[\w*]+")


def search(portal: Portal, call: Call) -> Answer:
    """A page of the matching documents with their number. Raises Refused (400) for what the limits forbid."""
    kind = required_kind(call.params["type"])
    if len(orjson.dumps(call.body)) > MAX_BODY:
        raise errors.invalid(f"The request body is longer than {MAX_BODY} characters.")
    wanted = body_as(Search, call.body)
    limit, after = _number("limit", wanted.limit, 10, MAX_PAGE), _number("after", wanted.after, 0, MAX_RESULTS)
    if after + limit > MAX_RESULTS:
        raise errors.invalid(f"Paging past {MAX_RESULTS} results is not supported.")
    index = portal.indexes[kind.plural]
    index.catch_up(call.now)
    ordered = _sorted(portal, kind, _matching(portal, kind, index, wanted), wanted.sorts or [])
    answer: dict[str, JSON] = {
        "total": len(ordered),
        "results": [_shown(portal, kind, each, wanted.properties) for each in ordered[after : after + limit]],
    }
    if after + limit < len(ordered):
        answer["paging"] = {"next": {"after": str(after + limit)}}
    return Answer(200, answer)


def _matching(portal: Portal, kind: Kind, index: Index, wanted: Search) -> list[Document]:
    groups = _groups(wanted)
    tests = [[_test(portal, kind, each) for each in group] for group in groups]
    query = (wanted.query or "").lower()
    return [
        document
        for document in _candidates(kind, index, groups)
        if (not tests or any(all(test(document) for test in group) for group in tests))
        and (not query or any(query in value.lower() for value in _properties(document).values()))
    ]


def _candidates(kind: Kind, index: Index, groups: list[list[Filter]]) -> Iterable[Document]:
    """As few documents as the filters allow without testing all: by an equality, or down to a time of change."""
    if len(groups) == 1:
        for each in groups[0]:
            if each.operator in ("EQ", "IN"):
                values = each.values if each.operator == "IN" else [each.value]
                return index.holding(each.property_name, map(str, values or []))
        for each in groups[0]:
            if each.property_name == kind.modified and each.operator in ("GT", "GTE"):
                return _since(index, _instant(str(each.value)))
    return list(index.newest_first())


def _since(index: Index, at: Decimal | None) -> list[Document]:
    found = []
    for document in index.newest_first():
        if at is not None and document.modified < at:
            break
        found.append(document)
    return found


def _groups(wanted: Search) -> list[list[Filter]]:
    groups = [group.filters for group in wanted.filter_groups or []] or ([wanted.filters] if wanted.filters else [])
    if len(groups) > MAX_GROUPS or any(len(group) > MAX_FILTERS for group in groups):
        raise errors.invalid(f"Too many filters: {MAX_GROUPS} groups of {MAX_FILTERS} are allowed.")
    if sum(map(len, groups)) > MAX_IN_ALL:
        raise errors.invalid(f"Too many filters: {MAX_IN_ALL} are allowed in all.")
    return groups


def _test(portal: Portal, kind: Kind, each: Filter) -> Test:
    """One filter as a test. Raises Refused (400) for an unknown property or operator."""
    name = each.property_name
    property = portal.properties[kind.plural].get(name)
    if property is None:
        raise errors.invalid(f"There was a problem with the request: property {name} does not exist")
    key, value = _key_of(property), _reader(kind, property)
    match each.operator:
        case "HAS_PROPERTY":
            return lambda document: bool(_properties(document).get(name))
        case "NOT_HAS_PROPERTY":
            return lambda document: not _properties(document).get(name)
        case "EQ" | "NEQ" | "LT" | "LTE" | "GT" | "GTE":
            return _comparison(value, each.operator, key(_text(each, each.value)))
        case "BETWEEN":
            above = _comparison(value, "GTE", key(_text(each, each.value)))
            below = _comparison(value, "LTE", key(_text(each, each.high_value)))
            return lambda document: above(document) and below(document)
        case "IN" | "NOT_IN":
            return _membership(property, each)
        case "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN":
            return _containing(name, _text(each, each.value), wanted=each.operator == "CONTAINS_TOKEN")
    raise errors.invalid(f"Invalid operator: {each.operator}")


def _reader(kind: Kind, property: Property) -> Callable[[Document], JSON]:
    """A document's value of the property in comparable form; None where it has none."""
    if property.name == kind.modified:
        return lambda document: document.modified
    key = _key_of(property)

    def read(document: Document) -> JSON:
        text = _properties(document).get(property.name)
        return key(text) if text else None

    return read


def _comparison(read: Callable[[Document], JSON], operator: str, bound: JSON) -> Test:
    def compare(document: Document) -> bool:
        value = read(document)
        if operator in ("EQ", "NEQ"):
            return (value == bound) is (operator == "EQ")
        if value is None or bound is None:
            return False
        return bool(_ORDERS[operator](value, bound))

    return compare


def _membership(property: Property, each: Filter) -> Test:
    """IN and NOT_IN. For strings, the listed values must be in lower case to be found."""
    if not each.values:
        raise errors.invalid(f"{each.operator} needs values")
    listed = {str(value) for value in each.values}
    lower, wanted = property.type == "string", each.operator == "IN"

    def member(document: Document) -> bool:
        text = _properties(document).get(property.name, "")
        return ((text.lower() if lower else text) in listed) is wanted

    return member


def _containing(name: str, value: str, *, wanted: bool) -> Test:
    patterns = [re.compile(re.escape(token).replace(r"\*", ".*")) for token in _TOKENS.findall(value.lower())]

    def contains(document: Document) -> bool:
        tokens = _TOKENS.findall(_properties(document).get(name, "").lower())
        return all(any(pattern.fullmatch(token) for token in tokens) for pattern in patterns) is wanted

    return contains


def _key_of(property: Property) -> Callable[[str], JSON]:
    """How values of this property compare: moments and numbers by size, texts whatever the case, choices exactly."""
    if property.type in ("date", "datetime"):
        return _instant
    if property.type == "number":
        return _decimal
    return (lambda text: text) if property.type == "enumeration" else str.lower


def _instant(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text.lstrip("-").isdecimal() else Decimal(_ms(text))
    except (NotValid, ValueError):
        return None


def _ms(text: str) -> int:
    moment = datetime.fromisoformat(stored_datetime(text if len(text) > 10 else f"{text}T00:00:00Z"))
    return round(moment.timestamp() * 1000)


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _sorted(portal: Portal, kind: Kind, documents: list[Document], sorts: list[str | Sort]) -> list[Document]:
    """By the one sort, written as an object or as a string with a leading minus; else by id."""
    if len(sorts) > 1:
        raise errors.invalid("Only one sort is supported.")
    if not sorts:
        return sorted(documents, key=lambda document: document.id)
    name, descending = _sort(sorts[0])
    if name == kind.modified:
        return sorted(documents, key=lambda document: (document.modified, document.id), reverse=descending)
    property = portal.properties[kind.plural].get(name)
    if property is None:
        raise errors.invalid(f"There was a problem with the request: property {name} does not exist")
    key = _key_of(property)
    held = [each for each in documents if _properties(each).get(name)]
    without = [each for each in documents if not _properties(each).get(name)]
    return [*sorted(held, key=lambda each: (key(_properties(each)[name]), each.id), reverse=descending), *without]


def _sort(sort: str | Sort) -> tuple[str, bool]:
    if isinstance(sort, str):
        return sort.removeprefix("-"), sort.startswith("-")
    return sort.property_name, sort.direction == "DESCENDING"


def _shown(portal: Portal, kind: Kind, document: Document, names: list[str] | None) -> dict[str, JSON]:
    return {
        "id": str(document.id),
        "properties": selected(portal, kind, _properties(document), names),
        "createdAt": iso(document.created),
        "updatedAt": iso(document.modified),
        "archived": False,
        "url": f"https://app-eu1.hubspot.com/contacts/{portal.state.portal_id}/record/{kind.type_id}/{document.id}",
    }


def _properties(document: Document) -> Mapping[str, str]:
    return document.properties or {}


def _text(each: Filter, value: Scalar | None) -> str:
    if value is None:
        raise errors.invalid(f"{each.operator} on {each.property_name} needs a value")
    return str(value)


def _number(name: str, value: int | str | None, default: int, most: int) -> int:
    text = str(default if value in (None, "") else value)
    if not text.isdecimal() or int(text) > most:
        raise errors.invalid(f"Invalid {name}: {text}. The maximum is {most}.")
    return int(text)
