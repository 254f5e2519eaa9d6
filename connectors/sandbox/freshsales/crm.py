"""A bundle as the sandbox handles it: its limits, its dump, edits as a person, seed data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

import msgspec

from connectors.sandbox.calls import JSON, Answer, Happening
from connectors.sandbox.freshsales import errors, writes
from connectors.sandbox.freshsales.bulk import run_due
from connectors.sandbox.freshsales.bundle import FIRST_USER, Bundle, BundleState, User
from connectors.sandbox.freshsales.fields import ACCOUNTS, CONTACTS, ENTITIES, Entity, Field
from connectors.sandbox.freshsales.limits import Limits
from connectors.sandbox.freshsales.rendering import shown
from connectors.sandbox.freshsales.shelf import Record, Tie
from connectors.sandbox.freshsales.writes import Writer
from connectors.sandbox.product import Edit
from connectors.sandbox.settings import changed

_SINGULARS = {entity.singular: entity for entity in ENTITIES.values()}


class FreshsalesCrm(Bundle):
    """One account."""

    def __init__(
        self, name: str, state: BundleState, deliver: Callable[[Bundle, Happening], None], random: Random
    ) -> None:
        super().__init__(name, state, lambda happening: deliver(self, happening), random)
        self._limits = Limits()

    def configure(self, patch: dict[str, object]) -> None:
        self.state.settings = changed(self.state.settings, patch)

    def described(self) -> dict[str, JSON]:
        return {}

    def take(self, path: str, now: int) -> tuple[Answer | None, Mapping[str, str]]:
        refusal, headers = self._limits.take(self.settings, now)
        if refusal is None and self.random.random() < self.settings.upstream_429 and "/contacts" in path:
            return errors.upstream(), headers
        return refusal, headers

    def entities(self) -> Sequence[str]:
        return list(ENTITIES)

    def dump(self, entity: str, *, deleted: bool) -> list[JSON]:
        chosen = _entity(entity)
        records = sorted(self.shelves[chosen.plural].records.values(), key=lambda record: record.id)
        return [shown(self, chosen, each, ["sales_accounts"]) for each in records if deleted or not each.is_deleted]

    def edit(self, edit: Edit, now: int) -> JSON:
        run_due(self, now)
        entity, writer = _entity(edit.entity), Writer("person", now)
        if edit.action == "create":
            record = writes.create(self, entity, edit.fields, writer)
            return shown(self, entity, record, ["sales_accounts"])
        record = self._record(entity, edit.id)
        if record.is_deleted is not (edit.action == "restore"):
            raise errors.not_found()
        match edit.action:
            case "update":
                writes.update(self, entity, record, edit.fields, writer)
            case "delete":
                writes.delete(self, entity, record, writer)
            case "restore":
                writes.restore(self, entity, record, writer)
            case "erase":
                writes.forget(self, entity, record, writer)
            case "merge":
                self._merge(entity, record, self._record(entity, edit.other), writer)
            case "associate" | "dissociate":
                writes.update(self, entity, record, {"sales_accounts": self._tied(edit, record)}, writer)
            case _:
                raise errors.refused([f"Unknown action: {edit.action}"])
        return shown(self, entity, self.shelves[entity.plural].records.get(record.id, record), ["sales_accounts"])

    def load(self, seed: JSON, now: int) -> None:
        """Users, custom fields, accounts, contacts: `{"users":[{email,display_name}],"fields":{type:[Field]},
        "accounts":[{…fields}],"contacts":[{…fields, "account": <index>, "owner_email", "lifecycle_stage"}]}`.
        Webhooks are sent for none of it."""
        for each in seed.get("users", []):
            self.state.users.append(User(id=FIRST_USER + len(self.state.users), **each))
        for name, definitions in seed.get("fields", {}).items():
            for each in definitions:
                self.define(_entity(name), msgspec.convert(each, Field))
        announce, self.announce = self.announce, _silence
        try:
            accounts = [self._seeded(ACCOUNTS, each, now) for each in seed.get("accounts", [])]
            for each in seed.get("contacts", []):
                at = each.get("account")
                ties = [{"id": accounts[at].id, "is_primary": True}] if at is not None else []
                self._seeded(CONTACTS, {**each, "sales_accounts": ties}, now)
        finally:
            self.announce = announce

    def _seeded(self, entity: Entity, each: dict[str, JSON], now: int) -> Record:
        fields = dict(each)
        email, stage, age = (fields.pop(name, None) for name in ("owner_email", "lifecycle_stage", "age_ms"))
        owner = next((user for user in self.state.users if user.email == email), None)
        if owner is not None:
            fields["owner_id"] = owner.id
        if stage is not None:
            stages = {each.name: each.id for each in self.state.choices["lifecycle_stages"]}
            fields["lifecycle_stage_id"] = stages[stage]
        return writes.create(self, entity, fields, Writer("person", now - int(age or 0)))

    def _merge(self, entity: Entity, record: Record, other: Record, writer: Writer) -> None:
        """A person's merge: the other record goes to the recycle bin, the kept one gets what it lacks."""
        writes.delete(self, entity, other, writer)
        ids = {tie.id for tie in record.accounts}
        body: dict[str, JSON] = {
            **{name: value for name, value in other.fields.items() if value and not record.fields.get(name)},
            "custom_field": {name: value for name, value in other.custom.items() if not record.custom.get(name)},
        }
        if entity is CONTACTS:
            ties = [*record.accounts, *(Tie(tie.id) for tie in other.accounts if tie.id not in ids)]
            body["emails"] = [{"value": each.value} for each in other.emails]
            body["sales_accounts"] = [msgspec.to_builtins(tie) for tie in ties]
        writes.update(self, entity, record, body, writer)

    def _tied(self, edit: Edit, record: Record) -> list[JSON]:
        rest = [{"id": each.id, "is_primary": False} for each in record.accounts if each.id != int(edit.other)]
        return rest if edit.action == "dissociate" else [{"id": int(edit.other), "is_primary": True}, *rest]

    def _record(self, entity: Entity, id: str) -> Record:
        record = self.shelves[entity.plural].records.get(int(id)) if id.isdecimal() else None
        if record is None:
            raise errors.not_found()
        return record


def _entity(name: str) -> Entity:
    return ENTITIES[name] if name in ENTITIES else _SINGULARS[name]


def _silence(happening: Happening) -> None:
    """Seed data was there before anybody looked."""
