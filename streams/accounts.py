"""An entity as one account has it: the fields that its connector declares, and those that the account adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.documents.calls import FieldType
from schemas.documents.canon import canonical_of, canonicaliser
from schemas.documents.connector import Entity
from schemas.documents.discovered import DiscoveredField
from streams.engine.plan import FieldPlan

_LISTS = ("list", "enum_set")


@dataclass(frozen=True, slots=True)
class AccountEntity:
    """One side of a pair, of one installation."""

    alias: str
    declared: Entity
    discovered: Mapping[str, DiscoveredField]

    def type_of(self, name: str) -> FieldType | None:
        """None: the account has no such field."""
        if name in self.declared.fields:
            return self.declared.fields[name].type
        return self.discovered[name].type if name in self.discovered else None

    def knows(self, name: str) -> bool:
        return self.type_of(name) is not None

    def writable(self, name: str) -> bool:
        """Whether the product takes a value for it."""
        if name in self.declared.fields:
            return self.declared.fields[name].writable
        return name in self.discovered and not self.discovered[name].read_only

    def readable(self, name: str) -> bool:
        """Whether the product says what it holds."""
        return name not in self.declared.fields or self.declared.fields[name].readable

    def is_list(self, name: str) -> bool:
        return self.type_of(name) in _LISTS

    def field_plan(self, name: str) -> FieldPlan:
        """What the engine needs to know of a field that there is."""
        declared, type = self.declared.fields.get(name), self.type_of(name)
        canonical = canonical_of(declared) if declared else canonicaliser(type or "string")
        return FieldPlan(name=name, canonical=canonical, is_list=type in _LISTS)
