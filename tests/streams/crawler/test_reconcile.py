"""The sweep: drift is told, and a record that was not listed is asked for, never taken for gone."""

from __future__ import annotations

from connectors.errors import CallFailed
from streams.crawler.context import Crawl
from streams.crawler.polling import poll
from streams.crawler.reconcile import reconcile
from streams.crawler.work import Step, Task
from tests.streams.crawler.conftest import World, after


async def sweep(world: World, crawl: Crawl, task: Task) -> Step:
    """From the beginning of a sweep to its end."""
    world.clock.at += 1_000
    step = await reconcile(crawl, after(task, Step(0, progress={"phase": "waited"})))
    while step.progress.get("phase") != "waited":
        step = await reconcile(crawl, after(task, step))
    return step


async def test_the_first_sweep_waits_for_a_while(world: World, crawl: Crawl) -> None:
    step = await reconcile(crawl, world.task("reconcile"))
    assert step.next_at > world.clock.at
    assert world.account.calls == []


async def test_only_what_differs_is_told(world: World, crawl: Crawl) -> None:
    task = world.task("reconcile")
    for number in range(5):
        world.account.put(str(number), updated_at=1_000, name="Ann")
    await poll(crawl, world.task("poll"))
    await sweep(world, crawl, task)
    world.said.clear()
    world.account.put("3", updated_at=1_000, name="Anna")
    await sweep(world, crawl, task)
    assert [snapshot.record.id for snapshot in world.snapshots] == ["3"]
    assert world.hints == []


async def test_what_a_complete_sweep_missed_is_asked_for_one_by_one(world: World, crawl: Crawl) -> None:
    task = world.task("reconcile")
    for number in range(5):
        world.account.put(str(number), updated_at=1_000, name="Ann")
    await sweep(world, crawl, task)
    del world.account.records["1"], world.account.records["4"]
    await sweep(world, crawl, task)
    assert [(hint.record.id, hint.kind, hint.source) for hint in world.hints] == [
        ("1", "upsert", "reconcile"),
        ("4", "upsert", "reconcile"),
    ]
    await sweep(world, crawl, task)
    assert len(world.hints) == 2


async def test_a_sweep_that_fails_half_way_takes_nothing_for_gone(world: World, crawl: Crawl) -> None:
    task = world.task("reconcile")
    for number in range(5):
        world.account.put(str(number), updated_at=1_000, name="Ann")
    await sweep(world, crawl, task)
    world.clock.at += 1_000
    step = await reconcile(crawl, after(task, Step(0, progress={"phase": "waited"})))
    step = await reconcile(crawl, after(task, step))
    world.account.failures = [CallFailed("unknown")]
    failed = await reconcile(crawl, after(task, step))
    assert (failed.cursor, failed.watermark, failed.progress) == (step.cursor, step.watermark, {"phase": "list"})
    assert world.hints == []
