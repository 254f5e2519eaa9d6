"""The trail's partitions: a day each, made ahead, dropped when their time is over."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.settings import MySQL
from streams.crawler.retention import DAYS_AHEAD, KEPT_DAYS, PARTITIONS, missing, name_of, outdated, roll
from streams.database import Database
from streams.migrations import migrate

TODAY = date(2026, 11, 24)


@pytest.fixture
def own(schema: MySQL, database: str) -> MySQL:
    """A database of this test's own: partitions are everybody's."""
    mine = schema.model_copy(update={"database": database})
    migrate(mine)
    return mine


@given(st.lists(st.integers(0, 40), max_size=6))
def test_wherever_it_was_left_the_coming_days_have_partitions_and_old_ones_do_not_stay(pauses: list[int]) -> None:
    present: set[str] = {"later"}
    today = TODAY
    for days in pauses:
        today += timedelta(days=days)
        added = [name_of(day) for day in missing(present, today)]
        assert added == sorted(added)
        assert all(name > max(present - {"later"}, default="") for name in added)
        present |= set(added)
        present -= set(outdated(present, today))
        assert name_of(today + timedelta(days=DAYS_AHEAD)) in present
        assert min(present - {"later"}) >= name_of(today - timedelta(days=KEPT_DAYS))
        assert "later" in present


async def test_old_days_go_and_what_is_younger_stays(own: MySQL) -> None:
    database = Database(own)
    try:
        await roll(database, TODAY)
        await roll(database, TODAY)
        for ahead in (0, 1):
            day = TODAY + timedelta(days=ahead)
            await database.execute(
                "INSERT INTO trail (tenant, day, id, at, stage, kind, message, changes, fields)"
                " VALUES ('t', %s, %s, 0, 'sync', 'decided', '', '[]', '[]')",
                *(day, f"e{ahead}"),
            )
        await roll(database, TODAY + timedelta(days=KEPT_DAYS + 1))
        assert [row["id"] for row in await database.read("SELECT id FROM trail")] == ["e1"]
        names = {row["name"] for row in await database.read(PARTITIONS)}
        assert name_of(TODAY) not in names
        assert "later" in names
    finally:
        await database.close()
