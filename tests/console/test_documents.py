"""`freshpipe validate` and `freshpipe schema`: what an author of documents sees."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import make_app

APP = files("streams") / "apps" / "freshsales-hubspot.yaml"


def test_the_apps_that_come_with_us_are_valid() -> None:
    ended = CliRunner().invoke(make_app(), ["validate", str(APP)])
    assert ended.exit_code == 0, ended.output


def test_a_mistake_is_told_with_its_line_and_a_fix(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    lines = APP.read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("title:"))
    lines[at] = "titel: " + lines[at].removeprefix("title: ")
    wrong.write_text("\n".join(lines))
    ended = CliRunner().invoke(make_app(), ["validate", str(wrong), "--json"])
    assert ended.exit_code == 1
    problems = json.loads(ended.stdout)
    assert any(problem["line"] == at + 1 and "title" in problem["fix"] for problem in problems), problems


@pytest.mark.parametrize("kind", ["connector", "app"])
def test_the_schema_of_documents_is_json_schema(kind: str) -> None:
    ended = CliRunner().invoke(make_app(), ["schema", kind])
    assert ended.exit_code == 0
    assert json.loads(ended.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_another_kind_is_refused() -> None:
    assert CliRunner().invoke(make_app(), ["schema", "recipe"]).exit_code == 2


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert CliRunner().invoke(make_app(), ["validate", str(tmp_path / "none.yaml")]).exit_code == 2
