"""Writing records by Freshsales' rules: what is checked, what is ignored, what is replaced."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass

from connectors.sandbox.calls import JSON, By, Happening
from connectors.sandbox.freshsales import errors
from connectors.sandbox.freshsales.addresses import addressed
from connectors.sandbox.freshsales.bundle import Bundle
from connectors.sandbox.freshsales.fields import ACCOUNTS, CONTACTS, Entity, Field
from connectors.sandbox.freshsales.shelf import Record, Tie, display_name
from connectors.sandbox.freshsales.values import NotValid, kept

_APART = {"email", "emails", "sales_accounts", "custom_field"}
"""Members that are not plain fields."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, and when (ms)."""

    by: By
    now: int


def create(bundle: Bundle, entity: Entity, written: JSON, writer: Writer) -> Record:
    """Add a record. Raises Refused (400) with every complaint in the account's language."""
    record = Record(id=0, fields={}, created=writer.now, updated=writer.now)
    record.fields = {"tags": []} | _defaults(bundle, entity, writer)
    _apply(bundle, entity, record, written, creating=True)
    record.id = bundle.new_id(entity.plural)
    bundle.shelves[entity.plural].put(record)
    changes = {name: (None, value) for name, value in flat(record).items() if value not in (None, [], {})}
    bundle.announce(Happening(bundle.name, entity.singular, record.id, "created", writer.now, writer.by, changes))
    return record


def update(bundle: Bundle, entity: Entity, record: Record, written: JSON, writer: Writer) -> None:
    """Change what is in the body. A write that changes nothing leaves no trace. Raises Refused as `create`."""
    trial = deepcopy(record)
    _apply(bundle, entity, trial, written, creating=False)
    before, after = flat(record), flat(trial)
    names = dict.fromkeys([*before, *after])
    changes = {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}
    if not changes:
        return
    trial.updated = writer.now
    bundle.shelves[entity.plural].put(trial)
    bundle.announce(Happening(bundle.name, entity.singular, record.id, "updated", writer.now, writer.by, changes))


def delete(bundle: Bundle, entity: Entity, record: Record, writer: Writer) -> None:
    """To the recycle bin."""
    record.is_deleted, record.updated = True, writer.now
    bundle.shelves[entity.plural].put(record)
    bundle.announce(Happening(bundle.name, entity.singular, record.id, "deleted", writer.now, writer.by))


def restore(bundle: Bundle, entity: Entity, record: Record, writer: Writer) -> None:
    """Out of the recycle bin. Raises Refused if another record took what must be unique."""
    _raise(_collisions(bundle, entity, record))
    record.is_deleted, record.updated = False, writer.now
    bundle.shelves[entity.plural].put(record)
    bundle.announce(Happening(bundle.name, entity.singular, record.id, "restored", writer.now, writer.by))


def forget(bundle: Bundle, entity: Entity, record: Record, writer: Writer) -> None:
    """For good."""
    bundle.shelves[entity.plural].remove(record)
    bundle.announce(Happening(bundle.name, entity.singular, record.id, "erased", writer.now, writer.by))


def flat(record: Record) -> dict[str, JSON]:
    """The record's fields with their values as text, list or number, custom ones beside the others."""
    found = {**record.fields, **record.custom}
    if record.emails:
        found |= {"email": record.email, "emails": [each.value for each in record.emails]}
    if record.accounts:
        found["sales_accounts"] = [{"id": each.id, "is_primary": each.is_primary} for each in record.accounts]
    return found


def _apply(bundle: Bundle, entity: Entity, record: Record, written: JSON, *, creating: bool) -> None:
    """Write into a record that nobody sees yet. Raises Refused."""
    if not isinstance(written, dict):
        raise errors.refused([errors.text(bundle.settings.language, "shape", entity.singular)])
    complaints = [
        *_plain(bundle, entity, record.fields, {key: value for key, value in written.items() if key not in _APART}),
        *_plain(bundle, entity, record.custom, _custom(bundle, written)),
    ]
    if entity is CONTACTS:
        record.emails = addressed(bundle, record.emails, written)
    if "sales_accounts" in written and entity is CONTACTS:
        record.accounts = _ties(bundle, written["sales_accounts"])
    complaints += _missing(bundle, entity, record, written, creating=creating)
    if entity is CONTACTS and creating and not display_name(record):
        complaints.append(errors.text(bundle.settings.language, "empty", "Email"))
    _raise(complaints)
    _raise(_collisions(bundle, entity, record))


def _plain(bundle: Bundle, entity: Entity, target: dict[str, JSON], written: Mapping[str, JSON]) -> Iterable[str]:
    """Write fields into `target`; what no form has is passed over in silence (or refused: a setting)."""
    language = bundle.settings.language
    for name, value in written.items():
        field = bundle.fields[entity.plural].get(name)
        if field is None:
            if bundle.settings.unknown_fields == "reject":
                yield errors.text(language, "invalid", name)
            continue
        try:
            selectable = bundle.selectable(field.selector) if field.selector else ()
            target[name] = _normal(bundle, field, kept(field, value, selectable))
        except NotValid as refusal:
            yield errors.text(language, refusal.what, field.name if refusal.what == "shape" else field.label)


def _normal(bundle: Bundle, field: Field, value: JSON) -> JSON:
    if bundle.settings.reformat_phones and value and field.name in ("work_number", "mobile_number", "phone"):
        return re.sub(r"(?!^\+)\D", "", value)
    return value


def _custom(bundle: Bundle, written: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """The custom fields: only `custom_field` is heard, `custom_fields` is not."""
    custom = written.get("custom_field") or {}
    if not isinstance(custom, dict):
        raise errors.refused([errors.text(bundle.settings.language, "shape", "custom_field")])
    return {name: value for name, value in custom.items() if name.startswith("cf_")}


def _ties(bundle: Bundle, written: JSON) -> list[Tie]:
    """The accounts of a contact, all of them. One of them is the primary one."""
    language = bundle.settings.language
    if not isinstance(written, list) or not all(isinstance(each, dict) and "id" in each for each in written):
        raise errors.refused([errors.text(language, "shape", "sales_accounts")])
    ties = [Tie(each["id"], bool(each.get("is_primary"))) for each in written if not each.get("_destroy")]
    if any(not isinstance(tie.id, int) or bundle.shelves[ACCOUNTS.plural].live(tie.id) is None for tie in ties):
        raise errors.refused([errors.text(language, "invalid", "Account")])
    if ties and not any(tie.is_primary for tie in ties):
        ties[0].is_primary = True
    return ties


def _missing(
    bundle: Bundle, entity: Entity, record: Record, written: Mapping[str, JSON], *, creating: bool
) -> Iterable[str]:
    """Mandatory fields that a create does not bring or an update empties."""
    custom = written.get("custom_field") or {}
    for name in dict.fromkeys([*entity.needs, *bundle.settings.mandatory.get(entity.plural, [])]):
        field = bundle.fields[entity.plural][name]
        value = (record.custom if field.is_custom else record.fields).get(name)
        if value in (None, "", []) and (creating or name in written or name in custom):
            yield errors.text(bundle.settings.language, "empty", field.label)


def _collisions(bundle: Bundle, entity: Entity, record: Record) -> list[str]:
    """What another record has that must be unique."""
    shelf, language = bundle.shelves[entity.plural], bundle.settings.language

    def others(field: str, value: str | None) -> bool:
        return bool(value) and any(other.id != record.id for other in shelf.holding(field, value or ""))

    if entity is ACCOUNTS:
        return [errors.text(language, "taken", "Name")] if others("name", record.fields.get("name")) else []
    if entity is not CONTACTS:
        return []
    values = {"emails": [each.value for each in record.emails]}
    return [
        errors.not_unique(language, field)
        for field in bundle.settings.unique
        if any(others(field, value) for value in values.get(field, [record.fields.get(field) or ""]))
    ]


def _defaults(bundle: Bundle, entity: Entity, writer: Writer) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    if bundle.settings.default_owner == "key_user":
        found["owner_id"] = bundle.user_of(writer.by).id
    if entity is CONTACTS and bundle.settings.default_stage:
        found["lifecycle_stage_id"] = bundle.state.choices["lifecycle_stages"][0].id
    return found


def _raise(complaints: Iterable[str]) -> None:
    told = list(complaints)
    if told:
        raise errors.refused(told)
