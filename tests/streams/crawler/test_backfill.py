"""A backfill: first everything is read and linked, then the rest is created, and it goes on wherever it was left."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from connectors.catalog import load_connectors
from connectors.errors import CallFailed
from schemas.events import Nudge
from streams.crawler import work
from streams.crawler.backfill import HANDED_ON_AT_ONCE, backfill, hand_on
from streams.crawler.context import Crawl
from streams.crawler.discovery import discover
from streams.crawler.process import place_tasks
from streams.crawler.work import Step, Task
from streams.database import Database
from streams.registry.discovered import save_discovered
from streams.registry.installations import set_installation_state
from tests.streams.crawler.conftest import World, after, entity_of


@pytest.fixture
def task(world: World) -> Task:
    return world.task("backfill", installation=f"{world.tenant}-i", pair="contact")


@pytest.fixture
def handover(world: World) -> Task:
    return world.task("handover", installation=f"{world.tenant}-i")


async def read_all(crawl: Crawl, task: Task) -> Step:
    step = await backfill(crawl, task)
    while not step.done:
        step = await backfill(crawl, after(task, step))
    return step


async def state(world: World, pool: Database) -> str:
    rows = await pool.read("SELECT state FROM installation WHERE tenant = %s", world.tenant)
    return str(rows[0]["state"])


async def test_phase_one_reads_everything_to_link_and_remembers_whom_it_met(
    world: World, crawl: Crawl, pool: Database, task: Task
) -> None:
    for number in range(5):
        world.account.put(str(number), updated_at=1, name="Ann")
    world.account.put("9", deleted=True)
    step = await read_all(crawl, task)
    assert step.progress == {"pages": 3, "records": 5}
    assert len(world.snapshots) == 5
    assert all(snapshot.linking and snapshot.source == "list" for snapshot in world.snapshots)
    assert all(snapshot.changes == () for snapshot in world.snapshots)
    rows = await pool.read("SELECT side, record FROM backfill_record WHERE tenant = %s", world.tenant)
    assert {row["side"] for row in rows} == {"left"}
    assert len(rows) == 5
    assert isinstance(world.sync[0], type(world.controls[0]))
    assert world.controls[0].revision == world.configuration.revision


async def test_phase_one_goes_on_at_its_page_after_a_failure(world: World, crawl: Crawl, task: Task) -> None:
    for number in range(4):
        world.account.put(str(number), name="Ann")
    first = await backfill(crawl, task)
    world.account.failures = [CallFailed("transient")]
    failed = await backfill(crawl, after(task, first))
    assert (failed.cursor, failed.done) == ("2", False)
    await read_all(crawl, after(task, failed))
    assert sorted(snapshot.record.id for snapshot in world.snapshots) == ["0", "1", "2", "3"]


async def test_records_that_are_listed_in_part_are_read_one_by_one(world: World, crawl: Crawl, task: Task) -> None:
    listed = {"call": "GET /contacts", "partial": True}
    world.account.document = entity_of(ops={**entity_of().model_dump(mode="json")["ops"], "list": listed})
    world.account.put("1", name="Ann")
    await read_all(crawl, task)
    assert ("get", "1") in world.account.calls


async def test_nothing_is_read_before_the_accounts_own_fields_are_known(
    world: World, crawl: Crawl, pool: Database, task: Task
) -> None:
    described = {
        "call": "GET /fields",
        "items": "",
        "field": {"name": "/name", "label": "/label"},
        "types": {"at": "/type", "map": {}},
    }
    world.account.document = entity_of(discover=described)
    step = await backfill(crawl, task)
    assert world.account.calls == []
    assert not step.done
    revision = await save_discovered(pool, world.tenant, f"{world.tenant}-fs", "contact", "[]")
    assert revision is not None
    await world.configuration.at_least(revision)
    assert (await backfill(crawl, task)).done


async def test_phase_two_waits_until_both_sides_are_read(
    world: World, crawl: Crawl, pool: Database, task: Task, handover: Task
) -> None:
    await work.add(pool, [task.name], 10**15)
    step = await hand_on(crawl, handover)
    assert not step.done
    assert await state(world, pool) == "linking"
    assert world.said == []


async def test_phase_two_activates_and_then_asks_for_a_decision_about_every_record_companies_first(
    world: World, crawl: Crawl, pool: Database, task: Task, handover: Task
) -> None:
    for number in range(HANDED_ON_AT_ONCE + 1):
        world.account.put(f"{number:03}", name="Ann")
    await read_all(crawl, task)
    world.account.records = {"c": world.account.records["000"]}
    world.account.put("c", name="Acme")
    await read_all(crawl, world.task("backfill", entity="company", installation=f"{world.tenant}-i", pair="company"))
    world.said.clear()
    first = await hand_on(crawl, handover)
    assert await state(world, pool) == "active"
    assert [control.action for control in world.controls] == ["configuration"]
    await world.configuration.at_least(world.controls[0].revision)
    step, steps = first, 0
    while not step.done:
        step, steps = await hand_on(crawl, after(handover, step)), steps + 1
    nudged = [nudge.record for nudge in world.nudges]
    assert nudged[0].entity == "company"
    assert len(nudged) == len(set(nudged)) == HANDED_ON_AT_ONCE + 2
    assert {(nudge.sequence, nudge.reason) for nudge in world.nudges} == {(None, "")}
    assert steps == 4
    assert isinstance(world.sync[-1], Nudge)


async def test_phase_two_waits_while_the_tenant_has_enough_under_way(
    world: World, crawl: Crawl, task: Task, handover: Task
) -> None:
    world.account.put("1", name="Ann")
    await read_all(crawl, task)
    announced = after(handover, await hand_on(crawl, handover))

    async def full(_: str) -> bool:
        return True

    busy = replace(crawl, full=full)
    step = await hand_on(busy, announced)
    assert world.nudges == []
    assert not step.done
    await hand_on(crawl, after(handover, step))
    assert len(world.nudges) == 1


async def test_an_account_is_prepared_once_and_described_again_and_again(world: World, crawl: Crawl) -> None:
    crawl = replace(crawl, documents=load_connectors())
    step = await discover(crawl, world.task("discover"))
    await discover(crawl, after(world.task("discover"), step))
    described = [call for call in world.account.calls if call[0] == "discover"]
    assert world.account.calls.count(("prepare",)) == 1
    assert len(described) == 2 * len(set(described))
    assert len(world.controls) == len(set(described))


async def test_an_account_that_will_not_describe_itself_has_no_fields_of_its_own(
    world: World, crawl: Crawl, pool: Database
) -> None:
    world.account.failures = [CallFailed("unsupported") for _ in range(9)]
    await discover(replace(crawl, documents=load_connectors()), world.task("discover"))
    rows = await pool.read("SELECT fields FROM discovered WHERE tenant = %s", world.tenant)
    assert {row["fields"] for row in rows} == {"[]"}
    assert msgspec.json.decode(rows[0]["fields"]) == []


async def test_an_installation_that_is_resumed_is_backfilled_again(
    world: World, crawl: Crawl, pool: Database, task: Task, handover: Task
) -> None:
    await place_tasks(crawl)
    world.account.put("1", name="Ann")
    await read_all(crawl, task)
    await pool.execute("UPDATE work SET done = 1 WHERE tenant = %s AND kind = 'backfill'", world.tenant)
    step = await hand_on(crawl, handover)
    while not step.done:
        step = await hand_on(crawl, after(handover, step))
    await pool.execute("UPDATE work SET done = 1 WHERE tenant = %s AND kind = 'handover'", world.tenant)
    await place_tasks(crawl)
    count = "SELECT COUNT(*) AS number FROM work WHERE tenant = %s AND done = 1"
    assert (await pool.read(count, world.tenant))[0]["number"] == 5
    await set_installation_state(pool, world.tenant, f"{world.tenant}-i", "linking")
    await place_tasks(crawl)
    assert (await pool.read(count, world.tenant))[0]["number"] == 0
    rows = await pool.read("SELECT done FROM backfill_record WHERE tenant = %s", world.tenant)
    assert [row["done"] for row in rows] == [0]
