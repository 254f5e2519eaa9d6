"""A portal as the sandbox handles it: its limits, its dump, edits as a person, seed data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import msgspec

from connectors.sandbox.calls import JSON, Answer, Happening, Refused
from connectors.sandbox.hubspot import errors, objects, writes
from connectors.sandbox.hubspot.associating import associate, dissociate, primary_company
from connectors.sandbox.hubspot.kinds import COMPANIES, CONTACTS, KINDS, Kind
from connectors.sandbox.hubspot.limits import Limits
from connectors.sandbox.hubspot.links import PRIMARY, End
from connectors.sandbox.hubspot.merging import merge
from connectors.sandbox.hubspot.portal import FIRST_OWNER, FIRST_USER, Owner, Portal, PortalState
from connectors.sandbox.hubspot.properties import Property
from connectors.sandbox.hubspot.rendering import echoed, required_kind
from connectors.sandbox.hubspot.shelf import Record
from connectors.sandbox.hubspot.writes import Writer
from connectors.sandbox.product import Edit
from connectors.sandbox.settings import changed


class HubSpotCrm(Portal):
    """One account."""

    def __init__(self, name: str, state: PortalState, deliver: Callable[[Portal, Happening], None]) -> None:
        super().__init__(name, state, lambda happening: deliver(self, happening))
        self._limits = Limits()

    def configure(self, patch: dict[str, object]) -> None:
        """Change settings; `app_id` and `portal_id` may be among them."""
        own = {key: patch[key] for key in patch if key not in ("app_id", "portal_id")}
        self.state.settings = changed(self.state.settings, own)
        self.state.app_id = msgspec.convert(patch.get("app_id", self.state.app_id), int)
        self.state.portal_id = msgspec.convert(patch.get("portal_id", self.state.portal_id), int)
        writable = self.settings.associatedcompanyid == "associates"
        self.properties["contacts"]["associatedcompanyid"].modification_metadata.read_only_value = not writable

    def described(self) -> dict[str, JSON]:
        return {"portal_id": self.state.portal_id, "app_id": self.state.app_id}

    def take(self, path: str, now: int) -> tuple[Answer | None, Mapping[str, str]]:
        missing = [scope for scope in self.settings.missing_scopes if _concerns(scope, path)]
        if missing:
            return errors.missing_scopes(missing), {}
        return self._limits.take(self.settings, now, is_search=path.endswith("/search"))

    def entities(self) -> Sequence[str]:
        return list(KINDS)

    def dump(self, entity: str, *, deleted: bool) -> list[JSON]:
        kind = _kind(entity)
        records = self.shelves[kind.plural].after(0)
        return [self._dumped(kind, each) for each in records if deleted or not each.archived_at]

    def edit(self, edit: Edit, now: int) -> JSON:
        kind, writer = required_kind(edit.entity), Writer("person", now)
        if edit.action == "create":
            return self._dumped(kind, objects.created(self, kind, {"properties": edit.fields}, writer))
        record = objects.found(self, kind, edit.id, archived=edit.action == "restore")
        match edit.action:
            case "update":
                objects.updated(self, kind, record, edit.fields, writer)
            case "delete":
                objects.archived(self, kind, record, writer)
            case "restore":
                writes.restore(self, kind, record, writer)
            case "merge":
                record = merge(self, kind, record, objects.found(self, kind, edit.other), writer)
            case "erase":
                objects.erased(self, kind, record, writer)
            case "associate" | "dissociate":
                self._tie(edit, End(kind.plural, record.id), writer)
            case _:
                raise errors.invalid(f"Unknown action: {edit.action}")
        return self._dumped(kind, record)

    def load(self, seed: JSON, now: int) -> None:
        """Owners, properties, companies, contacts: `{"owners":[{email,first_name,last_name}],
        "properties":{type:[Property]},"companies":[{"properties":{}}],
        "contacts":[{"properties":{},"company":<index>}]}`. Webhooks are sent for none of it."""
        for owner in seed.get("owners", []):
            at = len(self.state.owners)
            self.state.owners.append(Owner(id=FIRST_OWNER + at * 13, user_id=FIRST_USER + at + 1, **owner))
        for name, properties in seed.get("properties", {}).items():
            for each in properties:
                self.define(required_kind(name), msgspec.convert(each, Property))
        announce, self.announce = self.announce, _silence
        writer = Writer("person", now, enforced=False)
        try:
            companies = [self._seeded(COMPANIES, each, writer) for each in seed.get("companies", [])]
            for each in seed.get("contacts", []):
                contact = self._seeded(CONTACTS, each, writer)
                if each.get("company") is not None:
                    company = End(COMPANIES.plural, companies[each["company"]].id)
                    primary = PRIMARY[CONTACTS.plural, COMPANIES.plural]
                    associate(
                        self, End(CONTACTS.plural, contact.id), company, [primary], replace(writer, now=contact.created)
                    )
        finally:
            self.announce = announce

    def _seeded(self, kind: Kind, each: JSON, writer: Writer) -> Record:
        properties = dict(each["properties"])
        email = properties.pop("owner_email", None)
        owner = next((owner for owner in self.state.owners if owner.email == email), None)
        if owner is not None:
            properties["hubspot_owner_id"] = str(owner.id)
        return writes.create(self, kind, properties, replace(writer, now=writer.now - int(each.get("age_ms", 0))))

    def _tie(self, edit: Edit, start: End, writer: Writer) -> None:
        other = COMPANIES if start.kind == CONTACTS.plural else CONTACTS
        end = End(other.plural, objects.found(self, other, edit.other).id)
        if edit.action == "dissociate":
            dissociate(self, start, end, writer)
            return
        associate(self, start, end, [PRIMARY[start.kind, end.kind]], writer)

    def _dumped(self, kind: Kind, record: Record) -> dict[str, JSON]:
        body = echoed(self, kind, record)
        if kind is CONTACTS:
            companies = self.links.of(End(kind.plural, record.id), COMPANIES.plural)
            body["companies"] = [str(id) for id in companies]
            body["primary_company"] = primary_company(self, record.id)
        return body


def _kind(entity: str) -> Kind:
    try:
        return required_kind(entity)
    except Refused as refusal:
        raise KeyError(entity) from refusal


def _concerns(scope: str, path: str) -> bool:
    """Whether a scope like `crm.objects.contacts.read` is asked for by this path."""
    return any(part in path for part in scope.split(".") if part in KINDS)


def _silence(happening: Happening) -> None:
    """Seed data was there before anybody looked."""
