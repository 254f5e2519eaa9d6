"""MySQL for asyncio: a bounded pool, transactions that retry, and connections that are never handed on half-read."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiomysql
from pymysql.constants import CLIENT
from pymysql.err import InternalError, MySQLError, OperationalError

from schemas.settings import MySQL
from streams.errors import DatabaseAway

T = TypeVar("T")
Row = Mapping[str, Any]

LOCK_WAIT_TIMEOUT, DEADLOCK, READ_ONLY = 1205, 1213, 1290
FULL, SHUTTING_DOWN, KILLED = 1040, 1053, 1927
REFUSED, GONE_AWAY, LOST, OUT_OF_STEP = 2003, 2006, 2013, 2014
TRY_AGAIN = {
    *(LOCK_WAIT_TIMEOUT, DEADLOCK, READ_ONLY),
    *(FULL, SHUTTING_DOWN, KILLED),
    *(REFUSED, GONE_AWAY, LOST, OUT_OF_STEP),
}
BROKEN = (OSError, TimeoutError, OperationalError, InternalError)
"""After one of these nobody knows what the connection will say next: it is closed."""

SESSION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
"""Leases by SKIP LOCKED lock just the rows they take; under REPEATABLE READ they would lock the gaps between, too."""


class Transaction:
    """Statements on one connection, committed together. Arguments are bound by position (`%s`)."""

    def __init__(self, connection: aiomysql.Connection) -> None:
        self._connection = connection

    async def rows(self, sql: str, *arguments: object) -> list[Row]:
        """The rows of a query, by column name."""
        async with self._connection.cursor() as cursor:
            await cursor.execute(sql, arguments or None)
            return list(await cursor.fetchall())

    async def row(self, sql: str, *arguments: object) -> Row | None:
        """The first row of a query, if there is one."""
        found = await self.rows(sql, *arguments)
        return found[0] if found else None

    async def execute(self, sql: str, *arguments: object) -> int:
        """Run a statement; the number of rows that it matched (UPDATE) or touched."""
        async with self._connection.cursor() as cursor:
            return int(await cursor.execute(sql, arguments or None))

    async def many(self, sql: str, batch: Iterable[tuple[object, ...]]) -> int:
        """Run an INSERT for every tuple, sent as few statements with many VALUES."""
        async with self._connection.cursor() as cursor:
            return int(await cursor.executemany(sql, list(batch)) or 0)


class Database:
    """A pool of connections to one database. Every call ends within `timeout_s` a try, or raises DatabaseAway."""

    def __init__(self, mysql: MySQL, *, size: int = 8, timeout_s: float = 10, tries: int = 4) -> None:
        self._mysql = mysql
        self._size = size
        self._timeout_s = timeout_s
        self._tries = tries
        self._pool: aiomysql.Pool | None = None
        self._free = asyncio.Semaphore(size)

    async def close(self) -> None:
        """Close what is open; a transaction under way is lost."""
        if self._pool is not None:
            self._pool.terminate()
            await self._pool.wait_closed()
            self._pool = None

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do `work` in a transaction and commit it.

        After a deadlock, a lock timeout or a lost connection it is done again from its start, so it must bear that
        (and that a commit whose answer was lost has happened). Raises DatabaseAway after the last try; any other
        error of MySQL as it is.
        """
        return await self._again(lambda: self._in_transaction(work))

    async def read(self, sql: str, *arguments: object) -> list[Row]:
        """The rows of one query outside any transaction."""
        return await self._again(lambda: self._plain(lambda handle: handle.rows(sql, *arguments)))

    async def execute(self, sql: str, *arguments: object) -> int:
        """One statement, committed at once; the number of rows it matched. It may run twice: see `run`."""
        return await self._again(lambda: self._plain(lambda handle: handle.execute(sql, *arguments)))

    async def many(self, sql: str, batch: Iterable[tuple[object, ...]]) -> int:
        """An INSERT of many rows, in one transaction."""
        rows = list(batch)
        return await self.run(lambda transaction: transaction.many(sql, rows)) if rows else 0

    async def snapshot(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Queries that all see the database as it was at one moment. For reading only."""
        return await self._again(lambda: self._in_transaction(work, "REPEATABLE READ"))

    async def _again(self, attempt: Callable[[], Awaitable[T]]) -> T:
        for remaining in reversed(range(self._tries)):
            try:
                return await attempt()
            except BROKEN as error:
                code = _code(error)
                if code is not None and code not in TRY_AGAIN:
                    raise
                if not remaining:
                    raise DatabaseAway(
                        f"{self._mysql.host}:{self._mysql.port}: {code or type(error).__name__}"
                    ) from error
            await asyncio.sleep(random.uniform(0.02, 0.1) * 2 ** (self._tries - remaining))  # noqa: S311 - jitter
        raise AssertionError("a database is tried at least once")

    async def _plain(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self._connection() as connection:
            return await work(Transaction(connection))

    async def _in_transaction(self, work: Callable[[Transaction], Awaitable[T]], isolation: str = "") -> T:
        async with self._connection() as connection:
            if isolation:
                await connection.query(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
            await connection.begin()
            try:
                result = await work(Transaction(connection))
            except BROKEN:
                raise  # the connection is closed, which undoes the transaction
            except Exception:
                await connection.rollback()
                raise
            await connection.commit()
            return result

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiomysql.Connection]:
        """A connection for one use, within the time limit.

        A caller that is cancelled (or runs out of time) in the middle of an answer leaves the rest of that answer in
        the socket: the connection is closed, never given to the next caller.
        """
        async with asyncio.timeout(self._timeout_s), self._free:
            pool = await self._opened()
            connection = await pool.acquire()
            try:
                yield connection
            except (asyncio.CancelledError, *BROKEN):
                connection.close()
                raise
            finally:
                pool.release(connection)

    async def _opened(self) -> aiomysql.Pool:
        if self._pool is None:
            self._pool = await aiomysql.create_pool(
                host=self._mysql.host,
                port=self._mysql.port,
                user=self._mysql.user,
                password=self._mysql.password.get_secret_value(),
                db=self._mysql.database,
                minsize=0,
                maxsize=self._size,
                pool_recycle=1_800,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=3,
                init_command=SESSION,
                cursorclass=aiomysql.DictCursor,
                client_flag=CLIENT.FOUND_ROWS,
            )
        return self._pool


def _code(error: BaseException) -> int | None:
    """MySQL's error number; None for what is no answer of MySQL."""
    if isinstance(error, MySQLError) and error.args and isinstance(error.args[0], int):
        return error.args[0]
    return None
