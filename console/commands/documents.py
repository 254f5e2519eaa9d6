"""Commands for people who write connectors and sync apps. They work offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connectors.catalog import load_connectors
from console.output import USAGE, print_json, say, show, stop
from schemas.documents.schema import json_schema
from schemas.documents.validation import validate as problems_of

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def validate(paths: list[Path], as_json: Json = False) -> None:
    """Check documents: every problem with its place, line and fix. Exit code 1 if there is one."""
    rows = []
    for path in paths:
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            stop(f"cannot read {path}: {type(error).__name__}", USAGE)
        for problem in problems_of(text, str(path), load_connectors()):
            facts = {name: getattr(problem, name) for name in ("line", "path", "code", "message", "fix")}
            rows.append({"file": str(path), **facts})
    if rows or as_json:
        show(rows, ("file", "line", "path", "code", "message", "fix"), as_json=as_json, title="Problems")
    if rows:
        raise typer.Exit(1)
    if not as_json:
        say(f"valid: {', '.join(map(str, paths))}")


def schema(kind: Annotated[str, typer.Argument(help="connector or app")]) -> None:
    """Print the JSON Schema of a kind of document, for editors."""
    if kind not in ("connector", "app"):
        stop("there are two kinds of documents: connector and app", USAGE)
    print_json(json_schema("connector" if kind == "connector" else "app"))
