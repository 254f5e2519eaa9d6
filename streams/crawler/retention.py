"""Keeps the history for its time: a partition a day of the trail, made ahead and dropped when it is old."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta

from streams.crawler.context import Crawl
from streams.crawler.work import Step, Task
from streams.database import Database

KEPT_DAYS = 30
DAYS_AHEAD = 3
INTERVAL_MS = 3_600_000
DAY_MS = 86_400_000
DELETED_AT_ONCE = 5_000

PARTITIONS = (
    "SELECT partition_name AS name FROM information_schema.partitions"
    " WHERE table_schema = DATABASE() AND table_name = 'trail' AND partition_name IS NOT NULL"
)
OLD_ENDS = "DELETE FROM change_end WHERE at < %s LIMIT %s"
OLD_ATTENTION = "DELETE FROM attention WHERE state = 'closed' AND closed_at < %s LIMIT %s"


async def retain(crawl: Crawl, task: Task) -> Step:
    """Make the coming days' partitions, drop the old ones, delete what is as old in the other tables."""
    today = datetime.fromtimestamp(crawl.now() / 1000, UTC).date()
    await roll(crawl.database, today)
    before = crawl.now() - KEPT_DAYS * DAY_MS
    for sql in (OLD_ENDS, OLD_ATTENTION):
        while await crawl.database.execute(sql, before, DELETED_AT_ONCE) == DELETED_AT_ONCE:
            pass
    return Step(crawl.now() + INTERVAL_MS)


async def roll(database: Database, today: date) -> None:
    """Bring the trail's partitions to where they have to be today. May be repeated, and interrupted."""
    present = {row["name"] for row in await database.read(PARTITIONS)}
    for day in missing(present, today):
        bound = day + timedelta(days=1)
        await database.execute(
            f"ALTER TABLE trail REORGANIZE PARTITION later INTO (PARTITION {name_of(day)}"
            f" VALUES LESS THAN (TO_DAYS('{bound}')), PARTITION later VALUES LESS THAN MAXVALUE)"
        )
    for name in outdated(present, today):
        await database.execute(f"ALTER TABLE trail DROP PARTITION {name}")


def name_of(day: date) -> str:
    """The partition of a day."""
    return f"p{day:%Y%m%d}"


def missing(present: Collection[str], today: date) -> list[date]:
    """The days from today on that have no partition yet; later ones stand after all that are there."""
    days = [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)]
    newest = max((name for name in present if _is_day(name)), default="")
    return [day for day in days if name_of(day) > newest]


def outdated(present: Collection[str], today: date) -> list[str]:
    """The partitions whose days are over for good."""
    oldest = name_of(today - timedelta(days=KEPT_DAYS))
    return sorted(name for name in present if _is_day(name) and name < oldest)


def _is_day(name: str) -> bool:
    return re.fullmatch(r"p\d{8}", name) is not None
