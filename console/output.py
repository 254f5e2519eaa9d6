"""How commands answer: tables for people, JSON for programs, one of both and nothing else on standard output."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import orjson
from rich.console import Console
from rich.table import Table

OK, FAILED, USAGE = 0, 1, 2
"""Exit codes: done; done and the answer is bad; not done because of how it was asked."""

Row = Mapping[str, Any]


def show(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, title: str = "") -> None:
    """Print rows: as a JSON list of objects, or as a table with these columns."""
    if as_json:
        print_json(list(rows))
        return
    table = Table(title=title or None, title_justify="left", header_style="bold", expand=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(plain(row.get(column)) for column in columns))
    Console().print(table if rows else f"{title or 'Nothing'}: none")


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.buffer.write(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def say(text: str, *, as_json: bool = False, **facts: Any) -> None:
    """One sentence for a person, or its facts for a program."""
    if as_json:
        print_json(facts or {"message": text})
        return
    Console().print(text, highlight=False)


def stop(text: str, code: int = FAILED) -> NoReturn:
    """End the command with this sentence on standard error."""
    Console(stderr=True).print(text, style="red", highlight=False)
    raise SystemExit(code)


def plain(value: Any) -> str:
    """A value as one line of text, control characters made visible: names in products can hold anything."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)
