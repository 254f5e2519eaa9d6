"""Polls: every change is told once, nothing that is unchanged is, and no failed page ends a round."""

from __future__ import annotations

import pytest

from connectors.errors import CallFailed
from schemas.events import Category
from streams.crawler.context import Crawl
from streams.crawler.polling import INTERVAL_S, poll
from streams.crawler.work import Step, Task
from tests.streams.crawler.conftest import World, after, entity_of


async def round_of(crawl: Crawl, task: Task) -> tuple[Step, int]:
    """Poll to the end of a round; the last step, and how many there were."""
    step, steps = await poll(crawl, task), 1
    while step.cursor is not None:
        step, steps = await poll(crawl, after(task, step)), steps + 1
    return step, steps


async def test_a_round_tells_what_changed_and_moves_the_watermark_at_its_end(world: World, crawl: Crawl) -> None:
    for number in range(1, 6):
        world.account.put(str(number), updated_at=number * 1_000, name=f"Ann {number}")
    first = await poll(crawl, world.task("poll"))
    assert (first.cursor, first.watermark) == ("2", 0)
    last, steps = await round_of(crawl, world.task("poll"))
    assert (last.watermark, last.next_at, steps) == (5_000, world.clock.at + INTERVAL_S * 1_000, 3)
    assert sorted(snapshot.record.id for snapshot in world.snapshots) == ["1", "2", "3", "4", "5"]
    assert {snapshot.source for snapshot in world.snapshots} == {"list"}
    told = [change for snapshot in world.snapshots for change in snapshot.changes]
    assert sorted(change for entry in world.trail for change in entry.changes) == sorted(told)


async def test_what_has_not_changed_is_not_told_again(world: World, crawl: Crawl) -> None:
    world.account.put("1", updated_at=1_000, name="Ann")
    step, _ = await round_of(crawl, world.task("poll"))
    world.account.put("2", updated_at=1_000, name="Bea")
    await round_of(crawl, after(world.task("poll"), step))
    assert [snapshot.record.id for snapshot in world.snapshots] == ["1", "2"]


async def test_a_second_edit_within_a_second_is_told(world: World, crawl: Crawl) -> None:
    for name in ("Ann", "Anna"):
        world.account.put("1", updated_at=1_000, name=name)
        await round_of(crawl, world.task("poll"))
    assert len(world.snapshots) == 2
    assert world.snapshots[0].changes != world.snapshots[1].changes


async def test_rows_without_all_their_fields_are_hints(world: World, crawl: Crawl) -> None:
    world.account.document = entity_of(
        ops={**entity_of().model_dump(mode="json")["ops"], "changes": {"call": "GET /contacts", "partial": True}}
    )
    world.account.put("1", updated_at=1_000, name="Ann")
    await round_of(crawl, world.task("poll"))
    assert world.snapshots == []
    assert [(hint.record.id, hint.source, hint.kind) for hint in world.hints] == [("1", "poll", "upsert")]


async def test_a_row_that_says_deleted_is_a_hint_of_that(world: World, crawl: Crawl) -> None:
    world.account.put("1", updated_at=1_000, deleted=True)
    for _ in range(2):
        await round_of(crawl, world.task("poll"))
    assert [(hint.record.id, hint.kind, hint.at) for hint in world.hints] == [("1", "delete", 1_000)]


@pytest.mark.parametrize("category", ["transient", "rate_limited", "unknown", "auth_revoked"])
async def test_a_failed_page_is_asked_for_again_from_where_it_was(
    world: World, crawl: Crawl, category: Category
) -> None:
    for number in range(1, 6):
        world.account.put(str(number), updated_at=number * 1_000, name="Ann")
    first = await poll(crawl, world.task("poll"))
    world.account.failures = [CallFailed(category)]
    failed = await poll(crawl, after(world.task("poll"), first))
    assert (failed.cursor, failed.watermark, failed.progress) == (first.cursor, first.watermark, first.progress)
    assert failed.next_at > world.clock.at
    assert not failed.done


async def test_a_person_is_told_once_of_a_poll_that_keeps_failing(world: World, crawl: Crawl) -> None:
    task = world.task("poll")
    for _ in range(6):
        world.account.failures = [CallFailed("unknown", "no such view")]
        task = after(task, await poll(crawl, task))
    assert [(entry.kind, entry.reason, entry.category) for entry in world.trail] == [
        ("attention", "poll_failed", "unknown")
    ]


async def test_a_paused_connection_is_not_called(world: World, crawl: Crawl) -> None:
    world.states[f"{world.tenant}-fs"] = "paused"
    step = await poll(crawl, world.task("poll"))
    assert world.account.calls == []
    assert step.next_at > world.clock.at
