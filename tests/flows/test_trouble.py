"""Things break while people work: nothing that was accepted is lost, and nothing is done twice."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from console import overview
from tests.flows.running import Office, now_ms, until


@pytest.mark.parametrize("process", ["worker-source", "worker-sync", "worker-sink", "webhooks", "crawler", "historian"])
async def test_a_killed_process_comes_back_and_every_edit_arrives(ours: Office, process: str) -> None:
    links = (await ours.links())[:8]
    before = ours.running.ready["pids"][process]
    value = f"through {process} {now_ms()}"
    for number, (_, hs) in enumerate(links):
        if number == len(links) // 2:
            os.kill(before[0], signal.SIGKILL)
        await ours.marketing.edit("contact", hs, {"jobtitle": value})
    for fs, _ in links:
        await ours.eventually(lambda fs=fs: ours.sales.look("contact", fs), lambda seen: seen["job_title"] == value)  # type: ignore[misc]
    until(lambda: ours.running.ready["pids"].get(process) not in (None, before), 30, "the ready file names the new one")
    await ours.calm()


async def test_the_poll_finds_what_no_webhook_told(ours: Office) -> None:
    fs, hs = (await ours.links())[7]
    await ours.admin.configure("hubspot", ours.tenant, webhook_drop=1.0)
    try:
        await ours.marketing.edit("contact", hs, {"jobtitle": "found by the poll"})
        await ours.eventually(
            lambda: ours.sales.look("contact", fs), lambda seen: seen["job_title"] == "found by the poll"
        )
    finally:
        await ours.admin.configure("hubspot", ours.tenant, webhook_drop=0.0)
    await ours.calm()


async def test_doubled_and_shuffled_webhooks_are_written_once(ours: Office) -> None:
    fs, hs = (await ours.links())[8]
    await ours.admin.configure("hubspot", ours.tenant, webhook_duplicate=1.0, webhook_jitter_ms=150)
    began = now_ms()
    try:
        await ours.marketing.edit("contact", hs, {"jobtitle": "once", "city": "Évora"})
        await ours.eventually(lambda: ours.sales.look("contact", fs), lambda seen: seen["city"] == "Évora")
        await ours.calm()
    finally:
        await ours.admin.configure("hubspot", ours.tenant, webhook_duplicate=0.0, webhook_jitter_ms=0)
    assert len([entry for entry in await ours.writes(began, "freshsales") if entry["path"].endswith(fs)]) == 1


async def test_a_create_whose_answer_was_lost_is_not_made_twice(ours: Office) -> None:
    email = f"lost.answer.{now_ms()}@flow.example"
    await ours.admin.fault("freshsales", kind="commit_then_reset", path="/contacts(/upsert)?$", method="POST", times=1)
    id = await ours.marketing.create("contact", {"email": email, "firstname": "Lost", "lastname": "Answer"})
    await ours.eventually(ours.links, lambda links: any(hs == id for _, hs in links))
    await ours.calm()
    records = await ours.admin.records("freshsales", ours.tenant, "contacts")
    assert len([record for record in records if email in str(record)]) == 1


async def test_a_revoked_key_pauses_the_connection_with_one_entry_and_loses_nothing(ours: Office) -> None:
    fs, hs = (await ours.links())[9]
    connection = f"{ours.tenant}-freshsales"
    await ours.admin.configure("freshsales", ours.tenant, revoked=True)
    for number in range(5):
        await ours.marketing.edit("contact", hs, {"jobtitle": f"while revoked {number}"})

    async def state() -> Any:
        return next(one for one in await overview.connections(ours.database, ours.tenant) if one["id"] == connection)

    broken = await ours.eventually(state, lambda one: one["state"] == "broken")
    assert "auth" in broken["reason"]

    async def told() -> int:
        return len([entry for entry in await ours.attention() if entry["category"] == "auth_revoked"])

    await ours.eventually(told, bool)
    await ours.admin.configure("freshsales", ours.tenant, revoked=False)
    ours.running.command("reconnect", ours.tenant, connection)
    await ours.eventually(lambda: ours.sales.look("contact", fs), lambda seen: seen["job_title"] == "while revoked 4")
    await ours.calm()
    await ours.eventually(told, lambda entries: entries == 0)
