"""What is due later: kept once, fired once its time has come, held while its connection is."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from aiokafka.structs import ConsumerRecord

from schemas.events import Change, Due, encode
from schemas.records import RecordId
from streams.crawler.context import Crawl
from streams.crawler.due import HELD_MS, KEEP, fire, kept
from streams.database import Database
from streams.emit import Emit
from tests.streams.crawler.conftest import World


def record(value: bytes, offset: int = 0) -> ConsumerRecord:
    return ConsumerRecord("due", 0, offset, 0, 0, None, value, None, 0, 0, ())


async def keep(pool: Database, *dues: Due) -> None:
    await pool.many(KEEP, kept(record(encode(due)) for due in dues))


async def waiting(pool: Database, world: World) -> dict[str, int]:
    rows = await pool.read("SELECT id, at FROM due WHERE tenant = %s", world.tenant)
    return {row["id"]: row["at"] for row in rows}


def test_of_equal_ids_the_last_one_is_kept_and_nothing_that_cannot_be_read(unique: str) -> None:
    due = Due(id="d1", tenant=unique, at=5)
    later = msgspec.structs.replace(due, at=9)
    rows = kept([record(encode(due)), record(b"{"), record(encode(later))])
    assert [row[:3] for row in rows] == [(unique, "d1", 9)]


async def test_a_nudge_is_fired_when_it_is_due_and_no_sooner(world: World, crawl: Crawl, pool: Database) -> None:
    await keep(pool, world.due("now", world.clock.at), world.due("later", world.clock.at + 1))
    await fire(crawl)
    assert [nudge.id for nudge in world.nudges] == ["now"]
    assert await waiting(pool, world) == {"later": world.clock.at + 1}


async def test_a_change_goes_to_its_product(world: World, crawl: Crawl, pool: Database) -> None:
    change = Change(id="c1", tenant=world.tenant, record=RecordId(f"{world.tenant}-hs", "contact", "1"), received_at=5)
    await keep(pool, Due(id="c1", tenant=world.tenant, at=0, change=change))
    await fire(crawl)
    assert [topic for topic, _ in world.said] == ["changes.hubspot"]
    assert world.hints == [change]
    assert await waiting(pool, world) == {}


async def test_what_waits_for_a_broken_connection_stays_and_nothing_else_does(
    world: World, crawl: Crawl, pool: Database
) -> None:
    world.states[f"{world.tenant}-fs"] = "broken"
    await keep(pool, world.due("held", 0), world.due("free", 0, side="hs"))
    await fire(crawl)
    assert [nudge.id for nudge in world.nudges] == ["free"]
    assert await waiting(pool, world) == {"held": world.clock.at + HELD_MS}
    world.states[f"{world.tenant}-fs"] = "active"
    world.clock.at += HELD_MS
    await fire(crawl)
    assert [nudge.id for nudge in world.nudges] == ["free", "held"]


async def test_what_is_put_off_again_while_it_is_fired_is_not_lost(world: World, pool: Database, crawl: Crawl) -> None:
    again = world.clock.at + 5_000

    async def publish(topic: str, key: bytes, value: bytes, headers: object) -> None:
        await keep(pool, world.due("d1", again))
        await world.publish(topic, key, value, [])

    await keep(pool, world.due("d1", 0))
    racing = replace(crawl, emit=Emit(publish, "crawler"))
    await fire(racing)
    assert await waiting(pool, world) == {"d1": again}


async def test_a_change_of_a_removed_connection_reaches_its_end(world: World, crawl: Crawl, pool: Database) -> None:
    change = Change(id="c1", tenant=world.tenant, record=RecordId("nobody", "contact", "1"), received_at=5)
    await keep(pool, Due(id="c1", tenant=world.tenant, at=0, change=change))
    await fire(crawl)
    assert [(entry.end, entry.reason, entry.changes) for entry in world.trail] == [
        ("filtered", "connection_removed", ("c1",))
    ]
