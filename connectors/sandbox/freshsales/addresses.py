"""The e-mail addresses of a contact: written as a text, as a list with ids, or through `email`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.sandbox.calls import JSON
from connectors.sandbox.freshsales import errors
from connectors.sandbox.freshsales.bundle import Bundle
from connectors.sandbox.freshsales.shelf import Email
from connectors.sandbox.freshsales.values import is_email


@dataclass(frozen=True, slots=True)
class _Item:
    """One entry of `emails` in a body."""

    id: int | None
    value: str
    is_primary: bool
    label: str | None
    destroy: bool


def addressed(bundle: Bundle, before: list[Email], written: dict[str, JSON]) -> list[Email]:
    """The addresses after a write. Raises Refused (400) for what is no address or not of the right shape.

    `email` changes the primary one. `emails` as a text adds an address; as a list, an entry with an id changes or
    (with `_destroy`) removes that one, an entry without adds one. What is not mentioned stays.
    """
    emails = [Email(each.id, each.value, each.is_primary, each.label) for each in before]
    for item in _items(bundle, written.get("emails")):
        emails = _with(bundle, emails, item)
    if "email" in written:
        emails = _primary_set(bundle, emails, written["email"])
    if emails and not any(each.is_primary for each in emails):
        emails[0].is_primary = True
    return emails


def _items(bundle: Bundle, written: JSON) -> Iterable[_Item]:
    if written is None:
        return []
    listed = [{"value": written}] if isinstance(written, str) else written
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise errors.refused([errors.text(bundle.settings.language, "shape", "emails")])
    return [
        _Item(
            id=each.get("id"),
            value=_valid(bundle, each["value"]) if "value" in each else "",
            is_primary=bool(each.get("is_primary")),
            label=each.get("label"),
            destroy=bool(each.get("_destroy")),
        )
        for each in listed
    ]


def _with(bundle: Bundle, emails: list[Email], item: _Item) -> list[Email]:
    known = next((each for each in emails if each.id == item.id or each.value.lower() == item.value.lower()), None)
    if item.destroy:
        return [each for each in emails if each is not known]
    if item.is_primary:
        for each in emails:
            each.is_primary = False
    if known is None:
        if not item.value:
            raise errors.refused([errors.text(bundle.settings.language, "empty", "Email")])
        return [*emails, Email(bundle.new_id("emails"), item.value, item.is_primary, item.label)]
    known.value = item.value or known.value
    known.is_primary = known.is_primary or item.is_primary
    return emails


def _primary_set(bundle: Bundle, emails: list[Email], value: JSON) -> list[Email]:
    rest = [each for each in emails if not each.is_primary]
    if value in (None, ""):
        return rest
    text = _valid(bundle, value)
    primary = next((each for each in emails if each.is_primary), None)
    rest = [each for each in rest if each.value.lower() != text.lower()]
    return [Email(primary.id if primary else bundle.new_id("emails"), text, is_primary=True), *rest]


def _valid(bundle: Bundle, value: JSON) -> str:
    if not is_email(value):
        raise errors.refused([errors.text(bundle.settings.language, "invalid", "Email")])
    return str(value).lower() if bundle.settings.lower_case_email else str(value)
