"""Is this text a document that may be used? The one answer for the command line, the API and CI."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.documents.app import load_app
from schemas.documents.connector import ConnectorDocument, load_connector
from schemas.documents.model import did_you_mean
from schemas.documents.source import InvalidDocument, Problem, read_yaml

KINDS = ("connector/v1", "syncapp/v1")


def validate(text: str, name: str, connectors: Mapping[str, ConnectorDocument]) -> list[Problem]:
    """Every problem of a document of either kind; none if it may be used. `connectors`: what an app may refer to."""
    try:
        source = read_yaml(text, name)
        kind = source.data.get("kind") if isinstance(source.data, dict) else None
        if kind == "connector/v1":
            load_connector(text, name)
        elif kind == "syncapp/v1":
            load_app(text, name, connectors)
        else:
            fix = did_you_mean(str(kind), KINDS) if kind else f"add kind: {' or kind: '.join(KINDS)}"
            return [source.problem("kind", "/kind", "is neither a connector nor a sync app", fix)]
    except InvalidDocument as invalid:
        return invalid.problems
    return []
