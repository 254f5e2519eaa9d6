"""The built-in connectors: the documents that stand beside this file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from connectors.connector import Connector, compile_connector
from schemas.documents.connector import ConnectorDocument, load_connector


@cache
def built_in_texts() -> Mapping[str, str]:
    """The texts of the documents, by product."""
    paths = sorted(files("connectors").iterdir(), key=lambda path: path.name)
    texts = {path.name.removesuffix(".yaml"): path.read_text("utf-8") for path in paths if path.name.endswith(".yaml")}
    return MappingProxyType(texts)


@cache
def load_connectors() -> Mapping[str, ConnectorDocument]:
    """The documents by product, read once per process. Raises InvalidDocument."""
    return MappingProxyType({name: load_connector(text, f"{name}.yaml") for name, text in built_in_texts().items()})


@cache
def compile_connectors() -> Mapping[str, Connector]:
    """The built-ins, ready to be spoken to, compiled once per process."""
    return MappingProxyType({name: compile_connector(document) for name, document in load_connectors().items()})
