"""Tasks on a real database: leased by one at a time, saved by whoever still holds them."""

from __future__ import annotations

from streams.crawler import work
from streams.crawler.context import Crawl
from streams.crawler.plan import outlived, wanted
from streams.crawler.process import place_tasks
from streams.crawler.work import LEASE_MS, Name, Step
from streams.database import Database
from streams.registry.installations import set_installation_state
from tests.streams.crawler.conftest import World


def mine(names: set[Name], tenant: str) -> list[tuple[str, str, str]]:
    return sorted(
        (name.kind, name.connection.removeprefix(tenant), name.pair or name.entity)
        for name in names
        if name.tenant == tenant
    )


async def test_a_task_is_leased_once_until_its_lease_is_over(world: World, pool: Database) -> None:
    task = world.task("poll")
    early = 1_000
    await work.add(pool, [task.name], early)
    (first,) = [one for one in await work.lease(pool, "a", early, 50) if one.name == task.name]
    assert first.watermark == early
    assert task.name not in [one.name for one in await work.lease(pool, "b", early, 50)]
    (again,) = [one for one in await work.lease(pool, "b", early + LEASE_MS, 50) if one.name == task.name]
    assert not await work.save(pool, "a", first, Step(2_000, "lost"))
    assert await work.save(pool, "b", again, Step(2_000, "page 2", 7, progress={"pages": 1}))
    assert not [one for one in await work.lease(pool, "c", 1_999, 50) if one.name == task.name]
    (resumed,) = [one for one in await work.lease(pool, "c", 2_000, 50) if one.name == task.name]
    assert (resumed.cursor, resumed.watermark, resumed.progress) == ("page 2", 7, {"pages": 1})
    await work.save(pool, "c", resumed, Step(0, done=True))
    assert not [one for one in await work.lease(pool, "d", 10**15, 1_000) if one.name == task.name]


async def test_a_new_installation_has_all_its_tasks(world: World) -> None:
    both = ("-fs", "-hs")
    assert mine(wanted(world.configuration), world.tenant) == sorted(
        [
            ("handover", "", ""),
            *[("discover", side, "") for side in both],
            *[
                (kind, side, of)
                for kind in ("backfill", "poll", "reconcile")
                for side in both
                for of in ("company", "contact")
            ],
        ]
    )


async def test_tasks_of_what_was_removed_are_forgotten(world: World, crawl: Crawl, pool: Database) -> None:
    await place_tasks(crawl)
    revision = await set_installation_state(pool, world.tenant, f"{world.tenant}-i", "removed")
    await world.configuration.at_least(revision)
    gone = outlived(set(await work.names(pool)), world.configuration)
    assert {name.kind for name in gone if name.tenant == world.tenant} == {"backfill", "handover"}
    await place_tasks(crawl)
    left = {name.kind for name in await work.names(pool) if name.tenant == world.tenant}
    assert left == {"discover", "poll", "reconcile"}
