"""The first sync: whatever dies while it runs, everything is linked or created once, and both sides are equal."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

from tests.flows.conftest import backfilled
from tests.flows.running import CALM_S, Running, office, run_up, until

VICTIMS = ("crawler", "worker-sync", "worker-sink", "worker-source", "historian")


async def test_a_backfill_whose_processes_are_killed_creates_nothing_twice(tmp_path: Path) -> None:
    with run_up(tmp_path / "home", contacts=40) as running:
        kills = kill_in_turn(running)
        until(lambda: backfilled(running), CALM_S, "the backfills are done")
        assert kills == len(VICTIMS)
        for number in range(3):
            async with office(running, number) as ours:
                await ours.calm()
                for product in ("hubspot", "freshsales"):
                    records = await ours.admin.records(product, ours.tenant, "contacts")
                    emails = Counter(email for record in records if (email := email_of(record)))
                    assert [email for email, times in emails.items() if times > 1] == []


def kill_in_turn(running: Running) -> int:
    """Kill one process after the other while records are read, linked and created; how many were killed."""
    killed = 0
    for name in VICTIMS:
        (pid,) = running.ready["pids"][name]
        os.kill(pid, signal.SIGKILL)
        killed += 1
        until(lambda name=name, pid=pid: running.ready["pids"].get(name) not in (None, [pid]), 30, f"{name} is back")  # type: ignore[misc]
    return killed


def email_of(record: dict[str, object]) -> str:
    properties = record.get("properties", record)
    assert isinstance(properties, dict)
    return str(properties.get("email") or "").lower()
