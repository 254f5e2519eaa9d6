"""The pool keeps its promises on a real server: retries, bounds, and no row ever handed to the wrong caller."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from pymysql.err import IntegrityError, ProgrammingError

from deploy.local.services import MariaDB
from schemas.settings import MySQL
from streams.database import Database, Transaction
from streams.errors import DatabaseAway
from tests.ports import free_port


async def add(transaction: Transaction, tenant: str, at: int = 0) -> None:
    await transaction.execute("INSERT INTO due (tenant, id, at, payload) VALUES (%s, 'a', %s, '')", tenant, at)


async def test_a_transaction_that_fails_leaves_nothing(pool: Database, unique: str) -> None:
    async def twice(transaction: Transaction) -> None:
        await add(transaction, unique)
        await add(transaction, unique)

    with pytest.raises(IntegrityError):
        await pool.run(twice)
    assert await pool.read("SELECT id FROM due WHERE tenant = %s", unique) == []


async def test_a_transaction_cancelled_half_way_leaves_nothing(pool: Database, unique: str) -> None:
    begun = asyncio.Event()

    async def slow(transaction: Transaction) -> None:
        await add(transaction, unique)
        begun.set()
        await transaction.rows("SELECT SLEEP(30)")

    task = asyncio.create_task(pool.run(slow))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await pool.read("SELECT id FROM due WHERE tenant = %s", unique) == []


async def test_a_cancelled_query_never_hands_its_rows_to_the_next_caller(schema: MySQL) -> None:
    database = Database(schema, size=2)

    async def ask(number: int) -> None:
        rows = await database.read("SELECT %s AS number, SLEEP(0.001) AS slept", number)
        assert rows[0]["number"] == number

    async def ask_and_give_up(number: int) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ask(number), 0.0005 * (number % 7))

    for begin in range(0, 300, 30):
        numbers = range(begin, begin + 30)
        await asyncio.gather(*(ask_and_give_up(n) if n % 2 else ask(n) for n in numbers))
    await database.close()


async def test_a_deadlock_is_tried_again(pool: Database, unique: str) -> None:
    for id in ("a", "b"):
        await pool.execute("INSERT INTO due (tenant, id, at, payload) VALUES (%s, %s, 0, '')", unique, id)
    holding = asyncio.Barrier(2)
    tries = 0

    async def lock(first: str, second: str) -> None:
        async def work(transaction: Transaction) -> None:
            nonlocal tries
            tries += 1
            update = "UPDATE due SET at = at + 1 WHERE tenant = %s AND id = %s"
            await transaction.execute(update, unique, first)
            if tries <= 2:
                await holding.wait()
            await transaction.execute(update, unique, second)

        await pool.run(work)

    await asyncio.gather(lock("a", "b"), lock("b", "a"))
    assert tries == 3
    assert [row["at"] for row in await pool.read("SELECT at FROM due WHERE tenant = %s", unique)] == [2, 2]


async def test_a_transaction_whose_connection_is_lost_is_done_again(pool: Database, schema: MySQL, unique: str) -> None:
    killer = Database(schema)
    tries: list[object] = []

    async def work(transaction: Transaction) -> None:
        tries.append((await transaction.rows("SELECT CONNECTION_ID() AS id"))[0]["id"])
        await add(transaction, unique)
        if len(tries) == 1:
            await killer.execute("KILL %s", tries[0])
        await transaction.rows("SELECT 1")

    await pool.run(work)
    await killer.close()
    assert len(tries) == 2
    assert len(await pool.read("SELECT id FROM due WHERE tenant = %s", unique)) == 1


async def test_a_server_that_is_not_there_is_said_so(schema: MySQL) -> None:
    database = Database(schema.model_copy(update={"port": free_port()}), tries=2)
    with pytest.raises(DatabaseAway):
        await database.read("SELECT 1")
    await database.close()


async def test_a_server_that_hangs_is_given_up(schema: MySQL) -> None:
    over = asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await over.wait()

    mute = await asyncio.start_server(accept, "127.0.0.1", 0)
    address = {"port": mute.sockets[0].getsockname()[1]}
    database = Database(schema.model_copy(update=address), timeout_s=0.2, tries=2)
    with pytest.raises(DatabaseAway):
        await database.read("SELECT 1")
    await database.close()
    over.set()
    mute.close()
    await asyncio.sleep(0)


async def test_the_pool_is_bounded_and_who_waits_too_long_is_told(schema: MySQL) -> None:
    database = Database(schema, size=2, timeout_s=0.3, tries=1)
    answers = await asyncio.gather(
        *(database.read("SELECT SLEEP(0.2) AS slept") for _ in range(6)), return_exceptions=True
    )
    assert any(isinstance(answer, DatabaseAway) for answer in answers)
    assert any(isinstance(answer, list) for answer in answers)
    await database.close()


async def test_a_wrong_statement_is_not_tried_again(pool: Database) -> None:
    with pytest.raises(ProgrammingError):
        await pool.read("SELECT * FROM nowhere_at_all")


async def test_a_snapshot_shows_one_moment(pool: Database, unique: str) -> None:
    count = "SELECT COUNT(*) AS n FROM due WHERE tenant = %s"

    async def look(transaction: Transaction) -> tuple[int, int]:
        before = await transaction.rows(count, unique)
        await pool.execute("INSERT INTO due (tenant, id, at, payload) VALUES (%s, 'a', 0, '')", unique)
        after = await transaction.rows(count, unique)
        return before[0]["n"], after[0]["n"]

    assert await pool.snapshot(look) == (0, 0)
    assert (await pool.read(count, unique))[0]["n"] == 1


async def test_leases_by_skip_locked_never_overlap(pool: Database, unique: str) -> None:
    rows = [(unique, str(number), 0, "") for number in range(40)]
    await pool.many("INSERT INTO due (tenant, id, at, payload) VALUES (%s, %s, %s, %s)", rows)

    async def lease(transaction: Transaction) -> list[str]:
        free = "SELECT id FROM due WHERE tenant = %s AND leased_until = 0 LIMIT 10 FOR UPDATE SKIP LOCKED"
        ids = [str(row["id"]) for row in await transaction.rows(free, unique)]
        for id in ids:
            await transaction.execute("UPDATE due SET leased_until = 1 WHERE tenant = %s AND id = %s", unique, id)
        return ids

    leased = await asyncio.gather(*(pool.run(lease) for _ in range(4)))
    assert sorted(id for ids in leased for id in ids) == sorted(row[1] for row in rows)


async def test_text_comes_back_as_it_was(pool: Database, unique: str) -> None:
    text = "00478 é 😀 \u2028 \x00 ' \" \\ %s"
    await pool.execute("INSERT INTO due (tenant, id, at, payload) VALUES (%s, 'a', 0, %s)", unique, text)
    assert (await pool.read("SELECT payload FROM due WHERE tenant = %s", unique))[0]["payload"] == text


async def test_the_password_shows_nowhere(mysql: MariaDB, schema: MySQL) -> None:
    database = Database(schema.model_copy(update={"port": free_port()}), tries=1)
    with pytest.raises(DatabaseAway) as caught:
        await database.read("SELECT 1")
    assert mysql.password not in str(caught.value) + repr(caught.value.__cause__)
    await database.close()
