"""The short lane of the chaos test. Every mode, many times over: `make chaos`; the figures: docs/chaos.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.chaos.run import Plan, run_chaos


@pytest.mark.timeout(300)
async def test_killed_workers_and_brokers_lose_and_disorder_nothing(tmp_path: Path) -> None:
    plan = Plan(mode="all", events=6_000, seed=14)
    result = await run_chaos(plan, tmp_path)
    assert result.verdict.events == plan.events
    assert result.verdict.clean, result
    assert -9 in result.exits, "the kill was not felt"


@pytest.mark.timeout(300)
async def test_a_stage_that_works_on_many_events_at_once_loses_and_disorders_nothing(tmp_path: Path) -> None:
    plan = Plan(mode="kill-one", role="source", events=5_000, seed=1)
    result = await run_chaos(plan, tmp_path)
    assert result.verdict.events == plan.events
    assert result.verdict.clean, result
    assert -9 in result.exits, "the kill was not felt"
