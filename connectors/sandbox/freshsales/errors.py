"""Freshsales' refusals: one shape for all, texts in the language of the account."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.sandbox.calls import JSON, Answer, Refused

_TEXTS = {
    "en": {
        "unique": "{} is not unique",
        "taken": "{} has already been taken",
        "empty": "{} can't be empty",
        "invalid": "{} is invalid",
        "shape": "The type for {} is invalid.",
    },
    "es": {
        "unique": "{} ya existe",
        "taken": "{} ya existe",
        "empty": "{} no puede estar vacío",
        "invalid": "{} no es válido",
        "shape": "El tipo de {} no es válido.",
    },
    "de": {
        "unique": "{} ist nicht eindeutig",
        "taken": "{} ist bereits vergeben",
        "empty": "{} darf nicht leer sein",
        "invalid": "{} ist nicht gültig",
        "shape": "Der Typ für {} ist ungültig.",
    },
    "fr": {
        "unique": "{} n'est pas unique",
        "taken": "{} est déjà utilisé",
        "empty": "{} ne peut pas être vide",
        "invalid": "{} n'est pas valide",
        "shape": "Le type de {} n'est pas valide.",
    },
    "pt": {
        "unique": "{} já existe",
        "taken": "{} já existe",
        "empty": "{} não pode ficar vazio",
        "invalid": "{} não é válido",
        "shape": "O tipo de {} não é válido.",
    },
}
_NAMES = {"emails": "Email", "mobile_number": "MobileNumber", "external_id": "ExternalId"}
UPSTREAM = "UCR contact fetch failure :: response_code :: 429 :: response :: Too many requests"


def answer(status: int, messages: Sequence[str]) -> Answer:
    return Answer(status, {"errors": {"code": status, "message": list(messages)}})


def refused(messages: Sequence[str], status: int = 400) -> Refused:
    return Refused(answer(status, messages))


def text(language: str, what: str, field: str) -> str:
    """One complaint: `what` is unique, taken, empty, invalid or shape."""
    return _TEXTS[language][what].format(field)


def not_unique(language: str, field: str) -> str:
    """What is said of a contact's address, mobile number or external id that another one has."""
    return text(language, "unique", _NAMES.get(field, field))


def not_found() -> Refused:
    return refused(["The requested resource was not found."], 404)


def upstream() -> Answer:
    """Throttling of an inner service, told as a bad request."""
    return answer(400, [UPSTREAM])


def over_limit(wait_s: int) -> Answer:
    body: JSON = {"errors": {"code": 429, "message": ["Too many requests"]}}
    return Answer(429, body, {"Retry-After": str(wait_s)})


def injected(status: int) -> Answer:
    """What a fault of this status says, where it brings no body of its own."""
    if status == 401:
        return Answer(401, {"login": "failed", "message": "Incorrect email or password"})
    if status == 429:
        return over_limit(30)
    if status == 403:
        return answer(403, ["You do not have permission to perform this action."])
    return answer(status, ["Something went wrong"])
