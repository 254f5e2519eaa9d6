"""The short lane of the chaos test. Every mode, many times over: `make chaos`; the figures: docs/chaos.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.chaos.modes import MODES
from tests.faults.chaos.run import Plan, Role, run_chaos

TRIES = 6
"""For a race to be hit."""


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


@pytest.mark.long
@pytest.mark.parametrize("role", ["sync", "source"])
@pytest.mark.parametrize("mode", MODES)
async def test_no_fault_loses_or_disorders_anything(mode: str, role: Role, tmp_path: Path) -> None:
    result = await run_chaos(Plan(mode=mode, role=role), tmp_path)
    assert result.verdict.clean, result


@pytest.mark.long
@pytest.mark.parametrize(
    ("rule", "mode", "role"),
    [
        ("hold", "kill-one", "sync"),
        ("lease", "pause", "sync"),
        ("watermark", "kill-one", "source"),
    ],
)
async def test_without_a_rule_the_events_suffer(rule: str, mode: str, role: Role, tmp_path: Path) -> None:
    """What no run hits by chance is proved in tests/streams: test_app, test_outbox, test_sync."""
    for seed in range(TRIES):
        home = tmp_path / str(seed)
        home.mkdir()
        result = await run_chaos(Plan(mode=mode, role=role, seed=seed, without=(rule,)), home)
        if not result.verdict.clean:
            return
    pytest.fail(f"{TRIES} runs without {rule} were clean")
