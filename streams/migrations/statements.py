"""A migration's SQL stands in a file beside it."""

from __future__ import annotations

import re
from pathlib import Path

from alembic import op


def run_file(migration: str) -> None:
    """Run the statements of the `.sql` file next to this migration.

    MySQL commits at every CREATE, so a migration that dies half-way runs again from its start: each statement must
    bear that (IF NOT EXISTS, OR REPLACE).
    """
    for statement in statements(Path(migration).with_suffix(".sql").read_text(encoding="utf-8")):
        op.get_bind().exec_driver_sql(statement)


def statements(text: str) -> list[str]:
    """The statements of a file: `--` comment lines dropped, cut at a semicolon that ends a line."""
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [part.strip() for part in re.split(r";\s*$", "\n".join(lines), flags=re.MULTILINE) if part.strip()]
