"""The built-in connectors: the documents that stand beside this file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from connectors.connector import Connector, compile_connector
from schemas.documents.connector import ConnectorDocument, load_connector


@cache
def load_connectors() -> Mapping[str, ConnectorDocument]:
    """The documents by product, read once per process. Raises InvalidDocument."""
    found = {}
    for path in files("connectors").iterdir():
        if path.name.endswith(".yaml"):
            document = load_connector(path.read_text(encoding="utf-8"), path.name)
            found[document.id] = document
    return MappingProxyType(dict(sorted(found.items())))


@cache
def compile_connectors() -> Mapping[str, Connector]:
    """The built-ins, ready to be spoken to, compiled once per process."""
    return MappingProxyType({name: compile_connector(document) for name, document in load_connectors().items()})
