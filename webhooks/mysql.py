"""The receiver's three views, over one connection that is made anew when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import aiomysql
from pymysql.err import MySQLError

from schemas.settings import MySQL
from webhooks.errors import EndpointsAway
from webhooks.rows import EndpointRow, ProductRow

REVISION = "SELECT number FROM webhook_revision"
ENDPOINTS = (
    "SELECT token_hash, tenant, connection, product, account, COALESCE(secret_name, '') AS secret_name,"
    " COALESCE(sealed_secret, '') AS sealed_secret FROM webhook_endpoint"
)
PRODUCTS = (
    "SELECT product, document, COALESCE(secret_name, '') AS secret_name,"
    " COALESCE(sealed_secret, '') AS sealed_secret FROM webhook_product"
)


class Views:
    """A `webhooks.rows.Source`. One query at a time; each ends within `timeout_s`."""

    def __init__(self, mysql: MySQL, *, timeout_s: float = 2.0) -> None:
        self._mysql = mysql
        self._timeout_s = timeout_s
        self._connection: aiomysql.Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def revision(self) -> int:
        rows = await self._ask(REVISION)
        return int(rows[0][0][0])

    async def rows(self) -> tuple[int, Sequence[EndpointRow], Sequence[ProductRow]]:
        """The revision is read first: a change that comes in between is then seen again, never missed."""
        revision, endpoints, products = await self._ask(REVISION, ENDPOINTS, PRODUCTS)
        return int(revision[0][0]), [EndpointRow(*row) for row in endpoints], [ProductRow(*row) for row in products]

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _ask(self, *queries: str) -> list[Any]:
        """The rows of each query. After anything unexpected the connection is closed: half an answer may be in it."""
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return [await self._rows(query) for query in queries]
            except (OSError, TimeoutError, MySQLError) as error:
                await self.close()
                raise EndpointsAway(f"{self._mysql.host}:{self._mysql.port}: {type(error).__name__}") from error
            except asyncio.CancelledError:
                await self.close()
                raise

    async def _rows(self, query: str) -> Any:
        if self._connection is None or self._connection.closed:
            self._connection = await aiomysql.connect(
                host=self._mysql.host,
                port=self._mysql.port,
                user=self._mysql.user,
                password=self._mysql.password.get_secret_value(),
                db=self._mysql.database,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=self._timeout_s,
            )
        async with self._connection.cursor() as cursor:
            await cursor.execute(query)
            return await cursor.fetchall()
