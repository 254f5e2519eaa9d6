"""The two sides of a pair, resolved against the connectors' documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.documents.app import AppDocument, Pair
from schemas.documents.calls import FieldType
from schemas.documents.connector import ConnectorDocument, Entity, FieldDeclaration


@dataclass(frozen=True, slots=True)
class SideOfPair:
    """An alias, and the entity that it stands for in a pair."""

    alias: str
    name: str
    """Of the entity."""
    entity: Entity

    def declared(self, field: str) -> FieldDeclaration | None:
        return self.entity.fields.get(field)

    def type_of(self, field: str) -> FieldType | None:
        """None where only the account can tell."""
        declared = self.entity.fields.get(field)
        return declared.type if declared else None

    def knows(self, field: str) -> bool:
        """Declared; or it may be one of those that each account has of its own."""
        return field in self.entity.fields or self.entity.discover is not None


def sides_of(
    app: AppDocument, pair: Pair, connectors: Mapping[str, ConnectorDocument]
) -> tuple[SideOfPair, SideOfPair] | None:
    """Left and right; None if one of them does not resolve."""
    found = []
    for alias, entity in zip(app.endpoints, pair.entities, strict=True):
        connector = connectors.get(app.endpoints[alias].connector)
        if connector is None or entity not in connector.entities:
            return None
        found.append(SideOfPair(alias, entity, connector.entities[entity]))
    return found[0], found[1]
