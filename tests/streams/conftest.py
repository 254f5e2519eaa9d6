"""A migrated database, shared by the tests of a run; name tenants uniquely (see `unique`)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.local.services import MariaDB
from schemas.settings import MySQL
from streams.database import Database
from streams.migrations import migrate


@pytest.fixture(scope="session")
def schema(mysql: MariaDB) -> MySQL:
    """The address of a database that has our tables."""
    settings = MySQL.model_validate(
        {"host": mysql.host, "port": mysql.port, "user": mysql.user, "password": mysql.password}
    )
    migrate(settings)
    return settings


@pytest.fixture
async def pool(schema: MySQL) -> AsyncIterator[Database]:
    """A pool of connections to it."""
    database = Database(schema)
    yield database
    await database.close()
