"""Whatever a body looks like, the answer is the product's: never a failure of the sandbox."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from random import Random

import pytest

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import JSON, Api

ODD: list[JSON] = [None, 0, 5, "x", "", [], {}, [1], ["x"], [{}], True, 1.5, {"id": 1}, {"x": None}]
SPECS = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
FILTERS = [
    {"propertyName": "email", "operator": "EQ", "value": "a"},
    {"propertyName": "score", "operator": "BETWEEN", "value": "5", "highValue": "6"},
    {"propertyName": "tier", "operator": "IN", "values": ["Gold"]},
]
INPUT = {"id": "a@b.example", "idProperty": "email", "properties": {"tier": "Gold"}, "objectWriteTraceId": "1"}
BODIES: list[JSON] = [
    {"properties": {"email": "a@b.example"}, "associations": [{"to": {"id": "1"}, "types": SPECS}]},
    {"inputs": [{**INPUT, "from": {"id": "1"}, "to": {"id": "1"}, "types": SPECS}], "propertiesWithHistory": ["email"]},
    {"inputs": [{"from": {"id": "1"}, "to": [{"id": "1"}], "id": "1"}]},
    {"filterGroups": [{"filters": FILTERS}], "sorts": ["-score"], "properties": ["email"], "limit": 10, "after": "0"},
    {"primaryObjectId": "1", "objectIdToMerge": "2", "objectId": "1", "idProperty": "email"},
    {"name": "n", "label": "l", "type": "enumeration", "fieldType": "select", "groupName": "g", "options": []},
    {
        "unique_identifier": {"emails": "q@b.example"},
        "contact": {"emails": [{"value": "e@f.example", "id": 5}], "sales_accounts": [{"id": 5}], "custom_field": {}},
        "sales_account": {"name": "x", "annual_revenue": 1},
        "deal": {"name": "d", "amount": 5, "expected_close": "2026-01-01"},
    },
    {"contacts": [{"emails": "a@b.example", "data": {"first_name": "x"}}, {"id": 5, "data": {}}], "selected_ids": [5]},
    {"filter_rule": [{"attribute": "cf_tier", "operator": "is_in", "value": "Gold"}]},
]
PARAMETERS = {"version": "2026-09", "entity": "contacts", "type": "contacts", "to": "companies", "singular": "contact"}


def spots(tree: JSON) -> Iterator[tuple[JSON, JSON]]:
    """Every place of a tree at which something else could stand."""
    if isinstance(tree, dict | list):
        for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
            yield tree, key
            yield from spots(tree[key])


def spoilt(random: Random) -> JSON:
    """A good body with one or two things in it that do not belong there."""
    body = copy.deepcopy(random.choice(BODIES))
    for _ in range(random.randrange(1, 3)):
        places = list(spots(body))
        if places:
            tree, key = random.choice(places)
            tree[key] = copy.deepcopy(random.choice(ODD))
    return body


def path_of(pattern: str) -> str:
    return re.sub(r"\{(\w+)(:[^}]*)?\}", lambda match: PARAMETERS.get(match[1], "1"), pattern)


@pytest.mark.parametrize("product", ["hubspot", "freshsales"])
async def test_no_body_makes_the_sandbox_fail(sandbox: Running, hubspot: Api, freshsales: Api, product: str) -> None:
    random = Random(7)
    await sandbox.admin.configure("hubspot", burst_limit=None, search_limit=None)
    await sandbox.admin.configure("freshsales", hourly_limit=None)
    authorization = (hubspot if product == "hubspot" else freshsales).authorization
    api = Api(hubspot.session, sandbox.urls[product], authorization)
    for route in sandbox.world.products[product].routes:
        for _ in range(12):
            body = spoilt(random)
            reply = await api.call(route.method, path_of(route.pattern), body)
            assert reply.status < 500, (route.method, route.pattern, body)
