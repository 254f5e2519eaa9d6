"""What an operator's commands run with: settings from the environment or from what `freshpipe up` leaves, and MySQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from schemas.settings import Settings
from streams.database import Database

T = TypeVar("T")
LOCAL = (Path("var/freshpipe.env"), Path(".env"))
"""Read by commands alone, never by processes: each of those gets just the secrets that it needs."""


def operator_settings() -> Settings:
    """Raises ValidationError, naming what is missing."""
    return Settings(_env_file=LOCAL)


def with_database(work: Callable[[Database, Settings], Awaitable[T]]) -> T:
    """Run a command's work with a database that is open as long as it lasts."""

    async def run() -> T:
        settings = operator_settings()
        database = Database(settings.mysql, size=2)
        try:
            return await work(database, settings)
        finally:
            await database.close()

    return asyncio.run(run())
