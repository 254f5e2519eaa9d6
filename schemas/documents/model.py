"""How a document's data becomes a model: strict pydantic, every fault with its line and what to do about it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.documents.source import InvalidDocument, Problem, Source, pointer

M = TypeVar("M", bound=BaseModel)

_TEXT_WANTED = frozenset({"string_type", "literal_error"})


class Model(BaseModel):
    """A part of a document: immutable, nothing unknown in it, nothing converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


def parse(source: Source, model: type[M]) -> M:
    """Raises InvalidDocument with one problem per fault."""
    try:
        return model.model_validate_json(json.dumps(source.data))
    except ValidationError as error:
        raise InvalidDocument(source.name, _problems_of(error, source, model)) from error


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The advice for a word that nobody knows: the nearest known one, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean “{near[0]}”?"
    return "one of: " + ", ".join(names) if names else ""


def _problems_of(error: ValidationError, source: Source, model: type[BaseModel]) -> list[Problem]:
    found: dict[tuple[str, str], Problem] = {}
    for fault in error.errors(include_url=False, include_context=True):
        problem = _problem_of(fault, source, model)
        found.setdefault((problem.path, problem.code), problem)
    return list(found.values())


def _problem_of(fault: Mapping[str, Any], source: Source, model: type[BaseModel]) -> Problem:
    path, siblings = _locate(fault["loc"], source.data)
    code = str(fault["type"])
    if code == "extra_forbidden":
        word = str(fault["loc"][-1])
        names = _names_beside(model, fault["loc"][:-1]) - siblings
        return source.problem(
            "unknown_key", path, f"“{word}” is not a word of the vocabulary", did_you_mean(word, names)
        )
    if code == "missing":
        word = str(fault["loc"][-1])
        return source.problem("missing", path, f"lacks “{word}”", f"add {word}:")
    misspelt = _misspelt(fault, model) if code in _TEXT_WANTED else ""
    if misspelt:
        word = str(fault["loc"][-1])
        return source.problem("unknown_key", path, f"“{word}” is not a word of the vocabulary", misspelt)
    mark = source.marks.get(path)
    if code in _TEXT_WANTED and mark and mark.spelling is not None and not isinstance(fault["input"], str):
        return source.problem("unquoted", path, f"{mark.spelling} is not text", f'quote it: "{mark.spelling}"')
    if code == "literal_error" and isinstance(fault["input"], str):
        allowed = str(fault["ctx"]["expected"])
        words = [word.strip("' ") for word in allowed.replace(" or ", ", ").split(",")]
        message = f"“{fault['input']}” is not one of {allowed}"
        return source.problem("not_allowed", path, message, did_you_mean(fault["input"], words))
    if code == "value_error":
        return source.problem("invalid", path, str(fault["ctx"]["error"]))
    return source.problem(code, path, str(fault["msg"]))


def _misspelt(fault: Mapping[str, Any], model: type[BaseModel]) -> str:
    """Advice on a key that stands where aliases may, is none of the words, and looks much like one."""
    word, names = str(fault["loc"][-1]), _names_beside(model, fault["loc"][:-1])
    near = [] if word in names else difflib.get_close_matches(word, names, n=1, cutoff=0.75)
    return f"did you mean “{near[0]}”?" if near else ""


def _locate(loc: tuple[str | int, ...], data: Any) -> tuple[str, set[str]]:
    """The JSON Pointer of pydantic's location, without what it adds for unions, and the keys that stand there."""
    path, node = "", data
    siblings: set[str] = set()
    for key in loc:
        if isinstance(node, dict) and key in node:
            siblings = set(node)
            path, node = pointer(path, key), node[key]
        elif isinstance(node, list) and isinstance(key, int) and key < len(node):
            path, node = pointer(path, key), node[key]
    return path, siblings


def _names_beside(model: type[BaseModel], loc: tuple[str | int, ...]) -> set[str]:
    """The names that the model at `loc` knows; those of every model in reach where the way there is not plain."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    here: list[Mapping[str, Any]] = [schema]
    for key in loc:
        step = [below for node in here for below in _below(_resolved(node, definitions), key, definitions)]
        here = step or here
    return {name for node in here for flat in _resolved(node, definitions) for name in flat.get("properties", {})}


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "$ref" in node:
        return _resolved(definitions[node["$ref"].rpartition("/")[2]], definitions)
    choices = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    return [flat for choice in choices for flat in _resolved(choice, definitions)] if choices else [node]


def _below(nodes: list[Mapping[str, Any]], key: str | int, definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for node in nodes:
        if isinstance(key, str) and key in node.get("properties", {}):
            found.append(node["properties"][key])
        elif isinstance(key, str) and "patternProperties" in node:  # a map whose keys have a form
            found.extend(node["patternProperties"].values())
        elif isinstance(key, str) and isinstance(node.get("additionalProperties"), dict):
            found.append(node["additionalProperties"])
        elif isinstance(key, int) and isinstance(node.get("items"), dict):
            found.append(node["items"])
    return found
