"""A connector document, compiled once per process: what the runtime executes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors import templates
from connectors.calls import CompiledCall, compile_call
from connectors.entities import CompiledEntity, compile_entity
from connectors.rules import Rules, compile_rules
from connectors.templates import Fill
from schemas.documents import scopes
from schemas.documents.connector import ConnectorDocument


@dataclass(frozen=True, slots=True)
class Connector:
    """A product, ready to be spoken to."""

    document: ConnectorDocument
    entities: Mapping[str, CompiledEntity]
    rules: Rules
    probe: CompiledCall
    good: Fill | None
    """What the probe's answer must say besides its status."""
    learnt: Mapping[str, Fill]
    """Config values that the probe's answer tells."""
    paths: Mapping[str, Fill]

    def config(self, given: Mapping[str, str]) -> dict[str, Any]:
        """A connection's configuration with the document's defaults, in the declared types."""
        declared = self.document.config
        values: dict[str, Any] = {name: value.default for name, value in declared.items()}
        for name, text in given.items():
            kind = declared[name].type if name in declared else "string"
            values[name] = int(text) if kind == "int" else text == "true" if kind == "bool" else text
        return values


def compile_connector(document: ConnectorDocument) -> Connector:
    """Raises ExpressionFailed (the document was not checked) or re.error."""
    probe = document.auth.probe
    return Connector(
        document=document,
        entities={name: compile_entity(name, entity) for name, entity in document.entities.items()},
        rules=compile_rules(document.errors),
        probe=compile_call(probe, "probe", scopes.CALL),
        good=templates.expression(probe.good, scopes.ANSWER) if probe.good else None,
        learnt={
            name: templates.expression(value.from_probe, scopes.ANSWER)
            for name, value in document.config.items()
            if value.from_probe
        },
        paths={name: templates.expression(path, scopes.PATHS) for name, path in document.http.paths.items()},
    )
