"""The settings of an operator's command: from the environment, or from the file that `freshpipe up` leaves."""

from __future__ import annotations

from pathlib import Path

from schemas.settings import Settings

LOCAL = (Path("var/freshpipe.env"), Path(".env"))
"""Read by commands alone, never by processes: each of those gets just the secrets that it needs."""


def operator_settings() -> Settings:
    """Raises ValidationError, naming what is missing."""
    return Settings(_env_file=LOCAL)
