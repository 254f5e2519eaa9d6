"""HubSpot's refusals, with the documented bodies. Clients are told to treat every field of them as optional."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from connectors.sandbox.calls import JSON, Answer, Refused

_NO_CREDENTIALS = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at "
    "https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One property that was not valid."""

    property: str
    code: str
    message: str


def error(status: int, message: str, category: str = "", **more: JSON) -> Answer:
    """An error body; `more` are its further members (context, errors, subCategory)."""
    body = {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), **more}
    if category:
        body["category"] = category
    return Answer(status, body)


def unauthorised() -> Answer:
    return error(401, _NO_CREDENTIALS, "INVALID_AUTHENTICATION")


def missing_scopes(scopes: Sequence[str]) -> Answer:
    message = "This app hasn't been granted all required scopes to make this call."
    detail = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": list(scopes)},
    }
    return error(403, message, "MISSING_SCOPES", errors=[detail])


def not_found(id: str) -> Refused:
    """Ids are numeric: another text has an answer of its own."""
    if not id.isdecimal():
        return Refused(
            error(404, "Object not found.  objectId are usually numeric.", "OBJECT_NOT_FOUND", context={"id": [id]})
        )
    return Refused(error(404, "resource not found"))


def no_route() -> Answer:
    return error(404, "resource not found")


def invalid(message: str, **more: JSON) -> Refused:
    return Refused(error(400, message, "VALIDATION_ERROR", **more))


def invalid_values(faults: Sequence[Fault]) -> Refused:
    """The 400 for properties that do not exist or whose values are not valid."""
    told = [
        {"isValid": False, "message": fault.message, "error": fault.code, "name": fault.property} for fault in faults
    ]
    errors = [
        {"message": fault.message, "code": fault.code, "context": {"propertyName": [fault.property]}}
        for fault in faults
    ]
    return invalid(f"Property values were not valid: {orjson.dumps(told).decode()}", errors=errors)


def conflict(singular: str, existing: int, category: str) -> Refused:
    return Refused(error(409, f"{singular.capitalize()} already exists. Existing ID: {existing}", category))


def over_burst() -> Answer:
    return _over("ten_secondly_rolling", "TEN_SECONDLY_ROLLING", groupName="publicapi:private-app-api-calls")


def over_daily() -> Answer:
    return _over("daily", "DAILY", requestId=str(uuid.uuid4()))


def over_search() -> Answer:
    return _over("secondly", "SECONDLY")


def _over(limit: str, policy: str, **more: str) -> Answer:
    body = {
        "status": "error",
        "message": f"You have reached your {limit} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": str(uuid.uuid4()),
        "policyName": policy,
        **more,
    }
    return Answer(429, body)


def injected(status: int) -> Answer:
    """What a fault of this status says, where it brings no body of its own."""
    if status == 401:
        return unauthorised()
    if status == 403:
        return missing_scopes(["crm.objects.contacts.write"])
    if status == 404:
        return no_route()
    if status == 423:
        return error(423, "The record is locked by another operation; wait before trying again.", "LOCKED")
    if status == 429:
        return over_burst()
    if status == 477:
        return Answer(
            477, error(477, "The account is being moved.", "MIGRATION_IN_PROGRESS").body, {"Retry-After": "60"}
        )
    return error(status, "internal error")
