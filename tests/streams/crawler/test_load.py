"""When a backfill has to wait: while work piles up, and not because of deadlines that are far away."""

from __future__ import annotations

from typing import Any, cast

import pytest

from schemas.events import Due
from streams.crawler.load import NEAR_MS, WAITING, Load
from streams.database import Database
from streams.ports import now_ms
from tests.streams.crawler.test_due import keep


class Idle:
    """A group that is behind with nothing."""

    async def list_consumer_group_offsets(self, _: str) -> dict[Any, Any]:
        return {}


async def waiting(pool: Database, tenant: str, count: int, at: int) -> Load:
    await keep(pool, *(Due(id=f"d{number}", tenant=tenant, at=at) for number in range(count)))
    return Load(pool, cast(Any, Idle()), cast(Any, None), ["hubspot"])


@pytest.mark.parametrize(("count", "full"), [(WAITING, False), (WAITING + 1, True)])
async def test_work_that_is_due_soon_holds_the_tenants_backfill(
    pool: Database, unique: str, count: int, full: bool
) -> None:
    load = await waiting(pool, unique, count, now_ms())
    assert await load.full(unique) is full
    assert not await load.full(f"{unique}-other")


async def test_deadlines_that_are_far_away_hold_nothing(pool: Database, unique: str) -> None:
    load = await waiting(pool, unique, WAITING * 4, now_ms() + 10 * NEAR_MS)
    assert not await load.full(unique)
