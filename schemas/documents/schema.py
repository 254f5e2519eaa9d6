"""The JSON Schema of each kind of document, for editors."""

from __future__ import annotations

from typing import Any, Literal

from schemas.documents.app import AppDocument
from schemas.documents.connector import ConnectorDocument


def json_schema(kind: Literal["connector", "app"]) -> dict[str, Any]:
    """JSON Schema, draft 2020-12: what a document may look like; `validation.validate` says whether it is right."""
    model = ConnectorDocument if kind == "connector" else AppDocument
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}
