"""Strict YAML 1.2 with positions: what every document is read by.

A document holds text, numbers, true, false, null, lists and maps, and nothing that two readers could take for
different things: no directives, tags, anchors, aliases, merge keys, duplicate keys, and no unquoted scalar such as
`00478`, `0x1F`, `1_000` or `2026-01-01` that YAML readers retype. Words such as `Yes` and `on` are text (YAML 1.2,
core schema: https://yaml.org/spec/1.2.2/#103-core-schema).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue
from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, YAMLError

JSON = JsonValue

MAX_CHARACTERS: Final = 200_000
MAX_DEPTH: Final = 40

_INT = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?")
_AMBIGUOUS = re.compile(
    r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?"  # 007, 1_000, +5, 1., 1e3
    r"|[-+]?\.([0-9][0-9_]*([eE][-+]?[0-9]+)?|inf|Inf|INF)|\.(nan|NaN|NAN)"
    r"|[-+]?0[oxb][0-9a-fA-F_]+"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"
    r"|[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"  # base 60 in YAML 1.1
)
_WORDS: Final[Mapping[str, bool | None]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a document: where it is (JSON Pointer, line from 1) and what to do about it."""

    code: str
    path: str
    line: int
    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"line {self.line}, {self.path or '/'}: {self.message}" + (f" ({self.fix})" if self.fix else "")


class InvalidDocument(Exception):
    """A document is refused, with every problem that was found."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.name = name
        self.problems = problems
        super().__init__(f"{name}: " + "; ".join(str(problem) for problem in problems))


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a node stands; of an unquoted scalar, also its spelling."""

    line: int
    spelling: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A document as plain data, and where each node of it stands (JSON Pointer → Mark; a key's line for map values)."""

    name: str
    data: JSON
    marks: Mapping[str, Mark]

    def line_of(self, path: str) -> int:
        """The line of the node, or of its nearest ancestor that exists."""
        while path and path not in self.marks:
            path = path.rpartition("/")[0]
        return self.marks[path].line if path in self.marks else 1

    def problem(self, code: str, path: str, message: str, fix: str = "") -> Problem:
        """A problem at this place of the document."""
        return Problem(code, path, self.line_of(path), message, fix)


def read_yaml(text: str, name: str = "document") -> Source:
    """Read one document. Raises InvalidDocument with every problem of spelling, or the one that stops the parser."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidDocument(name, [Problem("too_large", "", 1, f"more than {MAX_CHARACTERS:,} characters")])
    builder = _Builder(_events_of(text, name))
    data = builder.document()
    if builder.problems:
        raise InvalidDocument(name, builder.problems)
    return Source(name, data, builder.marks)


def pointer(path: str, *keys: str | int) -> str:
    """A JSON Pointer below `path` (RFC 6901)."""
    return path + "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def _events_of(text: str, name: str) -> Iterator[events.Event]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise InvalidDocument(name, [Problem("yaml", "", line, error.problem or "is not YAML")]) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise InvalidDocument(name, [Problem("yaml", "", 1, f"is not YAML: {type(error).__name__}")]) from error


class _Stop(Exception):
    """The rest of the document cannot be understood."""


class _Builder:
    """Builds plain data from parser events; every fault of spelling becomes a problem and the reading goes on."""

    def __init__(self, stream: Iterator[events.Event]) -> None:
        self._stream = stream
        self.marks: dict[str, Mark] = {}
        self.problems: list[Problem] = []

    def document(self) -> JSON:
        data: JSON = None
        documents = 0
        try:
            for event in self._stream:
                if isinstance(event, events.DocumentStartEvent):
                    documents += 1
                    self._check_start(event, documents)
                elif not isinstance(event, events.StreamStartEvent | events.StreamEndEvent | events.DocumentEndEvent):
                    data = self._node(event, "", 0)
        except _Stop:
            return None
        if not documents:
            self.problems.append(Problem("empty", "", 1, "the document is empty"))
        return data

    def _check_start(self, event: events.DocumentStartEvent, documents: int) -> None:
        line = event.start_mark.line + 1
        if event.version or event.tags:
            self.problems.append(
                Problem("directive", "", line, "has a % directive", "remove it: documents are YAML 1.2")
            )
        if documents > 1:
            self.problems.append(Problem("documents", "", line, "holds a second document", "one file, one document"))
            raise _Stop

    def _node(self, event: events.Event, path: str, depth: int) -> JSON:
        line = event.start_mark.line + 1
        self.marks.setdefault(path, Mark(line))
        if depth > MAX_DEPTH:
            self.problems.append(Problem("too_deep", path, line, f"is nested deeper than {MAX_DEPTH}"))
            raise _Stop
        self._refuse_references(event, path, line)
        if isinstance(event, events.MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, events.SequenceStartEvent):
            return self._sequence(path, depth)
        if isinstance(event, events.ScalarEvent):
            return self._scalar(event, path, line)
        return None

    def _refuse_references(self, event: events.Event, path: str, line: int) -> None:
        if isinstance(event, events.AliasEvent):
            self.problems.append(Problem("alias", path, line, "is an alias (*…)", "write the value out"))
            return
        if getattr(event, "anchor", None):
            self.problems.append(
                Problem("anchor", path, line, "has an anchor (&…)", "write the value out where it is used")
            )
        if getattr(event, "tag", None):
            self.problems.append(
                Problem("tag", path, line, "has a tag (!…)", "remove it; quote the value if it is text")
            )

    def _mapping(self, path: str, depth: int) -> JSON:
        data: dict[str, JSON] = {}
        for event in self._until(events.MappingEndEvent):
            line = event.start_mark.line + 1
            key = self._key(event, path, line)
            below = pointer(path, key)
            if key in data:
                first = self.marks[below].line
                self.problems.append(Problem("duplicate_key", below, line, f"“{key}” stands on line {first} already"))
            self.marks[below] = Mark(line)
            data[key] = self._node(next(self._stream), below, depth + 1)
        return data

    def _key(self, event: events.Event, path: str, line: int) -> str:
        self._refuse_references(event, path, line)
        if not isinstance(event, events.ScalarEvent):
            self.problems.append(Problem("key", path, line, "has a key that is not text"))
            raise _Stop
        key: str = event.value
        if event.style is None and key == "<<":
            self.problems.append(Problem("merge_key", path, line, "has a merge key (<<)", "write the values out"))
        elif event.style is None and (key in _WORDS or _is_number(key) or _AMBIGUOUS.fullmatch(key)):
            self.problems.append(
                Problem("unquoted", path, line, f"has the key {key or '(none)'}", f'quote it: "{key}"')
            )
        return key

    def _sequence(self, path: str, depth: int) -> JSON:
        ends = self._until(events.SequenceEndEvent)
        return [self._node(event, pointer(path, index), depth + 1) for index, event in enumerate(ends)]

    def _until(self, end: type[events.Event]) -> Iterator[events.Event]:
        for event in self._stream:
            if isinstance(event, end):
                return
            yield event

    def _scalar(self, event: events.ScalarEvent, path: str, line: int) -> JSON:
        text: str = event.value
        if event.style is not None:
            return text
        self.marks[path] = Mark(self.marks[path].line, text)
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            return int(text) if len(text) <= 18 else self._unquoted(text, path, line)
        if _FLOAT.fullmatch(text):
            return float(text)
        if _AMBIGUOUS.fullmatch(text):
            return self._unquoted(text, path, line)
        return text

    def _unquoted(self, text: str, path: str, line: int) -> JSON:
        message = f"{text} is read as different things by different YAML readers"
        self.problems.append(Problem("unquoted", path, line, message, f'quote it: "{text}"'))
        return text


def _is_number(text: str) -> bool:
    return bool(_INT.fullmatch(text) or _FLOAT.fullmatch(text))
