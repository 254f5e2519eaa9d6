from __future__ import annotations

import ast
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ["schemas", "webhooks", "connectors", "streams", "console", "deploy"]


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {name.partition(".")[0] for name in names}


def test_two_files_know_faust_so_that_two_files_change_the_day_it_goes() -> None:
    files = [path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py")]
    know = {str(path.relative_to(REPOSITORY)) for path in files if _imports(path) & {"faust", "mode"}}
    assert know == {"streams/agents.py", "streams/app.py"}
